"""The frame of the commands: examples that parse, exit codes that mean something, a quick start."""

import shlex
import subprocess
import sys

import pytest

from mmrec import cli, commands_page
from mmrec.command_line import Exit
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
