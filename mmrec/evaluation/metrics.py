"""Scores of predictions (paper §VI.B). The only module that opens sealed test ratings."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from mmrec.errors import StudyError
from mmrec.evaluation import ranking
from mmrec.evaluation.protocols import SealedTest
from mmrec.models import rating_scale
from mmrec.models.base import LEVELS, LIKED
from mmrec.models.list_gain import ndcg_share

PREDICTED_LIKED = 3.5
"""Predictions from here on are taken for a like (paper §VI.B)."""

LIST_MEASURES = ["ndcg_10", "recall_20"]
"""Measures of a list of recommendations."""


def errors(prediction: np.ndarray, test: SealedTest) -> np.ndarray:
    """Prediction minus rating of every test pair, float64 [n], in stars; clipped to 1-5 before."""
    return rating_scale.errors(prediction, test.open())


def squared_errors(prediction: np.ndarray, test: SealedTest) -> np.ndarray:
    """Squares of :func:`errors`, float64 [n]."""
    return errors(prediction, test) ** 2


def precision_recall(prediction: np.ndarray, test: SealedTest) -> tuple[float, float]:
    """Precision and recall, in percent, of finding the liked: true >= 4, predicted >= 3.5.

    Precision is NaN where nothing is predicted liked, and recall where nothing is.
    """
    liked = test.open() >= LIKED
    found = np.asarray(prediction) >= PREDICTED_LIKED
    hits = (liked & found).sum()
    return (
        100 * hits / found.sum() if found.any() else np.nan,
        100 * hits / liked.sum() if liked.any() else np.nan,
    )


def score(prediction: np.ndarray, test: SealedTest, covered: np.ndarray) -> dict[str, float]:
    """All scores of one run.

    Args:
        prediction: Raw predictions [n] in the order of ``test.pairs``.
        test: The sealed test part.
        covered: bool [n], pairs whose movie has every modality of the row.

    Returns:
        ``rmse`` over all pairs, ``rmse_covered``, ``precision``, ``recall`` (percent),
        ``n_test`` and ``coverage`` (share of pairs).
    """
    squared = squared_errors(prediction, test)
    precision, recall = precision_recall(prediction, test)
    return {
        "rmse": float(np.sqrt(squared.mean())),
        "rmse_covered": float(np.sqrt(squared[covered].mean())) if covered.any() else np.nan,
        "precision": float(precision),
        "recall": float(recall),
        "n_test": len(squared),
        "coverage": float(covered.mean()),
    }


def calibration(
    prediction: np.ndarray, sd: np.ndarray, reach: Sequence[float], test: SealedTest
) -> dict[str, float]:
    """How often the intervals around predictions contain the ratings, and how wide they are.

    Args:
        prediction: Raw predictions [n] in the order of ``test.pairs``.
        sd: Their standard deviations [n].
        reach: Standard deviations on either side, for each of :data:`mmrec.models.base.LEVELS`.
        test: The sealed test part.

    Returns:
        For each level its share of ratings within, such as ``within_80`` (0-1); ``width_80``, the
        mean width of the interval of 80 % in stars; and ``sd_mean``.
    """
    away = np.abs(prediction - test.open()) / sd
    shares = {
        f"within_{round(100 * level)}": float((away <= factor).mean())
        for level, factor in zip(LEVELS, reach, strict=True)
    }
    width = 2 * reach[LEVELS.index(0.8)] * float(np.mean(sd))
    return {**shares, "width_80": width, "sd_mean": float(np.mean(sd))}


def list_values(recommendations: pd.DataFrame, test: SealedTest, films: pd.Series) -> pd.DataFrame:
    """What each relevant film adds to the scores of its user's list.

    Lists are lists of films: MovieLens has some films under two ids, and a film that stands in a
    list twice counts once, at its first rank; the other place is wasted. Relevant is a film that
    the user rated >= 4 in the test part, under whichever id.

    Args:
        recommendations: ``user_id, rank, movie_id``, as
            :meth:`mmrec.models.base.Recommender.recommend` makes them.
        test: The sealed test part.
        films: ``film_id`` by ``movie_id``.

    Returns:
        One row per user and relevant film: ``user_id``, ``film_id``, ``weight`` (1 / the user's
        number of relevant films), ``ndcg_10`` and ``recall_20``. The sum of weight times value
        over a user's films is the score of the user's list.

    Raises:
        StudyError: A user with a relevant test movie has no list.
    """
    liked = test.pairs[test.open() >= LIKED]
    relevant = _of_films(liked, films)
    missing = relevant.loc[~relevant["user_id"].isin(recommendations["user_id"]), "user_id"]
    if len(missing):
        raise StudyError(
            f"{missing.nunique()} users of the test part have no list, {missing.iloc[0]} for one",
            where="recommendations",
            remedy="Recommend to all users of the test part.",
        )
    listed = _of_films(recommendations.sort_values("rank"), films)
    found = relevant[["user_id", "film_id"]].merge(
        listed[["user_id", "film_id", "rank"]], on=["user_id", "film_id"], how="left"
    )
    rank = found["rank"].fillna(np.inf).to_numpy(np.float64)
    n_relevant = found.groupby("user_id")["film_id"].transform("size").to_numpy(np.int64)
    return found[["user_id", "film_id"]].assign(
        weight=1 / n_relevant,
        ndcg_10=n_relevant * ndcg_share(rank, n_relevant),
        recall_20=(rank <= ranking.LONG).astype(np.float64),
    )


def _of_films(pairs: pd.DataFrame, films: pd.Series) -> pd.DataFrame:
    """Pairs with their film, the first of each user and film."""
    return pairs.assign(film_id=pairs["movie_id"].map(films)).drop_duplicates(
        ["user_id", "film_id"]
    )


def list_scores(recommendations: pd.DataFrame, test: SealedTest, films: pd.Series) -> pd.DataFrame:
    """Scores of every user's list; see :func:`list_values`.

    Returns:
        ``ndcg_10`` and ``recall_20``, 0-1, with the ``user_id`` as index: one row per user of the
        test part, NaN for those who have no relevant test movie and cannot be scored.
    """
    values = list_values(recommendations, test, films)
    weighted = values[LIST_MEASURES].mul(values["weight"], axis="index")
    scores = weighted.groupby(values["user_id"]).sum()
    return scores.reindex(pd.Index(test.pairs["user_id"].unique(), name="user_id").sort_values())


def score_lists(
    recommendations: pd.DataFrame, test: SealedTest, films: pd.Series
) -> dict[str, float]:
    """Means of :func:`list_scores`, and how many users they are of.

    Returns:
        ``ndcg_10``, ``recall_20``, ``users_ranked`` and ``users_without_relevant`` (test users who
        are left out since they have no relevant test movie).
    """
    scores = list_scores(recommendations, test, films)
    return {
        "ndcg_10": float(scores["ndcg_10"].mean()),
        "recall_20": float(scores["recall_20"].mean()),
        "users_ranked": int(scores["ndcg_10"].notna().sum()),
        "users_without_relevant": int(scores["ndcg_10"].isna().sum()),
    }
