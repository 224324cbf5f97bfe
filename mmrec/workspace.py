"""Where a run keeps its files: ``build/<profile>/`` and the cache all profiles share."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mmrec.errors import StudyError

PROJECT = Path(__file__).resolve().parents[1]


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
        """Folder of ``runs.parquet``, the tables and the predictions of every run."""
        return self.root / "results"


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yields a temporary path beside ``path`` that becomes ``path`` only if the block succeeds.

    The temporary name keeps the suffix, since some writers choose the format by it.

    Raises:
        StudyError: If the disk is full; what was there before stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        yield part
        os.replace(part, path)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StudyError(
                "the disk is full",
                where=path,
                remedy="Free some space and run the same command: finished work is kept.",
            ) from error
        raise
    finally:
        part.unlink(missing_ok=True)
