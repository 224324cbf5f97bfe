"""Where a run keeps its files: ``build/<profile>/`` and the cache all profiles share."""

import errno
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from mmrec.errors import LocalError, local_failures

if TYPE_CHECKING:
    import pandas as pd

T = TypeVar("T")
logger = logging.getLogger(__name__)
PROJECT = Path(__file__).resolve().parents[1]

_PART = ".part-"
_LONGEST_WRITE = 3600.0


@dataclass(frozen=True)
class Workspace:
    """The folders of one run, one per floor.

    Attributes:
        root: ``build/<profile>``.
        cache: What does not depend on the profile: downloads, weights, embeddings by content.
    """

    root: Path
    cache: Path

    @classmethod
    def open(cls, profile: str) -> "Workspace":
        """The workspace of a profile, under ``$MMREC_BUILD`` or the project's ``build`` folder."""
        build = Path(os.environ.get("MMREC_BUILD") or PROJECT / "build").resolve()
        return cls(root=build / profile, cache=build / "cache")

    @property
    def catalogue(self) -> Path:
        """Folder of ``movies``, ``ratings`` and ``users`` (parquet)."""
        return self.root / "catalogue"

    @property
    def features(self) -> Path:
        """Folder of one ``<modality>.parquet`` per modality."""
        return self.root / "features"

    @property
    def results(self) -> Path:
        """Folder of the tables, and of record, predictions and lists of every experiment."""
        return self.root / "results"


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yields a temporary path that becomes ``path`` only if the block succeeds.

    The file and its folder are flushed to the disk, so that after a power cut there is either the
    whole file or none. The temporary file has the same suffix, since some writers choose the
    format by it, and lies in a hidden folder of its own beside ``path``, where no pattern such as
    ``*.parquet`` finds it. What a killed process left behind is removed by a later call.

    Raises:
        LocalError: If the disk is full or may not be written; what was there before stays.
    """
    with local_failures(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(path.parent)
        folder = Path(tempfile.mkdtemp(prefix=_PART, dir=path.parent))
        try:
            part = folder / f"part{path.suffix}"
            yield part
            _flush(part)
            os.replace(part, path)
            _flush(path.parent)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def write_csv(table: "pd.DataFrame", path: Path) -> None:
    """Writes a table that people open in spreadsheets, atomically and without its index.

    A text that a spreadsheet would run as a formula, such as a title that begins with ``=``, gets
    an apostrophe in front.
    """
    texts = table.select_dtypes("object").columns
    safe = table.assign(**{name: table[name].map(_as_text) for name in texts})
    with atomic_path(path) as part:
        safe.to_csv(part, index=False, encoding="utf-8")


def _as_text(cell: object) -> object:
    dangerous = isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    return f"'{cell}" if dangerous else cell


def kept(path: Path, read: Callable[[Path], T]) -> T | None:
    """Reads a file that the study wrote for itself, if it is there and whole.

    Such a file is never worth an error: one that cannot be read, for whatever reason, is removed
    with a warning, and the caller makes it again.

    Args:
        path: The file.
        read: Makes sense of it; anything it raises means that the file is damaged.

    Returns:
        What ``read`` gave, or None if there is no such file any more.

    Raises:
        LocalError: If the disk or the permissions are at fault, not the file.
    """
    try:
        with local_failures(path):
            return read(path)
    except FileNotFoundError:
        return None
    except LocalError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        logger.warning("%s is damaged and is made again (%s)", path.name, reason)
        with local_failures(path):
            path.unlink(missing_ok=True)
        return None


def cached(
    path: Path,
    make: Callable[[], T],
    *,
    read: Callable[[Path], T],
    write: Callable[[T, Path], object],
) -> T:
    """What is kept in a file of the study's own, or else made now and kept there.

    Args:
        path: The file.
        make: Computes what the file should hold.
        read: Reads it from a file; see :func:`kept`.
        write: Writes it to a file.
    """
    found = kept(path, read)
    if found is None:
        found = make()
        with atomic_path(path) as part:
            write(found, part)
    return found


def _flush(path: Path) -> None:
    """Waits until a file or a folder is on the disk; where folders cannot be flushed, goes on."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except PermissionError:  # Windows opens no folders.
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # a file system without it
            raise
    finally:
        os.close(descriptor)


def _remove_leftovers(folder: Path) -> None:
    """Removes the parts of killed processes: those older than any write takes."""
    oldest = time.time() - _LONGEST_WRITE
    for part in folder.glob(f"{_PART}*"):
        try:
            stale = part.stat().st_mtime < oldest
        except FileNotFoundError:  # its process has just finished
            continue
        if stale:
            shutil.rmtree(part, ignore_errors=True)
