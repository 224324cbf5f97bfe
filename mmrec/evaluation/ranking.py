"""What can be said of lists of recommendations: a low RMSE does not make a good list.

Nothing here knows a test rating: which entries of a list are hits is told by
:func:`mmrec.evaluation.metrics.list_values`.
"""

from collections.abc import Sequence

import pandas as pd
from scipy.stats import rankdata

from mmrec.models.base import LIST_LENGTH
from mmrec.models.list_gain import LISTED

LONG = LIST_LENGTH
"""Length of the list that recall is of, and of the lists that are kept."""


def once_per_film(recommendations: pd.DataFrame, films: pd.Series, k: int) -> pd.DataFrame:
    """Lists in which every film stands once, under the id with the better rank.

    Later entries move up, so lists of k films have to be made of longer lists: longer by the
    number of ids that a film has besides its first.

    Args:
        recommendations: ``user_id, rank, movie_id``, ranks ascending within a user.
        films: ``film_id`` by ``movie_id``.
        k: Entries that are kept.
    """
    entries = recommendations.assign(film_id=recommendations["movie_id"].map(films))
    kept = recommendations[~entries.duplicated(["user_id", "film_id"])]
    rank = kept.groupby("user_id").cumcount() + 1
    return kept.assign(rank=rank)[rank <= k].reset_index(drop=True)


def catalogue_coverage(
    recommendations: pd.DataFrame, candidates: Sequence[int], k: int = LISTED
) -> float:
    """Share of the candidates that stand among the first k of anyone's list."""
    listed = recommendations.loc[recommendations["rank"] <= k, "movie_id"]
    return listed.nunique() / len(pd.Index(candidates).unique())


def popularity(
    recommendations: pd.DataFrame,
    candidates: Sequence[int],
    train: pd.DataFrame,
    k: int = LISTED,
) -> dict[str, float]:
    """How popular the listed movies are: popularity bias, beside the candidates as a whole.

    Args:
        recommendations: ``user_id, rank, movie_id``.
        candidates: Ids of the movies that could be listed.
        train: ``movie_id`` of every training rating.
        k: Ranks that count.

    Returns:
        Of the entries of all lists, ``popularity_percentile``: mean share of the candidates, 0-1,
        with fewer training ratings (half of those with as many; 0.5 for lists drawn blindly);
        ``popularity_listed``: mean number of training ratings; ``popularity_candidates``: the
        same of the candidates, each counted once.
    """
    movies = pd.Index(candidates).unique()
    counts = train["movie_id"].value_counts().reindex(movies, fill_value=0)
    percentile = pd.Series((rankdata(counts) - 0.5) / len(counts), movies)
    listed = recommendations.loc[recommendations["rank"] <= k, "movie_id"]
    return {
        "popularity_percentile": float(percentile[listed].mean()),
        "popularity_listed": float(counts[listed].mean()),
        "popularity_candidates": float(counts.mean()),
    }
