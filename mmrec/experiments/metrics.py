"""Scores of predictions (paper §VI.B). The only module that opens sealed test ratings."""

import numpy as np

from mmrec.experiments.protocols import SealedTest

TRUE_THRESHOLD = 4
PREDICTED_THRESHOLD = 3.5


def squared_errors(prediction: np.ndarray, test: SealedTest) -> np.ndarray:
    """Squared error of every test pair, float64 [n], predictions clipped to the scale 1-5."""
    return (np.clip(np.asarray(prediction, np.float64), 1, 5) - test.open()) ** 2


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
    errors = squared_errors(prediction, test)
    precision, recall = precision_recall(prediction, test)
    return {
        "rmse": float(np.sqrt(errors.mean())),
        "rmse_covered": float(np.sqrt(errors[covered].mean())) if covered.any() else np.nan,
        "precision": float(precision),
        "recall": float(recall),
        "n_test": len(errors),
        "coverage": float(covered.mean()),
    }
