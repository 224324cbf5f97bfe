"""A straight line in the user's mean and one number of the movie, such as its IMDb rating.

A few coefficients by ordinary least squares: what any model of content that is given the number
has to beat.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LinearRegression

from mmrec.models.base import Recommender, TrainingData
from mmrec.models.content_kernels import columns
from mmrec.models.user_means import UserMeans


@dataclass(frozen=True)
class StraightLineConfig:
    """Rating = intercept + a * the user's mean + b * a number of the movie.

    Attributes:
        table: Name of a feature table.
        part: One of its parts; the columns of a wide part have a coefficient each.
    """

    table: str = "imdb"
    part: str = "rating"

    @property
    def features(self) -> tuple[str, ...]:
        """The table that the number is read from."""
        return (self.table,)

    def build(self) -> "StraightLine":
        """An unfitted model."""
        return StraightLine(self)


class StraightLine(Recommender):
    """See :class:`StraightLineConfig`; nothing is chosen, and nothing is random.

    In training, a user's mean is that of his or her *other* ratings. A movie without the number
    takes the mean one, and a coefficient for lacking it.
    """

    def __init__(self, config: StraightLineConfig):
        self.config = config

    def fit(
        self, data: TrainingData, *, seed: int, chosen: Mapping[str, Any] | None = None
    ) -> Self:
        """Solves for the coefficients."""
        del seed, chosen
        self._means = UserMeans.of(data.train)
        self._movies = data.movies
        found = columns(data, self.config.features).get(f"{self.config.table}: {self.config.part}")
        # The last row is any movie that is not in the data.
        self._numbers = np.ones((len(data.movies) + 1, 1))
        if found is not None:
            lacking = np.append(~found.present, True)
            values = np.vstack([found.values, np.zeros_like(found.values[:1])])
            self._numbers = np.column_stack([values, lacking])
        inputs = self._inputs(data.train, self._means.of_others(data.train))
        self._line = LinearRegression().fit(inputs, data.train["rating"])
        self.chosen, self.record = {}, {}
        return self

    def predict(self, pairs: pd.DataFrame) -> NDArray[np.float64]:
        """Ratings of pairs ``user_id, movie_id`` [n], float64 [n]."""
        if pairs.empty:
            return np.zeros(0)
        inputs = self._inputs(pairs, self._means.of_pairs(pairs))
        return np.asarray(self._line.predict(inputs), np.float64)

    def _inputs(self, pairs: pd.DataFrame, means: NDArray[np.float64]) -> NDArray[np.float64]:
        movie = self._movies.get_indexer(pd.Index(pairs["movie_id"]))
        return np.column_stack([means, self._numbers[movie]])
