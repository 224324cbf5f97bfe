"""Choosing among fitted models by the validation ratings, with every try on record."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

Predictor = Callable[[pd.DataFrame], np.ndarray]
"""Raw ratings, float64 [n], of a frame with ``user_id`` and ``movie_id``, in its order."""


def rmse(predict: Predictor, ratings: pd.DataFrame) -> float:
    """Root mean squared error of a predictor; predictions are clipped to the scale 1-5."""
    error = np.clip(predict(ratings), 1, 5) - ratings["rating"].to_numpy(np.float64)
    return float(np.sqrt((error**2).mean()))


def choose(
    candidates: Iterable[tuple[dict, Predictor]], validation: pd.DataFrame
) -> tuple[Predictor, dict]:
    """Takes the predictor that suits the validation ratings best; the first one among equals.

    Args:
        candidates: Settings and the predictor fitted with them; one at a time is enough.
        validation: ``user_id, movie_id, rating``.

    Returns:
        The predictor, and a record: ``tuning`` (each setting with its ``validation_rmse``, in the
        order tried), ``chosen`` (the settings taken) and ``validation_rmse``.
    """
    tuning, best, taken = [], None, None
    for settings, predict in candidates:
        error = rmse(predict, validation)
        tuning.append({**settings, "validation_rmse": error})
        if best is None or error < best["validation_rmse"]:
            taken, best = predict, {"chosen": settings, "validation_rmse": error}
    return taken, {**best, "tuning": tuning}


def choose_in_turn(
    fit: Callable[[dict], Predictor], options: Mapping[str, Sequence], validation: pd.DataFrame
) -> tuple[Predictor, dict]:
    """Takes one setting after the other, where trying all combinations would cost too much.

    Args:
        fit: From settings to the predictor fitted with them.
        options: The values of each setting, in the order of the search. It starts from the first
            value of each; a setting once taken stays.
        validation: ``user_id, movie_id, rating``.

    Returns:
        As :func:`choose`.
    """
    settings = {name: values[0] for name, values in options.items()}
    taken, record = choose([(settings, fit(settings))], validation)
    for name, values in options.items():
        others = [{**record["chosen"], name: value} for value in values[1:]]
        if not others:
            continue
        predict, other = choose(((changed, fit(changed)) for changed in others), validation)
        tuning = record["tuning"] + other["tuning"]
        if other["validation_rmse"] < record["validation_rmse"]:
            taken, record = predict, other
        record = {**record, "tuning": tuning}
    return taken, record
