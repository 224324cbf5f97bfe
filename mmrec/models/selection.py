"""Choosing a model's settings by the validation ratings, with every attempt on record."""

import math
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mmrec.errors import StudyError
from mmrec.models.base import Recommender, TrainingData
from mmrec.models.rating_scale import rmse
from mmrec.models.search import Choice, best_of, search

Predictor = Callable[[pd.DataFrame], NDArray[np.float64]]
"""Raw ratings, float64 [n], of a frame with ``user_id`` and ``movie_id``, in its order."""

Settings = dict[str, Any]
"""Values of a model's settings by name."""


MEASURE = "validation_rmse"
"""What settings are chosen by, and its key in the tuning record."""


def validation_rmse(predict: Predictor, validation: pd.DataFrame) -> float:
    """Clipped RMSE of a predictor on ``user_id, movie_id, rating``."""
    return rmse(predict(validation), validation["rating"])


def check_validation(validation: pd.DataFrame) -> None:
    """Makes sure that there is something to choose by.

    Raises:
        StudyError: There are no validation ratings.
    """
    if validation.empty:
        raise StudyError(
            "there are no validation ratings to choose the settings by",
            where="training data",
            remedy="Hold some ratings out, or give the settings that an earlier fit chose.",
        )


def choose(
    fit: Callable[[Settings], Predictor],
    candidates: Iterable[Settings],
    validation: pd.DataFrame,
    *,
    chosen: Mapping[str, Any] | None = None,
) -> Choice[Predictor]:
    """Takes the settings with the lowest validation RMSE, the first ones among equals.

    Args:
        fit: From settings to the predictor fitted with them.
        candidates: The settings to try, in order.
        validation: ``user_id, movie_id, rating``.
        chosen: Settings to take without trying any.

    Raises:
        StudyError: There are no validation ratings, and nothing is chosen yet.
    """
    if chosen is not None:
        return _given(fit, chosen)
    check_validation(validation)
    score = partial(validation_rmse, validation=validation)
    return best_of(fit, candidates, score, measure=MEASURE)


def choose_in_turn(
    fit: Callable[[Settings], Predictor],
    options: Mapping[str, Sequence[Any]],
    validation: pd.DataFrame,
    *,
    chosen: Mapping[str, Any] | None = None,
) -> Choice[Predictor]:
    """Takes one setting after the other, where trying all combinations would cost too much.

    Args:
        fit: From settings to the predictor fitted with them.
        options: The values of each setting, in the order of the search; see
            :func:`mmrec.models.search.search`.
        validation: ``user_id, movie_id, rating``.
        chosen: Settings to take without trying any.

    Raises:
        StudyError: There are no validation ratings, and nothing is chosen yet.
    """
    if chosen is not None:
        return _given(fit, chosen)
    check_validation(validation)
    score = partial(validation_rmse, validation=validation)
    return search(fit, options, score, measure=MEASURE)


def _given(fit: Callable[[Settings], Predictor], chosen: Mapping[str, Any]) -> Choice[Predictor]:
    return Choice(fit(dict(chosen)), dict(chosen), math.nan, [])


class TunedRecommender(Recommender):
    """A model that predicts with the settings that suit the validation ratings best."""

    _predict: Predictor

    @abstractmethod
    def _choose(
        self, data: TrainingData, *, seed: int, chosen: Mapping[str, Any] | None
    ) -> Choice[Predictor]:
        """Fits with every setting, or with the chosen ones alone; arguments as for ``fit``."""

    def fit(
        self, data: TrainingData, *, seed: int, chosen: Mapping[str, Any] | None = None
    ) -> Self:
        """Fits with every setting and keeps the best; with ``chosen``, fits with these alone."""
        choice = self._choose(data, seed=seed, chosen=chosen)
        self._predict, self.chosen = choice.fitted, choice.settings
        tried = {"tuning": choice.tuning, MEASURE: choice.score}
        self.record = tried if choice.tuning else {}
        return self

    def predict(self, pairs: pd.DataFrame) -> NDArray[np.float64]:
        """Ratings of pairs ``user_id, movie_id`` [n], float64 [n], not clipped."""
        return self._predict(pairs)
