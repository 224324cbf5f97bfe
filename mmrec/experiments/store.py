"""Keeps results: the outcome of every experiment under its hash, and the runs of every table.

Files are never trusted for being there. A record holds the digests of the files that belong to it
and its own; what is missing, cut short, altered or taken from another run is dropped, and the
runner makes it again.

In ``results/``: ``predictions/<hash>.parquet``, ``recommendations/<hash>.parquet`` and
``runs/<hash>.json`` of every experiment; ``tables/<table>.parquet``, one row per run of a table;
and ``runs.parquet``, all of these tables in one.
"""

import hashlib
import json
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd

from mmrec.errors import StudyError, local_failures
from mmrec.experiments.execution import Outcome
from mmrec.provenance import digest
from mmrec.workspace import Workspace, atomic_path, kept

_FILES = ("predictions", "recommendations")
_DIGESTS, _OWN = "files", "digest"


def path(workspace: Workspace, kind: str, name: str) -> Path:
    """Where ``"predictions"``, ``"recommendations"`` or ``"runs"`` of a run are kept."""
    suffix = "json" if kind == "runs" else "parquet"
    return workspace.results / kind / f"{name}.{suffix}"


def keep(outcome: Outcome, workspace: Workspace, name: str) -> None:
    """Writes an outcome under its hash; the record comes last and vouches for the rest."""
    tables = {"predictions": outcome.predictions, "recommendations": outcome.recommendations}
    digests: dict[str, str] = {}
    for kind, table in tables.items():
        if table is None:
            continue
        with atomic_path(path(workspace, kind, name)) as part:
            table.to_parquet(part)
            digests[kind] = _file_digest(part.read_bytes())
    record = {"hash": name, **outcome.record, _DIGESTS: digests}
    with atomic_path(path(workspace, "runs", name)) as part:
        part.write_text(json.dumps({**record, _OWN: digest(record)}), encoding="utf-8")


def find(workspace: Workspace, name: str) -> dict[str, Any] | None:
    """The record of a finished run; None if the run is to be done, or to be done again.

    Whatever is left of a run of which a file is missing or not as it was written is removed.
    """
    record = _read_record(workspace, name)
    if record is not None and all(
        _read(workspace, kind, name, wanted) is not None
        for kind, wanted in record[_DIGESTS].items()
    ):
        return {key: value for key, value in record.items() if key not in (_DIGESTS, _OWN)}
    for kind in ("runs", *_FILES):
        path(workspace, kind, name).unlink(missing_ok=True)
    return None


def predictions(workspace: Workspace, name: str) -> pd.DataFrame:
    """Predictions of a finished run: ``user_id, movie_id, prediction``.

    Raises:
        StudyError: They are missing or damaged, or the model of this run only ranks.
    """
    return _table(workspace, "predictions", name)


def recommendations(workspace: Workspace, name: str) -> pd.DataFrame:
    """Lists of a finished run: ``user_id, rank, movie_id``.

    Raises:
        StudyError: They are missing or damaged.
    """
    return _table(workspace, "recommendations", name)


def _table(workspace: Workspace, kind: str, name: str) -> pd.DataFrame:
    where = path(workspace, kind, name)
    record = _read_record(workspace, name)
    if record is not None and kind not in record[_DIGESTS]:
        raise StudyError(
            f"this run has no {kind}",
            where=where,
            remedy="Its model only ranks movies; leave it out of tables of predicted ratings.",
        )
    content = None if record is None else _read(workspace, kind, name, record[_DIGESTS][kind])
    if content is None:
        raise StudyError(
            f"the {kind} of a run are missing or damaged",
            where=where,
            remedy="Run the notebook again: it makes anew what is not as it was written.",
        )
    return pd.read_parquet(BytesIO(content))


def _read_record(workspace: Workspace, name: str) -> dict[str, Any] | None:
    """A record that is whole and belongs to this run, else None."""
    where = path(workspace, "runs", name)
    try:
        with local_failures(where):
            record = json.loads(where.read_bytes())
        own = record.pop(_OWN)
        whole = own == digest(record) and record["hash"] == name
    except (FileNotFoundError, ValueError, KeyError, AttributeError, TypeError):
        return None
    return record if whole else None


def _read(workspace: Workspace, kind: str, name: str, wanted: str) -> bytes | None:
    """A file's content if it is what was written, else None."""
    where = path(workspace, kind, name)
    try:
        with local_failures(where):
            content = where.read_bytes()
    except FileNotFoundError:
        return None
    return content if _file_digest(content) == wanted else None


def _file_digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def file_runs(table: str, runs: pd.DataFrame, workspace: Workspace) -> None:
    """Puts a table's runs in the place of those it had, and all tables into ``runs.parquet``."""
    folder = workspace.results / "tables"
    with atomic_path(folder / f"{table}.parquet") as part:
        runs.to_parquet(part)
    found = []
    for file in sorted(folder.glob("*.parquet")):
        if file.name.startswith("."):
            continue  # left by a write that was interrupted
        # A damaged one is dropped: its notebook files it again.
        some = kept(file, pd.read_parquet)
        if some is not None:
            found.append(some)
    with atomic_path(workspace.results / "runs.parquet") as part:
        _joined(found).to_parquet(part)


def _joined(found: Sequence[pd.DataFrame]) -> pd.DataFrame:
    # Columns without any value have no type of their own to agree on.
    filled = [some.dropna(axis="columns", how="all") for some in found]
    columns = list(dict.fromkeys(name for some in found for name in some))
    whole = pd.concat(filled, ignore_index=True).reindex(columns=columns)
    return whole.astype({"support_size": "Int64"})
