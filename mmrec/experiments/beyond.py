"""Chapter 12: what content is worth with a model that can use it, track by track.

A track is a question with a test part of its own, such as *new films, known before release*; every
model that can answer it stands in it, on the same ratings and with the same content. All models
are refitted: what the validation ratings chose is fitted again with the validation ratings joined.
"""

from collections.abc import Container, Mapping, Sequence
from typing import Any

from mmrec.experiments.cold_start import folds_of
from mmrec.experiments.content import KNOWN_BEFORE_RELEASE, LEVELS, WITH_CROWD, WITH_ENCYCLOPEDIA
from mmrec.experiments.paper import BASELINES, Rows, models
from mmrec.models.average import AverageConfig
from mmrec.models.base import Config
from mmrec.models.content_kernel_ridge import ContentKernelRidgeConfig
from mmrec.models.factorisation_machine import FactorisationMachineConfig
from mmrec.models.item_knn import ItemKNNConfig
from mmrec.models.pair_process import PairProcessConfig
from mmrec.models.twin_towers import TwinTowersConfig

PROCESS = "pair process"
"""Row label of the Gaussian process over pairs."""

NEW_FILMS = {
    "new_films_released": KNOWN_BEFORE_RELEASE,
    "new_films_encyclopedia": WITH_ENCYCLOPEDIA,
    "new_films_crowd": WITH_CROWD,
    "new_films_text": ("text",),
    "new_films_video": ("video",),
    "new_films_audio": ("audio",),
}
"""Tracks on new films, and the content that models may read in each."""

CURVES = ("user mean", "movie mean", "user+movie bias", "FM: ids and users")
"""Opponents whose learning curves are drawn beside the process."""

RATING_VECTORS = PairProcessConfig(demographics=False, coordinates=0, max_updates=14)
"""The process on ratings alone: nothing is known of a movie or a user beside who rated what."""


def content_of(wanted: Sequence[str], tables: Container[str]) -> tuple[str, ...]:
    """The feature tables of some content that are there."""
    return tuple(name for name in wanted if name in tables)


def readers(content: tuple[str, ...]) -> dict[str, Config]:
    """The serious models that read content, by row label."""
    return {
        PROCESS: PairProcessConfig(content),
        "kernel ridge": ContentKernelRidgeConfig(content),
        "twin towers": TwinTowersConfig(content),
    }


def average(content: tuple[str, ...]) -> AverageConfig:
    """The average of unlike models: the process, the hybrid machine, the towers, neighbours."""
    machine = FactorisationMachineConfig(
        demographics=True, implicit=True, content=BASELINES["FM: hybrid"].features
    )
    return AverageConfig(
        PairProcessConfig(content), machine, TwinTowersConfig(content), ItemKNNConfig()
    )


def new_films(
    *,
    tables: Container[str],
    n_folds: int,
    seeds: Sequence[int],
    control_seeds: Sequence[int] = (),
) -> dict[str, Rows]:
    """Films that nobody has rated, by track.

    Args:
        tables: Names of the feature tables there are; a track without any is left out.
        n_folds: Folds, at most five.
        seeds: One run of each row per seed and fold.
        control_seeds: Seeds of the control, permuted features, on the levels of content.
    """
    found: dict[str, Rows] = {}
    for track, wanted in NEW_FILMS.items():
        content = content_of(wanted, tables)
        if not content:
            continue
        rows: dict[str, Config] = {"user mean": BASELINES["user mean"], **readers(content)}
        found[track] = []
        for fold in folds_of("item", n_folds):
            here: dict[str, Any] = {"fold": fold, "refit": True}
            found[track] += models(rows, seeds=seeds, **here)
            if wanted in LEVELS.values():
                process = {PROCESS: PairProcessConfig(content)}
                found[track] += models(process, seeds=control_seeds, features="permuted", **here)
    return found


def blocks(*, tables: Container[str], n_folds: int, seeds: Sequence[int]) -> Rows:
    """What each block of content is worth to a new film: all of the encyclopedia's level but one.

    Args:
        tables: Names of the feature tables there are.
        n_folds: Folds, at most five.
        seeds: One run of each row per seed and fold.
    """
    whole = content_of(WITH_ENCYCLOPEDIA, tables)
    rows: dict[str, Config] = {"all blocks": PairProcessConfig(whole)}
    for block in whole if len(whole) > 1 else ():
        rest = tuple(name for name in whole if name != block)
        rows[f"without {block}"] = PairProcessConfig(rest)
    return [
        run
        for fold in folds_of("item", n_folds)
        for run in models(rows, seeds=seeds, fold=fold, refit=True)
    ]


def new_users(
    *,
    tables: Container[str],
    n_folds: Mapping[str, int],
    seeds: Sequence[int],
) -> dict[str, Rows]:
    """Users of whom no rating is known, alone and with new films, by track."""
    content = content_of(WITH_CROWD, tables)
    rows: dict[str, Config] = {
        "movie mean": BASELINES["movie mean"],
        "FM: ids and users": BASELINES["FM: ids and users"],
        **readers(content),
    }
    tracks = {"new_users": "user", "both_new": "both"}
    return {
        track: [
            run
            for fold in folds_of(scenario, n_folds[scenario])
            for run in models(rows, seeds=seeds, fold=fold, refit=True)
        ]
        for track, scenario in tracks.items()
        if n_folds[scenario]
    }


def warm(*, tables: Container[str], fold: str, seeds: Sequence[int]) -> dict[str, Rows]:
    """Known films and users: one model, content without item ids, and ratings alone, by track.

    Args:
        tables: Names of the feature tables there are.
        fold: One of the published folds.
        seeds: One run of each row per seed.
    """
    content = content_of(WITH_CROWD, tables)
    here: dict[str, Any] = {"seeds": seeds, "fold": fold, "refit": True}
    single: dict[str, Config] = {
        "FM: ids and users": BASELINES["FM: ids and users"],
        "FM: hybrid": BASELINES["FM: hybrid"],
        PROCESS: PairProcessConfig(content),
        "twin towers": TwinTowersConfig(content),
    }
    without_ids: dict[str, Config] = {
        "FM: content": BASELINES["FM: content"],
        PROCESS: PairProcessConfig(content, identity=False),
    }
    return {
        "u1_single": models(single, **here),
        "u1_average": models({"average": average(content)}, **here),
        "u1_content": models(without_ids, **here),
        "u1_rating_vectors": models({PROCESS: RATING_VECTORS}, **here),
    }


def learning_curves(
    *, tables: Container[str], support_sizes: Sequence[int], n_folds: int, seeds: Sequence[int]
) -> Rows:
    """Each new film, or user, is given some of its ratings back.

    Args:
        tables: Names of the feature tables there are.
        support_sizes: Numbers of ratings given back.
        n_folds: Folds of each kind, at most five.
        seeds: One run of each row per seed, fold and number.
    """
    content = content_of(WITH_CROWD, tables)
    rows: dict[str, Config] = {row: BASELINES[row] for row in CURVES}
    rows |= {
        "FM: hybrid": BASELINES["FM: hybrid"],
        **readers(content),
    }
    return [
        run
        for scenario in ("item", "user")
        for fold in folds_of(scenario, n_folds)
        for size in support_sizes
        for run in models(rows, seeds=seeds, fold=fold, support_size=size)
    ]
