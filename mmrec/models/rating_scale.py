"""The rating scale, 1 to 5 stars, and the error of predictions on it."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

LOWEST, HIGHEST = 1.0, 5.0
"""Ends of the scale, in stars."""


def errors(prediction: ArrayLike, rating: ArrayLike) -> NDArray[np.float64]:
    """Prediction minus rating, in stars, with predictions clipped to the scale first.

    Args:
        prediction: Predicted ratings [n].
        rating: True ratings [n].

    Returns:
        float64 [n].
    """
    clipped = np.clip(np.asarray(prediction, np.float64), LOWEST, HIGHEST)
    return clipped - np.asarray(rating, np.float64)


def rmse(prediction: ArrayLike, rating: ArrayLike) -> float:
    """Root mean squared error of predictions clipped to the scale; NaN if there are none.

    >>> rmse([6.0, 2.0], [5, 4])
    1.4142135623730951
    """
    found = errors(prediction, rating)
    return float(np.sqrt((found**2).mean())) if found.size else float("nan")
