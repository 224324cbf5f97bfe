"""Intervals and tests for what was measured on test pairs, which are not independent of each other.

A user's ratings go together, and so do a film's. Which of the two were *sampled* depends on the
fold. In the published folds and in folds of new users, every film is known and only users are a
sample of those there could be: users are resampled, each with all of his or her pairs. In folds
of new films the films were drawn as well, and another draw would give other figures: variances
are then added up over users and over films.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from statsmodels.stats.multitest import multipletests

RESAMPLES = 2_000
"""Bootstrap samples of users."""

FLIPS = 9_999
"""Random sign flips; fewer users than 14 have all of theirs tried."""

CONFIDENCE = 0.95

Floats = NDArray[np.float64]


class Sampling(StrEnum):
    """What the test pairs of a fold are a sample of; the value is what tables print."""

    USERS = "users"
    USERS_AND_FILMS = "users and films"


@dataclass(frozen=True)
class Difference:
    """A paired difference between two rows.

    Attributes:
        value: First minus second.
        low: Lower limit of its 95 % interval.
        high: Upper limit.
        p: Two-sided p-value of there being no difference.
        floor: The smallest p that the test could have given; 0 if any is possible.
    """

    value: float
    low: float
    high: float
    p: float
    floor: float


@dataclass(frozen=True)
class Sample:
    """The test pairs on which something was measured, and what they are a sample of.

    The measure is a weighted mean over the pairs, or its square root: a mean squared error has
    equal weights; the mean over users of a sum over their relevant films has the weight
    1 / (relevant films) at each of them.

    Attributes:
        users: User of each pair [n].
        films: Film of each pair [n]; the two ids of one film are one film.
        weights: float64 [n], positive.
        sampling: What was sampled.
    """

    users: NDArray[np.int64]
    films: NDArray[np.int64]
    weights: Floats
    sampling: Sampling

    @classmethod
    def of(
        cls,
        users: ArrayLike,
        films: ArrayLike,
        sampling: Sampling,
        weights: ArrayLike | None = None,
    ) -> "Sample":
        """A sample of pairs with any ids; equal weights unless others are given."""
        codes = [pd.factorize(np.asarray(ids))[0].astype(np.int64) for ids in (users, films)]
        given = np.ones(len(codes[0])) if weights is None else np.asarray(weights, np.float64)
        return cls(codes[0], codes[1], given, sampling)

    def mean(self, values: Floats) -> float:
        """Weighted mean of values [n]."""
        return float(np.average(values, weights=self.weights))

    def interval(self, values: Floats, *, root: bool = False) -> tuple[float, float]:
        """95 % interval of the mean of values [n], or of its square root.

        Over users: the middle 95 % of the bootstrap samples. Over users and films: the normal
        interval with the variance of :func:`two_way_variance` and the quantile of a t distribution
        (see :meth:`difference`); for a square root by linearisation.
        """
        if self.sampling is Sampling.USERS:
            samples = self._resampled(values)
            return _middle(np.sqrt(samples) if root else samples)
        value, influence = self._linearised(values, root=root)
        low, high = self._limits(value, influence)
        return (max(low, 0.0) if root else low), high

    def difference(self, first: Floats, second: Floats, *, root: bool = False) -> Difference:
        """How far two rows of the same pairs are apart.

        Over users: the interval is that of a paired bootstrap, and p that of
        :func:`sign_flip_test`. Over users and films: both rest on Cameron, Gelbach and Miller's
        variance (:func:`two_way_variance`) of the linearised difference, and on a t distribution
        with one degree of freedom less than there are users or films, whichever are fewer; so the
        interval leaves out zero exactly if p is below 0.05. Flipping signs by user, or by film,
        holds only one of the two together, and even the larger p of both would be too small where
        both matter.

        Args:
            first: Values [n] of one row.
            second: Values [n] of the other.
            root: Whether the measure is the square root of the mean.
        """
        if self.sampling is Sampling.USERS:
            samples = [self._resampled(values) for values in (first, second)]
            means = [self.mean(values) for values in (first, second)]
            if root:
                samples, means = [np.sqrt(s) for s in samples], [float(np.sqrt(m)) for m in means]
            weighted = self.weights * (first - second)
            # A mean weighted by user changes its sign with the flip of all that the user adds.
            p, floor = sign_flip_test(np.bincount(self.users, weights=weighted).astype(np.float64))
            return Difference(means[0] - means[1], *_middle(samples[0] - samples[1]), p, floor)
        (one, of_one), (other, of_other) = (
            self._linearised(values, root=root) for values in (first, second)
        )
        value, influence = one - other, of_one - of_other
        error = self._standard_error(influence)
        if error == 0:
            p = float(value == 0)
        else:
            p = float(2 * stats.t.sf(abs(value) / error, self._degrees_of_freedom))
        return Difference(value, *self._limits(value, influence), p, 0.0)

    @property
    def _degrees_of_freedom(self) -> int:
        return max(1, min(len(np.unique(ids)) for ids in (self.users, self.films)) - 1)

    def _resampled(self, values: Floats) -> Floats:
        """Means in bootstrap samples of users, each drawn with all of his or her pairs."""
        n = int(self.users.max()) + 1
        drawn = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), size=RESAMPLES)
        counts = drawn.astype(np.float64)  # products of floats are much faster than of integers
        sums = np.bincount(self.users, weights=self.weights * values)
        return np.asarray((counts @ sums) / (counts @ np.bincount(self.users, self.weights)))

    def _linearised(self, values: Floats, *, root: bool) -> tuple[float, Floats]:
        """The measure, and what each pair adds to its deviation from the truth [n]."""
        mean = self.mean(values)
        influence = self.weights * (values - mean) / self.weights.sum()
        if not root:
            return mean, influence
        measure = float(np.sqrt(mean))
        return measure, influence / (2 * measure) if measure else influence

    def _standard_error(self, influence: Floats) -> float:
        return float(np.sqrt(two_way_variance(influence, self.users, self.films)))

    def _limits(self, value: float, influence: Floats) -> tuple[float, float]:
        t = float(stats.t.ppf((1 + CONFIDENCE) / 2, self._degrees_of_freedom))
        width = t * self._standard_error(influence)
        return value - width, value + width


def two_way_variance(
    influence: Floats, users: NDArray[np.int64], films: NDArray[np.int64]
) -> float:
    """Variance of a sum over pairs whose users and whose films are both sampled.

    V = V_users + V_films - V_pairs, each from the sums within a cluster, with the correction
    G / (G - 1) for G clusters (Cameron, Gelbach and Miller, "Robust inference with multiway
    clustering", 2011). The difference can come out smaller than a one-way variance, and even
    below zero, in small samples; then the larger one-way variance stands in its place.

    Args:
        influence: What each pair adds to the sum, float64 [n], with mean zero.
        users: User of each pair [n], as codes from 0.
        films: Film of each pair [n], as codes from 0.
    """
    pairs = pd.factorize(users * (int(films.max()) + 1) + films)[0]
    by_user, by_film, by_pair = (_clustered(influence, ids) for ids in (users, films, pairs))
    return max(by_user + by_film - by_pair, by_user, by_film)


def _clustered(influence: Floats, clusters: NDArray[np.int64]) -> float:
    sums = np.bincount(clusters, weights=influence)
    n = len(np.unique(clusters))
    return float((sums**2).sum() * n / (n - 1)) if n > 1 else 0.0


def _middle(samples: Floats) -> tuple[float, float]:
    tail = 50 * (1 - CONFIDENCE)
    low, high = np.percentile(samples, [tail, 100 - tail])
    return float(low), float(high)


def sign_flip_test(sums: Floats) -> tuple[float, float]:
    """Paired permutation test over users of whether two rows differ, two-sided.

    All that a user adds to the two rows changes places at once, with even chances. Wilcoxon's test
    would weigh a user with ten ratings as one with three hundred, and could then contradict the
    sign of the difference; the sum that is used here cannot.

    Args:
        sums: Each user's summed differences [n_users].

    Returns:
        p, and the smallest p that there could be: 2 / 2^n if all flips can be tried, and otherwise
        1 / (:data:`FLIPS` + 1). Both are 1 for a single user, who proves nothing.
    """
    if len(sums) < 2:
        return 1.0, 1.0  # nobody to compare with
    exact = 2 ** len(sums) <= FLIPS
    found = stats.permutation_test(
        (sums,),
        _size_of_sum,
        permutation_type="samples",
        alternative="greater",  # of the size of the sum: both directions at once
        n_resamples=FLIPS,
        batch=1_000,
        vectorized=True,
        rng=np.random.default_rng(0),
    )
    return float(found.pvalue), 2 / 2 ** len(sums) if exact else 1 / (FLIPS + 1)


def _size_of_sum(sums: Floats, axis: int) -> Floats:
    return np.asarray(np.abs(sums.sum(axis=axis)), np.float64)


def holm(p: Sequence[float] | Floats) -> Floats:
    """p-values after Holm's correction [n]: the chance of one false verdict among them all."""
    return np.asarray(multipletests(np.asarray(p, np.float64), method="holm")[1], np.float64)
