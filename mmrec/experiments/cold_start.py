"""The experiments on new movies and new users, which the paper promises and does not run."""

from collections.abc import Container, Mapping, Sequence
from typing import Any

from mmrec.errors import StudyError
from mmrec.evaluation.folds import FOLDS, fold_of
from mmrec.experiments.content import LEVELS, WITH_CROWD
from mmrec.experiments.paper import BASELINES, ROWS, Rows, models, networks
from mmrec.models.base import Config
from mmrec.models.content_kernel_ridge import ContentKernelRidgeConfig
from mmrec.models.content_likes import ContentLikesConfig
from mmrec.models.content_ridge import ContentRidgeConfig
from mmrec.models.factorisation_machine import FactorisationMachineConfig
from mmrec.models.registry import MODELS
from mmrec.models.siamese import SiameseConfig
from mmrec.models.training import TrainingSettings

OPPONENTS = {row: config for row, config in BASELINES.items() if row != "FM: content"}
"""Models that the network is held against wherever something is new, by row label."""

CURVES = ("user+movie bias", "FM: ids", "FM: ids and users", "FM: hybrid")
"""Those of them whose learning curves are drawn."""

REMEDIED = "meta, inputs hidden"
"""Row label of the network trained with hidden inputs."""

UNRATED = "FM: hybrid, without IMDb's rating"
"""Row label of the factorisation machine that does not know the IMDb rating, which no new film
has."""

TABLES = {
    name: (name,)
    for name in (
        *("genres", "genres-rating", "facts-unrated", "facts"),
        *("triples", "meta-unrated", "meta"),
    )
}
"""Single feature tables as inputs: what generalises to a new movie, and what only names it."""

RIDGE = "kernel ridge"
"""Row label of kernel ridge regression on all content, IMDb's crowd included."""

NO_CONTENT = "nothing"
"""Row label of models that know nothing of a film, beside those that do."""


def folds_of(scenario: str, number: int, *, check: bool = False) -> list[str]:
    """The first ``number`` folds in which films, users or both are new, of either drawing."""
    wanted = (scenario, check)
    return [name for name, fold in FOLDS.items() if (fold.scenario, fold.check) == wanted][:number]


def available(
    inputs: Mapping[str, tuple[str, ...]], tables: Container[str]
) -> dict[str, tuple[str, ...]]:
    """Inputs without the tables that are not there, and without those that this makes equal.

    >>> available({"one": ("a",), "two": ("a", "b"), "three": ("a", "b", "c")}, {"a", "c"})
    {'one': ('a',), 'three': ('a', 'c')}

    Args:
        inputs: Feature tables by name.
        tables: Names of the feature tables there are; the Freebase graph may be out of reach.
    """
    found: dict[str, tuple[str, ...]] = {}
    for name, wanted in inputs.items():
        some = tuple(table for table in wanted if table in tables)
        if some and some not in found.values():
            found[name] = some
    return found


def strict(
    training: TrainingSettings,
    remedy: TrainingSettings,
    *,
    tables: Container[str],
    n_folds: Mapping[str, int],
    scenario_seeds: Mapping[str, Sequence[int]],
    control_seeds: Sequence[int] = (),
) -> Rows:
    """Nothing is known of the new: the network, the remedy, the control and the opponents.

    New films have the network with all modalities, the control and the machine without IMDb's
    rating as well.

    Args:
        training: Of the network as on warm folds.
        remedy: Of the same network, trained against recognising movies by their features.
        tables: Names of the feature tables there are; without IMDb's ratings there is no line.
        n_folds: Folds of each kind (``item``, ``user``, ``both``), at most five.
        scenario_seeds: For each kind of folds, one run of each row per seed and fold.
        control_seeds: Seeds of the control.
    """
    hybrid = {"FM: hybrid": BASELINES["FM: hybrid"]}
    found: Rows = []
    for fold in (fold for scenario, n in n_folds.items() for fold in folds_of(scenario, n)):
        seeds = scenario_seeds[fold_of(fold).scenario]
        found += networks({"meta": ROWS["meta"]}, training, fold=fold, seeds=seeds)
        found += networks({REMEDIED: ROWS["meta"]}, remedy, fold=fold, seeds=seeds)
        found += models({**OPPONENTS, **_ridge(tables)}, fold=fold, seeds=seeds)
        if "film_id" in fold_of(fold).new and "imdb" in tables:
            found += models({"straight line": MODELS["straight-line"]}, fold=fold, seeds=seeds)
        if fold_of(fold).scenario == "item":
            found += networks({"all": ROWS["all"]}, training, fold=fold, seeds=seeds)
            control: dict[str, Any] = {"features": "permuted", "fold": fold}
            found += networks({"meta": ROWS["meta"]}, training, seeds=control_seeds, **control)
            found += models({UNRATED: _machine(("facts-unrated",))}, fold=fold, seeds=seeds)
            found += models(hybrid, seeds=control_seeds, **control)
    return found


def inputs(
    training: TrainingSettings,
    *,
    wanted: Sequence[str],
    tables: Container[str],
    n_folds: int,
    seeds: Sequence[int],
    control_seeds: Sequence[int] = (),
) -> Rows:
    """Every model that reads content, on new films, with every description of them.

    A row is a description, and the models stand beside each other: single tables, and the levels
    of content of :mod:`mmrec.experiments.content`, these with their control. Beside them stand the
    models that know nothing of a film, and the straight line in the IMDb rating.

    Args:
        training: Of the network.
        wanted: Descriptions, of :data:`TABLES` and the levels.
        tables: Names of the feature tables there are.
        n_folds: Folds of new films, at most five.
        seeds: One run of each row and model per seed and fold.
        control_seeds: Seeds of the control.

    Raises:
        StudyError: There is no description of a name.
    """
    known = {**TABLES, **LEVELS}
    if unknown := [name for name in wanted if name not in known]:
        raise StudyError(
            f"there is no description {unknown[0]!r}",
            where="cold_inputs",
            remedy=f"Choose from {', '.join(known)}.",
        )
    single, levels = available(TABLES, tables), available(LEVELS, tables)
    found: Rows = []
    for fold in folds_of("item", n_folds):
        for row in ("user mean", "FM: ids and users"):
            found += models({NO_CONTENT: BASELINES[row]}, fold=fold, seeds=seeds)
        if "imdb" in tables:
            found += models({"imdb": MODELS["straight-line"]}, fold=fold, seeds=seeds)
        for row, content in {**single, **levels}.items():
            if row not in wanted:
                continue
            for config in readers(content, training, tables):
                found += models({row: config}, fold=fold, seeds=seeds)
                if row in levels:
                    control: dict[str, Any] = {"features": "permuted", "fold": fold}
                    found += models({row: config}, seeds=control_seeds, **control)
    return found


def readers(
    content: tuple[str, ...], training: TrainingSettings, tables: Container[str]
) -> list[Config]:
    """The models that read content, given some: network, factorisation machine, ridge regressions.

    The network's user vectors are means of the meta vectors, without the IMDb rating where the
    content is without it.

    Args:
        content: Feature tables that represent a movie.
        training: Of the network.
        tables: Names of the feature tables there are.
    """
    rated = {"imdb", "facts", "genres-rating", "meta"} & {*content}
    users = "meta" if rated or "meta-unrated" not in tables else "meta-unrated"
    return [
        SiameseConfig(content, users, training),
        _machine(content),
        ContentRidgeConfig(content),
        ContentKernelRidgeConfig(content),
    ]


def _ridge(tables: Container[str]) -> dict[str, Config]:
    content = tuple(name for name in WITH_CROWD if name in tables)
    return {RIDGE: ContentKernelRidgeConfig(content)} if content else {}


def _machine(content: tuple[str, ...]) -> FactorisationMachineConfig:
    return FactorisationMachineConfig(demographics=True, implicit=True, content=content)


def learning_curves(
    remedy: TrainingSettings,
    *,
    tables: Container[str],
    support_sizes: Sequence[int],
    n_folds: int,
    seeds: Sequence[int],
) -> Rows:
    """Each new film, or user, is given some of its ratings back.

    Args:
        remedy: Of the network's training.
        tables: Names of the feature tables there are.
        support_sizes: Numbers of ratings given back.
        n_folds: Folds of each kind, at most five.
        seeds: One run of each row per seed, fold and number.
    """
    curves: dict[str, Config] = {row: OPPONENTS[row] for row in CURVES} | _ridge(tables)
    found: Rows = []
    for fold in (fold for scenario in ("item", "user") for fold in folds_of(scenario, n_folds)):
        for size in support_sizes:
            here: dict[str, Any] = {"fold": fold, "support_size": size}
            found += networks({REMEDIED: ROWS["meta"]}, remedy, seeds=seeds, **here)
            found += models(curves, seeds=seeds, **here)
    return found


def lists(*, tables: Container[str], n_folds: int, seeds: Sequence[int]) -> Rows:
    """Models that rank new films: the same list for everybody, and likes learned from content.

    Args:
        tables: Names of the feature tables there are.
        n_folds: Folds of new films, at most five.
        seeds: One run of each row per seed and fold.
    """
    rows: dict[str, Config] = {}
    if "imdb" in tables:
        rows |= {"IMDb rating": MODELS["imdb-rating"], "IMDb votes": MODELS["imdb-votes"]}
    rows |= {
        f"likes from content, {level}": ContentLikesConfig(content)
        for level, content in available(LEVELS, tables).items()
    }
    return [
        run for fold in folds_of("item", n_folds) for run in models(rows, fold=fold, seeds=seeds)
    ]
