"""Posters that the catalogue names."""

from pathlib import Path

import pandas as pd

from mmrec.catalogue import sources
from mmrec.errors import StudyError


def named(movies: pd.DataFrame, *, cache: Path) -> dict[int, Path]:
    """Posters of these movies.

    Args:
        movies: The catalogue's movies: ``movie_id, poster``.
        cache: The workspace's cache.

    Returns:
        Movie id to file, in the order of ``movies``.

    Raises:
        StudyError: If the posters are not available, or the catalogue names none of these movies'.
    """
    folder = sources.fetch(sources.POSTERS, cache).path
    assert folder is not None
    names = movies.set_index("movie_id")["poster"].dropna()
    if names.empty:
        raise StudyError(
            "the catalogue names no poster of these movies",
            where=folder,
            remedy="Run notebook 01 again with the posters within reach.",
        )
    return {int(m): folder / str(name) for m, name in zip(names.index, names, strict=True)}
