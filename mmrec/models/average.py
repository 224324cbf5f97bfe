"""A weighted average of unlike models, whose errors have little in common."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import nnls

from mmrec.models.base import Config, Recommender, TrainingData
from mmrec.models.factorisation_machine import FactorisationMachineConfig
from mmrec.models.item_knn import ItemKNNConfig
from mmrec.models.matrix_factorisation import MatrixFactorisationConfig
from mmrec.models.pair_process import PairProcessConfig
from mmrec.models.rating_scale import rmse
from mmrec.models.selection import MEASURE, check_validation
from mmrec.models.twin_towers import TwinTowersConfig


@dataclass(frozen=True)
class AverageConfig:
    """Models that know users and movies by their ratings, with content and without.

    Attributes:
        process: The Gaussian process over pairs, with content.
        ratings: The Gaussian process on ratings alone.
        machine: The factorisation machine.
        factors: Matrix factorisation.
        towers: The network.
        neighbours: The neighbourhood model.
    """

    process: PairProcessConfig
    ratings: PairProcessConfig
    machine: FactorisationMachineConfig
    factors: MatrixFactorisationConfig
    towers: TwinTowersConfig
    neighbours: ItemKNNConfig

    @property
    def members(self) -> dict[str, Config]:
        """The members' configurations by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @property
    def features(self) -> tuple[str, ...]:
        """The tables that any member reads."""
        members = self.members.values()
        return tuple(dict.fromkeys(name for member in members for name in member.features))

    def build(self) -> "Average":
        """An unfitted model."""
        return Average(self)


class Average(Recommender):
    """See :class:`AverageConfig`.

    Each member is fitted as it is alone. The weights, none below zero, are those with the smallest
    squared error on the validation ratings, around the mean of the training ratings.
    """

    def __init__(self, config: AverageConfig):
        self._members: dict[str, Recommender] = {
            name: member.build() for name, member in config.members.items()
        }

    def fit(
        self, data: TrainingData, *, seed: int, chosen: Mapping[str, Any] | None = None
    ) -> Self:
        """Fits the members, then their weights unless they were chosen."""
        if chosen is None:
            check_validation(data.validation)
        self._mean = float(data.train["rating"].mean())
        for name, member in self._members.items():
            member.fit(data, seed=seed, chosen=None if chosen is None else chosen[name])
        if chosen is not None:
            self._weights = np.asarray(chosen["weights"], np.float64)
            self.chosen, self.record = dict(chosen), {}
            return self
        rating = data.validation["rating"].to_numpy(np.float64)
        self._weights = nnls(self._deviations(data.validation), rating - self._mean)[0]
        self.chosen = {name: member.chosen for name, member in self._members.items()}
        self.chosen["weights"] = self._weights.tolist()
        self.record = {MEASURE: rmse(self.predict(data.validation), rating)}
        return self

    def _deviations(self, pairs: pd.DataFrame) -> NDArray[np.float64]:
        """The members' predictions less the mean rating, [n, n_members]."""
        predictions = [member.predict(pairs) for member in self._members.values()]
        return np.column_stack(predictions) - self._mean

    def predict(self, pairs: pd.DataFrame) -> NDArray[np.float64]:
        """Ratings of pairs ``user_id, movie_id`` [n], float64 [n], not clipped."""
        return np.asarray(self._mean + self._deviations(pairs) @ self._weights)
