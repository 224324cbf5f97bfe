"""A model whose new films lack a modality that it was trained with."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mmrec.models.base import Recommender, TrainingData
from mmrec.models.pair_process import PairProcess, PairProcessConfig


@dataclass(frozen=True)
class WithheldConfig:
    """Settings of :class:`Withheld`.

    Attributes:
        model: The model.
        table: Name of the feature table that new films lack.
        share: Share of the new films that lack it.
    """

    model: PairProcessConfig
    table: str
    share: float = 1.0

    @property
    def features(self) -> tuple[str, ...]:
        """The tables that the model reads."""
        return self.model.features

    def build(self) -> "Withheld":
        """An unfitted model."""
        return Withheld(self)


class Withheld(Recommender):
    """A Gaussian process over pairs, trained with all modalities; some of its new films lack one.

    Which films lack it is drawn from their ids alone, and whoever lacks it at one share lacks it at
    every larger one.
    """

    def __init__(self, config: WithheldConfig):
        self.config = config
        self._model = PairProcess(config.model)

    def fit(
        self, data: TrainingData, *, seed: int, chosen: Mapping[str, Any] | None = None
    ) -> Self:
        """Fits the model on data in which movies without a training rating may lack the table."""
        table = data.table(self.config.table)
        new = data.movies.difference(pd.Index(data.train["movie_id"]))
        drawn = np.random.default_rng(12).random(int(data.movies.max()) + 1)[new.to_numpy()]
        kept = ~np.isin(table.movie_ids, new[drawn < self.config.share])
        left = replace(
            table,
            movie_ids=table.movie_ids[kept],
            vectors=table.vectors[kept],
            part_present=table.part_present[kept],
        )
        here = replace(data, features={**data.features, self.config.table: left})
        self._model.fit(here, seed=seed, chosen=chosen)
        self.chosen, self.record = self._model.chosen, self._model.record
        self.reach = self._model.reach
        return self

    def predict(self, pairs: pd.DataFrame) -> NDArray[np.float64]:
        """Ratings of pairs ``user_id, movie_id`` [n], float64 [n], not clipped."""
        return self._model.predict(pairs)

    def predictive_sd(self, pairs: pd.DataFrame) -> NDArray[np.float64]:
        """Standard deviations of ratings, float64 [n]."""
        return self._model.predictive_sd(pairs)
