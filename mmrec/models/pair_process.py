"""A Gaussian process over pairs of users and movies: one model, whatever is new.

What a movie is worth to everybody, and what a user's own taste is, are functions of the movie's
content, and for a movie with ratings of what they add to it; see
:mod:`mmrec.models.pair_inference` for the model, and :mod:`mmrec.models.pair_learning` for how its
covariances are learned. A new film is predicted from its content, a new user from his or her
traits, and each rating that comes in moves the prediction by as much as it tells. A block that a
movie lacks is guessed from its other blocks, and the prediction is less certain for it.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from mmrec.models.base import LEVELS, Recommender, TrainingData
from mmrec.models.pair_inference import Floats, Observations, Posterior, infer
from mmrec.models.pair_learning import Parts, learn_variances, scaled, updated
from mmrec.models.pair_left_out import left_out
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
        dampings: Of what movies without a rating are worth to a user beyond what they are to
            everybody, in ratings, to choose from; the same for all users is always tried. With
            none, it is the same for all.
    """

    content: tuple[str, ...] = ()
    identity: bool = True
    demographics: bool = True
    choices: int = 10
    coordinates: int = 8
    rounds: int = 5
    beliefs: tuple[float, ...] = (1.0, 0.3, 0.1, 0.03)
    max_updates: int = 6
    dampings: tuple[float, ...] = (300.0, 100.0, 30.0, 10.0, 3.0, 1.0)

    @property
    def features(self) -> tuple[str, ...]:
        """The tables learned from."""
        return self.content

    def build(self) -> "PairProcess":
        """An unfitted model."""
        return PairProcess(self)


class Prepared(NamedTuple):
    """What a fit starts from.

    Attributes:
        seen: The training ratings.
        parts: What the covariances are made of.
        kernels: Of the content, by block, float64 [m, m].
        axes: What users' traits act on, by name, float64 [m, columns].
    """

    seen: Observations
    parts: Parts
    kernels: dict[str, Floats]
    axes: dict[str, Floats]


def prepared(config: PairProcessConfig, data: TrainingData) -> Prepared:
    """The ratings and the prior of a process."""
    traits = traits_of(data, demographic=config.demographics, n=config.choices)
    kernels = content_kernels(data, config.content, filled=config.identity)
    axes = coordinates_of(kernels, len(data.movies), config.coordinates)
    seen = observe(data, traits, axes)
    parts = parts_of(seen, kernels, traits, axes, identity=config.identity)
    return Prepared(seen, parts, kernels, axes)


class PairProcess(Recommender):
    """See :class:`PairProcessConfig`; nothing is random.

    The variances are moved towards the maximum of the marginal likelihood of the training ratings.
    The validation ratings choose how far content is believed in what a movie is worth to everybody,
    how often the taste covariance is updated, and how many standard deviations an interval extends
    to. A movie without a rating is worth more than the likelihood expects: it regards every movie
    alike, and whoever rates one is more often drawn to a good one. By how much, and how much more
    or less so for each user, the training ratings say, each predicted without any rating of its
    movie; the validation ratings choose how far users differ in it.
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
            seen, parts, _, _ = prepared(self.config, data)

            def fitted(posterior: Posterior, unrated: Floats | float = 0.0) -> Fitted:
                return Fitted.of(posterior, users, movies, mean, unrated)

            if chosen is None:
                self._fitted = self._choose(seen, parts, fitted, data.validation)
            else:
                posterior = infer(seen, parts.covariances(chosen["variances"]))
                for _ in range(chosen["updates"]):
                    posterior = updated(posterior)
                expected, damping = chosen["unrated"], chosen["damping"]
                if damping is not None:
                    expected = left_out(posterior).by_user(len(users), expected, damping)
                self._fitted = fitted(posterior, expected)
                self.chosen, self.record = dict(chosen), {}
        self.reach = tuple(self.chosen["reach"])
        return self

    def _choose(
        self,
        seen: Observations,
        parts: Parts,
        fitted: Callable[..., Fitted],
        validation: pd.DataFrame,
    ) -> Fitted:
        """Learns the variances, then goes on for as long as the validation RMSE falls."""
        learned = learn_variances(seen, parts, self.config.rounds)
        tried: list[dict[str, float]] = []

        def is_better(posterior: Posterior, **settings: float) -> bool:
            score = rmse(fitted(posterior).means(validation), validation["rating"])
            better = all(score < entry[MEASURE] for entry in tried)
            tried.append({**settings, MEASURE: score})
            return better

        for belief in self.config.beliefs:
            variances = scaled(learned, belief)
            posterior = infer(seen, parts.covariances(variances))
            if not is_better(posterior, belief=belief, updates=0):
                break
            best, self.chosen = posterior, {"variances": variances, "updates": 0}
        for updates in range(1, self.config.max_updates + 1):
            posterior = updated(best)
            if not is_better(posterior, belief=math.nan, updates=updates):
                break
            best = posterior
            self.chosen["updates"] = updates
        found, unrated = self._beyond_likelihood(best, fitted, validation)
        self.chosen |= {**unrated, "reach": _reach(found, validation)}
        self.record = {
            MEASURE: rmse(found.means(validation), validation["rating"]),
            "tuning": tried,
            "log_likelihood_per_rating": best.log_likelihood / len(seen.value),
        }
        return found

    def _beyond_likelihood(
        self, best: Posterior, fitted: Callable[..., Fitted], validation: pd.DataFrame
    ) -> tuple[Fitted, dict[str, float | None]]:
        """What movies without a rating are worth beyond what the likelihood expects of them."""
        if not self.config.identity:
            # Without ids a movie that nobody has rated cannot be told from others.
            return fitted(best), {"unrated": 0.0, "damping": None}
        found = left_out(best)
        expected = float(found.residual.mean())
        everybody = fitted(best, expected)
        tried: list[tuple[float | None, Fitted]] = [(None, everybody)]
        for damping in self.config.dampings:
            own = found.by_user(len(everybody.users), expected, damping)
            tried.append((damping, replace(everybody, unrated=own)))
        chosen, model = min(
            tried, key=lambda one: rmse(one[1].means(validation), validation["rating"])
        )
        return model, {"unrated": expected, "damping": chosen}

    def predict(self, pairs: pd.DataFrame) -> NDArray[np.float64]:
        """Posterior means of pairs ``user_id, movie_id`` [n], float64 [n], not clipped.

        Raises:
            StudyError: An id was not in the data.
        """
        return self._fitted.means(pairs)

    def score(self, users: Sequence[int], movies: Sequence[int]) -> NDArray[np.float64]:
        """Posterior means, float64 [n_users, n_movies]."""
        fitted = self._fitted
        rows = fitted.places(np.asarray(users, np.int64), fitted.users, "user")
        return fitted.grid(rows)[
            :, fitted.places(np.asarray(movies, np.int64), fitted.movies, "movie")
        ]

    def predictive_sd(self, pairs: pd.DataFrame) -> NDArray[np.float64]:
        """Posterior standard deviations of ratings, float64 [n].

        Raises:
            StudyError: An id was not in the data.
        """
        return self._fitted.deviations(pairs)

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
        settings |= {name: tuple(settings[name]) for name in ("content", "beliefs", "dampings")}
        model = cls(PairProcessConfig(**settings))
        model._fitted, model.chosen, model.record = fitted, description["chosen"], {}
        model.reach = tuple(model.chosen["reach"])
        return model


def _reach(fitted: Fitted, validation: pd.DataFrame) -> list[float]:
    """Standard deviations within which the shares of :data:`LEVELS` of the ratings lie."""
    away = np.abs(validation["rating"].to_numpy() - fitted.means(validation))
    return [float(value) for value in np.quantile(away / fitted.deviations(validation), LEVELS)]
