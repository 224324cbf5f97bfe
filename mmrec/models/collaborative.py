"""Collaborative filtering by LensKit: item neighbours and matrix factorisation.

Both know ratings alone. Settings are chosen on the validation ratings, and every setting that
was tried is handed back beside the predictor. What a model cannot speak about, a movie or a user
without a training rating, gets what it still knows: the mean and the known bias.
"""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from lenskit.als import BiasedMFScorer
from lenskit.data import Dataset, ItemList, RecQuery, from_interactions_df
from lenskit.knn import ItemKNNScorer
from lenskit.training import TrainingOptions

from mmrec.models import baselines
from mmrec.models.selection import Predictor, choose

NEIGHBOURS = (5, 10, 15, 20, 30, 40, 80)
"""Numbers of neighbours tried."""

MIN_NEIGHBOURS = 2
"""With fewer rated neighbours than this a movie is left to the biases."""

FACTORS = (10, 25, 50)
"""Numbers of latent factors tried."""

REGULARISATION = (0.05, 0.1, 0.15, 0.2)
"""Strengths of the factors' L2 penalty tried, per rating."""

EPOCHS = 10
"""Sweeps of alternating least squares."""


def fit_item_knn(train: pd.DataFrame, validation: pd.DataFrame) -> tuple[Predictor, dict]:
    """Item-based nearest neighbours: the user's ratings of the most similar movies, weighted.

    Similarity is the cosine of the movies' centred ratings. Where a user has rated too few of a
    movie's neighbours, user and movie biases stand in.

    Args:
        train: ``user_id, movie_id, rating``.
        validation: The same; it chooses the number of neighbours.

    Returns:
        The predictor, and a record: ``tuning`` (each setting with its ``validation_rmse``),
        ``chosen`` and ``validation_rmse``.
    """
    scorer = ItemKNNScorer(max_nbrs=max(NEIGHBOURS), min_nbrs=MIN_NEIGHBOURS)
    scorer.train(_dataset(train))
    histories = {
        user: ItemList(item_ids=rated["movie_id"].to_numpy(), rating=rated["rating"].to_numpy())
        for user, rated in train.groupby("user_id")
    }
    fallback, _ = baselines.user_movie_bias(train, validation)

    def with_neighbours(k: int) -> Predictor:
        # Similarities do not depend on the number of neighbours, so one training serves all.
        config = scorer.config.model_copy(update={"max_nbrs": k})

        def predict(pairs: pd.DataFrame) -> np.ndarray:
            scorer.config = config
            scores = np.full(len(pairs), np.nan)
            for user, at in pairs.groupby("user_id").indices.items():
                if user in histories:
                    query = RecQuery(user_id=user, history_items=histories[user])
                    wanted = ItemList(item_ids=pairs["movie_id"].to_numpy()[at])
                    scores[at] = scorer(query, wanted).scores()
            return np.where(np.isnan(scores), fallback(pairs), scores)

        return predict

    return choose((({"k": k}, with_neighbours(k)) for k in NEIGHBOURS), validation)


def fit_matrix_factorisation(
    train: pd.DataFrame, validation: pd.DataFrame, *, seed: int
) -> tuple[Predictor, dict]:
    """Biased matrix factorisation by alternating least squares.

    A user or movie without a training rating has no factors and no bias: the rest remains.

    Args:
        train: ``user_id, movie_id, rating``.
        validation: The same; it chooses the number of factors and the regularisation.
        seed: Of the factors that the first sweep starts from.

    Returns:
        The predictor, and a record: ``tuning`` (each setting with its ``validation_rmse``),
        ``chosen`` and ``validation_rmse``.
    """
    data = _dataset(train)

    def fitted() -> Iterator[tuple[dict, Predictor]]:
        for factors in FACTORS:
            for regularisation in REGULARISATION:
                scorer = BiasedMFScorer(
                    embedding_size=factors, regularization=regularisation, epochs=EPOCHS
                )
                scorer.train(data, TrainingOptions(rng=seed))
                settings = {"factors": factors, "regularisation": regularisation}
                yield settings, _factor_predictor(scorer)

    return choose(fitted(), validation)


def _factor_predictor(scorer: BiasedMFScorer) -> Predictor:
    """Predicts from factors and biases at once, where LensKit would go user by user."""
    bias = scorer.bias
    # A last row of zeros for whatever is unknown, which position -1 picks.
    user_factors, movie_factors = (
        np.vstack([side, np.zeros_like(side[:1])])
        for side in (scorer.user_embeddings, scorer.item_embeddings)
    )
    user_bias, movie_bias = (np.append(side, 0) for side in (bias.user_biases, bias.item_biases))

    def predict(pairs: pd.DataFrame) -> np.ndarray:
        user = scorer.users.numbers(pairs["user_id"].to_numpy(), missing="negative")
        movie = scorer.items.numbers(pairs["movie_id"].to_numpy(), missing="negative")
        return (
            bias.global_bias
            + user_bias[user]
            + movie_bias[movie]
            + np.einsum("nk,nk->n", user_factors[user], movie_factors[movie], dtype=np.float64)
        )

    return predict


def _dataset(ratings: pd.DataFrame) -> Dataset:
    named = ratings[["user_id", "movie_id", "rating"]].rename(columns={"movie_id": "item_id"})
    return from_interactions_df(named)
