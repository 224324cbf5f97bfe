"""Runs experiments: each one trained once, its predictions and scores kept under its hash.

A table of the book is a list of :class:`Experiment`. What is finished is never run again, also
after an interruption; a result depends on its description, the data and the code it came from.
"""

import ast
import hashlib
import json
import os
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from importlib import import_module
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import torch

from mmrec import hardware
from mmrec.catalogue import tables as catalogue
from mmrec.errors import StudyError
from mmrec.evaluation import metrics, ranking
from mmrec.evaluation.folds import FOLDS
from mmrec.evaluation.protocols import PROTOCOLS, Split
from mmrec.features.table import FeatureTable, load_tables
from mmrec.models.base import Config, Recommender, TrainingData
from mmrec.models.biases import BiasConfig
from mmrec.models.factorisation_machine import FactorisationMachineConfig
from mmrec.models.item_knn import ItemKNNConfig
from mmrec.models.matrix_factorisation import MatrixFactorisationConfig
from mmrec.models.means import MeanConfig
from mmrec.models.rating_vectors import RatingVectorsConfig
from mmrec.models.siamese import SiameseConfig
from mmrec.models.training import TrainingSettings
from mmrec.progress import bar
from mmrec.workspace import Workspace, atomic_path

PAIR = ["user_id", "movie_id"]
SEPARATOR = " | "
"""Between the modalities in a row's ``sources``."""


@dataclass(frozen=True)
class Experiment:
    """One model to train and score.

    Attributes:
        model: One of :data:`MODELS`.
        seed: Of everything random: validation set, parts, mask, weights, batches.
        modalities: Names of the feature tables that represent a movie; none for models of
            ratings alone.
        features: ``"real"``, or ``"permuted"`` for the control.
        protocol: Name in :data:`~mmrec.evaluation.protocols.PROTOCOLS`.
        fold: One of :data:`~mmrec.evaluation.folds.FOLDS`.
        masking: Share of the ratings hidden from user profiles.
        support_size: Ratings given back of each new film or user of a cold fold; None without a
            learning curve.
        settings: Of the network's training; None for other models.
        profiles: Name of the feature table whose means over the liked movies are the users.
        refit: Whether a network is trained a second time, on the validation ratings as well, for
            as many epochs as they chose in the first.
    """

    model: str
    seed: int
    modalities: tuple[str, ...] = ()
    features: str = "real"
    protocol: str = "clean"
    fold: str = "u1"
    masking: float = 0.0
    support_size: int | None = None
    settings: TrainingSettings | None = None
    profiles: str = "meta"
    refit: bool = False

    def __post_init__(self):
        choices = {
            "model": (self.model, MODELS),
            "features": (self.features, ("real", "permuted")),
            "protocol": (self.protocol, PROTOCOLS),
            "fold": (self.fold, FOLDS),
        }
        for key, (value, known) in choices.items():
            if value not in known:
                raise StudyError(
                    f"unknown {key} {value!r}",
                    where="experiment",
                    remedy=f"Choose from {', '.join(known)}.",
                )
        if not 0 <= self.masking < 1:
            raise StudyError(
                f"masking {self.masking} is no share of the ratings",
                where="experiment",
                remedy="Give a number from 0 to just under 1, such as 0.5.",
            )
        if self.refit and (self.settings is None or PROTOCOLS[self.protocol].selected_on_test):
            raise StudyError(
                f"{self.model!r} under {self.protocol!r} cannot be refitted",
                where="experiment",
                remedy="Refit networks, under a protocol that selects on validation ratings.",
            )

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of the feature tables it reads."""
        profiles = {self.profiles} if self.model == "siamese" else set()
        return tuple(sorted({*self.modalities, *profiles}))


@dataclass(frozen=True)
class Data:
    """What experiments read of the floors below.

    Attributes:
        ratings: The catalogue's ratings.
        people: The catalogue's users.
        users: All user ids.
        movies: All movie ids.
        films: ``film_id`` by ``movie_id``.
        tables: Feature tables by name.
    """

    ratings: pd.DataFrame
    people: pd.DataFrame
    users: pd.Index
    movies: pd.Index
    films: pd.Series
    tables: dict[str, FeatureTable]


# --- models -------------------------------------------------------------------------------------


def _fit(experiment: Experiment, data: Data, split: Split) -> tuple[Recommender, dict]:
    """A fitted model, and the record of the fit that chose its settings."""
    config = MODELS[experiment.model].config(experiment)
    model = config.build()
    model.fit(_seen(experiment, data, split), seed=experiment.seed)
    record = {**model.record, **({"chosen": model.chosen} if "tuning" in model.record else {})}
    if experiment.refit:
        whole = _seen(experiment, data, divide(experiment, data, joined=True))
        model = config.build().fit(whole, seed=experiment.seed, chosen=model.chosen)
    return model, record


def _seen(experiment: Experiment, data: Data, split: Split) -> TrainingData:
    return TrainingData(
        train=split.train,
        validation=split.validation,
        views=split.views,
        users=data.people,
        movies=data.movies,
        test_views=split.test_profiles,
        features={
            name: _dealt(_table(data, name), experiment.seed)
            if experiment.features == "permuted"
            else _table(data, name)
            for name in experiment.tables
        },
    )


def _dealt(table: FeatureTable, seed: int) -> FeatureTable:
    """The control: the vectors, dealt anew among the movies that have one."""
    rng = np.random.default_rng([seed, 2, *table.modality.encode()])
    given = rng.permutation(len(table.movie_ids))
    return replace(table, vectors=table.vectors[given], part_present=table.part_present[given])


@dataclass(frozen=True)
class Model:
    """A model's configuration, and the modules of ours that its predictions depend on."""

    config: Callable[[Experiment], Config]
    code: tuple[str, ...]


def _of_ratings(config: Config, *modules: str) -> Model:
    """A model of ratings alone, which has no choices."""
    return Model(lambda _: config, (*modules, "models.biases", *_COMMON))


def _factorisation_machine(**choices: bool) -> Model:
    names = ("factorisation_machine", "relational_blocks", "content")
    return Model(
        lambda run: FactorisationMachineConfig(**choices, content=run.modalities),
        (*(f"models.{name}" for name in names), *_COMMON),
    )


_COMMON = ("models.base", "models.selection", "models.rating_scale")
_NETWORK = (
    *(f"models.{name}" for name in ("network", "siamese_network", "training", "inputs")),
    *(f"models.{name}" for name in ("user_vectors", "content")),
    *_COMMON,
)
_MORE = {"demographics": True, "implicit": True}
_TRIVIAL = {
    "global mean": _of_ratings(MeanConfig(), "models.means"),
    "user mean": _of_ratings(MeanConfig("user"), "models.means"),
    "movie mean": _of_ratings(MeanConfig("movie"), "models.means"),
    "user+movie bias": _of_ratings(BiasConfig()),
}
TRIVIAL = tuple(_TRIVIAL)
MODELS = {
    "siamese": Model(
        lambda run: SiameseConfig(run.modalities, run.profiles, run.settings),
        (*_NETWORK, "models.siamese"),
    ),
    "siamese on ratings": Model(
        lambda run: RatingVectorsConfig(run.settings), (*_NETWORK, "models.rating_vectors")
    ),
    **_TRIVIAL,
    "item kNN": _of_ratings(ItemKNNConfig(), "models.item_knn", "models.lenskit_data"),
    "matrix factorisation": _of_ratings(
        MatrixFactorisationConfig(), "models.matrix_factorisation", "models.lenskit_data"
    ),
    "FM: ids": _factorisation_machine(),
    "FM: ids and users": _factorisation_machine(**_MORE),
    "FM: content": _factorisation_machine(item_ids=False, **_MORE),
    "FM: hybrid": _factorisation_machine(**_MORE),
}
"""``FM: …``: factorisation machines on ids; ids, demographics and implicit feedback; the same with
a movie's content in place of its id; all of it."""
_CODE = tuple(f"evaluation.{name}" for name in ("folds", "protocols", "metrics", "ranking"))


# --- data ---------------------------------------------------------------------------------------


@lru_cache(maxsize=2)
def _load(root: Path, stamp: tuple) -> Data:
    del stamp  # only there so that changed files are read again
    workspace = Workspace(root, root)
    parts = catalogue.load(workspace)
    found = sorted(path.stem for path in workspace.features.glob("*.parquet"))
    return Data(
        ratings=parts.ratings,
        people=parts.users,
        users=pd.Index(parts.users["user_id"]),
        movies=pd.Index(parts.movies["movie_id"]),
        films=parts.movies.set_index("movie_id")["film_id"],
        tables=load_tables(workspace.features, found),
    )


def load(workspace: Workspace) -> Data:
    """Ratings and feature tables of a workspace; read once as long as the files stay the same."""
    files = sorted([*workspace.catalogue.glob("*.parquet"), *workspace.features.glob("*.parquet")])
    return _load(workspace.root, tuple((str(f), f.stat().st_mtime_ns) for f in files))


@lru_cache
def _code_digest(modules: tuple[str, ...]) -> str:
    """Hash of code that results depend on; comments and docstrings do not count."""
    state = hashlib.sha256()
    for name in modules:
        path = Path(import_module(f"mmrec.{name}").__file__)
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            body = getattr(node, "body", None)
            if isinstance(body, list):
                node.body = [item for item in body if not _is_docstring(item)]
        state.update(ast.dump(tree).encode())
    return state.hexdigest()


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def experiment_hash(experiment: Experiment, data: Data) -> str:
    """Name of the experiment's result: hash of its description, data, code and precision."""
    described = {
        **asdict(experiment),
        "catalogue": [_digest(part) for part in (data.ratings, data.films, data.people)],
        "tables": {name: _table(data, name).digest for name in experiment.tables},
        "code": _code_digest((*_CODE, *MODELS[experiment.model].code)),
        "precision": _precision() if experiment.settings else None,
    }
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()[:16]


def _precision() -> str:
    """Device and number format of trainings: results differ in their last digits."""
    device = hardware.device()
    return f"{device.type} {hardware.fast_dtype(device)}"


def _digest(table: pd.DataFrame | pd.Series) -> str:
    # Row by row, with the positions: folds and random parts depend on both.
    return hashlib.sha256(pd.util.hash_pandas_object(table).to_numpy().tobytes()).hexdigest()


def _table(data: Data, name: str) -> FeatureTable:
    if name not in data.tables:
        raise StudyError(
            f"there are no {name!r} features",
            where="experiment",
            remedy=f"There are: {', '.join(data.tables) or 'none'}; its notebook makes them.",
        )
    return data.tables[name]


@contextmanager
def _repeatable() -> Iterator[None]:
    """Sums in another order round differently: one thread, and on a GPU one order of adding."""
    threads, strict = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(1)
    if hardware.device().type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # cuBLAS asks for it
        torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(strict)


def divide(experiment: Experiment, data: Data, *, joined: bool = False) -> Split:
    """The division of the ratings that an experiment's protocol makes.

    Args:
        experiment: What is to be fitted.
        data: Its ratings.
        joined: Whether the validation ratings join the training.
    """
    return PROTOCOLS[experiment.protocol].split(
        data.ratings,
        data.films,
        **{key: getattr(experiment, key) for key in ("fold", "seed", "masking", "support_size")},
        joined=joined,
    )


def _run(name: str, experiment: Experiment, workspace: Workspace) -> None:
    """Trains, predicts, scores, and leaves predictions, lists and record; the record comes last."""
    data = load(workspace)
    # A worker reads code and data when it starts, which may be later than the call.
    if experiment_hash(experiment, data) != name:
        raise StudyError(
            "code or data changed since the call",
            where=f"experiment {name}",
            remedy="Run it again: what is finished is kept.",
        )
    split = divide(experiment, data)
    pairs = split.test.pairs
    with _repeatable():
        started = time.perf_counter()
        model, details = _fit(experiment, data, split)
        seconds = time.perf_counter() - started
        # As stored: what is scored can be recomputed.
        prediction = model.predict(pairs).astype(np.float32)
        candidates = data.movies if split.cold_movies is None else split.cold_movies
        # Whatever was rated and is not tested, used or not: the same under every protocol.
        rated, tested = (pd.MultiIndex.from_frame(part[PAIR]) for part in (data.ratings, pairs))
        seen = rated.difference(tested).to_frame(index=False)
        lists = model.recommend(pairs["user_id"].unique(), candidates, seen)
    covered = np.ones(len(pairs), bool)
    for modality in experiment.modalities:
        complete = pd.Series(_table(data, modality).complete(data.movies), data.movies)
        covered &= pairs["movie_id"].map(complete).to_numpy()
    record = {
        "hash": name,
        **metrics.score(prediction, split.test, covered),
        **metrics.score_lists(lists, split.test, data.films),
        "catalogue_coverage": ranking.catalogue_coverage(lists, candidates),
        **ranking.popularity(lists, candidates, split.train),
        **details,
        "train_seconds": seconds,
    }
    with atomic_path(predictions_path(workspace, name)) as part:
        pairs.assign(prediction=prediction).to_parquet(part)
    with atomic_path(lists_path(workspace, name)) as part:
        lists.to_parquet(part)
    with atomic_path(_record_path(workspace, name)) as part:
        part.write_text(json.dumps(record), encoding="utf-8")


def predictions_path(workspace: Workspace, name: str) -> Path:
    """Where the predictions of the run with this hash lie: ``user_id, movie_id, prediction``."""
    return workspace.results / "predictions" / f"{name}.parquet"


def lists_path(workspace: Workspace, name: str) -> Path:
    """Where the lists of the run with this hash lie: ``user_id, rank, movie_id``."""
    return workspace.results / "recommendations" / f"{name}.parquet"


def _record_path(workspace: Workspace, name: str) -> Path:
    return workspace.results / "runs" / f"{name}.json"


def _finished(workspace: Workspace, name: str) -> bool:
    left = (_record_path, predictions_path, lists_path)
    return all(path(workspace, name).exists() for path in left)


def run(
    table: str, rows: Sequence[tuple[str, Experiment]], workspace: Workspace, *, n_jobs: int = -1
) -> pd.DataFrame:
    """Runs what is not yet there and files the table's runs in ``results/runs.parquet``.

    Args:
        table: Name of the table, e.g. ``"table1"``.
        rows: Row label and experiment, one pair per run.
        workspace: Where catalogue and features are read and results are left.
        n_jobs: Trainings at a time; -1 for one per core. joblib's own settings apply, so
            ``joblib.parallel_config("dask")`` sends them to a cluster.

    Returns:
        One row per run; also ``history`` (a network's training curve), and of other models
        ``tuning`` (what was tried) and ``chosen``, which the file leaves out.
    """
    data = load(workspace)
    names = [experiment_hash(experiment, data) for _, experiment in rows]
    todo = {
        name: experiment
        for name, (_, experiment) in zip(names, rows, strict=True)
        if not _finished(workspace, name)
    }
    # The longest first, so that no core idles at the end.
    order = sorted(todo, key=lambda n: (todo[n].settings is None, -len(todo[n].modalities)))
    parallel = joblib.Parallel(n_jobs=n_jobs, return_as="generator_unordered")
    jobs = (joblib.delayed(_run)(name, todo[name], workspace) for name in order)
    with warnings.catch_warnings():
        # loky replaces a worker that has grown; nothing is lost by it.
        warnings.filterwarnings("ignore", message="A worker stopped while some jobs")
        for _ in bar(parallel(jobs), total=len(order), label=table):
            pass
    runs = pd.DataFrame(
        [
            _describe(table, row, experiment, data, _record_path(workspace, name))
            for name, (row, experiment) in zip(names, rows, strict=True)
        ]
    ).astype({"support_size": "Int64"})
    _file(runs.drop(columns=["history", "tuning", "chosen"], errors="ignore"), workspace)
    return runs


def _describe(table: str, row: str, experiment: Experiment, data: Data, record: Path) -> dict:
    settings = asdict(experiment.settings) if experiment.settings else {}
    settings.pop("epochs", None)  # the record says how many there were
    return {
        "table": table,
        "row": row,
        **{key: getattr(experiment, key) for key in ("model", "features", "protocol", "fold")},
        **{key: getattr(experiment, key) for key in ("seed", "masking", "support_size", "refit")},
        **settings,
        **json.loads(record.read_text(encoding="utf-8")),
        "sources": describe_sources(experiment, data),
    }


def describe_sources(experiment: Experiment, data: Data) -> str:
    """Which sources and stand-ins a row rests on, in one line."""
    said = []
    for modality in experiment.tables:
        provenance = _table(data, modality).provenance
        stand_in = f" ({provenance['stand_in']})" if provenance.get("stand_in") else ""
        said.append(f"{modality}: {provenance['source']}, {provenance['encoder']}{stand_in}")
    return SEPARATOR.join(said) or "ratings alone"


def _file(runs: pd.DataFrame, workspace: Workspace) -> None:
    """Puts a table's runs in ``runs.parquet`` in the place of those that stood there."""
    path = workspace.results / "runs.parquet"
    if path.exists():
        before = pd.read_parquet(path)
        runs = pd.concat([before[~before["table"].isin(runs["table"])], runs], ignore_index=True)
    with atomic_path(path) as part:
        runs.to_parquet(part)
