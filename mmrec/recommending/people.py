"""What a person's ratings make of what was expected of him or her: exact, by a small linear solve.

A person is a visitor, of whom nothing is known but the ratings given, or a user of the data set,
see :mod:`mmrec.recommending.users`. Both are asked the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from scipy.linalg import cholesky
from scipy.linalg.lapack import dtrtri

from mmrec.models.rating_scale import HIGHEST, LOWEST
from mmrec.recommending.covariances import Floats
from mmrec.recommending.served import Positions, Prior


class Person(Protocol):
    """Somebody who has rated n films, and what he or she would rate all m.

    What was *expected* is the prediction before any rating of the person is looked at. A prediction
    is what was expected plus, for each rating, the covariance of the two films times a coefficient.
    """

    @property
    def rated(self) -> Positions:
        """Positions of the films rated, distinct, [n]."""

    @property
    def ratings(self) -> Floats:
        """In stars, [n]."""

    @property
    def coefficients(self) -> Floats:
        """Of each rating, [n]."""

    @property
    def predictions(self) -> Floats:
        """Expected ratings of all films, not clipped, [m]."""

    def expected(self, films: Positions) -> Floats:
        """What was expected of some films, [k]."""

    def sds_of(self, films: Positions) -> Floats:
        """Standard deviations of the ratings of some films, the noise of a rating included, [k]."""

    def correlation(self, films: Positions) -> Floats:
        """Correlation of what the person thinks of some films, given the ratings, [k, k]."""

    def contributions(self, films: Positions) -> Floats:
        """What each rating adds to the predictions of some films, [k, n].

        With what was expected they add up to the predictions.
        """

    def differences(self, films: Positions) -> Floats:
        """By how much each rating raises the predictions of some films, [k, n].

        The prediction with all ratings less that without this one, in closed form: nothing is
        solved again.
        """

    def weights(self, coefficients: Floats) -> Mapping[str, Floats]:
        """What rows of kernels times these are: the parts of predictions that are due to content.

        Args:
            coefficients: [n, k]: all of them in one column, or each in one of its own.

        Returns:
            [m, k] for each of the two covariances.
        """


@dataclass(frozen=True)
class Visitor:
    """Somebody of whom nothing is known but ratings: a :class:`Person`.

    Attributes:
        prior: What was expected.
        rated: Positions of the films rated, distinct, [n].
        ratings: In stars, [n].
    """

    prior: Prior
    rated: Positions
    ratings: Floats

    @cached_property
    def _whitening(self) -> Floats:
        """Inverse of the lower Cholesky factor of the covariance of the ratings, [n, n]."""
        own = self.prior.covariance(self.rated, self.rated)
        own[np.diag_indices_from(own)] += self.prior.noise
        if not len(own):
            return own
        factor = cholesky((own + own.T) / 2, lower=True, check_finite=False)
        inverse, _ = dtrtri(factor, lower=1)
        return np.asarray(inverse, np.float64)

    @cached_property
    def coefficients(self) -> Floats:
        """See :class:`Person`; the same holds for what follows."""
        surprise = self.ratings - self.prior.mean[self.rated]
        return np.asarray(self._whitening.T @ (self._whitening @ surprise))

    @cached_property
    def predictions(self) -> Floats:
        """Of all films, [m]."""
        return self.prior.mean + self.prior.applied(self.rated, self.coefficients)

    def expected(self, films: Positions) -> Floats:
        """What was expected, [k]."""
        return self.prior.mean[films]

    def _told(self, films: Positions) -> Floats:
        """The films' covariance with the ratings, these made independent, [k, n]."""
        return np.asarray(self.prior.covariance(films, self.rated) @ self._whitening.T)

    def sds_of(self, films: Positions) -> Floats:
        """Standard deviations of some films, [k]."""
        left = self.prior.variance(films) - (self._told(films) ** 2).sum(axis=1)
        return np.asarray(np.sqrt(self.prior.noise + np.maximum(left, 0)))

    @cached_property
    def sds(self) -> Floats:
        """The same of all films, [m]; of a few, :meth:`sds_of` is much quicker."""
        return self.sds_of(np.arange(len(self.prior.mean), dtype=np.intp))

    def contributions(self, films: Positions) -> Floats:
        """What each rating adds, [k, n]."""
        return self.prior.covariance(films, self.rated) * self.coefficients

    def differences(self, films: Positions) -> Floats:
        """By how much each rating raises the predictions, [k, n]."""
        precision = (self._whitening**2).sum(axis=0)
        return np.asarray(self._told(films) @ self._whitening * (self.coefficients / precision))

    def correlation(self, films: Positions) -> Floats:
        """Correlation of what the visitor thinks of some films, [k, k]."""
        told = self._told(films)
        return correlation(self.prior.covariance(films, films) - told @ told.T)

    def weights(self, coefficients: Floats) -> Mapping[str, Floats]:
        """What rows of kernels are multiplied by, [m, k] for each covariance."""
        return self.prior.weights(self.rated, coefficients)


def correlation(covariance: Floats) -> Floats:
    """A covariance [k, k] as a correlation."""
    scale = np.sqrt(np.maximum(covariance.diagonal(), 1e-12))
    return np.asarray(covariance / np.outer(scale, scale))


def interval(prediction: float, sd: float, reach: float) -> tuple[float, float]:
    """A prediction's interval of ratings, kept to the scale."""
    bounds = np.clip([prediction - reach * sd, prediction + reach * sd], LOWEST, HIGHEST)
    return float(bounds[0]), float(bounds[1])


def without(person: Visitor, dropped: Sequence[int]) -> Visitor:
    """The same visitor without some of the ratings, by their places in ``rated``."""
    kept = np.setdiff1d(np.arange(len(person.rated)), dropped)
    return Visitor(person.prior, person.rated[kept], person.ratings[kept])
