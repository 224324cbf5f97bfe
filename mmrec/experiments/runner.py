"""Runs the experiments of a table: each of them once, several at a time, resumed where it stood."""

import json
import warnings
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import joblib
import pandas as pd

from mmrec.errors import StudyError
from mmrec.experiments import store
from mmrec.experiments.data import Data
from mmrec.experiments.execution import execute
from mmrec.experiments.loading import load
from mmrec.experiments.spec import Experiment, experiment_hash
from mmrec.progress import bar
from mmrec.workspace import Workspace

NOT_FILED = ("history", "tuning", "chosen")
"""Columns that :func:`run` returns and files do not have: one value per epoch or try."""


def run(
    table: str, rows: Sequence[tuple[str, Experiment]], workspace: Workspace, *, n_jobs: int = -1
) -> pd.DataFrame:
    """Runs what is not yet there, or not whole, and files the table's runs.

    Args:
        table: Name of the table, e.g. ``"table1"``.
        rows: Row label and experiment, one pair per run.
        workspace: Where catalogue and features are read and results are left.
        n_jobs: Experiments at a time; -1 for one per core. joblib's own settings apply, so
            ``joblib.parallel_config("dask")`` sends them to a cluster.

    Returns:
        One row per run: ``table, row, model, features, protocol, fold, seed, masking,
        support_size, refit, settings`` (JSON), the scores, what the model told of its fit, and
        ``sources`` (JSON: feature table -> what it was made from). :data:`NOT_FILED` are in no
        file.

    Raises:
        StudyError: A feature table is missing, or an experiment fails; what was finished is kept.
    """
    data = load(workspace)
    names = [experiment_hash(experiment, data) for _, experiment in rows]
    experiments = dict(zip(names, (experiment for _, experiment in rows), strict=True))
    records = {name: store.find(workspace, name) for name in experiments}
    todo = [name for name, record in records.items() if record is None]
    # Those that read most take longest: they go first, so that no core idles at the end.
    todo.sort(key=lambda name: -len(experiments[name].model.features))
    parallel = joblib.Parallel(n_jobs=n_jobs, return_as="generator_unordered")
    jobs = (joblib.delayed(_run)(name, experiments[name], workspace) for name in todo)
    with warnings.catch_warnings():
        # loky replaces a worker that has grown; nothing is lost by it.
        warnings.filterwarnings("ignore", message="A worker stopped while some jobs")
        for _ in bar(parallel(jobs), total=len(todo), label=table):
            pass
    records |= {name: store.find(workspace, name) for name in todo}
    described = [
        _describe(table, row, experiment, data, records[name])
        for name, (row, experiment) in zip(names, rows, strict=True)
    ]
    runs = pd.DataFrame(described).astype({"support_size": "Int64"})
    store.file_runs(table, runs.drop(columns=[*NOT_FILED], errors="ignore"), workspace)
    return runs


def sources_of(told: str) -> dict[str, str]:
    """What a run's tables were made from, by table, as :func:`run` tells it in ``sources``."""
    found: dict[str, str] = json.loads(told)
    return found


def _run(name: str, experiment: Experiment, workspace: Workspace) -> None:
    data = load(workspace)
    # A worker reads code and data when it starts, which may be later than the call.
    if experiment_hash(experiment, data) != name:
        raise StudyError(
            "code or data changed since the call",
            where=f"experiment {name}",
            remedy="Run it again: what is finished is kept.",
        )
    store.keep(execute(experiment, data), workspace, name)


def _describe(
    table: str, row: str, experiment: Experiment, data: Data, record: dict[str, Any] | None
) -> dict[str, Any]:
    if record is None:
        raise StudyError(
            f"the result of row {row!r} was removed or damaged while the table was made",
            where=table,
            remedy="Run it again: what is finished is kept.",
        )
    return {
        "table": table,
        "row": row,
        "model": experiment.model_name,
        "features": experiment.features,
        "protocol": experiment.protocol,
        "fold": experiment.fold,
        "seed": experiment.seed,
        "masking": experiment.masking,
        "support_size": experiment.support_size,
        "refit": experiment.refit,
        "settings": json.dumps(asdict(experiment.model)),
        **record,
        "sources": json.dumps(data.sources(experiment.model.features)),
    }
