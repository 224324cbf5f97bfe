"""The model that is served: a fitted process, for people and films that it was not fitted on.

A visitor is asked about by a prior over all films: what is expected before any rating of that
person is looked at, which is what everybody's ratings leave, see
:mod:`mmrec.recommending.people`. Users of the data set are in
:mod:`mmrec.recommending.users`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from mmrec.errors import StudyError
from mmrec.recommending.blocks import Block, Vectors, placed
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
        precision: One over the variance of each rating given the user's other ratings and all
            that others have told, [n].
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
    precision: Floats
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

    def place_of(self, user_id: int) -> int:
        """Position of a user.

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
        return int(found[0])

    def kernel(self, kind: str, rows: Mapping[str, Floats]) -> Floats:
        """A weighted sum over blocks of rows of their kernels, the level included."""
        total = sum(
            (self.variance(kind, name) * row for name, row in rows.items()),
            np.zeros_like(next(iter(rows.values()))),
        )
        return np.asarray(total + self.variance(kind, "level"))

    def added(self, vectors: Mapping[str, Vectors], number: int) -> "Served":
        """The model with films that nobody has rated, as if they had stood in its catalogue.

        What is not known of them is guessed from the rest. Exact, but for the axes that users'
        traits act on and for what films typically vary by in a block that they lack: the films that
        are there decide both.

        Args:
            vectors: By block, the vectors of the ``number`` films and which of them have it; a
                block that is not there is known of none.
            number: How many films are added; their ids are -1, -2, …
        """
        made = placed(self.blocks, vectors, number)
        across = {name: one.across for name, one in made.items()}
        among = {name: one.among for name, one in made.items()}
        n, m = number, len(self.movies)
        rows, between = {}, {}
        for kind in KINDS:
            rows[kind] = self.kernel(kind, across or {"": np.zeros((n, m))})
            between[kind] = self.kernel(kind, among or {"": np.zeros((n, n))})
            alone = self.variance(kind, "identity") + self.variance(kind, "movies")
            between[kind][np.diag_indices(n)] += alone
        along = sum(across.values(), np.zeros((n, m))) @ self.axes
        return replace(
            self,
            movies=np.concatenate([self.movies, -np.arange(1, n + 1)]),
            coordinates=np.concatenate([self.coordinates, np.insert(along, 0, 1, axis=1)]),
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
            blocks={name: self.blocks[name].joined(one) for name, one in made.items()},
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
