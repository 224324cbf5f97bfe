"""The frame of the commands: examples that parse, exit codes that mean something, a quick start."""

import os
import shlex
import subprocess
import sys

import pytest

from mmrec import cli, commands_page
from mmrec.command_line import Exit, names
from mmrec.errors import StudyError

SLOW = ("pandas", "torch", "sklearn", "scipy", "pydantic", "yt_dlp")


def end(monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["mmrec", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code


@pytest.mark.parametrize("name", commands_page.subcommands())
def test_every_command_teaches_by_examples_that_parse(name):
    parser = commands_page.subcommands()[name]
    examples = parser.get_default("examples")
    assert examples, f"{name} has no example"
    for line in examples:
        assert f"\n  {line}\n" in parser.format_help()
        program, *arguments = shlex.split(line)
        assert (program, arguments[0]) == ("mmrec", name)
        assert cli.parser().parse_args(arguments).run is parser.get_default("run")


def test_the_page_of_the_book_is_that_of_the_commands():
    """If not, run ``python -m mmrec.commands_page``."""
    assert commands_page.TARGET.read_text(encoding="utf-8") == commands_page.text()


@pytest.mark.parametrize("name", commands_page.subcommands())
def test_the_page_has_every_option_example_and_code(name):
    page = commands_page.TARGET.read_text(encoding="utf-8")
    parser = commands_page.subcommands()[name]
    part = page.split(f"## mmrec {name}\n")[1].split("\n## ")[0]
    for action in parser._actions:
        for written in action.option_strings or [action.dest.upper()]:
            assert (f"`{written}" in part) is (action.dest != "help"), written
    assert all(example in part for example in parser.get_default("examples"))
    for code in Exit:
        assert f"| {code.value} | {code.meaning} |" in page


def test_a_problem_is_one_line_and_code_1(monkeypatch, capsys):
    def fail(options):
        raise StudyError("it is empty", where="a.csv", remedy="Fill it.")

    monkeypatch.setattr("mmrec.commands.doctor.diagnose", fail)
    assert end(monkeypatch, "doctor") == "a.csv: it is empty. Fill it."
    code = subprocess.run([sys.executable, "-c", "import sys; sys.exit('x')"], check=False)
    assert code.returncode == Exit.PROBLEM


def test_a_file_that_may_not_be_read_is_a_problem(monkeypatch):
    def fail(options):
        raise PermissionError(13, "Permission denied", "secret.csv")

    monkeypatch.setattr("mmrec.commands.doctor.diagnose", fail)
    assert end(monkeypatch, "doctor").startswith("secret.csv: cannot be used (Permission denied).")


def test_wrong_usage_is_code_2(monkeypatch, capsys):
    assert end(monkeypatch, "dance") == Exit.USAGE
    assert end(monkeypatch) == Exit.USAGE
    assert "usage: mmrec" in capsys.readouterr().err


def test_interruption_is_code_130(monkeypatch, capsys):
    def interrupt(options):
        raise KeyboardInterrupt

    monkeypatch.setattr("mmrec.commands.doctor.diagnose", interrupt)
    assert end(monkeypatch, "doctor") == Exit.INTERRUPTED
    assert "run the same command to go on" in capsys.readouterr().err


def test_help_imports_nothing_slow():
    code = (
        "import sys; from mmrec import cli; cli.parser().format_help();"
        f"print([name for name in {SLOW} if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "[]\n"


def test_nobody_who_reads_on_ends_a_command_quietly():
    """As with ``mmrec doctor | head -0``; the code is the command's own if its work was done."""
    code = (
        "import mmrec.commands.doctor as doctor; from mmrec import cli;"
        "doctor.diagnose = lambda _: print('x' * 10) or 0; cli.main()"
    )
    reads, writes = os.pipe()
    os.close(reads)
    for unbuffered, expected in (("", Exit.DONE), ("1", Exit.PROBLEM)):  # noticed late, or at once
        done = subprocess.run(
            [sys.executable, "-c", code, "doctor"],
            stdout=writes,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
            check=False,
        )
        assert (done.returncode, done.stderr) == (expected, b"")
    os.close(writes)


def test_names_of_an_option_are_parted_by_commas():
    assert names(None, "--x") is None
    assert names(" b, a,,b ", "--x") == ["b", "a"]
    for nothing in ("", " , "):
        with pytest.raises(StudyError, match="--x: no name in it"):
            names(nothing, "--x")
