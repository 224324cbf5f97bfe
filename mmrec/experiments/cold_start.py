"""The experiments on new movies and new users, which the paper promises and does not run."""

from collections.abc import Sequence

from mmrec.experiments.folds import COLD, track_of
from mmrec.experiments.grid import Experiment
from mmrec.experiments.paper import MACHINES, Rows
from mmrec.models.training import TrainingSettings

OPPONENTS = (
    "global mean",
    "user mean",
    "movie mean",
    "user+movie bias",
    "item kNN",
    "matrix factorisation",
    "FM: ids",
    "FM: content",
    "FM: hybrid",
)
"""Models that the network is held against here."""

SHOWN = (0, 1, 2, 5, 10, 20, 50)
"""Ratings given back of each new movie or user along a learning curve."""


def folds_of(track: str, number: int) -> list[str]:
    """The first ``number`` cold folds in which films, users or both are new."""
    return [fold for fold in COLD if track_of(fold) == track][:number]


def opponents(*, fold: str, seeds: Sequence[int], shown: int | None = None) -> Rows:
    """The models that the network is held against, and the content's control."""
    found = [
        (model, Experiment(model, seed, MACHINES.get(model, ()), fold=fold, shown=shown))
        for model in OPPONENTS
        for seed in seeds
    ]
    return found + [
        (
            "FM: content",
            Experiment(
                "FM: content", seed, MACHINES["FM: content"], "permuted", fold=fold, shown=shown
            ),
        )
        for seed in seeds
    ]


def network(
    row: str,
    modalities: Sequence[str],
    settings: TrainingSettings,
    *,
    fold: str,
    seeds: Sequence[int],
    features: str = "real",
    shown: int | None = None,
) -> Rows:
    """The paper's network under a row label of its own."""
    return [
        (
            row,
            Experiment(
                "siamese",
                seed,
                tuple(modalities),
                features,
                fold=fold,
                shown=shown,
                settings=settings,
            ),
        )
        for seed in seeds
    ]
