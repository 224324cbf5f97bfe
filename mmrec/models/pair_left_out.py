"""What a Gaussian process over pairs errs by on a movie that is left out, without fitting it again.

With C the covariance of all ratings y, and S the ratings of one movie, what these are beyond their
prediction from all other ratings is :math:`(C^{-1})_{SS}^{-1} (C^{-1} y)_S`
:cite:p:`rasmussen2006gaussian`: leave-one-out cross-validation, a movie at a time. The covariances
are those learned with the movie; only its ratings are left out.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from mmrec.models.pair_inference import Floats, Positions, Posterior

MOST_RATINGS = 100_000
"""Movies are left out until they have so many ratings: memory grows with them."""


class LeftOut(NamedTuple):
    """Ratings less their predictions from the ratings of all other movies, movie by movie.

    Attributes:
        user: Position of each rating's user, int [n].
        residual: Float64 [n].
    """

    user: Positions
    residual: Floats

    def by_user(self, n_users: int, expected: float, damping: float) -> Floats:
        """Mean residual of each user, drawn towards what is expected of all, float64 [n_users].

        Args:
            n_users: Number of users.
            expected: What a user without a residual has.
            damping: How many residuals of that size are added to those of each user.
        """
        total = np.bincount(self.user, self.residual, minlength=n_users)
        number = np.bincount(self.user, minlength=n_users)
        return np.asarray((total + damping * expected) / (number + damping))


def left_out(posterior: Posterior, most: int = MOST_RATINGS) -> LeftOut:
    """What the ratings of movies are beyond their predictions from all other movies.

    Args:
        posterior: Given the ratings.
        most: Movies, drawn at random, are left out one by one until they have so many ratings.

    Returns:
        Of the movies that were left out.
    """
    seen = posterior.observations
    wanted = _wanted(seen.movie, most)
    design, spread, diagonal = _explained(posterior, wanted)
    movie, coefficients = seen.movie[wanted], posterior.coefficients[wanted]
    order = np.argsort(movie, kind="stable")
    found = []
    for rows in np.split(order, np.flatnonzero(np.diff(movie[order])) + 1):
        precision = -(design[rows] @ spread[rows].T)
        precision = (precision + precision.T) / 2
        precision[np.diag_indices_from(precision)] += diagonal[rows]
        found.append(np.linalg.solve(precision, coefficients[rows]))
    return LeftOut(seen.user[wanted][order], np.concatenate(found))


def _wanted(movie: Positions, most: int) -> Positions:
    """Rows of the ratings of movies drawn at random, at most so many unless the first has more."""
    movies, number = np.unique(movie, return_counts=True)
    drawn = np.random.default_rng(0).permutation(len(movies))
    kept = drawn[np.cumsum(number[drawn]) <= most]
    return np.flatnonzero(np.isin(movie, movies[kept if len(kept) else drawn[:1]]))


def _explained(
    posterior: Posterior, wanted: Positions
) -> tuple[sparse.csr_array, NDArray[np.float32], Floats]:
    """Rows of D^-1 X, of D^-1 X times the joint covariance, and the diagonal of D^-1.

    D is the covariance of the ratings given f and the effects, X the design of these. Most of the
    time goes into the second, which is therefore computed in single precision.
    """
    seen, joint = posterior.observations, posterior.joint.astype(np.float32)
    n_movies, q = len(posterior.shared), seen.n_effects
    place = np.full(len(seen.movie), -1)
    place[wanted] = np.arange(len(wanted))
    spread = np.empty((len(wanted), n_movies + q), np.float32)
    diagonal = np.empty(len(wanted))
    entries, columns, lengths = [], [], np.empty(len(wanted), np.int64)
    for rows, own in zip(seen.by_user(), posterior.inverses, strict=True):
        movie, trait = seen.movie[rows], seen.traits[seen.user[rows.start]]
        some = np.flatnonzero(place[rows] >= 0)
        at, weights = place[rows][some], own[some]
        reached = weights @ seen.coordinates[movie]
        effects = (trait[:, None] * reached[:, None, :]).reshape(len(some), q)
        spread[at] = (
            weights.astype(np.float32) @ joint[movie]
            + effects.astype(np.float32) @ joint[n_movies:]
        )
        diagonal[at] = own[some, some]
        of_row = np.concatenate([movie, np.arange(n_movies, n_movies + q)])
        entries.append(np.hstack([weights, effects]).ravel())
        columns.append(np.tile(of_row, len(some)))
        lengths[at] = len(of_row)
    # Users come in order and their ratings too, so that rows are already in their places.
    bounds = np.concatenate([[0], np.cumsum(lengths)])
    data = (np.concatenate(entries), np.concatenate(columns), bounds)
    return sparse.csr_array(data, shape=spread.shape), spread, diagonal
