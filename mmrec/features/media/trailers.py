"""Trailers: a reader's own, found by number or by title, or rendered stand-ins."""

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from mmrec.catalogue import movielens, trailer_index
from mmrec.errors import StudyError, local_failures
from mmrec.features.media import demo_trailers

VARIABLE = "MMREC_TRAILERS"
"""Environment variable: the folder of the reader's own trailers."""
SUFFIXES = (".mp4", ".webm", ".mkv")
_NAMES = "<number>.mp4, .webm or .mkv"

logger = logging.getLogger(__name__)


def own(movies: pd.DataFrame) -> dict[int, Path]:
    """The reader's own trailers, in the folder ``$MMREC_TRAILERS``.

    Files are named ``<number>.mp4``, ``.webm`` or ``.mkv``. What a number means is said by the
    index beside the files (see `mmrec.catalogue.trailer_index`), which ``mmrec enrich`` writes:
    its titles and years are looked up among the movies, and a trailer of any other film is left
    out with a warning. Without an index, the numbers are taken for MovieLens ids if all of them
    can be; a warning says so.

    Args:
        movies: The catalogue's movies: ``movie_id, title, year``.

    Returns:
        Movie id to file, in the order of ``movies``.

    Raises:
        StudyError: If the variable is not set, the folder holds no trailer of these movies, its
            index cannot be read, or it has no index and numbers that are no MovieLens ids.
    """
    setting = os.environ.get(VARIABLE)
    if not setting:
        remedy = f"Set it to a folder of files named {_NAMES}."
        raise StudyError(f"{VARIABLE} is not set", where="trailers", remedy=remedy)
    folder = Path(setting)
    files = _numbered(folder)
    index = trailer_index.read(folder)
    if index is None:
        found = _by_movielens_id(folder, files, movies)
    else:
        found = _by_index(folder, files, index, movies)
    if not found:
        remedy = f"Name the files {_NAMES}; {trailer_index.NAME} says which film a number is."
        raise StudyError("no trailer of these movies is in it", where=folder, remedy=remedy)
    return found


def rendered(movies: pd.DataFrame, *, cache: Path, seconds: float) -> dict[int, Path]:
    """Demo trailers of these movies, from the cache or rendered now.

    Args:
        movies: ``movie_id, genres``.
        cache: The workspace's cache.
        seconds: Length of a trailer.

    Returns:
        Movie id to file, in the order of ``movies``.
    """
    return demo_trailers.render(movies, cache / "demo_trailers", seconds=seconds)


def of(movies: pd.DataFrame, movie_ids: Sequence[int]) -> pd.DataFrame:
    """The rows of these movies, in the order of the ids."""
    return movies.set_index("movie_id", drop=False).loc[list(movie_ids)].rename_axis(None)


def _numbered(folder: Path) -> dict[int, Path]:
    """Number to file; of several files with one number, the first kind in `SUFFIXES`."""
    try:
        with local_failures(folder):
            paths = sorted(folder.iterdir())
    except OSError as error:
        remedy = f"Correct {VARIABLE}."
        raise StudyError(
            f"cannot be read ({error.strerror})", where=folder, remedy=remedy
        ) from None
    return {
        int(path.stem): path
        for suffix in reversed(SUFFIXES)
        for path in paths
        if path.suffix == suffix and path.stem.isascii() and path.stem.isdigit()
    }


def _by_movielens_id(
    folder: Path, files: Mapping[int, Path], movies: pd.DataFrame
) -> dict[int, Path]:
    strange = [number for number in files if not 1 <= number <= movielens.N_MOVIES]
    if strange:
        raise StudyError(
            f"{files[min(strange)].name} has no MovieLens id, and there is no {trailer_index.NAME}",
            where=folder,
            remedy=f"Write {trailer_index.NAME} with the columns movie_id, title and year.",
        )
    found = {int(m): files[m] for m in movies["movie_id"] if m in files}
    if found:
        logger.warning(
            "%d trailers have no %s beside them: their numbers are taken for MovieLens ids",
            len(files),
            trailer_index.NAME,
        )
    return found


def _by_index(
    folder: Path, files: Mapping[int, Path], index: pd.DataFrame, movies: pd.DataFrame
) -> dict[int, Path]:
    numbers = trailer_index.resolve(index, movies)
    found = {movie_id: files[n] for movie_id, n in numbers.items() if n in files}
    unused = sorted(set(files) - {numbers[movie_id] for movie_id in found})
    if unused:
        titles = index.set_index("movie_id")["title"]
        names = [f"{files[n].name} ({titles.get(n, 'not in the index')})" for n in unused[:3]]
        logger.warning(
            "%d of %d trailers are of no movie of this run: %s%s",
            len(unused),
            len(files),
            ", ".join(names),
            ", …" if len(unused) > len(names) else "",
        )
    return found
