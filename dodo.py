"""Runs the study: doit decides which notebooks are out of date, papermill executes those.

``make`` is the way in; by hand, ``python -m doit profile=quick study``.
"""

import ast
import csv
import ctypes
import fcntl
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from doit import Globals, get_var
from doit.exceptions import InvalidTask, TaskFailed
from doit.reporter import ZeroReporter

from mmrec import hardware
from mmrec.errors import LocalError, StudyError
from mmrec.settings import REFERENCE as PAPER
from mmrec.settings import Settings
from mmrec.workspace import PROJECT, Workspace, atomic_path

NOTEBOOKS = PROJECT / "notebooks"
BOOK = PROJECT / "book"
PROFILE = get_var("profile") or "quick"
REFERENCE = "reference"  # not a profile: the committed notebooks, as they are
WORKSPACE = Workspace.open(PROFILE)
EXECUTED = NOTEBOOKS if PROFILE == REFERENCE else WORKSPACE.root / "notebooks"
LOGS = WORKSPACE.root / "logs"
KNOWN = WORKSPACE.root / ".doit.json"  # what was finished, and from which state

# What a notebook reads of what earlier ones left, and what it leaves: in order of execution.
FEATURES = ["catalogue/*", "features/*"]
STAGES = {
    "01_dataset_enrichment": ([], ["catalogue/*.parquet"]),
    "02_text_embedding": (["catalogue/*"], ["features/text*.parquet"]),
    "03_video_embedding": (["catalogue/*"], ["features/video.parquet", "features/cuts.parquet"]),
    "04_audio_embedding": (["catalogue/*"], ["features/audio.parquet"]),
    "05_knowledge_graph": (
        ["catalogue/*"],
        [f"features/{name}.parquet" for name in ("meta*", "triples", "genres*", "facts*")],
    ),
    "06_siamese_training": (FEATURES, ["results/runs.parquet"]),
    "07_modality_ablation": (FEATURES, ["results/table1.csv"]),
    "08_rating_masking": (FEATURES, ["results/table2.csv"]),
    "09_rating_vectors": (FEATURES, ["results/rating_vectors.csv"]),
    "10_protocol_and_baselines": (FEATURES, ["results/protocol.csv"]),
    "11_cold_start": (FEATURES, ["results/cold_start.csv"]),
}
# Folders whose content decides what the first two floors can read.
SOURCE_FOLDERS = ["MMREC_MIRROR", "MMREC_TRAILERS"]
MARK = "MMREC_RUN"  # environment variable of the processes that a run starts
KILLED_WITH_PARENT = 1  # PR_SET_PDEATHSIG


# --- what a notebook depends on ---------------------------------------------------------------


def digest(value: object) -> str:
    """Hash of anything JSON can hold."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


@cache
def _content(path: Path, size: int, mtime_ns: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def contents(paths: Iterable[Path], root: Path) -> dict[str, str]:
    """Hash of each file, by its path under ``root``."""
    found = [(path, path.stat()) for path in sorted(paths) if path.is_file()]
    return {
        str(path.relative_to(root)): _content(path, stat.st_size, stat.st_mtime_ns)
        for path, stat in found
    }


def left(patterns: list[str]) -> list[Path]:
    """The files in the workspace that match."""
    return [path for pattern in patterns for path in WORKSPACE.root.glob(pattern)]


def code_cells(notebook: Path) -> list[str]:
    """Sources of the code cells, the parameters cell included."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]


def parameters(profile: str) -> dict[str, str]:
    """What papermill passes to a notebook; the notebooks' own default is the reference."""
    return {} if profile == PAPER else {"profile": profile}


def settings_used(cells: Iterable[str], settings: Settings) -> dict[str, object]:
    """The settings that code reads, as ``run.epochs`` and the like, with their values."""
    read = {name for cell in cells for name in re.findall(r"\brun\.(\w+)", cell)}
    return {name: value for name, value in settings.model_dump().items() if name in read}


def imports(source: str) -> set[Path]:
    """Files of the package that a piece of code imports, at its top or inside a function."""
    lines = ["" if line.lstrip().startswith(("%", "!")) else line for line in source.splitlines()]
    try:
        tree = ast.parse("\n".join(lines))
    except SyntaxError:  # running it will say so
        return set()
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    files = set()
    for name in names:
        parts = name.split(".")
        if parts[0] != "mmrec":
            continue
        for depth in range(1, len(parts) + 1):
            path = PROJECT.joinpath(*parts[:depth])
            files |= {f for f in (path.with_suffix(".py"), path / "__init__.py") if f.exists()}
    return files


def modules_behind(sources: Iterable[str]) -> set[Path]:
    """Files of the package that some code needs, directly or through other modules."""
    known, waiting = set(), set().union(*map(imports, sources))
    while waiting:
        file = waiting.pop()
        known.add(file)
        waiting |= _imports_of(file) - known
    return known


@cache
def _imports_of(file: Path) -> frozenset[Path]:
    return frozenset(imports(file.read_text(encoding="utf-8")))


@cache
def source_folders() -> dict[str, str]:
    """What lies in the mirror and in the trailers folder, if they are set: names and sizes."""
    found = {}
    for variable in SOURCE_FOLDERS:
        if root := os.environ.get(variable):
            files = (path for path in Path(root).rglob("*") if path.is_file())
            found[variable] = digest(sorted([str(f), f.stat().st_size] for f in files))
    return found


def state(name: str) -> str:
    """Hash of all that an execution of a notebook depends on."""
    reads, _ = STAGES[name]
    notebook = NOTEBOOKS / f"{name}.ipynb"
    cells = code_cells(notebook)
    modules = modules_behind(cells)
    data = (PROJECT / "mmrec" / "open_data").glob("*.csv")
    return digest(
        {
            "cells": cells,
            "settings": settings_used(cells, Settings.load(PROFILE)),
            "modules": contents(modules, PROJECT),
            "left": contents(left(reads), WORKSPACE.root),
            "sources": None if reads == FEATURES else [source_folders(), contents(data, PROJECT)],
        }
    )


# --- tasks ------------------------------------------------------------------------------------


def task_notebook():
    """Executes the notebooks, one after the other."""
    previous = []
    for name, (_, leaves) in STAGES.items() if PROFILE != REFERENCE else ():
        if not (NOTEBOOKS / f"{name}.ipynb").exists():
            continue

        def unchanged(task, values, name=name, leaves=leaves):
            now = state(name)
            task.value_savers.append(lambda: {"state": now, "left": _relative(left(leaves))})
            there = all((WORKSPACE.root / path).exists() for path in values.get("left", []))
            return values.get("state") == now and there

        yield {
            "name": name,
            "actions": [(execute, [name])],
            "uptodate": [unchanged],
            "targets": [EXECUTED / f"{name}.ipynb"],
            "task_dep": previous,
        }
        previous = [f"notebook:{name}"]


def task_book():
    """Builds the book of the run (or, as profile=reference, of the committed notebooks)."""

    def unchanged(task, values):
        notebooks = [EXECUTED / f"{name}.ipynb" for name in STAGES]
        files = [*BOOK.rglob("*"), *notebooks, *left(["results/*.csv"])]
        now = digest({str(path): hash_ for path, hash_ in contents(files, Path("/")).items()})
        task.value_savers.append(lambda: {"state": now})
        return values.get("state") == now

    return {
        "actions": [build_book],
        "uptodate": [unchanged],
        "targets": [WORKSPACE.root / "book" / "index.html"],
        "task_dep": ["notebook"],
    }


def task_study():
    """Runs the notebooks, builds the book, and shows Table I."""
    return {"actions": [show_results], "task_dep": ["notebook", "book"], "verbosity": 2}


def task_reference():
    """Makes the executed notebooks and their summaries the committed ones."""
    return {"actions": [commit_reference], "task_dep": ["notebook"], "verbosity": 2}


def _relative(paths: Iterable[Path]) -> list[str]:
    return sorted(str(path.relative_to(WORKSPACE.root)) for path in paths)


# --- actions ----------------------------------------------------------------------------------


def execute(name: str) -> TaskFailed | None:
    """Executes one notebook beside its final place, then moves it there."""
    notebook, log = NOTEBOOKS / f"{name}.ipynb", LOGS / f"{name}.log"
    part = EXECUTED / f"{name}.part.ipynb"
    command = [sys.executable, "-m", "papermill", "-k", "python3", "--no-progress-bar"]
    command += ["--log-output", str(notebook), str(part)]
    if passed := parameters(PROFILE):
        command += ["-y", json.dumps(passed)]
    EXECUTED.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    code, peak = run(command, log)
    if code:
        return TaskFailed(f"{failure(code, part, log)}\nNotebook: {shown(part)}\nLog: {shown(log)}")
    os.replace(part, EXECUTED / notebook.name)
    record(name, time.monotonic() - start, peak)
    return None


def run(command: list[str], log: Path) -> tuple[int, float]:
    """Runs a command, its output in a log file.

    Returns:
        The exit code, and the peak resident memory of all its processes together, in MB.
    """
    import psutil

    log.parent.mkdir(parents=True, exist_ok=True)
    peak = 0
    with log.open("wb") as output:
        process = psutil.Popen(
            command,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=PROJECT,
            env=_environment(),
            preexec_fn=_end_with_us,
        )
        try:
            while True:
                try:
                    return process.wait(timeout=0.5), peak / 1e6
                except psutil.TimeoutExpired:
                    peak = max(peak, sum(_resident(p) for p in _family(process)))
        except KeyboardInterrupt:
            family = _family(process)
            for member in family:
                _signal(member, signal.SIGTERM)
            for member in psutil.wait_procs(family, timeout=5)[1]:
                _signal(member, signal.SIGKILL)
            return -signal.SIGINT, peak / 1e6


def _environment() -> dict[str, str]:
    """Ours, with a mark to know our processes by, and where progress bars go.

    A notebook's own stderr is part of the notebook, so bars are drawn on the terminal itself.
    """
    from mmrec.progress import TERMINAL

    terminal = {TERMINAL: os.ttyname(2)} if os.isatty(2) else {}
    return {**os.environ, **terminal, MARK: str(WORKSPACE.root)}


def _end_what_a_killed_run_left() -> None:
    """Ends workers that a kill of their parents left training in this workspace."""
    import psutil

    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == str(WORKSPACE.root):
                process.kill()
        except psutil.Error:  # gone meanwhile, or another user's
            continue


def _end_with_us() -> None:
    """Linux: a killed study leaves no notebook running that would write beside the next one."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(KILLED_WITH_PARENT, signal.SIGTERM)


def _family(process) -> list:
    import psutil

    try:
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _resident(process) -> int:
    import psutil

    try:
        return process.memory_info().rss
    except psutil.Error:
        return 0


def _signal(process, number: int) -> None:
    import psutil

    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return


def failure(code: int, part: Path, log: Path) -> str:
    """One line on why a notebook stopped: a StudyError's message, or the name of the surprise."""
    if code == -signal.SIGINT:
        return "Interrupted: the same command continues where it stopped."
    if code < 0:
        return f"Ended from outside ({signal.Signals(-code).name}); out of memory, perhaps."
    try:
        cells = json.loads(part.read_text(encoding="utf-8"))["cells"]
    except (OSError, ValueError):  # nothing was written
        cells = []
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    errors = [output for output in outputs if output["output_type"] == "error"]
    if not errors:  # no cell's doing: the kernel died, or could not start
        lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
        return next((line for line in reversed(lines) if line.strip()), f"exit code {code}")
    message = (errors[0]["evalue"].strip().splitlines() or [""])[0]
    known = {StudyError.__name__, LocalError.__name__}
    return message if errors[0]["ename"] in known else f"{errors[0]['ename']}: {message}"


def record(name: str, seconds: float, peak_mb: float) -> None:
    """Adds a stage to ``results/run.json``, with the machine and the sources served."""
    path = WORKSPACE.results / "run.json"
    known = _read_record(path)
    sources = WORKSPACE.catalogue / "sources.json"
    stage = {"seconds": round(seconds, 1), "peak_memory_mb": round(peak_mb)}
    content = {
        "profile": PROFILE,
        "machine": hardware.describe(),
        "versions": hardware.versions(),
        "sources": json.loads(sources.read_text(encoding="utf-8")) if sources.exists() else {},
        "stages": dict(sorted({**known.get("stages", {}), name: stage}.items())),
    }
    with atomic_path(path) as file:
        file.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _read_record(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def build_book() -> TaskFailed | None:
    """Stages pages, executed notebooks and result tables in one folder, and builds them there."""
    staged, log, book = WORKSPACE.root / "book-src", LOGS / "book.log", WORKSPACE.root / "book"
    shutil.rmtree(staged, ignore_errors=True)
    shutil.copytree(BOOK, staged)
    (staged / "notebooks").mkdir()
    for name in STAGES:
        if (EXECUTED / f"{name}.ipynb").exists():
            shutil.copy(EXECUTED / f"{name}.ipynb", staged / "notebooks")
    (staged / "results").mkdir(exist_ok=True)
    for table in left(["results/*.csv"]):
        shutil.copy(table, staged / "results")
    results = BOOK / "results" if PROFILE == REFERENCE else WORKSPACE.results
    page = hardware.page(_read_record(results / "run.json"))
    (staged / "this_run.md").write_text(page, encoding="utf-8")
    command = [str(Path(sys.executable).with_name("jupyter-book")), "build", str(staged)]
    start = time.monotonic()
    code, peak = run([*command, "-W", "-n", "--keep-going"], log)
    if code:
        text = re.sub(r"\x1b\[[0-9;]*m", "", log.read_text(encoding="utf-8", errors="replace"))
        told = [line for line in text.splitlines() if re.search(r"WARNING|ERROR|Error:", line)][:5]
        return TaskFailed("\n".join([*told, f"Log: {shown(log)}"]))
    old = staged / "old"
    if book.exists():
        os.replace(book, old)
    os.replace(staged / "_build" / "html", book)
    shutil.rmtree(staged, ignore_errors=True)
    if PROFILE != REFERENCE:
        record("book", time.monotonic() - start, peak)
    return None


def show_results() -> None:
    """Prints Table I and where the book is."""
    table = WORKSPACE.results / "table1.csv"
    if table.exists():
        with table.open(encoding="utf-8", newline="") as file:
            print(as_text(list(csv.DictReader(file))))
    print(f"\nThe book: {WORKSPACE.root / 'book' / 'index.html'}")


def as_text(rows: list[dict[str, str]]) -> str:
    """Table I for the terminal, under a caption that names the sources it rests on."""
    columns = {
        "": ("row",),
        "features": ("features",),
        "protocol": ("protocol",),
        "RMSE": ("rmse_mean", "rmse_sd"),
        "precision": ("precision_mean",),
        "recall": ("recall_mean",),
        "coverage": ("coverage",),
        "paper's RMSE": ("paper_rmse",),
    }
    lines = [list(columns)]
    for row in rows:
        cells = [[_rounded(row.get(name)) for name in names] for names in columns.values()]
        lines.append([" ± ".join(cell for cell in parts if cell) for parts in cells])
    used = [i for i in range(len(columns)) if any(line[i] for line in lines[1:])]
    widths = {i: max(len(line[i]) for line in lines) for i in used}
    lines.insert(1, ["-" * widths.get(i, 0) for i in range(len(columns))])
    text = ["   ".join(line[i].ljust(widths[i]) for i in used).rstrip() for line in lines]
    cited = [row["sources"].split(" | ") for row in rows if row.get("sources")]
    sources = dict.fromkeys(source for each in cited for source in each)
    caption = f"Table I, profile {PROFILE}, fold {', '.join(sorted({r['fold'] for r in rows}))}"
    return "\n".join(["", caption, *(f"  {source}" for source in sources), "", *text])


def _rounded(cell: str | None) -> str:
    try:
        return f"{float(cell or ''):.3f}"
    except ValueError:
        return cell or ""


def commit_reference() -> None:
    """Takes over outputs, without what differs from run to run, and summaries, to be committed.

    Prose stays as it stands in the project: editing it does not run a notebook again.
    """
    for name in STAGES:
        path = NOTEBOOKS / f"{name}.ipynb"
        executed, content = (
            json.loads(file.read_text(encoding="utf-8"))
            for file in (EXECUTED / f"{name}.ipynb", path)
        )
        run = {cell["id"]: cell for cell in executed["cells"] if "outputs" in cell}
        for cell in content["cells"]:
            if "outputs" in cell:
                done = run[cell["id"]]
                # Progress bars and warnings are left out.
                cell["outputs"] = [o for o in done["outputs"] if o.get("name") != "stderr"]
                cell["execution_count"] = done["execution_count"]
        text = json.dumps(content, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
        with atomic_path(path) as file:
            file.write_text(text, encoding="utf-8")
    (BOOK / "results").mkdir(exist_ok=True)
    for file in left(["results/*.csv", "results/run.json"]):
        shutil.copy(file, BOOK / "results")
    print("Copied to notebooks/ and book/results/: look at the difference, then commit.")


def shown(path: Path) -> Path:
    """A path as short as it can be told."""
    return path.relative_to(PROJECT) if path.is_relative_to(PROJECT) else path


# --- what is said -----------------------------------------------------------------------------


class OneLineEach(ZeroReporter):
    """One line per task with its time; what is up to date is said to be kept."""

    desc = "one line per task"

    def initialize(self, tasks, selected_tasks):
        """Makes sure that no other run writes to the same workspace."""
        self.lock = (WORKSPACE.root / ".lock").open("w")
        try:
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InvalidTask(f"Another run is at work in {shown(WORKSPACE.root)}.") from None
        _end_what_a_killed_run_left()

    def execute_task(self, task):
        """Names the task at work."""
        self.start = time.monotonic()
        if self._timed(task):
            self._say(task, "")

    def add_success(self, task):
        """Adds its time, and makes the finished work known to a run that follows a crash."""
        if self._timed(task):
            if os.isatty(2):  # a progress bar may have taken the line
                self.write("\r")
                self._say(task, "")
            self.write(f"{time.monotonic() - self.start:7.0f} s\n")
        Globals.dep_manager.backend.dump()

    def skip_uptodate(self, task):
        """Says that there is nothing to do."""
        if task.actions:
            self._say(task, "   kept\n")

    def add_failure(self, task, fail):
        """Says why, in as few lines as it takes."""
        self.write(f"  stopped\n\n{fail.get_msg()}\n")

    def runtime_error(self, msg):
        """Says what kept the run from starting."""
        self.write(f"{msg}\n")

    def _timed(self, task):
        return task.actions and task.name not in ("study", "reference")

    def _say(self, task, what):
        self.write(f"  {task.name.removeprefix('notebook:'):<28}{what}")
        self.outstream.flush()


def _whole(known: Path) -> bool:
    """Whether the record of finished work can be read; a kill may have cut it off."""
    try:
        return isinstance(json.loads(known.read_text(encoding="utf-8")), dict)
    except (OSError, ValueError):
        return False


if not _whole(KNOWN):
    KNOWN.unlink(missing_ok=True)
try:
    if PROFILE != REFERENCE:
        Settings.load(PROFILE)
except (StudyError, LocalError) as error:
    sys.exit(str(error))

WORKSPACE.root.mkdir(parents=True, exist_ok=True)
DOIT_CONFIG = {
    "default_tasks": ["study"],
    "backend": "json",
    "dep_file": str(KNOWN),
    "reporter": OneLineEach,
    "verbosity": 2,
}
