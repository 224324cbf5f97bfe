"""What a person's own ratings make of what was expected: one small linear solve, exact."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg import cho_factor, cho_solve

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
    def covariance(self) -> Floats:
        """Of all films with those rated, [m, n]."""
        return self.prior.covariance(self.rated)

    @cached_property
    def _inverse(self) -> Floats:
        """Of the covariance of the ratings, [n, n]."""
        own = self.covariance[self.rated].copy()
        own[np.diag_indices_from(own)] += self.prior.noise
        n = len(own)
        return np.asarray(cho_solve(cho_factor((own + own.T) / 2), np.eye(n)) if n else own)

    @cached_property
    def coefficients(self) -> Floats:
        """A prediction is what was expected plus covariance times these, [n]."""
        return np.asarray(self._inverse @ (self.ratings - self.prior.mean[self.rated]))

    @cached_property
    def predictions(self) -> Floats:
        """Expected ratings of all films, not clipped, [m]."""
        return np.asarray(self.prior.mean + self.covariance @ self.coefficients)

    @cached_property
    def sds(self) -> Floats:
        """Standard deviations of the ratings of all films, the noise of a rating included, [m]."""
        told = ((self.covariance @ self._inverse) * self.covariance).sum(axis=1)
        left = np.maximum(self.prior.variance - told, 0)
        return np.asarray(np.sqrt(self.prior.noise + left))

    def contributions(self, films: Positions) -> Floats:
        """What each rating adds to the predictions of some films, [n_films, n].

        With what was expected they add up to the predictions.
        """
        return self.covariance[films] * self.coefficients

    def differences(self, films: Positions) -> Floats:
        """By how much each rating raises the predictions of some films, [n_films, n].

        The prediction with all ratings less that without this one, in closed form: nothing is
        solved again.
        """
        pull = self.covariance[films] @ self._inverse
        return np.asarray(pull * (self.coefficients / self._inverse.diagonal()))

    def correlation(self, films: Positions) -> Floats:
        """Correlation of what the person thinks of some films, given the ratings, [k, k]."""
        left = self.prior.covariance(films)[films]
        there = self.covariance[films]
        left = left - there @ self._inverse @ there.T
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
