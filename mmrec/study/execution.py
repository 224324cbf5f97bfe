"""One notebook, executed by papermill."""

import json
import os
import re
import shutil
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from mmrec.errors import local_failures
from mmrec.study import supervision
from mmrec.study.cells import cells_digest, code_cells, read_notebook
from mmrec.study.record import StageRecord, add
from mmrec.study.stages import Run, Stage, short
from mmrec.study.staleness import (
    fingerprint,
    forget,
    package_digest,
    remember,
    snapshot,
    written,
)
from mmrec.study.supervision import Stopped

_FULL = 1_000_000  # bytes left on a disk that is as good as full


def execute(run: Run, stage: Stage) -> None:
    """Executes a notebook beside its final place, then moves it there.

    Raises:
        Stopped: If it did not finish.
        LocalError: If the disk is full or may not be written.
    """
    notebook, log = run.sources / f"{stage.name}.ipynb", run.logs / f"{stage.name}.log"
    part = run.executed / f"{stage.name}.part.ipynb"
    command = [sys.executable, "-m", "mmrec.study.papermill", "-k", "python3", "--no-progress-bar"]
    command += ["--log-output", str(notebook), str(part)]
    for name, value in run.parameters.items():
        command += ["-r", name, value]
    with local_failures(run.executed):
        run.executed.mkdir(parents=True, exist_ok=True)
        part.unlink(missing_ok=True)
    forget(run, stage.name)
    before, state, start = snapshot(run), fingerprint(run, stage), time.monotonic()
    content = read_notebook(notebook)
    code, peak = supervision.run(command, log, run.workspace.root)
    if code:
        why = failure(code, part, log)
        raise Stopped(f"{why}\nNotebook: {short(part)}\nLog: {short(log)}")
    with local_failures(part):
        os.replace(part, run.executed / notebook.name)
    left = [*written(before, snapshot(run)), run.executed / notebook.name]
    done = StageRecord(
        seconds=round(time.monotonic() - start, 1),
        training_seconds=round(_training_seconds(left), 1),
        peak_memory_mb=round(peak),
        cells=cells_digest(content),
        package=package_digest(code_cells(content)),
    )
    add(run, stage.name, done)
    remember(run, stage.name, state=state, left=left)


def _training_seconds(left: Iterable[Path]) -> float:
    """How long the trainings took whose results are in the tables of runs among some files."""
    from pandas import concat, read_parquet  # most of what a run does, needs no pandas

    columns = ["hash", "train_seconds"]
    tables = [
        read_parquet(path, columns=columns)
        for path in left
        if path.suffix == ".parquet" and path.parent.name == "tables"
    ]
    return float(concat(tables).drop_duplicates("hash")["train_seconds"].sum()) if tables else 0.0


def failure(code: int, part: Path, log: Path) -> str:
    """One line on why a notebook stopped: the error's message, or the name of an unexpected one."""
    if error := _error_of(part):
        name, message = error
        return message if name in ("StudyError", "LocalError") else f"{name}: {message}"
    # No cell's doing: papermill could not write, or the kernel died or could not start.
    text = log.read_text(encoding="utf-8", errors="replace")
    if "No space left on device" in text or shutil.disk_usage(log.parent).free < _FULL:
        return "The disk is full. Free some space and run the same command: finished work is kept."
    errors = re.findall(
        r"^[A-Za-z_.]*(?:Error|Exception|NoSuchKernel|Exit)\b.*", text, re.MULTILINE
    )
    return errors[-1].strip() if errors else f"papermill ended with exit code {code}"


def _error_of(part: Path) -> tuple[str, str] | None:
    """Name and first line of the error with which a cell of an executed notebook ended."""
    try:
        cells = json.loads(part.read_text(encoding="utf-8"))["cells"]
        outputs = [output for cell in cells for output in cell.get("outputs", [])]
        errors = [output for output in outputs if output["output_type"] == "error"]
        if not errors:
            return None
        return errors[0]["ename"], (errors[0]["evalue"].strip().splitlines() or [""])[0]
    except (OSError, ValueError, LookupError, TypeError):  # nothing was written, or not all
        return None
