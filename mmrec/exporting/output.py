"""The folder of an export: written whole or not at all, with a manifest of each file's terms."""

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mmrec
from mmrec.errors import StudyError, local_failures
from mmrec.exporting.contents import Contents, LeftOut
from mmrec.exporting.terms import Terms, all_shareable, distinct
from mmrec.workspace import write_csv

MANIFEST, LICENCES = "MANIFEST.json", "LICENCES.md"
Told = tuple[str, tuple[Terms, ...]]
"""What a file is, in a few words, and the terms it is under."""


@dataclass
class Output:
    """Where a format writes its files.

    Attributes:
        contents: What is exported, with its terms.
        root: A folder that becomes the export once all files are there.
        files: Path below the root → what it is, and its terms.
        folders: The same for folders that libraries fill by themselves.
        left_out: What the format cannot hold, besides what the contents lack.
    """

    contents: Contents
    root: Path
    files: dict[str, Told] = field(default_factory=dict)
    folders: dict[str, Told] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)

    def file(self, name: str, what: str, *keys: str) -> Path:
        """A path to write to.

        Args:
            name: Below the root, with ``/``.
            what: What the file holds, in a few words.
            keys: Of ``contents.terms``: everything that goes into the file. Without any,
                the file is the program's own words, such as a script.
        """
        self.files[name] = (what, self._terms(keys))
        return self._place(name)

    def text(self, name: str, what: str, text: str) -> None:
        """Writes words of the program's own, such as a script."""
        self.file(name, what).write_text(text, encoding="utf-8")

    def runs(self) -> None:
        """Writes the runs and their measures as CSV, if there are any."""
        if self.contents.runs is not None:
            path = self.file("runs.csv", "runs and measures", "runs")
            self.contents.runs.to_csv(path, index=False)

    def folder(self, name: str, what: str, *keys: str) -> Path:
        """A path for a folder, which does not exist yet; otherwise as :meth:`file`."""
        self.folders[name] = (what, self._terms(keys))
        return self._place(name)

    @property
    def terms(self) -> tuple[Terms, ...]:
        """All terms that apply to any of the files."""
        return distinct(one for _, some in self.files.values() for one in some)

    @property
    def lacking(self) -> list[LeftOut]:
        """Everything that the workspace has and the export leaves out."""
        return [*self.contents.left_out, *self.left_out]

    def list_folders(self) -> None:
        """Puts what is in the folders by now among the files."""
        for name, told in self.folders.items():
            for path in sorted((self.root / name).rglob("*")):
                if path.is_file():
                    self.files[path.relative_to(self.root).as_posix()] = told

    def _terms(self, keys: Sequence[str]) -> tuple[Terms, ...]:
        return distinct(one for key in keys for one in self.contents.terms[key])

    def _place(self, name: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


@contextmanager
def create(folder: Path, contents: Contents, *, form: str, shareable: bool) -> Iterator[Output]:
    """The folder of an export, which appears when the block has succeeded.

    An earlier export in the same place is replaced; a folder with anything else in it is never
    touched.

    Args:
        folder: Where to.
        contents: What is exported.
        form: Name of the format, for the manifest.
        shareable: Whether what may not be passed on was left out, for the manifest.

    Raises:
        StudyError: If there is something else in the folder.
        LocalError: If the disk is full or may not be written.
    """
    folder = folder.resolve()
    _check_free(folder)
    with local_failures(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=".part-", dir=folder.parent))
        try:
            output = Output(contents, part / folder.name)
            output.root.mkdir()
            yield output
            for name, table in contents.companions.items():
                write_csv(table, output.file(f"{name}.csv", name.replace("_", " "), name))
            output.list_folders()
            manifest = _manifest(output, form, shareable)
            text = json.dumps(manifest, indent=1, ensure_ascii=False)
            (output.root / MANIFEST).write_text(text + "\n", encoding="utf-8")
            (output.root / LICENCES).write_text(_licences(manifest), encoding="utf-8")
            if folder.exists():
                os.replace(folder, part / "old")
            os.replace(output.root, folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)


def _check_free(folder: Path) -> None:
    if not folder.exists() and not folder.is_symlink():
        return
    remedy = "Name a folder that does not exist yet; yours is left as it is."
    if not folder.is_dir():
        raise StudyError("a file, not a folder", where=folder, remedy=remedy)
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    known: set[str] = set()
    with contextlib.suppress(OSError, ValueError, LookupError, TypeError):
        listed = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
        known = {MANIFEST, LICENCES, *(one["path"] for one in listed)}
    other = sorted(there - known)
    if other:
        what = f"there is a file that no export has written, {other[0]}"
        raise StudyError(what, where=folder, remedy=remedy)


def _manifest(output: Output, form: str, shareable: bool) -> dict[str, Any]:
    return {
        "made_by": f"mmrec {mmrec.__version__}",
        "format": form,
        "dataset": output.contents.name,
        "shareable": shareable,
        "files": [
            {
                "path": name,
                "content": what,
                "bytes": (output.root / name).stat().st_size,
                "sha256": _digest(output.root / name),
                "sources": [one.source for one in some],
                "may_be_redistributed": all_shareable(some),
            }
            for name, (what, some) in sorted(output.files.items())
        ],
        "terms": [
            {
                "source": one.source,
                "licence": one.licence,
                "may_be_redistributed": one.shareable,
                "credit": one.credit,
            }
            for one in output.terms
        ],
        "left_out": [{"what": one.what, "why": one.why} for one in output.lacking],
    }


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _licences(manifest: dict[str, Any]) -> str:
    """The terms of all files as Markdown, for people to read."""
    lines = ["# Whose these data are", ""]
    for one in manifest["terms"]:
        allowed = "may be passed on" if one["may_be_redistributed"] else "MAY NOT BE PASSED ON"
        lines += [f"* **{one['source']}**: {one['licence']}. {allowed}."]
        if one["credit"]:
            lines += [f"  Credit: {one['credit']}"]
    for title, wanted in (("May not be passed on", False), ("May be passed on", True)):
        files = [one for one in manifest["files"] if one["may_be_redistributed"] is wanted]
        lines += ["", f"## {title}", "", *(["Nothing."] if not files else [])]
        for one in files:
            whose = "; ".join(one["sources"]) or "written by this program"
            lines += [f"* `{one['path']}`: {one['content']} ({whose})"]
    if manifest["left_out"]:
        lines += ["", "## Left out", ""]
        lines += [f"* {one['what']}: {one['why']}" for one in manifest["left_out"]]
    return "\n".join(lines) + "\n"
