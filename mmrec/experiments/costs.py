"""Chapter 12: runs of earlier chapters whose errors and costs stand beside its own."""

from collections.abc import Container

from mmrec.experiments import cold_start, paper
from mmrec.experiments.content import LEVELS, WITH_CROWD
from mmrec.experiments.paper import Rows
from mmrec.models.training import TrainingSettings

NETWORKS = ("meta", "all")
"""Rows of Table I that stand for the network: one modality, and all four."""


def earlier(
    training: TrainingSettings,
    remedy: TrainingSettings,
    *,
    tables: Container[str],
    fold: str,
    n_folds: int,
    seed: int,
) -> Rows:
    """The models of earlier chapters, once each: on known films and on the first of new ones.

    Args:
        training: Of the network.
        remedy: Of the same network, trained against recognising movies by their features.
        tables: Names of the feature tables there are.
        fold: One of the published folds.
        n_folds: Folds of new films there are; with none, there are known films alone.
        seed: Of every run.
    """
    first = min(n_folds, 1)
    rows = {row: paper.ROWS[row] for row in NETWORKS}
    found = paper.networks(rows, training, seeds=[seed], fold=fold)
    found += paper.baselines(fold=fold, seeds=[seed])
    found += cold_start.strict(
        training,
        remedy,
        tables=tables,
        n_folds={"item": first},
        scenario_seeds={"item": [seed]},
    )
    levels = [level for level, content in LEVELS.items() if content == WITH_CROWD]
    return found + cold_start.inputs(
        training, wanted=levels, tables=tables, n_folds=first, seeds=[seed]
    )
