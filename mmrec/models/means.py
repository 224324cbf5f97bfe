"""Means of ratings: the simplest predictors that every table is held against."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mmrec.models.base import Recommender, TrainingData


@dataclass(frozen=True)
class MeanConfig:
    """Predicts a mean of the training ratings.

    Attributes:
        of: Whose mean: of ``"everything"``, of each ``"user"``, or of each ``"movie"``. A user or
            a movie without a training rating gets the mean of everything.
    """

    of: Literal["everything", "user", "movie"] = "everything"

    @property
    def features(self) -> tuple[str, ...]:
        """Empty: the model reads ratings alone."""
        return ()

    def build(self) -> "MeanRecommender":
        """An unfitted model."""
        return MeanRecommender(self)


class MeanRecommender(Recommender):
    """See :class:`MeanConfig`; nothing is chosen, and nothing is random."""

    def __init__(self, config: MeanConfig):
        self.config = config

    def fit(
        self, data: TrainingData, *, seed: int, chosen: Mapping[str, Any] | None = None
    ) -> Self:
        """Takes the means."""
        del seed, chosen
        self._mean = float(data.train["rating"].mean())
        self._key = None if self.config.of == "everything" else f"{self.config.of}_id"
        if self._key:
            self._means = data.train.groupby(self._key)["rating"].mean()
        self.chosen, self.record = {}, {}
        return self

    def predict(self, pairs: pd.DataFrame) -> NDArray[np.float64]:
        """Ratings of pairs ``user_id, movie_id`` [n], float64 [n]."""
        if not self._key:
            return np.full(len(pairs), self._mean)
        return pairs[self._key].map(self._means).fillna(self._mean).to_numpy(np.float64)
