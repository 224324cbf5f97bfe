"""What a person's own ratings make of what was expected: one small linear solve, exact."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg import cholesky
from scipy.linalg.lapack import dtrtri

from mmrec.models.rating_scale import HIGHEST, LOWEST
from mmrec.recommending.covariances import Floats
from mmrec.recommending.served import Positions, Prior


@dataclass(frozen=True)
class Person:
    """A person: what was expected of him or her, and the ratings that he or she has given.

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
        """A prediction is what was expected plus covariance times these, [n]."""
        surprise = self.ratings - self.prior.mean[self.rated]
        return np.asarray(self._whitening.T @ (self._whitening @ surprise))

    @cached_property
    def predictions(self) -> Floats:
        """Expected ratings of all films, not clipped, [m]."""
        return self.prior.mean + self.prior.applied(self.rated, self.coefficients)

    def _told(self, films: Positions) -> Floats:
        """The films' covariance with the ratings, these made independent, [k, n]."""
        return np.asarray(self.prior.covariance(films, self.rated) @ self._whitening.T)

    def sds_of(self, films: Positions) -> Floats:
        """Standard deviations of the ratings of some films, the noise of a rating included, [k]."""
        left = self.prior.variance(films) - (self._told(films) ** 2).sum(axis=1)
        return np.asarray(np.sqrt(self.prior.noise + np.maximum(left, 0)))

    @cached_property
    def sds(self) -> Floats:
        """The same of all films, [m]; of a few, :meth:`sds_of` is much quicker."""
        return self.sds_of(np.arange(len(self.prior.mean), dtype=np.intp))

    def contributions(self, films: Positions) -> Floats:
        """What each rating adds to the predictions of some films, [n_films, n].

        With what was expected they add up to the predictions.
        """
        return self.prior.covariance(films, self.rated) * self.coefficients

    def differences(self, films: Positions) -> Floats:
        """By how much each rating raises the predictions of some films, [n_films, n].

        The prediction with all ratings less that without this one, in closed form: nothing is
        solved again.
        """
        precision = (self._whitening**2).sum(axis=0)
        return np.asarray(self._told(films) @ self._whitening * (self.coefficients / precision))

    def correlation(self, films: Positions) -> Floats:
        """Correlation of what the person thinks of some films, given the ratings, [k, k]."""
        told = self._told(films)
        left = self.prior.covariance(films, films) - told @ told.T
        scale = np.sqrt(np.maximum(left.diagonal(), 1e-12))
        return np.asarray(left / np.outer(scale, scale))


def interval(prediction: float, sd: float, reach: float) -> tuple[float, float]:
    """A prediction's interval of ratings, kept to the scale."""
    bounds = np.clip([prediction - reach * sd, prediction + reach * sd], LOWEST, HIGHEST)
    return float(bounds[0]), float(bounds[1])


def without(person: Person, dropped: Sequence[int]) -> Person:
    """The same person without some of the ratings, by their places in ``rated``."""
    kept = np.setdiff1d(np.arange(len(person.rated)), dropped)
    return Person(person.prior, person.rated[kept], person.ratings[kept])
