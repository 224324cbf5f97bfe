"""Plain tables, as CSV or Parquet; `mmrec.exporting.schema` has their columns."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from mmrec.evaluation.folds import Roles
from mmrec.exporting.contents import ROLES
from mmrec.exporting.output import Output
from mmrec.features.table import FeatureTable
from mmrec.workspace import write_csv

LIST_SEPARATOR = "|"


def write_csv_files(output: Output) -> None:
    """Every table as CSV: UTF-8, lists joined by ``|``, unknown values empty."""
    _write(output, "csv", lambda table, path: write_csv(_joined(table), path))


def write_parquet_files(output: Output) -> None:
    """Every table as Parquet, with lists as lists and whole numbers as whole numbers."""
    _write(output, "parquet", lambda table, path: table.to_parquet(path, index=False))


def folds_table(folds: dict[str, Roles], ratings: pd.DataFrame) -> pd.DataFrame:
    """``row`` and a column per fold with the role of each rating, None where it has none."""
    columns = {}
    for name, roles in folds.items():
        column = np.full(len(ratings), None, dtype=object)
        for role in ROLES:
            column[getattr(roles, role)] = role
        columns[name] = column
    return pd.DataFrame({"row": ratings.index.to_numpy(), **columns})


def _write(output: Output, suffix: str, save: Callable[[pd.DataFrame, Path], None]) -> None:
    contents = output.contents
    tables = {"movies": contents.movies, "users": contents.users, "runs": contents.runs}
    if contents.ratings is not None:
        tables["ratings"] = contents.ratings.rename_axis("row").reset_index()
    for name, table in tables.items():
        if table is not None:
            save(table, output.file(f"{name}.{suffix}", name, name))
    if contents.ratings is not None and contents.folds:
        save(
            folds_table(contents.folds, contents.ratings),
            output.file(f"folds.{suffix}", "role of every rating in every fold", "folds"),
        )
        new = [
            pd.DataFrame({"fold": name, "movie_id": roles.cold_movies})
            for name, roles in contents.folds.items()
            if roles.cold_movies is not None
        ]
        if new:
            what = "movies that are new in a fold"
            save(pd.concat(new), output.file(f"new_movies.{suffix}", what, "folds"))
    for name, features in contents.features.items():
        what = f"vectors, {json.dumps(features.provenance.get('source'), ensure_ascii=False)}"
        path = output.file(f"features/{name}.{suffix}", what, f"features/{name}")
        if suffix == "parquet":
            features.save(path)
        else:
            save(_columns(features), path)
    for name, predictions in contents.predictions():
        what = "predictions of a run"
        save(predictions, output.file(f"predictions/{name}.{suffix}", what, "predictions"))


def _joined(table: pd.DataFrame) -> pd.DataFrame:
    """The table with lists as text."""
    lists = [
        name
        for name in map(str, table)
        if table[name].map(lambda cell: isinstance(cell, list)).any()
    ]
    return table.assign(
        **{name: [LIST_SEPARATOR.join(cell) for cell in table[name]] for name in lists}
    )


def _columns(features: FeatureTable) -> pd.DataFrame:
    """A feature table with a column per number, named by its part."""
    names = [
        f"{part}_{number}"
        for part, where in features.parts.items()
        for number in range(where.stop - where.start)
    ]
    flags = {f"has_{part}": features.part_present[:, i] for i, part in enumerate(features.parts)}
    return pd.concat(
        [
            pd.DataFrame({"movie_id": features.movie_ids, **flags}),
            pd.DataFrame(features.vectors, columns=names),
        ],
        axis=1,
    )
