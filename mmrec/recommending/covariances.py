r"""A covariance over films as learned, so that a film that was not there can be added to it.

Whether it is that of a user's own taste or of what a film is worth to everybody, given the
ratings: it starts as a weighted sum :math:`K` of kernels of content and ends as

.. math:: K + K M K

for a symmetric matrix :math:`M` that the ratings decided. Conditioning on ratings has this form
:cite:p:`rasmussen2006gaussian`, and so has each step of expectation-maximisation of the tastes. A
film that is added has a row :math:`k` of the kernels, and thereby :math:`k + k M K`: exactly what
it would have been given, had it stood in the catalogue unrated.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.floating]
Floats = NDArray[np.float64]
At = NDArray[np.intp]


@dataclass(frozen=True)
class Covariance:
    """A covariance over m films.

    Attributes:
        prior: K, [m, m].
        change: M, [m, m].
        total: K + K M K, [m, m].
    """

    prior: Matrix
    change: Matrix
    total: Matrix

    def added(self, rows: Floats, between: Floats) -> "Covariance":
        """The covariance over more films.

        Args:
            rows: Prior covariance of the n films to be added with those there are, [n, m].
            between: That of the added films with each other, [n, n].
        """
        n = len(rows)
        reach = rows.astype(self.change.dtype) @ self.change
        across = rows + np.asarray(reach @ self.prior, np.float64)
        among = between + np.asarray(reach @ rows.T, np.float64)
        return Covariance(
            bordered(self.prior, rows, between),
            np.pad(self.change, (0, n)),
            bordered(self.total, across, (among + among.T) / 2),
        )

    def between(self, films: At, at: At) -> Floats:
        """Covariance of some films [k] with others [n], [k, n]."""
        return np.asarray(self.total[np.ix_(films, at)], np.float64)

    def variance(self, films: At) -> Floats:
        """Variance of some films, [k]."""
        return np.asarray(self.total[films, films], np.float64)

    def applied(self, at: At, coefficients: Floats) -> Floats:
        """Covariance of all films with some [n], times coefficients [n], [m]."""
        # Rows, as it is symmetric: they lie together.
        return np.asarray(coefficients @ self.total[at], np.float64)

    def weights(self, at: At, coefficients: Floats) -> Floats:
        """What the prior's rows are to be multiplied by, [m, k].

        The covariance of any film i with the films ``at``, times coefficients, is the i-th row of
        the prior times these; as the prior is a sum over blocks of content, so is the product.

        Args:
            at: Positions of n films.
            coefficients: [n, k].
        """
        reached = self.prior[at].T @ coefficients.astype(self.prior.dtype)
        found = np.asarray(self.change @ reached, np.float64)
        np.add.at(found, at, coefficients)
        return found


def bordered(matrix: Matrix, rows: Floats, between: Floats) -> Matrix:
    """A symmetric matrix with n more rows and columns, [m + n, m + n]."""
    m, n = len(matrix), len(rows)
    found = np.empty((m + n, m + n), matrix.dtype)
    found[:m, :m], found[m:, :m], found[:m, m:], found[m:, m:] = matrix, rows, rows.T, between
    return found


def step(prior: Floats, change: Floats, growth: Floats, stride: int) -> Floats:
    r"""M after T = K + K M K has become T (I + S T)^stride, symmetrised.

    With :math:`(I + ST)^n = I + Q T` and :math:`Q` symmetric, T becomes :math:`T + T Q T`, and
    :math:`T = (I + K M) K`.

    Args:
        prior: K.
        change: M before.
        growth: S, symmetric.
        stride: How often T is multiplied.
    """
    identity = np.eye(len(prior))
    outer = identity + change @ prior  # T = K outer
    total = prior @ outer
    total = (total + total.T) / 2
    growing = identity + growth @ total
    # (I + ST)^n = I + Q T, so that Q of n is S + (I + ST) Q of n - 1 ...
    q = growth
    for _ in range(stride - 1):
        q = growth + growing @ q
    found = change + outer @ ((q + q.T) / 2) @ outer.T
    return np.asarray((found + found.T) / 2)
