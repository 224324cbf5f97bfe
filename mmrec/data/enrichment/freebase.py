"""Freebase entity ids of the movies, out of the graph that comes with the registry wheel."""

from pathlib import Path

import pandas as pd

from mmrec.errors import StudyError


def read(folder: Path) -> pd.DataFrame:
    """Reads ``ml-100k.link``.

    Returns:
        One row per linked movie, indexed by ``movie_id``: ``freebase_id``.

    Raises:
        StudyError: If the file is missing or has other columns.
    """
    path = Path(folder) / "ml-100k.link"
    try:
        table = pd.read_csv(path, sep="\t", header=0, names=["movie_id", "freebase_id"])
    except (OSError, ValueError) as error:
        raise StudyError(
            f"cannot be read ({error})", where=path, remedy="Delete the copy and run again."
        ) from error
    return table.set_index("movie_id").sort_index()
