"""Ids and files of a reader's own catalogue, which the study's tables do not contain.

Within the package, films and users are numbers. The reader's own names for them are stored beside
the catalogue, so that every result can be reported with the reader's names.
"""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from mmrec.errors import StudyError, local_failures
from mmrec.workspace import Workspace, atomic_path, kept

TRAILER, POSTER = "trailer", "poster"
"""Kinds of files."""

_COLUMNS = {
    "users": {"user_id": "int64", "id": "object"},
    "files": {"movie_id": "int64", "kind": "object", "path": "object"},
    "films": {"movie_id": "int64", "id": "object", "title": "object", "year": "Int64"},
}


@dataclass(frozen=True)
class Own:
    """Ids and files of a catalogue.

    Attributes:
        films: ``movie_id, id, title, year``, where ``id`` is the reader's; then the columns
            of the reader's list that are stored nowhere else, unchanged.
        users: ``user_id, id``, likewise.
        files: ``movie_id, kind, path``: trailers and posters, one of a kind for each film, by
            absolute path.
    """

    films: pd.DataFrame
    users: pd.DataFrame
    files: pd.DataFrame

    def paths(self, kind: str) -> dict[int, Path]:
        """Movie id to file, of one kind."""
        some = self.files[self.files["kind"] == kind]
        return {int(m): Path(p) for m, p in zip(some["movie_id"], some["path"], strict=True)}


def save(own: Own, workspace: Workspace) -> None:
    """Writes ids and files into ``workspace.catalogue``, for :func:`load`."""
    for name, columns in _COLUMNS.items():
        with atomic_path(_path(workspace, name)) as part:
            getattr(own, name).astype(columns).to_parquet(part, index=False)


def load(workspace: Workspace) -> Own | None:
    """Reads what :func:`save` wrote; None if the catalogue is MovieLens', or there is none.

    Raises:
        StudyError: If a file is damaged or missing.
        LocalError: If a file may not be read.
    """
    if not _path(workspace, "films").exists():
        return None
    tables = {}
    for name, columns in _COLUMNS.items():
        path = _path(workspace, name)
        try:
            with local_failures(path):
                tables[name] = pd.read_parquet(path).astype(columns)
        except (OSError, ValueError, KeyError, TypeError) as error:
            said = " ".join(str(error).split())[:200]
            raise StudyError(
                f"a damaged catalogue ({said})", where=path, remedy="Run mmrec enrich again."
            ) from error
    return Own(**tables)


def refuse(workspace: Workspace) -> None:
    """Stops code that is specific to MovieLens and would replace the reader's movies by its own.

    Raises:
        StudyError: If the workspace contains a reader's own films.
    """
    if _path(workspace, "films").exists():
        raise StudyError(
            "holds films of your own, and this is about MovieLens",
            where=workspace.root,
            remedy="mmrec enrich does for them what chapter 01 does for MovieLens; "
            "chapters 02 to 06 read what it leaves.",
        )


def earlier_films(workspace: Workspace) -> pd.DataFrame | None:
    """The table ``films`` of an earlier run, even if others are missing; None if there is none.

    Raises:
        LocalError: If the file may not be read.
    """
    columns = _COLUMNS["films"]
    return kept(_path(workspace, "films"), lambda path: pd.read_parquet(path).astype(columns))


def _path(workspace: Workspace, name: str) -> Path:
    return workspace.catalogue / f"own_{name}.parquet"
