"""The model that is served: a fitted process, for people and films that it was not fitted on.

A *person* is asked about by a prior over all films: what is expected of him or her before any
rating of that person is looked at. That of a visitor is what everybody else's ratings leave; that
of a user of the data set is the same with what is known of the user added, and his or her own
ratings taken out again. Both are answered alike, see :mod:`mmrec.recommending.people`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import cho_solve, cholesky, solve_triangular

from mmrec.errors import StudyError
from mmrec.recommending.blocks import Block, Rows
from mmrec.recommending.covariances import Covariance, Floats, Matrix

EVERYBODY, TASTE = "shared", "taste"
"""The two covariances over films: of what a film is worth to everybody, and to one person beyond
that; named as the process names their variances."""

Positions = NDArray[np.intp]


@dataclass(frozen=True)
class Prior:
    """What is expected of a person before his or her ratings are looked at.

    Attributes:
        mean: Expected ratings of all films, [m].
        noise: Variance of a single rating.
        variance: Of what the person thinks of some films [k], without the noise of a rating, [k].
        covariance: Of some films [k] with others [n], [k, n].
        applied: The covariance of all films with some [n], times coefficients [n], without making
            the matrix, [m].
        weights: For each of the two covariances what rows of its kernels are to be multiplied by
            to get the covariance of all films with those ``at`` some positions [n], times
            coefficients [n, k], as far as it is due to content; [m, k] each.
    """

    mean: Floats
    noise: float
    variance: Callable[[Positions], Floats]
    covariance: Callable[[Positions, Positions], Floats]
    applied: Callable[[Positions, Floats], Floats]
    weights: Callable[[Positions, Floats], Mapping[str, Floats]]


@dataclass(frozen=True)
class Served:
    """A fitted process over m films and the users it was fitted on.

    Attributes:
        users: Ids of the users, int64 [n_users].
        movies: Ids of the films, int64 [m]; negative for those that were added.
        mean: Mean rating.
        noise: Variance of a single rating.
        user, movie, value, traits, coordinates: As in
            :class:`~mmrec.models.pair_inference.Observations`.
        shared, effects, coefficients: As in :class:`~mmrec.models.pair_inference.Posterior`.
        shared_weights: The prior covariance of what films are worth to everybody, times these [m],
            is ``shared``.
        covariances: :data:`EVERYBODY`, given the ratings, and :data:`TASTE`.
        cross: Posterior covariance of what films are worth with the trait effects, [m, q].
        crossed: The prior covariance times this is ``cross``, [m, q].
        inner: Posterior covariance of the trait effects, [q, q].
        axes: A film's rows of the kernels, added up, times these are its coordinates beyond the
            level, [m, p - 1].
        blocks: Content by block.
        settings: ``variances`` of the parts, ``reach`` of the intervals, and what
            :mod:`mmrec.recommending.training` adds.
    """

    users: NDArray[np.int64]
    movies: NDArray[np.int64]
    mean: float
    noise: float
    user: Positions
    movie: Positions
    value: Floats
    traits: Floats
    coordinates: Floats
    shared: Floats
    shared_weights: Floats
    effects: Floats
    coefficients: Floats
    covariances: Mapping[str, Covariance]
    cross: Matrix
    crossed: Matrix
    inner: Matrix
    axes: Floats
    blocks: Mapping[str, Block]
    settings: Mapping[str, Any]

    def variance(self, kind: str, part: str) -> float:
        """Variance of a part of the prior; 0 if there is none of that name."""
        return float(self.settings["variances"].get(f"{kind}: {part}", 0.0))

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """Ratings of each film, [m]."""
        return np.bincount(self.movie, minlength=len(self.movies))

    def visitor(self) -> Prior:
        """Somebody of whom nothing is known."""
        everybody, taste = self.covariances[EVERYBODY], self.covariances[TASTE]

        def variance(films: Positions) -> Floats:
            return everybody.variance(films) + taste.variance(films)

        def covariance(films: Positions, at: Positions) -> Floats:
            return everybody.between(films, at) + taste.between(films, at)

        def applied(at: Positions, coefficients: Floats) -> Floats:
            return everybody.applied(at, coefficients) + taste.applied(at, coefficients)

        def weights(at: Positions, coefficients: Floats) -> dict[str, Floats]:
            return {kind: self.covariances[kind].weights(at, coefficients) for kind in KINDS}

        mean = self.mean + self.shared
        return Prior(mean, self.noise, variance, covariance, applied, weights)

    def own_ratings(self, user_id: int) -> tuple[Positions, Floats]:
        """Positions of the films that a user has rated, and the ratings.

        Raises:
            StudyError: There is no such user.
        """
        found = np.flatnonzero(self.users == user_id)
        if not len(found):
            raise StudyError(
                f"there is no user {user_id}",
                where="the model",
                remedy=f"Its {len(self.users)} users are {self.users.min()} to "
                f"{self.users.max()}; of anybody else give ratings.",
            )
        rows = slice(*np.searchsorted(self.user, [found[0], found[0] + 1]))
        return self.movie[rows], self.mean + self.value[rows]

    def known_user(self, user_id: int) -> Prior:
        """A user of the data set: as a visitor, with the user's traits and without own ratings.

        Traits are left as they are, and so are the covariances, which all users have taught.

        Raises:
            StudyError: There is no such user.
        """
        rated, rating = self.own_ratings(user_id)
        user = int(np.flatnonzero(self.users == user_id)[0])
        taste, everybody = self.covariances[TASTE], self.covariances[EVERYBODY]
        traits, where = self.traits[user], self.coordinates
        d, p = self.effects.shape
        # Of what films are worth with the effects that act on this user, and of these effects.
        cross = np.asarray(traits @ self.cross.reshape(-1, d, p), np.float64)
        inner = np.einsum("d,dpeq,e->pq", traits, self.inner.reshape(d, p, d, p), traits)

        def shared(films: Positions, at: Positions) -> Floats:
            found = everybody.between(films, at) + cross[films] @ where[at].T
            return np.asarray(found + where[films] @ (cross[at].T + inner @ where[at].T))

        there = shared(rated, rated)
        own = taste.between(rated, rated) - there
        own[np.diag_indices_from(own)] += self.noise
        factor = cholesky((own + own.T) / 2, lower=True, check_finite=False)
        mean = self.mean + self.shared + where @ (self.effects.T @ traits)
        taken = cho_solve((factor, True), rating - mean[rated])
        half_there = solve_triangular(factor, there, lower=True, check_finite=False)
        rows = np.asarray(everybody.total[rated], np.float64)

        def half(films: Positions) -> Floats:
            """Half of what is put back: L⁻¹ of the covariance of the rated films with these."""
            if np.array_equal(films, rated):
                return half_there
            across = shared(rated, films)
            return np.asarray(solve_triangular(factor, across, lower=True, check_finite=False))

        def spread(at: Positions, coefficients: Floats) -> tuple[Positions, Floats]:
            """The covariance without what is put back: of more films, or otherwise weighted."""
            same = np.array_equal(at, rated)
            across = there if same else shared(rated, at)
            back = np.asarray(cho_solve((factor, True), across @ coefficients))
            if same:
                return rated, coefficients + back
            return np.concatenate([at, rated]), np.concatenate([coefficients, back])

        def variance(films: Positions) -> Floats:
            place, with_place = where[films], cross[films]
            found = everybody.variance(films) + (half(films) ** 2).sum(axis=0)
            found = found + ((2 * with_place + place @ inner) * place).sum(axis=1)
            return np.asarray(found + taste.variance(films))

        def covariance(films: Positions, at: Positions) -> Floats:
            one = half(films)
            other = one if films is at else half(at)
            return np.asarray(shared(films, at) + one.T @ other + taste.between(films, at))

        def with_others(at: Positions, coefficients: Floats) -> Floats:
            placed = where[at].T @ coefficients
            of_content = rows if at is rated else np.asarray(everybody.total[at], np.float64)
            found = coefficients @ of_content + cross @ placed
            return np.asarray(found + where @ (cross[at].T @ coefficients + inner @ placed))

        def applied(at: Positions, coefficients: Floats) -> Floats:
            return with_others(*spread(at, coefficients)) + taste.applied(at, coefficients)

        def weights(at: Positions, coefficients: Floats) -> dict[str, Floats]:
            return {
                EVERYBODY: everybody.weights(*spread(at, coefficients)),
                TASTE: taste.weights(at, coefficients),
            }

        expected = mean - with_others(rated, taken)
        return Prior(expected, self.noise, variance, covariance, applied, weights)

    def kernel(self, kind: str, rows: Mapping[str, Floats]) -> Floats:
        """A weighted sum over blocks of rows of their kernels, the level included."""
        total = sum(
            (self.variance(kind, name) * row for name, row in rows.items()),
            np.zeros_like(next(iter(rows.values()))),
        )
        return np.asarray(total + self.variance(kind, "level"))

    def added(
        self, vectors: Mapping[str, tuple[NDArray[np.float32], NDArray[np.bool_]]], number: int
    ) -> "Served":
        """The model with films that nobody has rated, as if they had stood in its catalogue.

        Exact, but for the axes that users' traits act on, which stay where they are.

        Args:
            vectors: By block, the vectors of the ``number`` films and which of them have it; of a
                block that is not there nothing is known.
            number: How many films are added; their ids are -1, -2, …
        """
        made: dict[str, tuple[NDArray[np.float32], NDArray[np.bool_], Rows]] = {}
        for name, block in self.blocks.items():
            nothing = np.zeros((number, block.columns.shape[1]), np.float32), np.zeros(number, bool)
            given, present = vectors.get(name, nothing)
            columns = block.scaled(given, present)
            made[name] = columns, present, block.rows(columns, present)
        across = {name: rows.values for name, (_, _, rows) in made.items()}
        among = {name: rows.between for name, (_, _, rows) in made.items()}
        n, m = number, len(self.movies)
        rows, between = {}, {}
        for kind in KINDS:
            rows[kind] = self.kernel(kind, across or {"": np.zeros((n, m))})
            between[kind] = self.kernel(kind, among or {"": np.zeros((n, n))})
            alone = self.variance(kind, "identity") + self.variance(kind, "movies")
            between[kind][np.diag_indices(n)] += alone
        placed = sum(across.values(), np.zeros((n, m))) @ self.axes
        return replace(
            self,
            movies=np.concatenate([self.movies, -np.arange(1, n + 1)]),
            coordinates=np.concatenate([self.coordinates, np.insert(placed, 0, 1, axis=1)]),
            shared=np.concatenate(
                [self.shared, rows[EVERYBODY] @ self.shared_weights + self.settings["unrated"]]
            ),
            shared_weights=np.pad(self.shared_weights, (0, n)),
            covariances={
                kind: self.covariances[kind].added(rows[kind], between[kind]) for kind in KINDS
            },
            cross=np.concatenate([self.cross, rows[EVERYBODY] @ self.crossed]),
            crossed=np.pad(self.crossed, ((0, n), (0, 0))),
            axes=np.pad(self.axes, ((0, n), (0, 0))),
            blocks={
                name: self.blocks[name].joined(columns, present)
                for name, (columns, present, _) in made.items()
            },
        )

    def everybodys_ratings(self, films: Positions) -> Floats:
        """Expected ratings of some films by each user of the data set, [n_users, n]."""
        tastes = sparse.csr_array(
            (self.coefficients, (self.user, self.movie)), shape=(len(self.users), len(self.movies))
        )
        own = tastes @ np.asarray(self.covariances[TASTE].total[films], np.float64).T
        directed = self.traits @ self.effects @ self.coordinates[films].T
        return np.asarray(self.mean + self.shared[films] + directed + own)

    def positions(self, movie_ids: NDArray[np.int64]) -> Positions:
        """Positions of film ids, -1 for those that are not there."""
        return np.asarray(pd.Index(self.movies).get_indexer(pd.Index(movie_ids)), np.intp)


KINDS = (EVERYBODY, TASTE)
"""Both covariances."""
