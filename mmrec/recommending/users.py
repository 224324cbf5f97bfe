r"""Users of the data set: what the model has learned of them is not computed again when they ask.

The fit has found the coefficients of a user's ratings already, and how little each rating is
foretold by the user's others is stored with them, so that what is left to solve are two systems as
large as the number of ratings. Of the films R that the user has rated, let :math:`T` be the
covariance of tastes and :math:`J` that of what all users have in common, which the user's own
ratings have helped to tell. Then

.. math:: D = T_{RR} + \sigma^2 I, \qquad O = D - J_{RR}, \qquad A = D O^{-1} D

are the covariance of the ratings given what is common, the same with the user's own ratings taken
out of it, and the covariance of the ratings before any of them was looked at. So
:math:`A^{-1} = D^{-1} O D^{-1}`, and what is asked of it needs no more than :math:`D` and, for what
each rating contributes, :math:`O`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg import cho_solve, cholesky

from mmrec.recommending.covariances import Floats, Matrix
from mmrec.recommending.people import correlation
from mmrec.recommending.served import EVERYBODY, TASTE, Positions, Served


@dataclass(frozen=True)
class User:
    """A user of the data set: a :class:`~mmrec.recommending.people.Person`.

    What was expected is what all others' ratings leave, with what is known of the user besides;
    the user's own are taken out of it, so that reasons mean the same as a visitor's. Traits and
    covariances are as they were learned from all.

    Attributes:
        served: The model.
        place: Position of the user.
    """

    served: Served
    place: int

    @cached_property
    def _rows(self) -> slice:
        """The user's ratings among all."""
        return slice(*np.searchsorted(self.served.user, [self.place, self.place + 1]))

    @cached_property
    def rated(self) -> Positions:
        """See :class:`~mmrec.recommending.people.Person`; the same holds for what follows."""
        return self.served.movie[self._rows]

    @cached_property
    def ratings(self) -> Floats:
        """In stars, [n]."""
        return np.asarray(self.served.mean + self.served.value[self._rows])

    @cached_property
    def coefficients(self) -> Floats:
        """As the fit has left them, [n]."""
        return np.asarray(self.served.coefficients[self._rows], np.float64)

    @cached_property
    def predictions(self) -> Floats:
        """Of all films, [m]; nothing is solved."""
        return self._common + np.asarray(self.coefficients @ self._tastes, np.float64)

    def expected(self, films: Positions) -> Floats:
        """What was expected, [k]."""
        own = self._back(self._own @ self.coefficients)
        return np.asarray(self._common[films] - self._shared(films, self.rated) @ own)

    def sds_of(self, films: Positions) -> Floats:
        """Standard deviations of some films, [k]."""
        served, place, cross = self.served, self.served.coordinates[films], self._cross[films]
        tastes, pull, shared = self._pulled(films)
        left = served.covariances[TASTE].variance(films) - (tastes * pull).sum(axis=0)
        left += served.covariances[EVERYBODY].variance(films)
        left += ((2 * cross + place @ self._inner) * place).sum(axis=1)
        left += ((self._among @ pull - 2 * shared) * pull).sum(axis=0)
        return np.asarray(np.sqrt(served.noise + np.maximum(left, 0)))

    def correlation(self, films: Positions) -> Floats:
        """Correlation of what the user thinks of some films, [k, k]."""
        tastes, pull, shared = self._pulled(films)
        left = self.served.covariances[TASTE].between(films, films) - tastes.T @ pull
        across = shared.T @ pull
        left += self._shared(films, films) - across - across.T + pull.T @ (self._among @ pull)
        return correlation(left)

    def contributions(self, films: Positions) -> Floats:
        """What each rating adds, [k, n]."""
        others = self._own @ self._back(self._shared(self.rated, films))
        return np.asarray((self._tastes[:, films] + others).T * self.coefficients)

    def differences(self, films: Positions) -> Floats:
        """By how much each rating raises the predictions, [k, n]."""
        tastes, pull, shared = self._pulled(films)
        told = self._solved(tastes + shared - self._among @ pull)
        precision = np.asarray(self.served.precision[self._rows], np.float64)
        return np.asarray(told.T * (self.coefficients / precision))

    def weights(self, coefficients: Floats) -> Mapping[str, Floats]:
        """What rows of kernels are multiplied by, [m, k] for each covariance."""
        others = self._back(self._own @ coefficients)
        covariances = self.served.covariances
        return {
            EVERYBODY: covariances[EVERYBODY].weights(self.rated, others),
            TASTE: covariances[TASTE].weights(self.rated, coefficients),
        }

    # --- what all users have in common, as far as it concerns this one ---

    @cached_property
    def _common(self) -> Floats:
        """What the user would rate all films without a taste of his or her own, [m]."""
        served, traits = self.served, self.served.traits[self.place]
        directed = served.coordinates @ (served.effects.T @ traits)
        return np.asarray(served.mean + served.shared + directed, np.float64)

    @cached_property
    def _cross(self) -> Floats:
        """Covariance of what films are worth with the effects that act on this user, [m, p]."""
        d, p = self.served.effects.shape
        cross = self.served.cross.reshape(-1, d, p)
        return np.asarray(self.served.traits[self.place] @ cross, np.float64)

    @cached_property
    def _inner(self) -> Floats:
        """Covariance of these effects, [p, p]."""
        (d, p), traits = self.served.effects.shape, self.served.traits[self.place]
        inner = self.served.inner.reshape(d, p, d, p)
        return np.asarray(np.einsum("d,dpeq,e->pq", traits, inner, traits), np.float64)

    def _shared(self, films: Positions, at: Positions) -> Floats:
        """J: covariance of what is common at some films [k] with others [n], [k, n]."""
        where, cross = self.served.coordinates, self._cross
        found = self.served.covariances[EVERYBODY].between(films, at)
        one = np.hstack([cross[films], where[films]])
        found += one @ np.hstack([where[at], cross[at] + where[at] @ self._inner.T]).T
        return found

    @cached_property
    def _among(self) -> Floats:
        """J of the films rated, [n, n]."""
        return self._shared(self.rated, self.rated)

    # --- the user's own taste ---

    @cached_property
    def _tastes(self) -> Matrix:
        """Covariance of tastes of the films rated with all, [n, m]."""
        return self.served.covariances[TASTE].total[self.rated]

    @cached_property
    def _own(self) -> Floats:
        """D, [n, n]."""
        found = np.asarray(self._tastes[:, self.rated], np.float64)
        found[np.diag_indices_from(found)] += self.served.noise
        return found

    @cached_property
    def _own_factor(self) -> Floats:
        return _factor(self._own.copy())

    @cached_property
    def _back_factor(self) -> Floats:
        return _factor(self._own - self._among)

    def _solved(self, right: Floats) -> Floats:
        """D⁻¹ times this."""
        return np.asarray(cho_solve((self._own_factor, True), right, check_finite=False))

    def _back(self, right: Floats) -> Floats:
        """O⁻¹ times this."""
        return np.asarray(cho_solve((self._back_factor, True), right, check_finite=False))

    def _pulled(self, films: Positions) -> tuple[Floats, Floats, Floats]:
        """Covariance of tastes of the films rated with some, D⁻¹ times it, and J, [n, k] each."""
        tastes = np.asarray(self._tastes[:, films], np.float64)
        return tastes, self._solved(tastes), self._shared(self.rated, films)


def _factor(matrix: Floats) -> Floats:
    """Lower Cholesky factor of a symmetric matrix, which is overwritten."""
    # Its transpose is itself, in the order that LAPACK takes without a copy.
    found = cholesky(matrix.T, lower=True, overwrite_a=True, check_finite=False)
    return np.asarray(found, np.float64)
