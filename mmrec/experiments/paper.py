"""The paper's tables: the experiments that fill them, and the figures it published (§VI)."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import replace

import pandas as pd

from mmrec.experiments.runner import MODELS, Experiment
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
"""Feature tables to compare, and the table that the user profiles of each row are made of."""

MACHINES = {"FM: content": ("facts",), "FM: hybrid": ("facts",)}
"""Factorisation machines that read a movie's content, and what they read."""

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
).assign(
    model=lambda table: (
        table["table"]
        .map({"rating_vectors": "siamese on ratings"}, na_action="ignore")
        .fillna("siamese")
    ),
    features="real",
    fold="u1",
)
"""What the paper reports: best of five runs, selected on the test part, on u1."""


def beside(table: pd.DataFrame) -> pd.DataFrame:
    """A summary with the paper's figures in the rows of the experiments that it reports.

    Args:
        table: One row per table row: at least ``model, row, features, fold, masking``.

    Returns:
        The same rows with ``paper_rmse``, ``paper_precision`` and ``paper_recall``, NaN where the
        paper has no such experiment: it knows its own network alone, neither the control nor
        other folds.
    """
    same = ["model", "row", "features", "fold", "masking"]
    figures = PUBLISHED[[*same, "paper_rmse", "paper_precision", "paper_recall"]]
    return table.merge(figures, on=same, how="left", validate="many_to_one")


REFITTED = "rating vectors, refitted"
"""Row label of the network that was trained again, on the validation ratings as well."""

Rows = list[tuple[str, Experiment]]


def networks(
    rows: Mapping[str, tuple[str, ...]],
    settings: TrainingSettings,
    *,
    seeds: Sequence[int],
    **choices,
) -> Rows:
    """The paper's network on several sets of modalities; ``choices`` are Experiment's fields."""
    return [
        (row, Experiment("siamese", seed, modalities, settings=settings, **choices))
        for row, modalities in rows.items()
        for seed in seeds
    ]


def baselines(*, fold: str, seeds: Sequence[int], control_seeds: Sequence[int] = ()) -> Rows:
    """What every table is held against; the control for those that read a movie's content."""
    known = [
        (model, Experiment(model, seed, MACHINES.get(model, ()), fold=fold))
        for model in MODELS
        if not model.startswith("siamese")
        for seed in seeds
    ]
    control = [
        (model, Experiment(model, seed, modalities, "permuted", fold=fold))
        for model, modalities in MACHINES.items()
        for seed in control_seeds
    ]
    return known + control


def table1(
    settings: TrainingSettings,
    published: TrainingSettings,
    *,
    fold: str,
    seeds: Sequence[int],
    control_seeds: Sequence[int] = (),
) -> Rows:
    """Table I under both protocols, with the permuted control and the baselines.

    Args:
        settings: Of the training under the clean protocol.
        published: Of the training as published.
        fold: One of the published folds.
        seeds: One run of each row per seed.
        control_seeds: Seeds of the control.
    """
    return [
        *networks(ROWS, settings, seeds=seeds, fold=fold),
        *networks(ROWS, settings, seeds=control_seeds, fold=fold, features="permuted"),
        *networks(ROWS, published, seeds=seeds, fold=fold, protocol="as_published"),
        *baselines(fold=fold, seeds=seeds, control_seeds=control_seeds),
    ]


def variants(
    settings: TrainingSettings, *, tables: Container[str], fold: str, seeds: Sequence[int]
) -> Rows:
    """Text and meta made otherwise: without a part, by another reading, from open data alone.

    Args:
        settings: Of the training.
        tables: Names of the feature tables there are; the Freebase graph may be out of reach.
        fold: One of the published folds.
        seeds: One run of each row per seed.
    """
    return [
        run
        for row, profiles in VARIANTS.items()
        if row in tables
        for run in networks({row: (row,)}, settings, seeds=seeds, fold=fold, profiles=profiles)
    ]


def table2(
    settings: TrainingSettings,
    published: TrainingSettings,
    *,
    fold: str,
    seeds: Sequence[int],
    control_seeds: Sequence[int] = (),
    masking_levels: Sequence[float],
    rows: Sequence[str] = MASKED_ROWS,
) -> Rows:
    """Table II: user profiles from fewer ratings; the unmasked run of each row comes first."""
    some = {row: ROWS[row] for row in rows}
    found = []
    for masking in (0.0, *masking_levels):
        here = {"fold": fold, "masking": masking}
        found += networks(some, settings, seeds=seeds, **here)
        found += networks(some, settings, seeds=control_seeds, features="permuted", **here)
        found += networks(some, published, seeds=seeds, protocol="as_published", **here)
    return found + baselines(fold=fold, seeds=seeds)


def masking_curve(
    settings: TrainingSettings, *, fold: str, seeds: Sequence[int], levels: Sequence[float]
) -> Rows:
    """All four modalities with profiles from ever fewer ratings."""
    return [
        run
        for masking in levels
        for run in networks({"all": ROWS["all"]}, settings, seeds=seeds, fold=fold, masking=masking)
    ]


def rating_vectors(
    settings: TrainingSettings,
    published: TrainingSettings,
    *,
    fold: str,
    seeds: Sequence[int],
    masking_levels: Sequence[float],
) -> Rows:
    """Rating vectors in place of the embeddings, whole and masked, and the baselines.

    As published the target stands in its own input; ``hidden_target`` is the same without it.
    The clean network without a mask is also refitted: trained again with the validation ratings.
    """
    ways = (("clean", settings), ("as_published", published), ("hidden_target", published))
    vectors = Experiment("siamese on ratings", 0, fold=fold)
    runs = [
        ("rating vectors", replace(vectors, protocol=protocol, masking=masking, settings=how))
        for protocol, how in ways
        for masking in ((0.0,) if protocol == "hidden_target" else (0.0, *masking_levels))
    ]
    runs.append((REFITTED, replace(vectors, settings=settings, refit=True)))
    seeded = [(row, replace(run, seed=seed)) for row, run in runs for seed in seeds]
    return seeded + baselines(fold=fold, seeds=seeds)


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
        ("profiles of training ratings", "training_profiles", published),
        ("target hidden from its profile", "hidden_target", published),
        ("selected on validation", "clean", published),
        ("small batches", "clean", small_batches),
        ("tuned", "clean", tuned),
    ]
    return [
        run
        for step, protocol, how in ways
        for run in networks({step: ROWS[row]}, how, seeds=seeds, fold=fold, protocol=protocol)
    ]


def settings_compared(
    experiment: Experiment, settings: Mapping[str, TrainingSettings], *, seeds: Sequence[int]
) -> Rows:
    """One experiment trained in several ways; their names become the row labels."""
    return [
        (name, replace(experiment, settings=how, seed=seed))
        for name, how in settings.items()
        for seed in seeds
    ]


def five_folds(
    settings: TrainingSettings, *, folds: Sequence[str], rows: Sequence[str], seeds: Sequence[int]
) -> Rows:
    """Some rows of Table I, with their controls and the baselines, on several published folds."""
    some = {row: ROWS[row] for row in rows}
    found = []
    for fold in folds:
        for features in ("real", "permuted"):
            found += networks(some, settings, seeds=seeds, fold=fold, features=features)
        found += baselines(fold=fold, seeds=seeds, control_seeds=seeds)
    return found
