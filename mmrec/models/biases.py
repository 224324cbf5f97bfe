"""User and movie biases: the mean rating, corrected for who rates and for what is rated."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mmrec.models.base import TrainingData
from mmrec.models.search import Choice
from mmrec.models.selection import Predictor, Settings, TunedRecommender, choose

DAMPINGS = (0, 1, 2, 5, 10, 20)
"""Dampings tried, as so many imagined ratings at the mean per user and per movie."""

SWEEPS = 10
"""Alternations between movies and users."""


@dataclass(frozen=True)
class BiasConfig:
    """Global mean + movie bias + user bias.

    Attributes:
        dampings: Dampings to choose from, see :func:`fit_biases`.
    """

    dampings: tuple[float, ...] = DAMPINGS

    @property
    def features(self) -> tuple[str, ...]:
        """Empty: the model reads ratings alone."""
        return ()

    def build(self) -> "BiasRecommender":
        """An unfitted model."""
        return BiasRecommender(self)


class BiasRecommender(TunedRecommender):
    """See :class:`BiasConfig`; the validation ratings choose ``damping``."""

    def __init__(self, config: BiasConfig):
        self.config = config

    def _choose(
        self, data: TrainingData, *, seed: int, chosen: Mapping[str, Any] | None
    ) -> Choice[Predictor]:
        del seed  # nothing is random

        def fit(settings: Settings) -> Predictor:
            return fit_biases(data.train, settings["damping"])

        candidates = ({"damping": value} for value in self.config.dampings)
        return choose(fit, candidates, data.validation, chosen=chosen)


def fit_biases(train: pd.DataFrame, damping: float, sweeps: int = SWEEPS) -> Predictor:
    """Biases by alternating least squares.

    Args:
        train: ``user_id, movie_id, rating``.
        damping: Shrinkage of both biases towards zero, as a number of ratings.
        sweeps: Alternations between movies and users.

    Returns:
        The predictor; an unknown user or movie has a bias of zero.
    """
    mean = train["rating"].mean()
    users, movies = pd.Index(train["user_id"].unique()), pd.Index(train["movie_id"].unique())
    user = users.get_indexer(pd.Index(train["user_id"]))
    movie = movies.get_indexer(pd.Index(train["movie_id"]))
    residual = train["rating"].to_numpy() - mean
    of_user, of_movie = np.zeros(len(users)), np.zeros(len(movies))
    per_user, per_movie = np.bincount(user) + damping, np.bincount(movie) + damping
    for _ in range(sweeps):
        of_movie = np.bincount(movie, residual - of_user[user]) / per_movie
        of_user = np.bincount(user, residual - of_movie[movie]) / per_user
    known_user, known_movie = pd.Series(of_user, users), pd.Series(of_movie, movies)

    def predict(pairs: pd.DataFrame) -> NDArray[np.float64]:
        return np.asarray(
            mean
            + pairs["user_id"].map(known_user).fillna(0).to_numpy()
            + pairs["movie_id"].map(known_movie).fillna(0).to_numpy(),
            np.float64,
        )

    return predict
