"""Intervals and tests over users: a user's ratings are not independent of each other."""

import numpy as np
import pandas as pd

RESAMPLES = 2_000
FLIPS = 9_999


def resampled_means(
    values: np.ndarray, users: np.ndarray, resamples: int = RESAMPLES
) -> np.ndarray:
    """Means in bootstrap samples of users, each drawn with all of his or her ratings.

    Args:
        values: Values [n] or [n, k] of the same pairs.
        users: User of each pair [n].
        resamples: Number of samples; the same users are drawn at every call.

    Returns:
        float64 [resamples] or [resamples, k].
    """
    codes, names = pd.factorize(users)
    drawn = np.random.default_rng(0).multinomial(
        len(names), np.full(len(names), 1 / len(names)), size=resamples
    )
    drawn = drawn.astype(np.float64)  # products of floats are much faster than those of integers
    sums = np.zeros((len(names), *values.shape[1:]))
    np.add.at(sums, codes, values)
    counts = drawn @ np.bincount(codes)
    return (drawn @ sums) / counts.reshape(-1, *[1] * (values.ndim - 1))


def resampled_rmse(
    squared: np.ndarray, users: np.ndarray, resamples: int = RESAMPLES
) -> np.ndarray:
    """RMSE in bootstrap samples of users, from squared errors; see :func:`resampled_means`."""
    return np.sqrt(resampled_means(squared, users, resamples))


def interval(samples: np.ndarray) -> tuple[float, float]:
    """The middle 95 % of bootstrap samples."""
    low, high = np.percentile(samples, [2.5, 97.5])
    return float(low), float(high)


def sign_flip_p(differences: np.ndarray, users: np.ndarray) -> float:
    """Paired permutation test over users of whether squared errors differ, two-sided.

    A user's squared errors change places between the two predictions, all at once and with even
    chances. Wilcoxon's test would weigh a user with ten ratings as one with three hundred, and
    could then contradict the sign of the difference in RMSE; the sum that is used here cannot.

    Args:
        differences: Differences of squared errors [n].
        users: User of each pair [n].

    Returns:
        p, at least 1 / (FLIPS + 1).
    """
    sums = np.bincount(pd.factorize(users)[0], weights=differences)
    signs = np.random.default_rng(0).choice([-1.0, 1.0], size=(FLIPS, len(sums)))
    # The tolerance counts a flip back to the same sum, which rounding may make a little smaller.
    extreme = np.abs(signs @ sums) >= np.abs(sums.sum()) - 1e-9 * np.abs(sums).sum()
    return float((1 + extreme.sum()) / (1 + FLIPS))


def holm(p: np.ndarray) -> np.ndarray:
    """p-values after Holm's correction [n]: the chance of one false verdict among them all."""
    p = np.asarray(p, np.float64)
    order = np.argsort(p)
    corrected = np.empty_like(p)
    corrected[order] = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)).clip(max=1)
    return corrected
