"""The experiments on new movies and new users, which the paper promises and does not run."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from mmrec.evaluation.folds import FOLDS, scenario_of
from mmrec.experiments.paper import MACHINES, ROWS, Rows, networks
from mmrec.experiments.runner import Experiment
from mmrec.models.training import TrainingSettings

OPPONENTS = (
    "global mean",
    "user mean",
    "movie mean",
    "user+movie bias",
    "item kNN",
    "matrix factorisation",
    "FM: ids",
    "FM: hybrid",
)
"""Models that the network is held against here."""

CURVES = ("user+movie bias", "FM: ids", "FM: hybrid")
"""Those of them whose learning curves are drawn."""

REMEDIED = "meta, inputs hidden"
"""Row label of the network trained with hidden inputs."""

UNRATED = "FM: hybrid, unrated"
"""Row label of the machine that does not know what the crowd thinks: nobody does of a new film."""

INPUTS = ("meta", "meta-unrated", "triples", "genres", "genres-rating", "facts")
"""Feature tables to tell apart what generalises to a new movie from what only names it."""


def folds_of(scenario: str, number: int) -> list[str]:
    """The first ``number`` cold folds in which films, users or both are new."""
    return [name for name, fold in FOLDS.items() if fold.scenario == scenario][:number]


def _opponents(
    models: Sequence[str], *, fold: str, seeds: Sequence[int], support_size: int | None = None
) -> Rows:
    return [
        (
            model,
            Experiment(model, seed, MACHINES.get(model, ()), fold=fold, support_size=support_size),
        )
        for model in models
        for seed in seeds
    ]


def strict(
    settings: TrainingSettings,
    remedy: TrainingSettings,
    *,
    n_folds: Mapping[str, int],
    seeds: Sequence[int],
) -> Rows:
    """Nothing is known of the new: the network, the remedy, the control and the opponents.

    Args:
        settings: Of the network as on warm folds.
        remedy: Of the same network, trained against recognising movies by their features.
        n_folds: Folds of each kind (``item``, ``user``, ``both``), at most five.
        seeds: One run of each row per seed and fold.
    """
    rows = {name: ROWS[name] for name in ("meta", "all")}
    found = []
    for fold in (fold for scenario, n in n_folds.items() for fold in folds_of(scenario, n)):
        here = {"fold": fold, "seeds": seeds}
        found += networks(rows, settings, **here)
        found += networks({REMEDIED: ROWS["meta"]}, remedy, **here)
        found += _opponents(OPPONENTS, **here)
        if scenario_of(fold) == "item":
            found += networks({"meta": ROWS["meta"]}, settings, features="permuted", **here)
            unrated = Experiment("FM: hybrid", 0, ("facts-unrated",), fold=fold)
            control = Experiment("FM: hybrid", 0, ("facts",), "permuted", fold=fold)
            found += [(UNRATED, replace(unrated, seed=seed)) for seed in seeds]
            found += [("FM: hybrid", replace(control, seed=seed)) for seed in seeds]
    return found


def inputs(settings: TrainingSettings, *, n_folds: int, seeds: Sequence[int]) -> Rows:
    """The network on new films with other descriptions of a movie; its user profiles are meta's."""
    return [
        run
        for fold in folds_of("item", n_folds)
        for run in networks({name: (name,) for name in INPUTS}, settings, fold=fold, seeds=seeds)
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
    found = []
    for fold in (fold for scenario in ("item", "user") for fold in folds_of(scenario, n_folds)):
        for number in support_sizes:
            here = {"fold": fold, "seeds": seeds, "support_size": number}
            found += networks({REMEDIED: ROWS["meta"]}, remedy, **here)
            found += _opponents(CURVES, **here)
    return found
