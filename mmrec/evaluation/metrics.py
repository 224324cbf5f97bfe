"""Scores of predictions (paper §VI.B). The only module that opens sealed test ratings."""

import numpy as np
import pandas as pd

from mmrec.errors import StudyError
from mmrec.evaluation import ranking
from mmrec.evaluation.protocols import SealedTest

TRUE_THRESHOLD = 4
PREDICTED_THRESHOLD = 3.5


def errors(prediction: np.ndarray, test: SealedTest) -> np.ndarray:
    """Prediction minus rating of every test pair, float64 [n], in stars; clipped to 1-5 before."""
    return np.clip(np.asarray(prediction, np.float64), 1, 5) - test.open()


def squared_errors(prediction: np.ndarray, test: SealedTest) -> np.ndarray:
    """Squares of :func:`errors`, float64 [n]."""
    return errors(prediction, test) ** 2


def precision_recall(prediction: np.ndarray, test: SealedTest) -> tuple[float, float]:
    """Precision and recall, in percent, of finding the liked: true >= 4, predicted >= 3.5.

    Precision is NaN where nothing is predicted liked, and recall where nothing is.
    """
    liked = test.open() >= TRUE_THRESHOLD
    found = np.asarray(prediction) >= PREDICTED_THRESHOLD
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


def list_scores(recommendations: pd.DataFrame, test: SealedTest) -> pd.DataFrame:
    """Scores of every user's list; relevant is a test movie rated >= 4.

    Args:
        recommendations: ``user_id, rank, movie_id``, as :func:`ranking.recommend` makes them.
        test: The sealed test part.

    Returns:
        ``ndcg_10`` and ``recall_20``, 0-1, with the ``user_id`` as index: one row per user of the
        test part, NaN for those who have no relevant test movie and cannot be scored.

    Raises:
        StudyError: A user with a relevant test movie has no list.
    """
    liked = test.pairs[test.open() >= TRUE_THRESHOLD]
    relevant = liked.groupby("user_id").size()
    missing = relevant.index.difference(recommendations["user_id"])
    if len(missing):
        raise StudyError(
            f"{len(missing)} users of the test part have no list, {missing[0]} for one",
            where="recommendations",
            remedy="Recommend to all users of the test part.",
        )
    # "hit" is a constant column of the liked pairs alone: missing after the merge is no hit.
    found = recommendations.merge(liked.assign(hit=True), on=["user_id", "movie_id"], how="left")
    hits = (
        found.pivot(index="user_id", columns="rank", values="hit")
        .reindex(index=relevant.index, columns=range(1, ranking.LONG + 1))
        .notna()
        .to_numpy()
    )
    scores = pd.DataFrame(
        {
            "ndcg_10": ranking.ndcg(hits, relevant.to_numpy()),
            "recall_20": ranking.recall(hits, relevant.to_numpy()),
        },
        index=relevant.index,
    )
    return scores.reindex(pd.Index(test.pairs["user_id"].unique(), name="user_id").sort_values())


def score_lists(recommendations: pd.DataFrame, test: SealedTest) -> dict[str, float]:
    """Means of :func:`list_scores`, and how many users they are of.

    Returns:
        ``ndcg_10``, ``recall_20``, ``users_ranked`` and ``users_without_relevant`` (test users who
        are left out since they have no relevant test movie).
    """
    scores = list_scores(recommendations, test)
    return {
        "ndcg_10": float(scores["ndcg_10"].mean()),
        "recall_20": float(scores["recall_20"].mean()),
        "users_ranked": int(scores["ndcg_10"].notna().sum()),
        "users_without_relevant": int(scores["ndcg_10"].isna().sum()),
    }
