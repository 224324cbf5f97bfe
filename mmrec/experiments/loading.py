"""Reads what experiments need from a workspace.

Apart from :mod:`mmrec.experiments.data`, since results depend on what was read and not on how:
its content is part of their hash.
"""

from functools import lru_cache
from pathlib import Path

import pandas as pd

from mmrec.catalogue import tables
from mmrec.experiments.data import Data
from mmrec.features.table import load_tables
from mmrec.workspace import Workspace


def load(workspace: Workspace) -> Data:
    """Ratings and feature tables of a workspace; read once as long as the files stay the same.

    Raises:
        StudyError: There is no catalogue yet, or a file is damaged.
    """
    files = [*_parquet_files(workspace.catalogue), *_parquet_files(workspace.features)]
    states = ((str(file), file.stat()) for file in files)
    stamp = tuple((name, state.st_mtime_ns, state.st_size) for name, state in states)
    return _load(workspace.root, stamp)


@lru_cache(maxsize=2)
def _load(root: Path, stamp: tuple[tuple[str, int, int], ...]) -> Data:
    del stamp  # only there so that changed files are read again
    workspace = Workspace(root, root)
    catalogue = tables.load(workspace)
    names = [file.stem for file in _parquet_files(workspace.features)]
    features = load_tables(workspace.features, names)
    return Data(
        ratings=catalogue.ratings,
        users=catalogue.users,
        movies=pd.Index(catalogue.movies["movie_id"]),
        films=catalogue.movies.set_index("movie_id")["film_id"],
        # A table without a movie, as of IMDb's ratings where no source has any, is no input.
        tables={name: table for name, table in features.items() if len(table.movie_ids)},
    )


def _parquet_files(folder: Path) -> list[Path]:
    """Finished files: a name with a dot in front is a part that an interrupted write has left."""
    return sorted(file for file in folder.glob("*.parquet") if not file.name.startswith("."))
