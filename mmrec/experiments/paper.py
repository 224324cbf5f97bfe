"""The paper's tables: the experiments that fill them, and the figures it published (§VI)."""

from collections.abc import Sequence

import pandas as pd

from mmrec.experiments.grid import TRIVIAL, Experiment
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
    "meta": "meta",
    "meta-unrated": "meta-unrated",
    "meta-open": "meta-open",
}
"""Feature tables to compare, and the table that the user profiles of each row are made of."""

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

Rows = list[tuple[str, Experiment]]


def trivial(*, fold: str, seeds: Sequence[int]) -> Rows:
    """The four trivial predictors that stand in every table."""
    return [(model, Experiment(model, seed, fold=fold)) for model in TRIVIAL for seed in seeds]


def table1(
    settings: TrainingSettings,
    *,
    fold: str,
    seeds: Sequence[int],
    control_seeds: Sequence[int] = (),
) -> Rows:
    """Table I: every combination of modalities, the permuted control, the trivial predictors."""
    networks = [
        (row, Experiment("siamese", seed, modalities, features, fold=fold, settings=settings))
        for features, some in (("real", seeds), ("permuted", control_seeds))
        for row, modalities in ROWS.items()
        for seed in some
    ]
    return networks + trivial(fold=fold, seeds=seeds)


def variants(settings: TrainingSettings, *, fold: str, seeds: Sequence[int]) -> Rows:
    """Text and meta from other sources: open synopses alone, meta without the crowd's rating."""
    return [
        (row, Experiment("siamese", seed, (row,), fold=fold, settings=settings, profiles=profiles))
        for row, profiles in VARIANTS.items()
        for seed in seeds
    ] + trivial(fold=fold, seeds=seeds)


def table2(
    settings: TrainingSettings,
    *,
    fold: str,
    seeds: Sequence[int],
    masking_levels: Sequence[float],
    rows: Sequence[str] = MASKED_ROWS,
) -> Rows:
    """Table II: user profiles from fewer ratings; the unmasked run of each row comes first."""
    return [
        (
            row,
            Experiment("siamese", seed, ROWS[row], fold=fold, masking=masking, settings=settings),
        )
        for masking in (0.0, *masking_levels)
        for row in rows
        for seed in seeds
    ] + trivial(fold=fold, seeds=seeds)


def rating_vectors(
    settings: TrainingSettings,
    *,
    fold: str,
    seeds: Sequence[int],
    masking_levels: Sequence[float],
) -> Rows:
    """Rating vectors in place of the embeddings, whole and masked, and the trivial predictors."""
    return [
        (
            "rating vectors",
            Experiment("siamese on ratings", seed, fold=fold, masking=masking, settings=settings),
        )
        for masking in (0.0, *masking_levels)
        for seed in seeds
    ] + trivial(fold=fold, seeds=seeds)
