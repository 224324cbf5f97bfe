"""What a Gaussian process over pairs predicts, once fitted: means and standard deviations."""

import json
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file
from scipy import sparse

from mmrec.errors import StudyError
from mmrec.models.base import USERS_PER_CHUNK
from mmrec.models.pair_inference import Floats, Observations, Positions, Posterior, Shared, inverse
from mmrec.workspace import atomic_path

ARRAYS, DESCRIPTION = "model.safetensors", "model.json"


@dataclass(frozen=True)
class Fitted:
    """A fitted process: its posterior, and the ids that positions stand for.

    Attributes:
        users: Ids of the users, int64 [n_users].
        movies: Ids of the movies, int64 [m].
        mean: Mean rating, float64 [1].
        noise: Variance of a single rating, float64 [1].
        user, movie, value, traits, coordinates: As in
            :class:`~mmrec.models.pair_inference.Observations`.
        shared, effects, coefficients, joint: As in
            :class:`~mmrec.models.pair_inference.Posterior`.
        taste: Covariance of a user's own taste, float64 [m, m].
        unrated: What a movie without a rating is worth to each user beyond all that, float64
            [n_users].
    """

    users: NDArray[np.int64]
    movies: NDArray[np.int64]
    mean: Floats
    noise: Floats
    user: Positions
    movie: Positions
    value: Floats
    traits: Floats
    coordinates: Floats
    shared: Floats
    effects: Floats
    coefficients: Floats
    joint: Floats
    taste: Floats
    unrated: Floats

    @classmethod
    def of(
        cls,
        posterior: Posterior,
        users: pd.Index,
        movies: pd.Index,
        mean: float,
        unrated: Floats | float = 0.0,
    ) -> "Fitted":
        """Keeps what predictions need.

        Args:
            posterior: The posterior.
            users: Ids of the users.
            movies: Ids of the movies.
            mean: Mean rating.
            unrated: Added to what a movie without a rating is worth to each user, [n_users], or
                to all of them.
        """
        seen = posterior.observations
        return cls(
            users=users.to_numpy(np.int64),
            movies=movies.to_numpy(np.int64),
            mean=np.array([mean]),
            noise=np.array([posterior.covariances.noise]),
            user=seen.user,
            movie=seen.movie,
            value=seen.value,
            traits=seen.traits,
            coordinates=seen.coordinates,
            shared=posterior.shared,
            effects=posterior.effects,
            coefficients=posterior.coefficients,
            joint=posterior.joint,
            taste=posterior.covariances.taste,
            unrated=np.broadcast_to(np.asarray(unrated, np.float64), len(users)),
        )

    @cached_property
    def observations(self) -> Observations:
        """The ratings."""
        return Observations(self.user, self.movie, self.value, self.traits, self.coordinates)

    @cached_property
    def without_rating(self) -> NDArray[np.bool_]:
        """Movies that nobody has rated, [m]."""
        return np.asarray(np.bincount(self.movie, minlength=len(self.movies)) == 0)

    @cached_property
    def _tastes(self) -> sparse.csr_array:
        """Coefficients of every user's own taste, sparse [n_users, m]."""
        entries = (self.coefficients, (self.user, self.movie))
        return sparse.csr_array(entries, shape=(len(self.users), len(self.movies)))

    def places(self, ids: NDArray[np.int64], known: NDArray[np.int64], what: str) -> Positions:
        """Positions of ids.

        Raises:
            StudyError: An id was not in the data.
        """
        found = pd.Index(known).get_indexer(pd.Index(ids))
        if (found < 0).any():
            raise StudyError(
                f"{what} {ids[found < 0][0]} was not in the data that the model was fitted on",
                where="Gaussian process over pairs",
                remedy="Fit it on a catalogue that holds all users and movies, rated or not.",
            )
        return np.asarray(found, np.intp)

    def means(self, pairs: pd.DataFrame) -> Floats:
        """Posterior means of pairs ``user_id, movie_id`` [n], float64 [n], not clipped.

        Raises:
            StudyError: An id was not in the data.
        """
        user, movie = self._places(pairs)
        known, row = np.unique(user, return_inverse=True)
        found = np.empty(len(pairs))
        for start in range(0, len(known), USERS_PER_CHUNK):
            some = (row >= start) & (row < start + USERS_PER_CHUNK)
            grid = self.grid(known[start : start + USERS_PER_CHUNK])
            found[some] = grid[row[some] - start, movie[some]]
        return found

    def deviations(self, pairs: pd.DataFrame) -> Floats:
        """Posterior standard deviations of the ratings of pairs, float64 [n].

        Raises:
            StudyError: An id was not in the data.
        """
        user, movie = self._places(pairs)
        found = np.empty(len(pairs))
        order = np.argsort(user, kind="stable")
        for one, rows in groupby(order.tolist(), key=lambda row: user[row]):
            some = list(rows)
            found[some] = np.sqrt(self.variances(int(one), movie[some]))
        return found

    def _places(self, pairs: pd.DataFrame) -> tuple[Positions, Positions]:
        user = self.places(pairs["user_id"].to_numpy(np.int64), self.users, "user")
        movie = self.places(pairs["movie_id"].to_numpy(np.int64), self.movies, "movie")
        return user, movie

    def grid(self, users: Positions) -> Floats:
        """Predicted ratings of all movies for some users, float64 [n, m]."""
        directed = self.traits[users] @ self.effects @ self.coordinates.T
        own = np.asarray(self._tastes[users] @ self.taste)
        unrated = np.outer(self.unrated[users], self.without_rating)
        return np.asarray(self.mean[0] + self.shared + directed + own + unrated)

    def variances(self, user: int, movies: Positions) -> Floats:
        """Posterior variances of a user's ratings of some movies, the noise included, [n]."""
        seen, known = self.observations, self._known
        rows = slice(*np.searchsorted(self.user, [user, user + 1]))
        rated = self.movie[rows]
        prior = self.taste[np.ix_(rated, movies)]
        covariance = self.taste[np.ix_(rated, rated)]
        covariance[np.diag_indices_from(covariance)] += self.noise[0]
        # How a prediction moves with f and the effects at the movies that the user has rated.
        pull = (inverse(covariance)[0] if len(rated) else covariance) @ prior
        own = np.diag(self.taste)[movies] - (prior * pull).sum(axis=0)
        # f, and the effects, at the movie itself less what the user's ratings tell of them anyway.
        where = seen.coordinates[movies] - pull.T @ seen.coordinates[rated]
        apart = known.movies(movies, movies).diagonal() - 2 * (
            known.movies(rated, movies) * pull
        ).sum(axis=0)
        apart = apart + ((known.movies(rated, rated) @ pull) * pull).sum(axis=0)
        if seen.n_effects:
            crossed = known.cross(user, movies) - pull.T @ known.cross(user, rated)
            apart = apart + 2 * (crossed * where).sum(axis=1)
            apart = apart + ((where @ known.inner(user)) * where).sum(axis=1)
        return np.asarray(self.noise[0] + np.maximum(own + apart, 0))

    @cached_property
    def _known(self) -> Shared:
        return Shared(self.observations, self.joint, len(self.movies))

    def save(self, folder: Path, description: dict[str, Any]) -> None:
        """Writes the arrays as safetensors, in single precision, and the description as JSON."""
        arrays = {field.name: np.asarray(getattr(self, field.name)) for field in fields(self)}
        small = {
            name: np.ascontiguousarray(array.astype(_stored(array)))
            for name, array in arrays.items()
        }
        with atomic_path(folder / ARRAYS) as part:
            save_file(small, part)
        with atomic_path(folder / DESCRIPTION) as part:
            part.write_text(json.dumps(description, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> tuple["Fitted", dict[str, Any]]:
        """Reads what :meth:`save` wrote.

        Raises:
            StudyError: A file is missing or is not one of this model.
        """
        try:
            arrays = load_file(folder / ARRAYS)
            description: dict[str, Any] = json.loads((folder / DESCRIPTION).read_bytes())
            return cls(**{field.name: arrays[field.name] for field in fields(cls)}), description
        except Exception as error:
            raise StudyError(
                f"holds no model that can be read ({type(error).__name__})",
                where=folder,
                remedy="Fit the model and save it again.",
            ) from error


def _stored(array: NDArray[Any]) -> str:
    return "float32" if array.dtype.kind == "f" else "int32"
