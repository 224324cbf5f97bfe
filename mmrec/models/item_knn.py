"""Item-based nearest neighbours, by LensKit."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from lenskit.data import ItemList, RecQuery
from lenskit.knn import ItemKNNScorer
from numpy.typing import NDArray

from mmrec.models.base import TrainingData
from mmrec.models.biases import BiasConfig, fit_biases
from mmrec.models.lenskit_data import dataset
from mmrec.models.search import Choice
from mmrec.models.selection import Predictor, Settings, TunedRecommender, choose

MIN_NEIGHBOURS = 2
"""With fewer rated neighbours than this a movie is left to the biases."""


@dataclass(frozen=True)
class ItemKNNConfig:
    """The user's ratings of the most similar movies, weighted by similarity.

    Similarity is the cosine of the movies' centred ratings. Where a user has rated too few of a
    movie's neighbours, user and movie biases (:mod:`mmrec.models.biases`) stand in.

    Attributes:
        neighbours: Numbers of neighbours to choose from.
    """

    neighbours: tuple[int, ...] = (5, 10, 15, 20, 30, 40, 80)

    @property
    def features(self) -> tuple[str, ...]:
        """Empty: the model reads ratings alone."""
        return ()

    def build(self) -> "ItemKNNRecommender":
        """An unfitted model."""
        return ItemKNNRecommender(self)


class ItemKNNRecommender(TunedRecommender):
    """See :class:`ItemKNNConfig`; validation chooses ``k``, and the biases' ``damping`` first."""

    def __init__(self, config: ItemKNNConfig):
        self.config = config

    def _choose(
        self, data: TrainingData, *, seed: int, chosen: Mapping[str, Any] | None
    ) -> Choice[Predictor]:
        # Similarities do not depend on the number of neighbours, so one training serves all.
        trained = ItemKNNScorer(max_nbrs=max(self.config.neighbours), min_nbrs=MIN_NEIGHBOURS)
        trained.train(dataset(data.train))
        histories = {
            user: ItemList(item_ids=rated["movie_id"].to_numpy(), rating=rated["rating"].to_numpy())
            for user, rated in data.train.groupby("user_id")
        }
        if chosen is None:
            damping = BiasConfig().build().fit(data, seed=seed).chosen["damping"]
        else:
            damping = chosen["damping"]
        fallback = fit_biases(data.train, damping)

        def fit(settings: Settings) -> Predictor:
            scorer = copy.copy(trained)
            scorer.config = trained.config.model_copy(update={"max_nbrs": settings["k"]})
            return _predictor(scorer, histories, fallback)

        candidates = ({"k": k, "damping": damping} for k in self.config.neighbours)
        return choose(fit, candidates, data.validation, chosen=chosen)


def _predictor(
    scorer: ItemKNNScorer, histories: Mapping[Any, ItemList], fallback: Predictor
) -> Predictor:
    def predict(pairs: pd.DataFrame) -> NDArray[np.float64]:
        scores = np.full(len(pairs), np.nan)
        movies = pairs["movie_id"].to_numpy()
        rows: Mapping[Any, Any] = pairs.groupby("user_id").indices
        for user, at in rows.items():
            if user in histories:
                query = RecQuery(user_id=user, history_items=histories[user])
                scores[at] = scorer(query, ItemList(item_ids=movies[at])).scores()
        return np.where(np.isnan(scores), fallback(pairs), scores)

    return predict
