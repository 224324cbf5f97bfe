"""Chapter 12: what content is worth with a model that can use it, track by track.

A track is a question with a test part of its own, such as *new films, known before release*; every
model that can answer it stands in it, on the same ratings and with the same content. All models
are refitted: what the validation ratings chose is fitted again with the validation ratings joined.
"""

from collections.abc import Container, Mapping, Sequence
from typing import Any

from mmrec.errors import StudyError
from mmrec.experiments.cold_start import folds_of
from mmrec.experiments.content import BLOCKS, KNOWN_BEFORE_RELEASE, WITH_CROWD, WITH_ENCYCLOPEDIA
from mmrec.experiments.paper import BASELINES, RANKERS, Rows, models
from mmrec.models.average import AverageConfig
from mmrec.models.base import Config
from mmrec.models.content_ease import ContentEaseConfig
from mmrec.models.content_kernel_ridge import ContentKernelRidgeConfig
from mmrec.models.content_likes import ContentLikesConfig
from mmrec.models.factorisation_machine import FactorisationMachineConfig
from mmrec.models.item_knn import ItemKNNConfig
from mmrec.models.matrix_factorisation import MatrixFactorisationConfig
from mmrec.models.pair_process import PairProcessConfig
from mmrec.models.twin_towers import TwinTowersConfig
from mmrec.models.withheld import WithheldConfig

PROCESS = "pair process"
"""Row label of the Gaussian process over pairs."""

CONTENT_EASE = "content and EASE"
"""Row label of the model of lists that reads content and likes."""

ALL_BLOCKS = "all blocks"
"""Row label of the process with every block of content."""

NEW_FILMS = {
    "new_films_released": KNOWN_BEFORE_RELEASE,
    "new_films_encyclopedia": WITH_ENCYCLOPEDIA,
    "new_films_crowd": WITH_CROWD,
    "new_films_text": ("text",),
    "new_films_video": ("video",),
    "new_films_audio": ("audio",),
}
"""Tracks on new films, and the content that models may read in each."""

CONTROLLED = (KNOWN_BEFORE_RELEASE, WITH_CROWD)
"""Levels of content that have a control."""

LISTS = {
    "new_films_lists_released": KNOWN_BEFORE_RELEASE,
    "new_films_lists_crowd": WITH_CROWD,
}
"""Tracks on lists of new films, and the content that models may read in each."""

TRACKS = (
    *NEW_FILMS,
    *LISTS,
    *("new_users", "both_new"),
    *("u1_single", "u1_average", "u1_lists", "u1_content", "u1_rating_vectors"),
)
"""Every track there is, in the order of the tables."""

SHARES = (0.5, 1.0)
"""Shares of the new films that lack a block which the model was trained with."""

DRAWN_AGAIN = ("new_films_released", "new_films_encyclopedia", "new_films_crowd")
"""Tracks of ratings that are tried on the second drawing of the folds."""

CURVES = ("user+movie bias", "FM: ids and users")
"""Opponents whose learning curves are drawn beside the process."""

RATING_VECTORS = PairProcessConfig(demographics=False, coordinates=0, max_updates=14)
"""The process on ratings alone: nothing is known of a movie or a user beside who rated what."""


def content_of(wanted: Sequence[str], tables: Container[str]) -> tuple[str, ...]:
    """The feature tables of some content that are there."""
    return tuple(name for name in wanted if name in tables)


def readers(content: tuple[str, ...]) -> dict[str, Config]:
    """The process, and kernel ridge regression on the same content, by row label."""
    return {
        PROCESS: PairProcessConfig(content),
        "kernel ridge": ContentKernelRidgeConfig(content),
    }


def _refitted(
    rows: Mapping[str, Config],
    scenario: str,
    n_folds: int,
    seeds: Sequence[int],
    *,
    check: bool = False,
    **choices: Any,
) -> Rows:
    """Some models on the first folds of a kind, one run of each per seed and fold."""
    return [
        run
        for fold in folds_of(scenario, n_folds, check=check)
        for run in models(rows, seeds=seeds, fold=fold, refit=True, **choices)
    ]


def average(content: tuple[str, ...]) -> AverageConfig:
    """The average of unlike models on known films and users."""
    machine = BASELINES["FM: hybrid"]
    factors = BASELINES["matrix factorisation"]
    assert isinstance(machine, FactorisationMachineConfig)
    assert isinstance(factors, MatrixFactorisationConfig)
    return AverageConfig(
        PairProcessConfig(content),
        RATING_VECTORS,
        machine,
        factors,
        TwinTowersConfig(content),
        ItemKNNConfig(),
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
        control_seeds: Seeds of the control, permuted features, on :data:`CONTROLLED`.
    """
    found: dict[str, Rows] = {}
    for track, wanted in NEW_FILMS.items():
        content = content_of(wanted, tables)
        if not content:
            continue
        rows: dict[str, Config] = {"user mean": BASELINES["user mean"], **readers(content)}
        if wanted == WITH_CROWD:
            rows["twin towers"] = TwinTowersConfig(content)
        found[track] = _refitted(rows, "item", n_folds, seeds)
        if wanted in CONTROLLED:
            process = {PROCESS: PairProcessConfig(content)}
            found[track] += _refitted(process, "item", n_folds, control_seeds, features="permuted")
    return found


def new_film_lists(
    *, tables: Container[str], n_folds: int, seeds: Sequence[int]
) -> dict[str, Rows]:
    """Lists of films that nobody has rated, by track.

    Args:
        tables: Names of the feature tables there are; a track without any is left out.
        n_folds: Folds, at most five.
        seeds: One run of each row per seed and fold.
    """
    found: dict[str, Rows] = {}
    for track, wanted in LISTS.items():
        content = content_of(wanted, tables)
        if not content:
            continue
        # Without the crowd there is nothing to sort new films by, and EASE knows none of them.
        rows: dict[str, Config] = {"IMDb votes": RANKERS["IMDb votes"]} if "imdb" in content else {}
        rows |= {
            "likes from content": ContentLikesConfig(content),
            PROCESS: PairProcessConfig(content),
            CONTENT_EASE: ContentEaseConfig(content),
        }
        found[track] = _refitted(rows, "item", n_folds, seeds)
    return found


def blocks(*, tables: Container[str], n_folds: int, seeds: Sequence[int]) -> Rows:
    """What each block of content is worth to a new film: all of them but one.

    Args:
        tables: Names of the feature tables there are.
        n_folds: Folds, at most five.
        seeds: One run of each row per seed and fold.
    """
    whole = content_of(BLOCKS, tables)
    rows: dict[str, Config] = {ALL_BLOCKS: PairProcessConfig(whole)}
    for block in whole if len(whole) > 1 else ():
        rest = tuple(name for name in whole if name != block)
        rows[without(block)] = PairProcessConfig(rest)
    return _refitted(rows, "item", n_folds, seeds)


def without(block: str) -> str:
    """Row label of the process that was trained without a block."""
    return f"without {block}"


def lacking(block: str, share: float) -> str:
    """Row label of the process trained with a block that some of its new films lack."""
    return f"{share:.0%} of films lack {block}"


def withheld(*, tables: Container[str], n_folds: int, seeds: Sequence[int]) -> Rows:
    """A block that the process was trained with, and that some of its new films lack.

    Args:
        tables: Names of the feature tables there are.
        n_folds: Folds, at most five.
        seeds: One run of each row per seed and fold.
    """
    whole = content_of(BLOCKS, tables)
    rows: dict[str, Config] = {
        lacking(block, share): WithheldConfig(PairProcessConfig(whole), block, share)
        for block in (whole if len(whole) > 1 else ())
        for share in SHARES
    }
    return _refitted(rows, "item", n_folds, seeds)


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
        **readers(content),
    }
    machine = {"FM: ids and users": BASELINES["FM: ids and users"]}
    tracks = {"new_users": ("user", rows | machine), "both_new": ("both", rows)}
    return {
        track: _refitted(some, scenario, n_folds[scenario], seeds)
        for track, (scenario, some) in tracks.items()
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


def warm_lists(*, tables: Container[str], fold: str, seeds: Sequence[int]) -> Rows:
    """Lists of known films: what everybody gets, likes alone, content alone, and both.

    Args:
        tables: Names of the feature tables there are.
        fold: One of the published folds.
        seeds: One run of each row per seed.
    """
    rows: dict[str, Config] = {row: RANKERS[row] for row in ("most popular", "EASE")}
    if content := content_of(WITH_CROWD, tables):
        rows["likes from content"] = ContentLikesConfig(content)
        rows[CONTENT_EASE] = ContentEaseConfig(content)
    return models(rows, seeds=seeds, fold=fold, refit=True)


def tracks(
    wanted: Sequence[str],
    *,
    tables: Container[str],
    n_folds: Mapping[str, int],
    seeds: Sequence[int],
    control_seeds: Sequence[int] = (),
    fold: str,
    warm_seeds: Sequence[int],
    list_seeds: Sequence[int],
) -> dict[str, Rows]:
    """The tracks of a run, in the order of :data:`TRACKS`; those without a row are left out.

    Args:
        wanted: Names of tracks.
        tables: Names of the feature tables there are.
        n_folds: Folds of each kind (``item``, ``user``, ``both``), at most five.
        seeds: Of every row wherever something is new.
        control_seeds: Of the control on new films.
        fold: The published fold, of known films and users.
        warm_seeds: Of every row there.
        list_seeds: Of every row of lists there.

    Raises:
        StudyError: There is no track of a name.
    """
    if unknown := [name for name in wanted if name not in TRACKS]:
        raise StudyError(
            f"there is no track {unknown[0]!r}",
            where="beyond_tracks",
            remedy=f"Choose from {', '.join(TRACKS)}.",
        )
    new: dict[str, Any] = {"tables": tables, "seeds": seeds}
    known: dict[str, Any] = {"tables": tables, "fold": fold}
    found = {
        **new_films(n_folds=n_folds["item"], control_seeds=control_seeds, **new),
        **new_film_lists(n_folds=n_folds["item"], **new),
        **new_users(n_folds=n_folds, **new),
        **warm(seeds=warm_seeds, **known),
        "u1_lists": warm_lists(seeds=list_seeds, **known),
    }
    return {track: found[track] for track in TRACKS if track in wanted and found.get(track)}


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
    rows |= readers(content)
    return [
        run
        for scenario in ("item", "user")
        for fold in folds_of(scenario, n_folds)
        for size in support_sizes
        for run in models(rows, seeds=seeds, fold=fold, support_size=size)
    ]


def second_drawing(
    *, tables: Container[str], n_folds: int, seeds: Sequence[int]
) -> dict[str, Rows]:
    """The models of this chapter on folds that played no part in making them, by track.

    Args:
        tables: Names of the feature tables there are; a track without any is left out.
        n_folds: Folds of new films of the second drawing, at most five.
        seeds: One run of each row per seed and fold.
    """
    wanted: dict[str, dict[str, Config]] = {
        track: {PROCESS: PairProcessConfig(content_of(NEW_FILMS[track], tables))}
        for track in DRAWN_AGAIN
    }
    wanted |= {
        track: {CONTENT_EASE: ContentEaseConfig(content_of(content, tables))}
        for track, content in LISTS.items()
    }
    return {
        track: _refitted(rows, "item", n_folds, seeds, check=True)
        for track, rows in wanted.items()
        if n_folds and all(config.features for config in rows.values())
    }
