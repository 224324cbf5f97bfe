"""Whether a stage is up to date: neither its inputs nor its files have changed."""

import json
import os
import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from mmrec.errors import Problem
from mmrec.provenance import ROOT, code_digest, digest, imports
from mmrec.settings import Settings
from mmrec.study.cells import cells_digest, code_cells, read_notebook
from mmrec.study.stages import STAGES, Run, Stage, matching
from mmrec.workspace import PROJECT, atomic_path, kept

SOURCE_FOLDERS = ("MMREC_MIRROR", "MMREC_TRAILERS")
"""Environment variables of folders from which catalogue and features are read."""

MARKUP = ("mmrec.study.claims.markup", "mmrec.study.api.markup")
"""Extensions of Sphinx that the book is built with."""

_WRITTEN = ("catalogue/*", "features/*", "results/*.csv", "results/tables/*")


@cache
def _content(path: Path, size: int, mtime_ns: int, inode: int) -> str:
    return sha256(path.read_bytes()).hexdigest()[:16]


def contents(paths: Iterable[Path], root: Path) -> dict[str, str | None]:
    """Hash of each file, by its path under a folder; None for a file that is not there."""
    found: dict[str, str | None] = {}
    for path in paths:
        name = path.relative_to(root).as_posix()
        try:
            stat = path.stat()
            found[name] = _content(path, stat.st_size, stat.st_mtime_ns, stat.st_ino)
        except FileNotFoundError:
            found[name] = None
    return found


def source_folders() -> dict[str, str]:
    """Digest of the mirror and of the user's trailers, if set: names, sizes and times of change.

    Both may hold many gigabytes, so their content is not read.
    """
    found = {}
    for variable in SOURCE_FOLDERS:
        if root := os.environ.get(variable):
            files = [
                (path.relative_to(root).as_posix(), path.stat())
                for path in Path(root).rglob("*")
                if path.is_file() and not path.name.startswith(".")
            ]
            found[variable] = digest(
                [root, sorted((f, s.st_size, s.st_mtime_ns) for f, s in files)]
            )
    return found


def settings_read(cells: Iterable[str], settings: Settings) -> dict[str, object]:
    """The settings that code reads, as ``run.epochs`` and the like, with their values."""
    names = {name for cell in cells for name in re.findall(r"\brun\.(\w+)", cell)}
    return {name: value for name, value in settings.model_dump().items() if name in names}


def fingerprint(run: Run, stage: Stage) -> str:
    """Digest of everything that an execution of a stage depends on."""
    notebook = read_notebook(run.sources / f"{stage.name}.ipynb")
    cells = code_cells(notebook, exercises=True)
    open_data = matching(["mmrec/open_data/*.csv"], ROOT)
    return digest(
        {
            "cells": cells_digest(notebook, exercises=True),
            "settings": settings_read(cells, Settings.load(run.profile)),
            "code": package_digest(cells),
            "reads": contents(matching(stage.reads, run.workspace.root), run.workspace.root),
            "sources": [source_folders(), contents(open_data, ROOT)]
            if stage.reads_sources
            else None,
        }
    )


def package_digest(cells: Iterable[str]) -> str:
    """Digest of the package's code and of the libraries behind a notebook."""
    return code_digest(*set().union(*map(imports, cells)))


def book_fingerprint(run: Run) -> str:
    """Digest of everything that the book is built from."""
    notebooks = [run.executed / f"{stage.name}.ipynb" for stage in STAGES]
    return digest(
        {
            "pages": contents(matching(["**/*"], run.book), run.book),
            "notebooks": contents(notebooks, run.executed),
            "results": contents(matching(["*.csv", "run.json"], run.results), run.results),
            "citation": contents([PROJECT / "CITATION.cff"], PROJECT),
            "code": code_digest("mmrec.study.book", *MARKUP),
            # The book shows the package's text, and of which modules follows from who calls them.
            "package": contents(matching(["mmrec/**/*.py", "dodo.py", "*.md"], ROOT), ROOT),
        }
    )


Snapshot = dict[Path, tuple[int, int, int]]


def snapshot(run: Run) -> Snapshot:
    """The state of all files that stages write; see :func:`written`."""
    return {
        path: (stat.st_size, stat.st_mtime_ns, stat.st_ino)
        for path in matching(_WRITTEN, run.workspace.root)
        for stat in [path.stat()]
    }


def written(before: Snapshot, after: Snapshot) -> list[Path]:
    """The files that are new or were replaced between two snapshots."""
    return [path for path, state in after.items() if before.get(path) != state]


def remember(run: Run, name: str, *, state: str, left: Sequence[Path]) -> None:
    """Records what a finished stage depended on, and the hash of each file that it left."""
    root = run.workspace.root
    text = json.dumps({"state": state, "left": contents(left, root)}, indent=1)
    with atomic_path(_record(run, name)) as part:
        part.write_text(text + "\n", encoding="utf-8")


def forget(run: Run, name: str) -> None:
    """Marks a stage as unfinished."""
    _record(run, name).unlink(missing_ok=True)


def is_current(run: Run, name: str, state: Callable[[], str]) -> bool:
    """Whether a stage was finished from this state, and what it left is still there, unchanged.

    A state that cannot be determined is not an error here: executing the stage reports it.
    """
    try:
        known = kept(_record(run, name), _read)
        if known is None or known["state"] != state():
            return False
    except Problem:
        return False
    root = run.workspace.root
    left: dict[str, str | None] = known["left"]
    return contents((root / path for path in left), root) == left


def _record(run: Run, name: str) -> Path:
    return run.workspace.root / "stages" / f"{name}.json"


def _read(path: Path) -> dict[str, Any]:
    known: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    known["state"] + "", known["left"].items()  # anything else is damaged
    return known
