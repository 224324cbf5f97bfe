r"""Exact inference in a Gaussian process over pairs of users and movies.

A rating, less the mean of all, is a sum of four independent parts:

.. math:: r_{ui} = f_i + p_i^\top \Gamma z_u + g_u(i) + \varepsilon_{ui}

* :math:`f \sim N(0, K)`: what a movie is worth to everybody;
* :math:`\Gamma`: what users with the traits :math:`z_u` see in movies with the coordinates
  :math:`p_i`, independent entries with variances of their own;
* :math:`g_u \sim N(0, T)`: a user's own taste, for each user independently, a level of his or her
  own included;
* :math:`\varepsilon`: noise.

Given :math:`f` and :math:`\Gamma` users are independent, so that nothing is ever as large as users
times movies: each user costs the inverse of a matrix of his or her own ratings, and what all users
have in common is a linear system in movies and traits :cite:p:`rasmussen2006gaussian`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lu_factor, lu_solve
from scipy.linalg.lapack import dpotrf, dpotri

from mmrec.errors import StudyError

Floats = NDArray[np.float64]
Positions = NDArray[np.intp]


@dataclass(frozen=True)
class Observations:
    """Ratings in the order of users and, within each, of movies.

    Attributes:
        user: Position of each rating's user, int [n].
        movie: Position of its movie, int [n].
        value: Rating less the mean of all, float64 [n].
        traits: Float64 [n_users, d], zeros where nothing is known of a user; d may be 0.
        coordinates: Float64 [n_movies, p], what traits act on.
    """

    user: Positions
    movie: Positions
    value: Floats
    traits: Floats
    coordinates: Floats

    @classmethod
    def of(
        cls, user: Positions, movie: Positions, value: Floats, traits: Floats, coordinates: Floats
    ) -> "Observations":
        """Sorts the ratings, so that nothing depends on their order."""
        order = np.lexsort([movie, user])
        return cls(user[order], movie[order], value[order], traits, coordinates)

    @cached_property
    def rated(self) -> Positions:
        """Positions of the movies with a rating, in order."""
        return np.unique(self.movie)

    @cached_property
    def raters(self) -> Positions:
        """Positions of the users with a rating, in order."""
        return np.unique(self.user)

    @property
    def n_effects(self) -> int:
        """Entries of the matrix of trait effects, d times p."""
        return int(self.traits.shape[1] * self.coordinates.shape[1])

    def by_user(self) -> Iterator[slice]:
        """The rows of each user with a rating."""
        ends = np.flatnonzero(np.diff(self.user, append=-1)) + 1
        start = 0
        for end in ends.tolist():
            yield slice(start, end)
            start = end


@dataclass(frozen=True)
class Covariances:
    """Prior covariances.

    Attributes:
        noise: Variance of a single rating.
        shared: K, float64 [m, m].
        taste: T, float64 [m, m].
        effects: Variances of the trait effects, float64 [d * p], traits slowest.
    """

    noise: float
    shared: Floats
    taste: Floats
    effects: Floats


@dataclass(frozen=True)
class Statistics:
    """What a step of learning needs: for each part of the prior the posterior's fit and spread.

    With C the covariance of the ratings y and X the design of a part, ``fit`` is
    X' C^-1 y y' C^-1 X and ``spread`` is X' C^-1 X. At the
    maximum of the marginal likelihood both have the same inner product with every derivative of
    the part's covariance.
    """

    shared_fit: Floats
    shared_spread: Floats
    taste_fit: Floats
    taste_spread: Floats
    effects_fit: Floats
    effects_spread: Floats
    noise_fit: float
    noise_spread: float


@dataclass(frozen=True)
class Posterior:
    """The posterior, given ratings.

    Attributes:
        observations: The ratings.
        covariances: The prior.
        shared: Mean of f, float64 [m].
        effects: Mean of the trait effects, float64 [d, p].
        coefficients: Float64 [n]: a user's own taste for any movie is the sum, over his or her
            ratings, of coefficient times taste covariance of the two movies.
        inverses: For each user with a rating, the inverse of the covariance of his or her ratings
            given f and the effects, float64 [n_u, n_u].
        joint: Posterior covariance of f and the effects, float64 [m + d p, m + d p].
        log_likelihood: Of the ratings, natural logarithm.
        statistics: For learning the covariances.
    """

    observations: Observations
    covariances: Covariances
    shared: Floats
    effects: Floats
    coefficients: Floats
    inverses: list[Floats]
    joint: Floats
    log_likelihood: float
    statistics: Statistics


def inverse(matrix: Floats) -> tuple[Floats, float]:
    """Inverse of a positive definite matrix, and the logarithm of its determinant.

    Raises:
        StudyError: The matrix is not positive definite.
    """
    factor, failed = dpotrf(matrix, lower=1, clean=1)
    if failed:
        raise StudyError(
            "a covariance matrix is not positive definite",
            where="Gaussian process over pairs",
            remedy="Check that the features are finite; learn with fewer updates.",
        )
    log_determinant = 2 * float(np.log(np.diag(factor)).sum())
    found = dpotri(factor, lower=1, overwrite_c=1)[0]
    found += np.tril(found, -1).T
    return found, log_determinant


def infer(observations: Observations, prior: Covariances) -> Posterior:
    """The posterior, exactly.

    Costs the cube of each user's number of ratings, and once the cube of the number of movies and
    trait effects.

    Raises:
        StudyError: A covariance matrix is not positive definite.
    """
    system = _System.of(observations, prior)
    n_rated, rated = len(observations.rated), observations.rated
    prior_times = np.empty_like(system.spread)
    shared = prior.shared[np.ix_(rated, rated)]
    prior_times[:, :n_rated] = system.spread[:, :n_rated] @ shared
    prior_times[:, n_rated:] = system.spread[:, n_rated:] * prior.effects
    prior_times[np.diag_indices_from(prior_times)] += 1
    factor = lu_factor(prior_times, overwrite_a=True, check_finite=False)
    weights = lu_solve(factor, system.fit, check_finite=False)
    spread = lu_solve(factor, system.spread, check_finite=False)
    spread = (spread + spread.T) / 2

    n_movies = len(prior.shared)
    reach = prior.shared[:, rated]
    means = np.concatenate([reach @ weights[:n_rated], prior.effects * weights[n_rated:]])
    joint = _joint(prior, reach, spread)

    quadratic = system.quadratic - system.fit @ np.concatenate(
        [means[:n_movies][rated], means[n_movies:]]
    )
    determinant = system.log_determinant + float(np.log(np.abs(np.diag(factor[0]))).sum())
    n = len(observations.value)
    effects = means[n_movies:].reshape(
        observations.traits.shape[1], observations.coordinates.shape[1]
    )
    coefficients, taste_fit, taste_spread, noise = _users(
        observations, system.inverses, means[:n_movies], effects, joint
    )
    whole = np.ix_(rated, rated)
    shared_fit, shared_spread = np.zeros_like(prior.shared), np.zeros_like(prior.shared)
    shared_fit[whole] = np.outer(weights[:n_rated], weights[:n_rated])
    shared_spread[whole] = spread[:n_rated, :n_rated]
    return Posterior(
        observations=observations,
        covariances=prior,
        shared=means[:n_movies],
        effects=effects,
        coefficients=coefficients,
        inverses=system.inverses,
        joint=joint,
        log_likelihood=-(quadratic + determinant + n * np.log(2 * np.pi)) / 2,
        statistics=Statistics(
            shared_fit=shared_fit,
            shared_spread=shared_spread,
            taste_fit=taste_fit,
            taste_spread=taste_spread,
            effects_fit=weights[n_rated:] ** 2,
            effects_spread=np.diag(spread)[n_rated:],
            noise_fit=float(coefficients @ coefficients),
            noise_spread=noise,
        ),
    )


def _joint(prior: Covariances, reach: Floats, spread: Floats) -> Floats:
    """Posterior covariance of f and the effects, [m + q, m + q].

    Args:
        prior: The prior.
        reach: Its covariance of f at all movies with f at the rated ones, [m, m_rated].
        spread: X' C^-1 X for the rated movies and the effects.
    """
    n_movies, n_rated = reach.shape
    joint = np.empty((n_movies + len(prior.effects),) * 2)
    movies = reach @ spread[:n_rated]
    joint[:n_movies, :n_movies] = prior.shared - movies[:, :n_rated] @ reach.T
    joint[:n_movies, n_movies:] = -movies[:, n_rated:] * prior.effects
    joint[n_movies:, :n_movies] = joint[:n_movies, n_movies:].T
    inner = -prior.effects[:, None] * spread[n_rated:, n_rated:] * prior.effects
    inner[np.diag_indices_from(inner)] += prior.effects
    joint[n_movies:, n_movies:] = inner
    return joint


@dataclass(frozen=True)
class _System:
    """The ratings' evidence on f (at the rated movies) and the effects, tastes integrated out.

    Attributes:
        spread: X' D^-1 X, with D the covariance of the ratings given f and the effects.
        fit: X' D^-1 y.
        quadratic: y' D^-1 y.
        log_determinant: Of D.
        inverses: The blocks of D^-1, user by user.
    """

    spread: Floats
    fit: Floats
    quadratic: float
    log_determinant: float
    inverses: list[Floats]

    @classmethod
    def of(cls, seen: Observations, prior: Covariances) -> "_System":
        rated = seen.rated
        column = np.searchsorted(rated, seen.movie)
        n_rated, q = len(rated), seen.n_effects
        spread, fit = np.zeros((n_rated + q, n_rated + q)), np.zeros(n_rated + q)
        movies, cross = spread[:n_rated, :n_rated], spread[:n_rated, n_rated:]
        inner = np.zeros((len(seen.raters), seen.coordinates.shape[1] ** 2))
        quadratic, log_determinant, inverses = 0.0, 0.0, []
        for place, rows in enumerate(seen.by_user()):
            movie, at, value = seen.movie[rows], column[rows], seen.value[rows]
            covariance = prior.taste[np.ix_(movie, movie)]
            covariance[np.diag_indices_from(covariance)] += prior.noise
            found, determinant = inverse(covariance)
            weighted = found @ value
            log_determinant += determinant
            quadratic += float(value @ weighted)
            inverses.append(found)
            movies[np.ix_(at, at)] += found
            fit[at] += weighted
            if q:
                trait, where = seen.traits[seen.user[rows.start]], seen.coordinates[movie]
                reached = found @ where
                cross[at] += (trait[:, None] * reached[:, None, :]).reshape(len(movie), q)
                inner[place] = (where.T @ reached).ravel()
                fit[n_rated:] += np.outer(trait, where.T @ weighted).ravel()
        if q:
            d, p = seen.traits.shape[1], seen.coordinates.shape[1]
            squares = _squares(seen.traits[seen.raters])
            effects = (squares.T @ inner).reshape(d, d, p, p).transpose(0, 2, 1, 3)
            spread[n_rated:, n_rated:] = effects.reshape(q, q)
            spread[n_rated:, :n_rated] = cross.T
        return cls(spread, fit, quadratic, log_determinant, inverses)


def _squares(traits: Floats) -> Floats:
    """Products of every two traits of each user, [n_users, d * d]."""
    return (traits[:, :, None] * traits[:, None, :]).reshape(len(traits), -1)


def _users(
    seen: Observations, inverses: list[Floats], shared: Floats, effects: Floats, joint: Floats
) -> tuple[Floats, Floats, Floats, float]:
    """Coefficients of the tastes, fit and spread of the taste covariance, spread of the noise."""
    n_movies = len(shared)
    fit, spread = np.zeros((n_movies, n_movies)), np.zeros((n_movies, n_movies))
    coefficients, noise = np.empty(len(seen.value)), 0.0
    known = Shared(seen, joint, n_movies)
    for place, (rows, own) in enumerate(zip(seen.by_user(), inverses, strict=True)):
        user, movie = int(seen.raters[place]), seen.movie[rows]
        expected = shared[movie] + seen.coordinates[movie] @ (effects.T @ seen.traits[user])
        alpha = own @ (seen.value[rows] - expected)
        coefficients[rows] = alpha
        remains = own - own @ known.between(user, movie) @ own
        square = np.ix_(movie, movie)
        fit[square] += np.outer(alpha, alpha)
        spread[square] += remains
        noise += float(np.trace(remains))
    return coefficients, fit, spread, noise


class Shared:
    """Posterior covariances, for one user, of what he or she shares with the others."""

    def __init__(self, seen: Observations, joint: Floats, n_movies: int) -> None:
        self._seen, self._movies = seen, joint[:n_movies, :n_movies]
        self._d, self._p = seen.traits.shape[1], seen.coordinates.shape[1]
        self._cross = joint[:n_movies, n_movies:].reshape(n_movies, self._d, self._p)
        self._inner = (
            joint[n_movies:, n_movies:]
            .reshape(self._d, self._p, self._d, self._p)
            .transpose(0, 2, 1, 3)
            .reshape(self._d**2, self._p**2)
        )

    def between(self, user: int, movies: Positions) -> Floats:
        """Covariance of f + p' Gamma z at some movies, [n, n]."""
        found = self.movies(movies, movies)
        if not self._seen.n_effects:
            return found
        where = self._seen.coordinates[movies]
        crossed = self.cross(user, movies) @ where.T
        return found + crossed + crossed.T + where @ self.inner(user) @ where.T

    def movies(self, first: Positions, second: Positions) -> Floats:
        """Covariance of f at two lists of movies, [n_first, n_second]."""
        return self._movies[np.ix_(first, second)]

    def cross(self, user: int, movies: Positions) -> Floats:
        """Covariance of f at some movies with the effects that act on this user, [n, p]."""
        return np.asarray(self._seen.traits[user] @ self._cross[movies])

    def inner(self, user: int) -> Floats:
        """Covariance of the effects that act on this user, [p, p]."""
        square = _squares(self._seen.traits[[user]])[0] @ self._inner
        return np.asarray(square.reshape(self._p, self._p))
