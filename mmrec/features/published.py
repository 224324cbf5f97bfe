"""The authors' own audio embeddings, imported as a feature table and cleaned of empty rows.

Their file has one row per movie, in the order of the ids. Paper §V.A describes how
the vectors were computed; the weights are not known.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mmrec.catalogue import sources
from mmrec.catalogue.movielens import N_MOVIES
from mmrec.errors import StudyError, local_failures
from mmrec.features.cache import dropped
from mmrec.features.table import MAGNITUDE_LIMIT, FeatureTable

WIDTH = 128
ENCODER = "vggish-published"
_REMEDY = "Delete the copy and fetch the published file again."


def audio(cache: Path, movie_ids: Sequence[int]) -> tuple[FeatureTable, pd.DataFrame]:
    """The published audio vectors of some movies.

    Args:
        cache: The workspace's cache.
        movie_ids: The movies wanted.

    Returns:
        As :func:`read`, for these movies alone.

    Raises:
        StudyError: If the file is not available, or has none of these movies.
    """
    served = sources.fetch(sources.ENHANCED_AUDIO, cache)
    assert served.path is not None
    table, left_out = read(served.path)
    kept = table.movie_ids[np.isin(table.movie_ids, movie_ids)]
    if not len(kept):
        raise StudyError("none of these movies is in it", where=served.place, remedy=_REMEDY)
    rows = left_out[left_out["movie_id"].isin(movie_ids)].reset_index(drop=True)
    return _table(kept, table.matrix(kept)[0]), rows


def read(path: Path) -> tuple[FeatureTable, pd.DataFrame]:
    """Imports the published file.

    Args:
        path: A CSV of 1,682 rows and 128 columns. Its content is pinned where it is fetched.

    Returns:
        The table, and the movies left out for NaN, infinite, implausibly large or all-zero rows:
        ``movie_id, file, reason``.

    Raises:
        StudyError: If the file is not 1,682 rows of 128 numbers.
    """
    try:
        with local_failures(path):
            table = pd.read_csv(path, header=None, low_memory=False)
        values = table.apply(pd.to_numeric, errors="coerce").to_numpy(float)
    except (OSError, ValueError) as error:
        raise StudyError(f"not a CSV ({error})", where=path, remedy=_REMEDY) from error
    if values.shape != (N_MOVIES, WIDTH):
        what = f"{values.shape[0]} × {values.shape[1]} values, not {N_MOVIES} × {WIDTH}"
        raise StudyError(what, where=path, remedy=_REMEDY)
    reasons = {
        "no number (NaN)": np.isnan(values).all(axis=1),
        "overflow": (np.abs(values) > MAGNITUDE_LIMIT).any(axis=1),
        "NaN among its numbers": np.isnan(values).any(axis=1),
        "all zero": (values == 0).all(axis=1),
    }
    reason = np.select(list(reasons.values()), list(reasons), default="")
    usable = np.flatnonzero(reason == "")
    left_out = [(int(i) + 1, path.name, str(reason[i])) for i in np.flatnonzero(reason != "")]
    return _table(usable + 1, values[usable]), dropped(left_out)


def _table(movie_ids: NDArray[np.int64], vectors: NDArray[np.floating]) -> FeatureTable:
    provenance = {
        "encoder": ENCODER,
        "weights": "the authors', unpublished",
        "recipe": "as published by the authors",
        "source": f"published audio vectors of {len(movie_ids):,} movies",
        "stand_in": None,
    }
    return FeatureTable("audio", movie_ids, vectors.astype(np.float32), provenance)
