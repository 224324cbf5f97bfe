"""Biased matrix factorisation by alternating least squares, by LensKit."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from lenskit.als import BiasedMFScorer
from lenskit.training import TrainingOptions
from numpy.typing import NDArray

from mmrec.models.base import TrainingData
from mmrec.models.lenskit_data import dataset
from mmrec.models.search import Choice
from mmrec.models.selection import Predictor, Settings, TunedRecommender, choose


@dataclass(frozen=True)
class MatrixFactorisationConfig:
    """User and movie biases, and the product of user and movie factors.

    A user or movie without a training rating has no factors and no bias: the rest remains.

    Attributes:
        factors: Numbers of latent factors to choose from.
        regularisation: Strengths of the factors' L2 penalty to choose from, per rating.
        epochs: Sweeps of alternating least squares.
    """

    factors: tuple[int, ...] = (10, 25, 50)
    regularisation: tuple[float, ...] = (0.05, 0.1, 0.15, 0.2)
    epochs: int = 10

    @property
    def features(self) -> tuple[str, ...]:
        """Empty: the model reads ratings alone."""
        return ()

    def build(self) -> "MatrixFactorisationRecommender":
        """An unfitted model."""
        return MatrixFactorisationRecommender(self)


class MatrixFactorisationRecommender(TunedRecommender):
    """See :class:`MatrixFactorisationConfig`.

    The validation ratings choose ``factors`` and ``regularisation``; the seed is of the factors
    that the first sweep starts from.
    """

    def __init__(self, config: MatrixFactorisationConfig):
        self.config = config

    def _choose(
        self, data: TrainingData, *, seed: int, chosen: Mapping[str, Any] | None
    ) -> Choice[Predictor]:
        ratings = dataset(data.train)

        def fit(settings: Settings) -> Predictor:
            scorer = BiasedMFScorer(
                embedding_size=settings["factors"],
                regularization=settings["regularisation"],
                epochs=self.config.epochs,
            )
            scorer.train(ratings, TrainingOptions(rng=seed))
            return predictor(scorer)

        candidates = (
            {"factors": factors, "regularisation": regularisation}
            for factors, regularisation in product(self.config.factors, self.config.regularisation)
        )
        return choose(fit, candidates, data.validation, chosen=chosen)


def predictor(scorer: BiasedMFScorer) -> Predictor:
    """Predicts from factors and biases at once, where LensKit would go user by user."""
    bias, users, movies = scorer.bias, scorer.users, scorer.items
    assert users is not None
    assert movies is not None
    # A last row of zeros for whatever is unknown, which position -1 picks.
    user_factors, movie_factors = (
        np.vstack([side, np.zeros_like(side[:1])])
        for side in map(np.asarray, (scorer.user_embeddings, scorer.item_embeddings))
    )
    user_bias, movie_bias = (
        np.append(np.asarray(side), 0) for side in (bias.user_biases, bias.item_biases)
    )

    def predict(pairs: pd.DataFrame) -> NDArray[np.float64]:
        user = users.numbers(pairs["user_id"].to_numpy(), missing="negative")
        movie = movies.numbers(pairs["movie_id"].to_numpy(), missing="negative")
        return np.asarray(
            bias.global_bias
            + user_bias[user]
            + movie_bias[movie]
            + np.einsum("nk,nk->n", user_factors[user], movie_factors[movie], dtype=np.float64),
            np.float64,
        )

    return predict
