"""A Gaussian process over pairs of users and movies: one model, whatever is new.

What a movie is worth to everybody, and what a user's own taste is, are functions of the movie's
content, and for a movie with ratings of what they add to it; see
:mod:`mmrec.models.pair_inference` for the model, and :mod:`mmrec.models.pair_learning` for how its
covariances are learned. A new film is predicted from its content, a new user from his or her
traits, and each rating that comes in moves the prediction by as much as it tells. A block that a
movie lacks is taken for one that nothing is known of: it tells nothing, and the prediction is less
certain for it.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from mmrec.models.base import LEVELS, USERS_PER_CHUNK, Recommender, TrainingData
from mmrec.models.pair_inference import Observations, Posterior, infer
from mmrec.models.pair_learning import Parts, learn_variances, scaled, updated
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
        beliefs: Shares of the variances of content in what a movie is worth to everybody, to choose
            from: the likelihood regards every movie alike, but most ratings are of a few.
        max_updates: Updates of the taste covariance, of which the validation ratings choose the
            number; 0 leaves it a weighted sum of the content's kernels.
    """

    content: tuple[str, ...] = ()
    identity: bool = True
    demographics: bool = True
    choices: int = 10
    coordinates: int = 8
    rounds: int = 5
    beliefs: tuple[float, ...] = (1.0, 0.3, 0.1, 0.03)
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

    The variances are moved towards the maximum of the marginal likelihood of the training ratings.
    The validation ratings choose how far content is believed in what a movie is worth to everybody,
    how often the taste covariance is updated, and how many standard deviations an interval extends
    to.
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
            self.__dict__.pop("_fitted", None)
            mean = float(data.train["rating"].mean())
            users, movies = pd.Index(data.users["user_id"]), data.movies
            traits = traits_of(data, demographic=self.config.demographics, n=self.config.choices)
            kernels = content_kernels(data, self.config.content, filled=self.config.identity)
            axes = coordinates_of(kernels, len(movies), self.config.coordinates)
            seen = observe(data, traits, axes)
            parts = parts_of(seen, kernels, traits, axes, identity=self.config.identity)

            def fitted(posterior: Posterior) -> Fitted:
                return Fitted.of(posterior, users, movies, mean)

            if chosen is None:
                self._choose(seen, parts, fitted, data.validation)
            else:
                posterior = infer(seen, parts.covariances(chosen["variances"]))
                for _ in range(chosen["updates"]):
                    posterior = updated(posterior)
                self._fitted = fitted(posterior)
                self.chosen, self.record = dict(chosen), {}
        self.reach = tuple(self.chosen["reach"])
        return self

    def _choose(
        self,
        seen: Observations,
        parts: Parts,
        fitted: Callable[[Posterior], Fitted],
        validation: pd.DataFrame,
    ) -> None:
        """Learns the variances, then goes on for as long as the validation RMSE falls."""
        learned = learn_variances(seen, parts, self.config.rounds)
        rating = validation["rating"]
        tried: list[dict[str, float]] = []

        def tell(posterior: Posterior, **settings: float) -> bool:
            """Scores a posterior, and keeps it if none was better."""
            before, self._fitted = getattr(self, "_fitted", None), fitted(posterior)
            score = rmse(self.predict(validation), rating)
            better = all(score < entry[MEASURE] for entry in tried)
            tried.append({**settings, MEASURE: score})
            if not better and before is not None:
                self._fitted = before
            return better

        for belief in self.config.beliefs:
            variances = scaled(learned, belief)
            posterior = infer(seen, parts.covariances(variances))
            if not tell(posterior, belief=belief, updates=0):
                break
            best, self.chosen = posterior, {"variances": variances, "updates": 0}
        for updates in range(1, self.config.max_updates + 1):
            posterior = updated(best)
            if not tell(posterior, belief=math.nan, updates=updates):
                break
            best = posterior
            self.chosen["updates"] = updates
        self.chosen["reach"] = self._reach(validation)
        self.record = {
            MEASURE: min(entry[MEASURE] for entry in tried),
            "tuning": tried,
            "log_likelihood_per_rating": best.log_likelihood / len(seen.value),
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
        settings |= {name: tuple(settings[name]) for name in ("content", "beliefs")}
        model = cls(PairProcessConfig(**settings))
        model._fitted, model.chosen, model.record = fitted, description["chosen"], {}
        model.reach = tuple(model.chosen["reach"])
        return model
