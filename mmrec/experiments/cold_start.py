"""The experiments on new movies and new users, which the paper promises and does not run."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from mmrec.evaluation.folds import FOLDS, scenario_of
from mmrec.experiments.paper import BASELINES, ROWS, Rows, models, networks
from mmrec.models.base import Config
from mmrec.models.registry import MODELS
from mmrec.models.training import TrainingSettings

OPPONENTS = {row: config for row, config in BASELINES.items() if row != "FM: content"}
"""Models that the network is held against here."""

CURVES = ("user+movie bias", "FM: ids", "FM: ids and users", "FM: hybrid")
"""Those of them whose learning curves are drawn."""

REMEDIED = "meta, inputs hidden"
"""Row label of the network trained with hidden inputs."""

UNRATED = "FM: hybrid, unrated"
"""Row label of the machine that does not know what the crowd thinks: nobody does of a new film."""

INPUTS = ("meta", "meta-unrated", "triples", "genres", "genres-rating", "facts")
"""Feature tables to tell apart what generalises to a new movie from what only names it."""


def folds_of(scenario: str, number: int) -> list[str]:
    """The first ``number`` folds in which films, users or both are new."""
    return [name for name, fold in FOLDS.items() if fold.scenario == scenario][:number]


def _opponents(rows: Sequence[str]) -> dict[str, Config]:
    return {row: OPPONENTS[row] for row in rows}


def strict(
    training: TrainingSettings,
    remedy: TrainingSettings,
    *,
    n_folds: Mapping[str, int],
    seeds: Sequence[int],
) -> Rows:
    """Nothing is known of the new: the network, the remedy, the control and the opponents.

    Args:
        training: Of the network as on warm folds.
        remedy: Of the same network, trained against recognising movies by their features.
        n_folds: Folds of each kind (``item``, ``user``, ``both``), at most five.
        seeds: One run of each row per seed and fold.
    """
    rows = {name: ROWS[name] for name in ("meta", "all")}
    hybrid = MODELS["fm-hybrid"]
    unrated = replace(hybrid, content=("facts-unrated",))
    found: Rows = []
    for fold in (fold for scenario, n in n_folds.items() for fold in folds_of(scenario, n)):
        found += networks(rows, training, fold=fold, seeds=seeds)
        found += networks({REMEDIED: ROWS["meta"]}, remedy, fold=fold, seeds=seeds)
        found += models(OPPONENTS, fold=fold, seeds=seeds)
        if scenario_of(fold) == "item":
            control: dict[str, Any] = {"features": "permuted", "fold": fold, "seeds": seeds}
            found += networks({"meta": ROWS["meta"]}, training, **control)
            found += models({UNRATED: unrated}, fold=fold, seeds=seeds)
            found += models({"FM: hybrid": hybrid}, **control)
    return found


def inputs(training: TrainingSettings, *, n_folds: int, seeds: Sequence[int]) -> Rows:
    """The network on new films with other descriptions of a movie; user vectors stay meta's."""
    return [
        run
        for fold in folds_of("item", n_folds)
        for run in networks({name: (name,) for name in INPUTS}, training, fold=fold, seeds=seeds)
    ]


def learning_curves(
    remedy: TrainingSettings, *, support_sizes: Sequence[int], n_folds: int, seeds: Sequence[int]
) -> Rows:
    """Each new film, or user, is given some of its ratings back.

    Args:
        remedy: Of the network's training.
        support_sizes: Numbers of ratings given back.
        n_folds: Folds of each kind, at most five.
        seeds: One run of each row per seed, fold and number.
    """
    found: Rows = []
    for fold in (fold for scenario in ("item", "user") for fold in folds_of(scenario, n_folds)):
        for size in support_sizes:
            found += networks(
                {REMEDIED: ROWS["meta"]}, remedy, fold=fold, seeds=seeds, support_size=size
            )
            found += models(_opponents(CURVES), fold=fold, seeds=seeds, support_size=size)
    return found
