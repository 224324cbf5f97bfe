"""Runs one experiment: divides the ratings, fits, predicts, recommends, scores.

This module and what it imports are the code that a result depends on, beside the model's own;
:func:`mmrec.experiments.spec.experiment_hash` counts them all.
"""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from mmrec import hardware
from mmrec.evaluation import control, metrics, ranking
from mmrec.evaluation.protocols import PROTOCOLS, Split
from mmrec.experiments.data import Data
from mmrec.experiments.spec import Experiment
from mmrec.models.base import LIST_LENGTH, Recommender, TrainingData

PAIR = ["user_id", "movie_id"]


@dataclass(frozen=True)
class Outcome:
    """What an experiment leaves.

    Attributes:
        predictions: ``user_id, movie_id, prediction`` (float32) of every test pair, in the order
            of the data set, and ``sd`` from a model that tells it; None from a model that only
            ranks.
        recommendations: ``user_id, rank, movie_id``, a list for every user of the test part.
        record: Scores of both, what the model told of its fit, and ``train_seconds``.
    """

    predictions: pd.DataFrame | None
    recommendations: pd.DataFrame
    record: dict[str, Any]


def divide(experiment: Experiment, data: Data, *, joined: bool = False) -> Split:
    """The division of the ratings that an experiment's protocol makes.

    Args:
        experiment: What is to be fitted.
        data: Its ratings.
        joined: Whether the validation ratings join the training.
    """
    return PROTOCOLS[experiment.protocol].split(
        data.ratings,
        data.films,
        fold=experiment.fold,
        seed=experiment.seed,
        masking=experiment.masking,
        support_size=experiment.support_size,
        joined=joined,
    )


def training_data(experiment: Experiment, data: Data, split: Split) -> TrainingData:
    """What the experiment's model may see; the control's features are permuted."""
    features = {name: data.table(name) for name in experiment.model.features}
    if experiment.features == "permuted":
        features = {
            name: control.permuted(table, name, seed=experiment.seed)
            for name, table in features.items()
        }
    return TrainingData(
        train=split.train,
        validation=split.validation,
        views=split.views,
        users=data.users,
        movies=data.movies,
        test_views=split.test_profiles,
        features=features,
    )


def execute(experiment: Experiment, data: Data) -> Outcome:
    """Runs an experiment from beginning to end; the same every time.

    Raises:
        StudyError: The experiment asks for a division that cannot be made, or the model fails.
    """
    split = divide(experiment, data)
    pairs = split.test.pairs
    with _repeatable():
        started = time.perf_counter()
        model, record = _fit(experiment, data, split)
        seconds = time.perf_counter() - started
        predictions = _predict(model, pairs)
        new = split.cold_movies
        candidates = data.movies.tolist() if new is None else new.tolist()
        lists = _recommend(model, candidates, data, pairs)
    record = {
        **_score(predictions, split, _covered(experiment, data, pairs)),
        **_calibration(predictions, split, model.reach),
        **metrics.score_lists(lists, split.test, data.films),
        "catalogue_coverage": ranking.catalogue_coverage(lists, candidates),
        **ranking.popularity(lists, candidates, split.train),
        **record,
        "train_seconds": seconds,
    }
    return Outcome(predictions, lists, record)


def _fit(experiment: Experiment, data: Data, split: Split) -> tuple[Recommender, dict[str, Any]]:
    """The fitted model, and the record of the fit in which its settings were chosen."""
    model = experiment.model.build()
    model.fit(training_data(experiment, data, split), seed=experiment.seed)
    record = dict(model.record)
    if model.chosen:
        record["chosen"] = dict(model.chosen)
    if experiment.refit:
        whole = training_data(experiment, data, divide(experiment, data, joined=True))
        chosen = model.chosen
        model = experiment.model.build()
        model.fit(whole, seed=experiment.seed, chosen=chosen)
    return model, record


def _predict(model: Recommender, pairs: pd.DataFrame) -> pd.DataFrame | None:
    if not model.predicts_ratings:
        return None
    # Scored is what is stored, so that scores can be recomputed.
    predictions = pairs.assign(prediction=model.predict(pairs).astype(np.float32))
    sd = model.predictive_sd(pairs)
    return predictions if sd is None else predictions.assign(sd=sd.astype(np.float32))


def _recommend(
    model: Recommender, candidates: Sequence[int], data: Data, pairs: pd.DataFrame
) -> pd.DataFrame:
    """Lists in which every film stands once, for the users of the test part."""
    repeated = len(candidates) - data.films[list(candidates)].nunique()
    lists = model.recommend(
        pairs["user_id"].unique().tolist(), candidates, _seen(data, pairs), k=LIST_LENGTH + repeated
    )
    return ranking.once_per_film(lists, data.films, LIST_LENGTH)


def _seen(data: Data, pairs: pd.DataFrame) -> pd.DataFrame:
    """Whatever was rated and is not tested, used or not: the same under every protocol."""
    rated, tested = (pd.MultiIndex.from_frame(part[PAIR]) for part in (data.ratings, pairs))
    return rated.difference(tested).to_frame(index=False)


def _covered(experiment: Experiment, data: Data, pairs: pd.DataFrame) -> NDArray[np.bool_]:
    """Which test pairs are of a movie that has every feature that represents it, bool [n]."""
    covered = np.ones(len(pairs), bool)
    for name in experiment.item_features:
        complete = pd.Series(data.table(name).complete(data.movies), data.movies)
        covered &= pairs["movie_id"].map(complete).to_numpy()
    return covered


def _score(
    predictions: pd.DataFrame | None, split: Split, covered: NDArray[np.bool_]
) -> dict[str, float]:
    if predictions is None:
        scores = dict.fromkeys(("rmse", "rmse_covered", "precision", "recall"), float("nan"))
        return {**scores, "n_test": len(covered), "coverage": float(covered.mean())}
    return metrics.score(predictions["prediction"].to_numpy(), split.test, covered)


def _calibration(
    predictions: pd.DataFrame | None, split: Split, reach: Sequence[float]
) -> dict[str, float]:
    """Scores of the intervals of a model that tells how far off it may be, else nothing."""
    if predictions is None or "sd" not in predictions:
        return {}
    prediction, sd = predictions["prediction"].to_numpy(), predictions["sd"].to_numpy()
    return metrics.calibration(prediction, sd, reach, split.test)


@contextmanager
def _repeatable() -> Iterator[None]:
    """Sums in another order round differently: one thread, and on a GPU one order of adding."""
    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(1)
    if hardware.device().type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS asks for it
        torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(strict)
