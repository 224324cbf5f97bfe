"""Ridge regression on content: the user's mean, and a line in what a movie is.

The plainest model of content: all users agree on what content is worth, and differ in their mean
:cite:p:`hoerl1970ridge`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import Ridge
from threadpoolctl import threadpool_limits

from mmrec.models.base import TrainingData
from mmrec.models.content_kernels import columns
from mmrec.models.search import Choice
from mmrec.models.selection import Predictor, Settings, TunedRecommender, choose
from mmrec.models.user_means import UserMeans


@dataclass(frozen=True)
class ContentRidgeConfig:
    """Rating = the user's mean + a linear function of the movie's content.

    Attributes:
        content: Names of the feature tables to learn from.
        strengths: Ridge penalties to choose from.
    """

    content: tuple[str, ...]
    strengths: tuple[float, ...] = (30, 100, 300, 1000, 3000)

    @property
    def features(self) -> tuple[str, ...]:
        """The tables learned from."""
        return self.content

    def build(self) -> "ContentRidge":
        """An unfitted model."""
        return ContentRidge(self)


class ContentRidge(TunedRecommender):
    """See :class:`ContentRidgeConfig`; the validation ratings choose ``strength``.

    As the content of a movie is the same in all of its ratings, regressing these on it is
    regressing their means, each weighted by their number: exactly, and at the cost of a row per
    movie. In training, a user's mean is that of his or her *other* ratings.
    """

    def __init__(self, config: ContentRidgeConfig):
        self.config = config

    def _choose(
        self, data: TrainingData, *, seed: int, chosen: Mapping[str, Any] | None
    ) -> Choice[Predictor]:
        del seed  # nothing is random
        means = UserMeans.of(data.train)
        rated, surplus, number = movie_means(
            data, data.train["rating"].to_numpy() - means.of_others(data.train)
        )
        parts = columns(data, self.config.content)
        # A column of zeros, for tables that hold nothing.
        blocks = [part.values for part in parts.values()] or [np.zeros((len(data.movies), 1))]
        inputs = np.hstack(blocks)

        def fit(settings: Settings) -> Predictor:
            ridge = Ridge(settings["strength"])
            ridge.fit(inputs[rated], surplus, sample_weight=number)
            # A movie that is not in the data has no content either.
            worth = np.append(ridge.predict(inputs), ridge.intercept_)

            def predict(pairs: pd.DataFrame) -> NDArray[np.float64]:
                movie = data.movies.get_indexer(pd.Index(pairs["movie_id"]))
                return np.asarray(means.of_pairs(pairs) + worth[movie])

            return predict

        candidates = ({"strength": value} for value in self.config.strengths)
        with threadpool_limits(1):  # sums of another order round differently
            return choose(fit, candidates, data.validation, chosen=chosen)


def movie_means(
    data: TrainingData, values: NDArray[np.float64]
) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.float64]]:
    """Means per movie of a value of each training rating.

    Args:
        data: Its movies and training ratings [n].
        values: Float64 [n].

    Returns:
        Positions of the k movies with a training rating, their means and numbers of ratings [k].
    """
    movie = data.movies.get_indexer(pd.Index(data.train["movie_id"]))
    number = np.bincount(movie, minlength=len(data.movies)).astype(np.float64)
    rated = np.flatnonzero(number)
    total = np.bincount(movie, values, minlength=len(data.movies))
    return rated, total[rated] / number[rated], number[rated]
