"""Lists of recommendations, and what can be said of them: a low RMSE does not make a good list.

Nothing here knows a test rating: which entries of a list are hits is told by
:func:`mmrec.evaluation.metrics.list_values`.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from mmrec.errors import StudyError
from mmrec.models.base import LIST_LENGTH
from mmrec.models.list_gain import LISTED

LONG = LIST_LENGTH
"""Length of the list that recall is of, and of the lists that are kept."""
USERS_PER_CHUNK = 64


def recommend(
    score: Callable[[pd.DataFrame], np.ndarray],
    users: Sequence[int],
    candidates: Sequence[int],
    seen: pd.DataFrame,
    k: int = LONG,
) -> pd.DataFrame:
    """The k candidates of highest predicted rating for each user, without those already rated.

    Equal predictions are put in an order drawn per user from the user's id: the ids of
    MovieLens-100K begin with the popular movies, so that the order of ids would favour a model
    that says the same of every movie.

    Args:
        score: From a frame of ``user_id, movie_id`` [n] to predictions [n], not clipped.
        users: Ids of the users who get a list.
        candidates: Ids of the movies that may be listed.
        seen: ``user_id, movie_id``; these pairs are not listed.
        k: Length of a list; it is shorter where fewer candidates are left.

    Returns:
        ``user_id, rank, movie_id``, ranks from 1, users in the order given.

    Raises:
        StudyError: A prediction is not a number.
    """
    users, candidates = pd.Index(users), pd.Index(candidates).unique().sort_values()
    at = users.get_indexer(seen["user_id"]), candidates.get_indexer(seen["movie_id"])
    hidden = np.zeros((len(users), len(candidates)), bool)
    known = (at[0] >= 0) & (at[1] >= 0)
    hidden[at[0][known], at[1][known]] = True
    lists = []
    for start in range(0, len(users), USERS_PER_CHUNK):
        some = users[start : start + USERS_PER_CHUNK]
        pairs = pd.MultiIndex.from_product([some, candidates], names=["user_id", "movie_id"])
        scores = np.asarray(score(pairs.to_frame(index=False)), np.float64)
        if np.isnan(scores).any():
            raise StudyError(
                f"{np.isnan(scores).sum()} of {len(scores)} predictions are not a number",
                where="recommend",
                remedy="A model must score every pair of a user and a candidate.",
            )
        scores = scores.reshape(len(some), -1)
        for user, row, skip in zip(some, scores, hidden[start:], strict=False):
            shuffled = np.random.default_rng([4, user]).permutation(len(candidates))
            shuffled = shuffled[~skip[shuffled]]
            best = shuffled[np.argsort(-row[shuffled], kind="stable")[:k]]
            ranks = np.arange(1, len(best) + 1)
            lists.append(
                pd.DataFrame({"user_id": user, "rank": ranks, "movie_id": candidates[best]})
            )
    return pd.concat(lists, ignore_index=True)


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
