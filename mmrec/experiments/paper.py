"""The paper's tables: the experiments that fill them, and the figures it published (§VI)."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from mmrec.experiments.spec import Experiment, name_of
from mmrec.models.base import Config
from mmrec.models.rating_vectors import RatingVectorsConfig
from mmrec.models.registry import MODELS
from mmrec.models.siamese import SiameseConfig
from mmrec.models.training import TrainingSettings

ROWS = {
    "text": ("text",),
    "meta": ("meta",),
    "audio": ("audio",),
    "video": ("video",),
    "meta+text": ("meta", "text"),
    "meta+audio": ("meta", "audio"),
    "meta+video": ("meta", "video"),
    "all": ("video", "audio", "text", "meta"),
}
"""Rows of Table I and the modalities that represent a movie in each."""

MASKED_ROWS = ("meta+text", "meta+audio", "meta+video", "all")
"""Rows of Table II."""

VARIANTS = {
    "text": "meta",
    "text-open": "meta-open",
    "triples": "meta",
    "meta": "meta",
    "meta-unrated": "meta-unrated",
    "meta-undirected": "meta-undirected",
    "meta-open": "meta-open",
    "meta-freebase": "meta-freebase",
}
"""Feature tables to compare, and the table that the user vectors of each row are means of."""

TRIVIAL: dict[str, Config] = {
    "global mean": MODELS["global-mean"],
    "user mean": MODELS["user-mean"],
    "movie mean": MODELS["movie-mean"],
    "user+movie bias": MODELS["biases"],
}
"""Predictors that anything must beat to be worth its name, by row label."""

BASELINES: dict[str, Config] = {
    **TRIVIAL,
    "item kNN": MODELS["item-knn"],
    "matrix factorisation": MODELS["matrix-factorisation"],
    "FM: ids": MODELS["fm-ids"],
    "FM: ids and users": MODELS["fm-ids-users"],
    "FM: content": MODELS["fm-content"],
    "FM: hybrid": MODELS["fm-hybrid"],
}
"""What every table is held against, by row label. ``FM: …``: factorisation machines on ids; on ids,
demographics and implicit feedback; the same with a movie's content in place of its id; and all of
it. What content adds is the difference between the last and the second."""

RANKERS: dict[str, Config] = {
    "most popular": MODELS["most-popular"],
    "IMDb rating": MODELS["imdb-rating"],
    "IMDb votes": MODELS["imdb-votes"],
    "EASE": MODELS["ease"],
    "iALS": MODELS["ials"],
    "BPR": MODELS["bpr"],
    "LightGCN": MODELS["lightgcn"],
}
"""Models that only rank, by row label: the same list for everybody, and models of likes."""

_COLUMNS = ["table", "row", "masking", "paper_rmse", "paper_precision", "paper_recall"]

PUBLISHED = pd.DataFrame(
    [
        ("table1", "text", 0.0, 1.054, 68.582, 77.036),
        ("table1", "meta", 0.0, 1.025, 69.419, 85.132),
        ("table1", "audio", 0.0, 1.153, 58.182, 73.698),
        ("table1", "video", 0.0, 1.151, 59.033, 74.448),
        ("table1", "meta+text", 0.0, 1.032, 68.129, 80.715),
        ("table1", "meta+audio", 0.0, 1.034, 70.102, 71.811),
        ("table1", "meta+video", 0.0, 1.034, 70.205, 71.473),
        ("table1", "all", 0.0, 1.028, 69.911, 73.912),
        ("table2", "meta+text", 0.5, 1.048, 70.653, 75.149),
        ("table2", "meta+audio", 0.5, 1.054, 67.348, 78.942),
        ("table2", "meta+video", 0.5, 1.053, 68.993, 74.462),
        ("table2", "all", 0.5, 1.048, 69.771, 76.745),
        ("table2", "meta+text", 0.8, 1.049, 68.221, 78.321),
        ("table2", "meta+audio", 0.8, 1.057, 68.119, 77.817),
        ("table2", "meta+video", 0.8, 1.059, 67.079, 75.576),
        ("table2", "all", 0.8, 1.053, 67.111, 78.118),
        ("rating_vectors", "rating vectors", 0.0, 0.918, 75.013, 78.033),
    ],
    columns=_COLUMNS,
)
"""What the paper reports: best of five runs, selected on the test part, on u1."""


def beside(table: pd.DataFrame) -> pd.DataFrame:
    """A summary with the paper's figures in the rows of the experiments that it reports.

    Args:
        table: One row per table row: at least ``model, row, features, fold, masking``.

    Returns:
        The same rows with ``paper_rmse``, ``paper_precision`` and ``paper_recall``, NaN where the
        paper has no such experiment: it knows its own networks alone, neither the control nor
        other folds.
    """
    vectors = PUBLISHED["table"] == "rating_vectors"
    figures = PUBLISHED.assign(
        model=np.where(vectors, name_of(RatingVectorsConfig), name_of(SiameseConfig)),
        features="real",
        fold="u1",
    ).drop(columns="table")
    same = ["model", "row", "features", "fold", "masking"]
    return table.merge(figures, on=same, how="left", validate="many_to_one")


Rows = list[tuple[str, Experiment]]


def networks(
    rows: Mapping[str, tuple[str, ...]],
    training: TrainingSettings,
    *,
    seeds: Iterable[int],
    user_vectors_from: str = "meta",
    **choices: Any,
) -> Rows:
    """The paper's network on several sets of modalities.

    Args:
        rows: Modalities by row label.
        training: How to train.
        seeds: One run of each row per seed.
        user_vectors_from: The table that user vectors are means of.
        choices: Other fields of :class:`~mmrec.experiments.spec.Experiment`.
    """
    return [
        (row, Experiment(SiameseConfig(modalities, user_vectors_from, training), seed, **choices))
        for row, modalities in rows.items()
        for seed in seeds
    ]


def models(configs: Mapping[str, Config], *, seeds: Iterable[int], **choices: Any) -> Rows:
    """Several models, one run of each per seed; ``choices`` are fields of an experiment."""
    return [
        (row, Experiment(config, seed, **choices))
        for row, config in configs.items()
        for seed in seeds
    ]


def baselines(
    *, fold: str, seeds: Sequence[int], control_seeds: Sequence[int] = (), refit: bool = False
) -> Rows:
    """What every table is held against, with the control of those that read content.

    Args:
        fold: Name of the fold.
        seeds: One run of each row per seed.
        control_seeds: Seeds of the control.
        refit: Whether to fit them again on the validation ratings as well.
    """
    real = models(BASELINES, seeds=seeds, fold=fold, refit=refit)
    readers = {row: config for row, config in BASELINES.items() if config.features}
    return real + models(readers, seeds=control_seeds, fold=fold, features="permuted", refit=refit)


def table1(
    training: TrainingSettings,
    published: TrainingSettings,
    *,
    fold: str,
    seeds: Sequence[int],
    control_seeds: Sequence[int] = (),
) -> Rows:
    """Table I under both protocols, with the permuted control and the baselines.

    Args:
        training: The training under the clean protocol.
        published: The training as published.
        fold: One of the published folds.
        seeds: One run of each row per seed.
        control_seeds: Seeds of the control.
    """
    return [
        *networks(ROWS, training, seeds=seeds, fold=fold),
        *networks(ROWS, training, seeds=control_seeds, fold=fold, features="permuted"),
        *networks(ROWS, published, seeds=seeds, fold=fold, protocol="as_published"),
        *baselines(fold=fold, seeds=seeds, control_seeds=control_seeds),
    ]


def variants(
    training: TrainingSettings, *, tables: Container[str], fold: str, seeds: Sequence[int]
) -> Rows:
    """Text and meta made otherwise: without a part, by another reading, from open data alone.

    Args:
        training: How to train.
        tables: Names of the feature tables there are; the Freebase graph may be out of reach.
        fold: One of the published folds.
        seeds: One run of each row per seed.
    """
    return [
        run
        for row, users in VARIANTS.items()
        if row in tables
        for run in networks(
            {row: (row,)}, training, seeds=seeds, fold=fold, user_vectors_from=users
        )
    ]


def table2(
    training: TrainingSettings,
    published: TrainingSettings,
    *,
    fold: str,
    seeds: Sequence[int],
    control_seeds: Sequence[int] = (),
    masking_levels: Sequence[float],
    rows: Sequence[str] = MASKED_ROWS,
) -> Rows:
    """Table II: user vectors from fewer ratings; the unmasked run of each row comes first."""
    some = {row: ROWS[row] for row in rows}
    found: Rows = []
    for masking in (0.0, *masking_levels):
        here: dict[str, Any] = {"fold": fold, "masking": masking}
        found += networks(some, training, seeds=seeds, **here)
        found += networks(some, training, seeds=control_seeds, features="permuted", **here)
        found += networks(some, published, seeds=seeds, protocol="as_published", **here)
    return found + baselines(fold=fold, seeds=seeds)


def masking_curve(
    training: TrainingSettings, *, fold: str, seeds: Sequence[int], levels: Sequence[float]
) -> Rows:
    """All four modalities, with user vectors from ever fewer ratings."""
    return [
        run
        for masking in levels
        for run in networks({"all": ROWS["all"]}, training, seeds=seeds, fold=fold, masking=masking)
    ]


def rating_vectors(
    training: TrainingSettings,
    published: TrainingSettings,
    *,
    fold: str,
    seeds: Sequence[int],
    masking_levels: Sequence[float],
) -> Rows:
    """Rating vectors in place of the embeddings, whole and masked, and the baselines.

    As published the target stands in its own input; ``hidden_target`` is the same without it.
    The clean network without a mask is also refitted, that is, trained again with the validation
    ratings, and so are the baselines: like is compared with like.
    """
    ways = (("clean", training), ("as_published", published), ("hidden_target", published))
    found: Rows = []
    for protocol, how in ways:
        vectors = {"rating vectors": RatingVectorsConfig(how)}
        for masking in (0.0,) if protocol == "hidden_target" else (0.0, *masking_levels):
            found += models(vectors, seeds=seeds, fold=fold, protocol=protocol, masking=masking)
    network = {"rating vectors": RatingVectorsConfig(training)}
    refitted = models(network, seeds=seeds, fold=fold, refit=True)
    refitted += baselines(fold=fold, seeds=seeds, refit=True)
    found += [(refitted_row(row), run) for row, run in refitted]
    return found + baselines(fold=fold, seeds=seeds)


def refitted_row(row: str) -> str:
    """Row label of a model that was fitted again, on the validation ratings as well."""
    return f"{row}, refitted"


def protocol_steps(
    row: str,
    published: TrainingSettings,
    small_batches: TrainingSettings,
    tuned: TrainingSettings,
    *,
    fold: str,
    seeds: Sequence[int],
) -> Rows:
    """One row of Table I from the published protocol to the study's own, one change at a time."""
    ways = [
        ("as published", "as_published", published),
        ("user vectors from training ratings", "training_profiles", published),
        ("target left out of its user vector", "hidden_target", published),
        ("selected on validation", "clean", published),
        ("small batches", "clean", small_batches),
        ("tuned", "clean", tuned),
    ]
    return [
        run
        for step, protocol, how in ways
        for run in networks({step: ROWS[row]}, how, seeds=seeds, fold=fold, protocol=protocol)
    ]


def trainings_compared(
    model: SiameseConfig | RatingVectorsConfig,
    trainings: Mapping[str, TrainingSettings],
    *,
    fold: str,
    seeds: Sequence[int],
) -> Rows:
    """One network trained in several ways; their names become the row labels."""
    ways = {name: replace(model, training=training) for name, training in trainings.items()}
    return models(ways, seeds=seeds, fold=fold)


def five_folds(
    training: TrainingSettings,
    *,
    folds: Sequence[str],
    rows: Sequence[str],
    seeds: Sequence[int],
) -> Rows:
    """Some rows of Table I, with their controls and the baselines, on several published folds."""
    some = {row: ROWS[row] for row in rows}
    found: Rows = []
    for fold in folds:
        for features in ("real", "permuted"):
            found += networks(some, training, seeds=seeds, fold=fold, features=features)
        found += baselines(fold=fold, seeds=seeds, control_seeds=seeds)
    return found


def lists(
    training: TrainingSettings,
    *,
    tables: Container[str],
    fold: str,
    rows: Sequence[str],
    seeds: Sequence[int],
) -> Rows:
    """Lists of recommendations: of rows of Table I, of the baselines, and of models of likes.

    Args:
        training: Of the network.
        tables: Names of the feature tables there are.
        fold: One of the published folds.
        rows: Rows of Table I.
        seeds: One run of each row per seed.
    """
    rankers = {
        row: config
        for row, config in RANKERS.items()
        if all(name in tables for name in config.features)
    }
    return [
        *networks({row: ROWS[row] for row in rows}, training, seeds=seeds, fold=fold),
        *models({**BASELINES, **rankers}, seeds=seeds, fold=fold),
    ]
