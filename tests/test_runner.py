"""What makes a stage run again, what is said when it stops, and what outlives a run: nothing."""

import ast
import io
import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from types import SimpleNamespace

import psutil
import pytest
from doit.cmd_base import ModuleTaskLoader
from doit.doit_cmd import DoitMain
from hypothesis import given, settings
from hypothesis import strategies as st

from mmrec.errors import LocalError, StudyError
from mmrec.settings import Settings
from mmrec.study import cells, execution, extent, staleness, summary, supervision
from mmrec.study.reporter import OneLineEach, told
from mmrec.study.stages import STAGES, Run
from mmrec.study.supervision import Stopped
from mmrec.workspace import PROJECT, Workspace

FIRST, LAST = STAGES[0], STAGES[8]


def write(folder, stage, code="from mmrec.errors import StudyError", prose="# Title"):
    notebook = {
        "cells": [
            {"cell_type": "markdown", "id": "title", "metadata": {}, "source": prose},
            {"cell_type": "code", "id": "code", "metadata": {}, "source": code, "outputs": []},
        ],
        "metadata": {"kernelspec": {"name": "python3", "language": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    (folder / f"{stage.name}.ipynb").write_text(json.dumps(notebook))


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run of a study of two notebooks in a workspace of its own."""
    for variable in staleness.SOURCE_FOLDERS:
        monkeypatch.delenv(variable, raising=False)
    sources = tmp_path / "sources"
    sources.mkdir()
    for stage in (FIRST, LAST):
        write(sources, stage)
    return Run("smoke", Workspace(tmp_path / "run", tmp_path / "cache"), sources=sources)


def states(run):
    return staleness.fingerprint(run, FIRST), staleness.fingerprint(run, LAST)


# --- what runs a stage again --------------------------------------------------------------------


def test_prose_comments_and_outputs_run_nothing_again(run):
    before = states(run)
    code = "# what can go wrong\n\nfrom mmrec.errors import StudyError  # the error\n"
    write(run.sources, FIRST, code=code, prose="# Another title")
    assert states(run) == before


@pytest.mark.parametrize("code", ["import mmrec.errors\n1", "import mmrec.errors\n'#'"])
def test_code_runs_it_again(run, code):
    before = states(run)
    write(run.sources, FIRST, code=code)
    assert states(run)[0] != before[0]
    assert states(run)[1] == before[1]


@pytest.mark.parametrize(
    ("code", "kept"),
    [
        ("a = 1  # one\n\n# two\nb = '# three'  ", "a = 1\nb = '# three'"),
        ("broken (", "broken ("),
        ("", ""),
    ],
)
def test_comments_are_left_out_of_code(code, kept):
    assert cells.without_comments(code) == kept


LINES = st.sampled_from(
    ["a = 1", "b = '# no'", "if a:\n    b = 2  # x", 'c = """\n# text\n\n"""', "", "# d", "f(  \n)"]
)


@settings(deadline=None, derandomize=True, max_examples=50)
@given(lines=st.lists(LINES, max_size=6))
def test_code_without_comments_is_the_same_code(lines):
    source = "\n".join(lines)
    kept = cells.without_comments(source)
    assert ast.dump(ast.parse(kept)) == ast.dump(ast.parse(source))
    assert cells.without_comments(kept) == kept
    assert "# x" not in kept
    assert "# d" not in kept


def test_a_notebook_depends_on_the_settings_it_reads_and_no_others(run):
    quick = Settings.load("quick")
    used = staleness.settings_read(["Settings.load(profile)", "f(run.epochs, run.seeds[0])"], quick)
    assert used == {"seeds": quick.seeds, "epochs": quick.epochs}


def test_what_earlier_notebooks_left_runs_the_later_ones_again(run):
    before = states(run)
    features = run.workspace.features
    features.mkdir(parents=True)
    (features / "text.parquet").write_text("vectors")
    first, last = states(run)
    assert (first, last != before[1]) == (before[0], True)
    (features / "text.parquet").write_text("others!")
    assert states(run)[1] != last
    (features / "text.parquet").write_text("vectors")
    assert states(run)[1] == last
    (features / ".text.part.parquet").write_text("half")
    assert states(run)[1] == last


@pytest.mark.parametrize("variable", staleness.SOURCE_FOLDERS)
def test_a_source_folder_runs_the_first_floors_again(run, monkeypatch, variable):
    before = states(run)
    folder = run.sources / "given"
    folder.mkdir()
    monkeypatch.setenv(variable, str(folder))
    empty = states(run)
    (folder / "1.mp4").write_text("film")
    filled = states(run)
    os.utime(folder / "1.mp4", ns=(0, 0))
    (folder / "1.mp4").write_text("mlif")
    replaced = states(run)
    (folder / ".DS_Store").write_text("")
    assert states(run) == replaced
    assert len({before[0], empty[0], filled[0], replaced[0]}) == 4, "one of the same size, too"
    assert before[1] == empty[1] == filled[1] == replaced[1]


# --- what a stage left --------------------------------------------------------------------------


@pytest.fixture
def finished(run):
    """A run whose first stage is finished and left one table, and a function that asks for it."""
    before = staleness.snapshot(run)
    table = run.workspace.results / "table.csv"
    table.parent.mkdir(parents=True)
    table.write_text("a,b")
    (run.workspace.results / "run.json").write_text("{}")
    left = staleness.written(before, staleness.snapshot(run))
    assert left == [table]
    staleness.remember(run, FIRST.name, state="now", left=left)
    return partial(staleness.is_current, run, FIRST.name, lambda: "now"), table, run


def test_a_finished_stage_is_current_until_its_state_changes(finished):
    current, _, run = finished
    assert current()
    assert not staleness.is_current(run, FIRST.name, lambda: "then")
    staleness.forget(run, FIRST.name)
    assert not current()


@pytest.mark.parametrize("damage", ["delete", "empty", "replace"])
def test_a_damaged_table_is_renewed(finished, damage):
    current, table, _ = finished
    {
        "delete": table.unlink,
        "empty": lambda: table.write_text(""),
        "replace": lambda: table.write_text("a,c"),
    }[damage]()
    assert not current()


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"state": 1, "left": {}}', '{"state": "now"}']
)
def test_a_damaged_record_of_a_stage_is_dropped(finished, text):
    current, _, run = finished
    record = run.workspace.root / "stages" / f"{FIRST.name}.json"
    record.write_text(text)
    assert not current()
    assert not record.exists()


def test_a_state_that_cannot_be_told_is_left_to_the_execution(finished):
    _, _, run = finished
    (run.sources / f"{FIRST.name}.ipynb").write_text("{")
    state = partial(staleness.fingerprint, run, FIRST)
    assert not staleness.is_current(run, FIRST.name, state)
    failed = told(execution.execute)(run, FIRST)
    assert "cannot be read as a notebook" in failed.get_msg()


def test_an_execution_leaves_notebook_record_and_state(run):
    run.workspace.catalogue.mkdir(parents=True)
    path = run.workspace.results / "table.csv"
    code = f"from pathlib import Path\np = Path({str(path)!r})\np.parent.mkdir(exist_ok=True)\n"
    write(run.sources, LAST, code=code + "p.write_text('a')")
    execution.execute(run, LAST)
    state = partial(staleness.fingerprint, run, LAST)
    assert staleness.is_current(run, LAST.name, state)
    (run.executed / f"{LAST.name}.ipynb").write_text("")
    assert not staleness.is_current(run, LAST.name, state)


# --- what is said when a stage stops --------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "error", "said"),
    [
        (
            1,
            {"ename": "StudyError", "evalue": "x.csv: bad line. Mend it.\nmore"},
            "x.csv: bad line. Mend it.",
        ),
        (1, {"ename": "LocalError", "evalue": "x: the disk is full."}, "x: the disk is full."),
        (1, {"ename": "KeyError", "evalue": "'x'"}, "KeyError: 'x'"),
        (1, {"ename": "KeyError", "evalue": ""}, "KeyError: "),
        (1, None, "DeadKernelError: Kernel died"),
    ],
)
def test_a_stop_is_told_in_one_line(tmp_path, code, error, said):
    outputs = [{"output_type": "error", **error}] if error else []
    part, log = tmp_path / "x.part.ipynb", tmp_path / "x.log"
    part.write_text(json.dumps({"cells": [{"outputs": outputs}]}))
    log.write_text("Traceback\nDeadKernelError: Kernel died\n\n")
    assert execution.failure(code, part, log) == said


@pytest.mark.parametrize("content", ["", "{", "[]", '{"cells": [{"outputs": [{}]}]}'])
def test_a_half_written_notebook_hides_no_reason(tmp_path, content):
    part, log = tmp_path / "x.part.ipynb", tmp_path / "x.log"
    part.write_text(content)
    log.write_text("jupyter_client.kernelspec.NoSuchKernel: No such kernel named python3\n")
    assert execution.failure(1, part, log).endswith("No such kernel named python3")


@pytest.mark.parametrize("full", ["in the log", "on the disk"])
def test_papermills_full_disk_is_not_told_as_a_line_of_code(tmp_path, monkeypatch, full):
    part, log = tmp_path / "x.part.ipynb", tmp_path / "x.log"
    log.write_text('  File "execute.py", line 131\n    nb = write_ipynb(nb, output_path)\n')
    if full == "in the log":
        log.write_text("OSError: [Errno 28] No space left on device\n    at = last\n")
    else:
        monkeypatch.setattr(execution.shutil, "disk_usage", lambda _: SimpleNamespace(free=0))
    assert execution.failure(1, part, log).startswith("The disk is full. Free some space")


def test_a_stop_without_any_name_still_says_so(tmp_path):
    log = tmp_path / "x.log"
    log.write_text("    nb = write_ipynb(nb)\n")
    assert execution.failure(3, tmp_path / "none", log) == "papermill ended with exit code 3"


@pytest.mark.parametrize("error", [StudyError, LocalError, Stopped])
def test_expected_errors_are_told_without_a_traceback(error):
    def action():
        raise error("no", where="x", remedy="Do.") if error is not Stopped else Stopped("no")

    assert "Traceback" not in told(action)().get_msg()
    assert told(lambda: None)() is None


# --- what outlives a run --------------------------------------------------------------------------

CHILD = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
# A run that starts a command which starts a worker in a session of its own, as kernels do.
WORKER = f"""
import subprocess, sys
subprocess.Popen([sys.executable, "-c", {CHILD!r}], start_new_session=True).wait()
"""
PARENT = """
import sys
from pathlib import Path
from mmrec.study import supervision
root = Path(sys.argv[1])
supervision.claim(root)
print("claimed", flush=True)
try:
    supervision.run([sys.executable, "-c", sys.argv[2]], root / "log", root)
except supervision.Stopped as error:
    print(error, flush=True)
"""


def wait_for(condition, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.05)
    raise AssertionError("waited in vain")


def start(root):
    # Where the tests run in the background, an interrupt would be ignored.
    heeded = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    command = [sys.executable, "-c", heeded + PARENT, str(root), WORKER]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=PROJECT)
    assert parent.stdout.readline() == "claimed\n"
    log = root / "log"
    worker = wait_for(lambda: log.exists() and log.read_text().strip())
    return parent, psutil.Process(int(worker))


def gone(process):
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_workers_of_a_killed_run_are_ended(tmp_path, number):
    parent, worker = start(tmp_path)
    parent.send_signal(number)
    parent.wait()
    wait_for(lambda: gone(worker))


def test_workers_of_a_killed_command_are_ended(tmp_path):
    parent, worker = start(tmp_path)
    [command] = [
        p for p in psutil.Process(parent.pid).children() if "guard" not in str(p.cmdline())
    ]
    command.kill()
    wait_for(lambda: gone(worker))
    said = parent.communicate(timeout=20)[0]
    assert said.startswith("Ended from outside (SIGKILL); out of memory, perhaps.\nLog: ")


def test_an_interrupted_command_is_told_as_one(tmp_path):
    parent, worker = start(tmp_path)
    parent.send_signal(signal.SIGINT)
    said = parent.communicate(timeout=20)[0]
    assert said.startswith("Interrupted: the same command continues where it stopped.\nLog: ")
    assert gone(worker)


POOL = """
import os, sys, time
from pathlib import Path
import joblib
from mmrec.study import supervision
def work(seconds):
    os.write(1, f"{os.getpid()}\\n".encode())  # in one piece, beside the other worker's
    time.sleep(seconds)
supervision.guard_children(Path(sys.argv[1]))
joblib.Parallel(n_jobs=2)(joblib.delayed(work)(60) for _ in range(2))
"""


def test_workers_of_a_killed_pool_are_ended(tmp_path):
    """As `mmrec enrich` starts them to embed what it found."""
    script = tmp_path / "pool.py"
    script.write_text(POOL)
    env = {**os.environ, "PYTHONPATH": str(PROJECT)}
    parent = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path)], stdout=subprocess.PIPE, text=True, env=env
    )
    worker = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.wait()
    wait_for(lambda: gone(worker))


def test_one_run_at_a_time_and_others_are_left_alone(tmp_path):
    parent, worker = start(tmp_path / "one")
    with pytest.raises(StudyError, match="another run is at work here"):
        supervision.claim(tmp_path / "one")
    supervision.end_marked(tmp_path / "two")
    assert worker.is_running()
    parent.kill()
    parent.wait()
    wait_for(lambda: gone(worker))


def test_a_terminal_that_cannot_be_seen_is_none(monkeypatch):
    monkeypatch.setattr(supervision.os, "ttyname", lambda _: (_ for _ in ()).throw(OSError(2, "")))
    assert supervision._terminal() == {}


def test_importing_the_tasks_makes_no_folder_and_checks_nothing(tmp_path):
    env = {**os.environ, "MMREC_BUILD": str(tmp_path / "build")}
    done = subprocess.run(
        [sys.executable, "-c", "import dodo"], cwd=PROJECT, env=env, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert list(tmp_path.iterdir()) == []
    assert len((PROJECT / "dodo.py").read_text(encoding="utf-8").splitlines()) < 130


def test_a_wrong_profile_is_told_in_one_line(tmp_path):
    env = {**os.environ, "MMREC_BUILD": str(tmp_path / "build")}
    command = [sys.executable, "-m", "doit", f"profile=x; touch {tmp_path}/hacked", "study"]
    done = subprocess.run(command, cwd=PROJECT, env=env, capture_output=True, text=True)
    assert done.returncode != 0
    [line] = (done.stdout + done.stderr).strip().splitlines()
    assert "no profile" in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("task", ["study", "model", "try_it", "map"])
def test_the_committed_notebooks_are_not_run(tmp_path, task):
    env = {**os.environ, "MMREC_BUILD": str(tmp_path / "build")}
    command = [sys.executable, "-m", "doit", "profile=reference", task]
    done = subprocess.run(command, cwd=PROJECT, env=env, capture_output=True, text=True)
    assert done.returncode != 0
    [line] = (done.stdout + done.stderr).strip().splitlines()
    assert line.startswith("profile=reference: the committed notebooks are the reference run")
    assert "PROFILE=paper" in line
    assert list(tmp_path.iterdir()) == [], "nothing was started"


# --- what a run ends with -------------------------------------------------------------------------


def test_table_one_is_shown_with_its_sources_and_where_the_book_is(tmp_path, capsys, monkeypatch):
    run = Run("reference", Workspace(tmp_path, tmp_path / "cache"))
    summary.show(run)
    said = capsys.readouterr().out
    assert "Table I, profile reference. Protocols: clean and as published. Fold u1." in said
    assert "open synopses" in said
    assert "0.936" in said
    assert said.strip().endswith(str(run.pages / "index.html"))
    monkeypatch.setattr(summary, "table_one", lambda run: "made again")
    summary.show(run)
    assert capsys.readouterr().out == said, "what formats it is not even imported"
    (tmp_path / "table1.txt").write_text("")
    summary.show(run)
    assert capsys.readouterr().out.startswith("made again")


def test_table_one_states_the_part_of_the_data(tmp_path):
    run = Run("smoke", Workspace(tmp_path, tmp_path / "cache"))
    run.results.mkdir(parents=True)
    committed = Run("reference", run.workspace).results / "table1.csv"
    (run.results / "table1.csv").write_bytes(committed.read_bytes())
    told = f"Table I, profile smoke, {extent.covered(run)}. Protocols"
    assert told in summary.table_one(run)


# --- what is said on the terminal ---


def say(tasks: dict, command: str = "run") -> tuple[int, str]:
    """What doit prints of some tasks, and its exit code."""
    out = io.StringIO()
    config = {"backend": "sqlite3", "dep_file": ":memory:", "reporter": OneLineEach, "outfile": out}
    names = {f"task_{name}": lambda task=task: task for name, task in tasks.items()}
    code = DoitMain(ModuleTaskLoader({"DOIT_CONFIG": config, **names})).run([command])
    return code, out.getvalue()


def test_a_stage_gets_one_line(tmp_path):
    def fail():
        raise Stopped("It broke.\nLog: x.log")

    code, said = say(
        {
            "workspace": {"actions": [told(lambda: None)]},
            "first": {"actions": [told(lambda: None)], "task_dep": ["workspace"]},
            "second": {"actions": [told(fail)], "uptodate": [True], "task_dep": ["first"]},
            "third": {"actions": [told(fail)], "task_dep": ["second"]},
        }
    )
    first, second, third, *rest = said.splitlines()
    assert code == 1
    assert (first.split(), second.split()) == (["first", "0", "s"], ["second", "kept"])
    assert third.split() == ["third", "stopped"]
    assert rest == ["", "It broke.", "Log: x.log"]


def test_a_claim_that_fails_is_told_by_its_message_alone():
    def taken():
        raise StudyError("another run is at work here", where="build/quick", remedy="Wait for it.")

    code, said = say({"workspace": {"actions": [told(taken)]}})
    assert code == 1
    assert said.strip() == "build/quick: another run is at work here. Wait for it."
