"""Runs made by hand: predictions and lists of a test's own, filed as the runner would file them."""

import numpy as np
import pandas as pd
import tiny

from mmrec.evaluation.protocols import sealed_test
from mmrec.experiments import store
from mmrec.experiments.execution import Outcome


def off_by(error: float, ratings: np.ndarray) -> np.ndarray:
    """Predictions that miss every rating by the same, towards the middle of the scale."""
    return ratings + error * np.where(ratings >= 3, -1, 1)


def sealed(fold: str, support_size: int | None = None):
    films = pd.Series(tiny.movie_ids(), tiny.movie_ids())
    return sealed_test(tiny.ratings(), films, fold=fold, support_size=support_size)


def ratings_of(fold: str, support_size: int | None = None) -> np.ndarray:
    return sealed(fold, support_size).open()


def run_row(workspace, name: str, prediction: np.ndarray, **fields) -> dict:
    """A run as the grid would file it, with predictions of the test's own."""
    run = {
        **{"table": "table1", "row": "meta", "model": "Siamese", "features": "real"},
        **{"protocol": "clean", "fold": "u1", "seed": 0, "masking": 0.0, "support_size": None},
        **{"hash": name, "precision": 60.0, "recall": 70.0, "coverage": 1.0, "sources": "{}"},
        **fields,
    }
    test = sealed(run["fold"], run["support_size"])
    predictions = test.pairs.assign(prediction=prediction.astype(np.float32))
    keep(workspace, name, predictions)
    rmse = np.sqrt(((np.clip(prediction, 1, 5) - test.open()) ** 2).mean())
    return {**run, "rmse": rmse, "rmse_covered": rmse}


def keep(workspace, name: str, predictions=None, lists=None) -> None:
    """Keeps predictions and lists of a run, as the runner would."""
    lists = pd.DataFrame() if lists is None else lists
    store.keep(Outcome(predictions, lists, {}), workspace, name)
