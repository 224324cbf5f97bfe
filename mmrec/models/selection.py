"""Choosing a model's settings by the validation ratings, with every attempt on record."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mmrec.errors import StudyError
from mmrec.models.base import Recommender, TrainingData
from mmrec.models.rating_scale import rmse

Predictor = Callable[[pd.DataFrame], NDArray[np.float64]]
"""Raw ratings, float64 [n], of a frame with ``user_id`` and ``movie_id``, in its order."""

Settings = dict[str, Any]
"""Values of a model's settings by name."""


@dataclass(frozen=True)
class Choice:
    """Settings, and the predictor that was fitted with them.

    Attributes:
        predict: The predictor.
        settings: What it was fitted with.
        record: ``validation_rmse`` and ``tuning`` (each setting tried with its
            ``validation_rmse``, in the order tried); empty if the settings were given.
    """

    predict: Predictor
    settings: Settings
    record: dict[str, Any] = field(default_factory=dict)


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
) -> Choice:
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
        return Choice(fit(dict(chosen)), dict(chosen))
    check_validation(validation)
    tuning: list[Settings] = []
    best: tuple[float, Predictor, Settings] | None = None
    for settings in candidates:
        predict = fit(settings)
        error = validation_rmse(predict, validation)
        tuning.append({**settings, "validation_rmse": error})
        if best is None or error < best[0]:
            best = error, predict, settings
    if best is None:
        raise ValueError("no settings to choose from")
    error, predict, settings = best
    return Choice(predict, settings, {"validation_rmse": error, "tuning": tuning})


def choose_in_turn(
    fit: Callable[[Settings], Predictor],
    options: Mapping[str, Sequence[Any]],
    validation: pd.DataFrame,
    *,
    chosen: Mapping[str, Any] | None = None,
) -> Choice:
    """Takes one setting after the other, where trying all combinations would cost too much.

    Args:
        fit: From settings to the predictor fitted with them.
        options: The values of each setting, in the order of the search. It starts from the first
            value of each; a setting once taken stays.
        validation: ``user_id, movie_id, rating``.
        chosen: Settings to take without trying any.

    Raises:
        StudyError: There are no validation ratings, and nothing is chosen yet.
    """
    first = {name: values[0] for name, values in options.items()}
    best = choose(fit, [first], validation, chosen=chosen)
    if chosen is not None:
        return best
    for name, values in options.items():
        others = [{**best.settings, name: value} for value in values[1:]]
        if not others:
            continue
        other = choose(fit, others, validation)
        tuning = best.record["tuning"] + other.record["tuning"]
        if other.record["validation_rmse"] < best.record["validation_rmse"]:
            best = other
        best = Choice(best.predict, best.settings, {**best.record, "tuning": tuning})
    return best


class TunedRecommender(Recommender):
    """A model that predicts with the settings that suit the validation ratings best."""

    _predict: Predictor

    @abstractmethod
    def _choose(self, data: TrainingData, *, seed: int, chosen: Mapping[str, Any] | None) -> Choice:
        """Fits with every setting, or with the chosen ones alone; arguments as for ``fit``."""

    def fit(
        self, data: TrainingData, *, seed: int, chosen: Mapping[str, Any] | None = None
    ) -> Self:
        """Fits with every setting and keeps the best; with ``chosen``, fits with these alone."""
        choice = self._choose(data, seed=seed, chosen=chosen)
        self._predict, self.chosen, self.record = choice.predict, choice.settings, choice.record
        return self

    def predict(self, pairs: pd.DataFrame) -> NDArray[np.float64]:
        """Ratings of pairs ``user_id, movie_id`` [n], float64 [n], not clipped."""
        return self._predict(pairs)
