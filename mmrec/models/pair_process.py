"""A Gaussian process over pairs of users and movies: one model, whatever is new.

What a movie is worth to everybody, and what a user's own taste is, are functions of the movie's
content, and for a movie with ratings of what they add to it; see
:mod:`mmrec.models.pair_inference` for the model, and :mod:`mmrec.models.pair_learning` for how its
covariances are learned. A new film is predicted from its content, a new user from his or her
traits, and each rating that comes in moves the prediction by as much as it tells. A block that a
movie lacks is taken for one that nothing is known of: it tells nothing, and the prediction is less
certain for it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from mmrec.models.base import LEVELS, USERS_PER_CHUNK, Recommender, TrainingData
from mmrec.models.pair_inference import Covariances, Observations, Posterior, infer
from mmrec.models.pair_learning import Variances, learn_variances, updated_taste
from mmrec.models.pair_prediction import Fitted
from mmrec.models.pair_priors import content_kernels, coordinates_of, observe, parts_of
from mmrec.models.rating_scale import rmse
from mmrec.models.selection import MEASURE, check_validation
from mmrec.models.user_traits import traits_of


@dataclass(frozen=True)
class PairProcessConfig:
    """Settings of :class:`PairProcess`.

    Attributes:
        content: Names of the feature tables that movies are described by; with none, movies are
            told apart by their ratings alone.
        identity: Whether a movie may be worth more than its content says, which only its own
            ratings tell; without, the model reads no item ids.
        demographics: Whether users' age, gender and occupation are read.
        choices: Principal axes of what users chose to watch; 0 leaves them out.
        coordinates: Principal axes of the content that users' traits act on.
        rounds: Updates of the variances.
        max_updates: Updates of the taste covariance, of which the validation ratings choose the
            number; 0 leaves it a weighted sum of the content's kernels.
    """

    content: tuple[str, ...] = ()
    identity: bool = True
    demographics: bool = True
    choices: int = 10
    coordinates: int = 8
    rounds: int = 5
    max_updates: int = 6

    @property
    def features(self) -> tuple[str, ...]:
        """The tables learned from."""
        return self.content

    def build(self) -> "PairProcess":
        """An unfitted model."""
        return PairProcess(self)


class PairProcess(Recommender):
    """See :class:`PairProcessConfig`; nothing is random.

    The variances maximise the marginal likelihood of the training ratings. The validation ratings
    choose how often the taste covariance is updated, and how many standard deviations an interval
    extends to.
    """

    def __init__(self, config: PairProcessConfig):
        self.config = config

    def fit(
        self, data: TrainingData, *, seed: int, chosen: Mapping[str, Any] | None = None
    ) -> Self:
        """Learns the covariances, or takes those that were chosen; then the posterior."""
        del seed  # nothing is random
        if chosen is None:
            check_validation(data.validation)
        with threadpool_limits(1):  # sums of another order round differently
            mean = float(data.train["rating"].mean())
            users, movies = pd.Index(data.users["user_id"]), data.movies
            traits = traits_of(data, demographic=self.config.demographics, n=self.config.choices)
            kernels = content_kernels(data, self.config.content, filled=self.config.identity)
            axes = coordinates_of(kernels, len(movies), self.config.coordinates)
            seen = observe(data, traits, axes)
            parts = parts_of(seen, kernels, traits, axes, identity=self.config.identity)
            if chosen is None:
                variances = learn_variances(seen, parts, self.config.rounds)
            else:
                variances = dict(chosen["variances"])
            path = _updates(
                seen,
                parts.covariances(variances),
                self.config.max_updates if chosen is None else chosen["updates"],
            )
            if chosen is not None:
                *_, (posterior, _) = path
                self._fitted = Fitted.of(posterior, users, movies, mean)
                self.chosen, self.record = dict(chosen), {}
            else:
                self._choose(path, variances, data, users, movies, mean)
        self.reach = tuple(self.chosen["reach"])
        return self

    def _choose(
        self,
        path: Iterator[tuple[Posterior, int]],
        variances: Variances,
        data: TrainingData,
        users: pd.Index,
        movies: pd.Index,
        mean: float,
    ) -> None:
        """Takes updates of the taste covariance for as long as the validation RMSE falls."""
        tried: list[dict[str, float]] = []
        best: Fitted | None = None
        for posterior, updates in path:
            self._fitted = Fitted.of(posterior, users, movies, mean)
            score = rmse(self.predict(data.validation), data.validation["rating"])
            if best is not None and score >= min(entry[MEASURE] for entry in tried):
                tried.append({"updates": updates, MEASURE: score})
                break
            tried.append({"updates": updates, MEASURE: score})
            best = self._fitted
            likelihood = posterior.log_likelihood / len(posterior.observations.value)
        assert best is not None
        self._fitted = best
        chosen = min(tried, key=lambda entry: entry[MEASURE])
        self.chosen = {
            "variances": variances,
            "updates": int(chosen["updates"]),
            "reach": self._reach(data.validation),
        }
        self.record = {
            MEASURE: chosen[MEASURE],
            "tuning": tried,
            "log_likelihood_per_rating": likelihood,
        }

    def _reach(self, validation: pd.DataFrame) -> list[float]:
        """Standard deviations within which the shares of :data:`LEVELS` of the ratings lie."""
        away = np.abs(validation["rating"].to_numpy() - self.predict(validation))
        sd = self.predictive_sd(validation)
        return [float(value) for value in np.quantile(away / sd, LEVELS)]

    def predict(self, pairs: pd.DataFrame) -> NDArray[np.float64]:
        """Posterior means of pairs ``user_id, movie_id`` [n], float64 [n], not clipped.

        Raises:
            StudyError: An id was not in the data.
        """
        user, movie = self._places(pairs)
        known, row = np.unique(user, return_inverse=True)
        found = np.empty(len(pairs))
        for start in range(0, len(known), USERS_PER_CHUNK):
            some = (row >= start) & (row < start + USERS_PER_CHUNK)
            grid = self._fitted.grid(known[start : start + USERS_PER_CHUNK])
            found[some] = grid[row[some] - start, movie[some]]
        return found

    def score(self, users: Sequence[int], movies: Sequence[int]) -> NDArray[np.float64]:
        """Posterior means, float64 [n_users, n_movies]."""
        fitted = self._fitted
        rows = fitted.places(np.asarray(users, np.int64), fitted.users, "user")
        return fitted.grid(rows)[
            :, fitted.places(np.asarray(movies, np.int64), fitted.movies, "movie")
        ]

    def predictive_sd(self, pairs: pd.DataFrame) -> NDArray[np.float64]:
        """Posterior standard deviations of ratings, float64 [n]."""
        user, movie = self._places(pairs)
        found = np.empty(len(pairs))
        order = np.argsort(user, kind="stable")
        for one, rows in groupby(order.tolist(), key=lambda row: user[row]):
            some = list(rows)
            found[some] = np.sqrt(self._fitted.variances(int(one), movie[some]))
        return found

    def _places(self, pairs: pd.DataFrame) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        fitted = self._fitted
        user = fitted.places(pairs["user_id"].to_numpy(np.int64), fitted.users, "user")
        movie = fitted.places(pairs["movie_id"].to_numpy(np.int64), fitted.movies, "movie")
        return user, movie

    def save(self, folder: Path) -> None:
        """Writes the fitted model into a folder: ``model.safetensors`` and ``model.json``."""
        self._fitted.save(folder, {"config": asdict(self.config), "chosen": self.chosen})

    @classmethod
    def load(cls, folder: Path) -> "PairProcess":
        """Reads a model that :meth:`save` wrote.

        Raises:
            StudyError: A file is missing or is not one of this model.
        """
        fitted, description = Fitted.load(folder)
        settings = description["config"]
        settings["content"] = tuple(settings["content"])
        model = cls(PairProcessConfig(**settings))
        model._fitted, model.chosen, model.record = fitted, description["chosen"], {}
        model.reach = tuple(model.chosen["reach"])
        return model


def _updates(
    seen: Observations, prior: Covariances, number: int
) -> Iterator[tuple[Posterior, int]]:
    """The posterior after 0, 1, ... updates of the taste covariance, with the number of them."""
    posterior = infer(seen, prior)
    yield posterior, 0
    for updates in range(1, number + 1):
        prior = replace(prior, taste=updated_taste(posterior))
        posterior = infer(seen, prior)
        yield posterior, updates
