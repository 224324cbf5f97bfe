"""The result tables of one run, read as figures."""

import json
from collections.abc import Callable
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mmrec.errors import StudyError

USUAL = {"features": "real", "protocol": "clean"}
"""What a row is of unless told otherwise: the film's own features, under the clean protocol."""

NAMED_AFTER = {"new_films_crowd": "imdb", "new_films_lists_crowd": "imdb"}
"""Feature tables that tracks of chapter 12 are named after: without its table, a track reads only
what the track before it reads."""


class Absent(Exception):
    """This run has no such result; another profile, or other sources, may have it."""


class Verdicts(dict[str, str]):
    """Verdicts by the label of the row; asked for a row that is not there, they are absent."""

    def __missing__(self, row: str) -> str:
        raise Absent(f"no verdict on {row}")


class Results:
    """The tables of a run.

    Args:
        folder: Folder of the CSV files that the run's chapters left.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.table: Callable[[str], pd.DataFrame] = cache(self._table)

    def rows(self, table: str, **where: object) -> pd.DataFrame:
        """The rows of a table that answer to all conditions, and otherwise to `USUAL`.

        Raises:
            Absent: If the run has no such row, or the table no such column.
        """
        whole = self.table(table)
        wanted = np.ones(len(whole), bool)
        for column, value in {**USUAL, **where}.items():
            wanted &= (self._column(table, column) == value).to_numpy()
        found = whole[wanted]
        if found.empty:
            if where.get("track") in self._misnamed:
                raise Absent(f"{where['track']} was run without the features it is named after")
            raise Absent(f"{table} has no row with {_named(where)}")
        return found

    def cell(self, table: str, row: str, column: str = "rmse_mean", /, **where: object) -> float:
        """One number of a table.

        Raises:
            Absent: If the run has no such row or column, or nothing in that place.
            StudyError: If the conditions leave several rows.
        """
        self._column(table, column)
        found = self.rows(table, row=row, **where)
        if len(found) > 1:
            raise StudyError(
                f"{len(found)} rows answer to {_named({'row': row, **where})}",
                where=self.folder / f"{table}.csv",
                remedy="Name more columns.",
            )
        value = float(found[column].iloc[0])
        if pd.isna(value):
            raise Absent(f"{table} has no {column} of {_named({'row': row, **where})}")
        return value

    def verdicts(self, table: str, **where: object) -> Verdicts:
        """What a table of paired differences says of each row: better, worse or undecided.

        Raises:
            Absent: If the run has no such row, or the table no such column.
            StudyError: If the conditions leave several rows of one label.
        """
        self._column(table, "verdict")
        found = self.rows(table, **where)
        if found["row"].duplicated().any():
            raise StudyError(
                f"several rows are called {found['row'][found['row'].duplicated()].iloc[0]!r}",
                where=self.folder / f"{table}.csv",
                remedy="Name more columns.",
            )
        return Verdicts(zip(found["row"], found["verdict"], strict=True))

    def _column(self, table: str, column: str) -> "pd.Series[Any]":
        rows = self.table(table)
        if column not in rows:
            raise Absent(f"{table} has no column {column}")
        return rows[column]

    def _table(self, name: str) -> pd.DataFrame:
        path = self.folder / f"{name}.csv"
        if not path.exists():
            raise Absent(f"there is no table {name}")
        table = pd.read_csv(path)
        return table[~table["track"].isin(self._misnamed)] if "track" in table else table

    @cached_property
    def _misnamed(self) -> set[str]:
        """The tracks of this run that lack the feature table they are named after."""
        path = self.folder / "beyond.csv"
        if not path.exists():
            return set()
        rows = pd.read_csv(path)
        read = {
            (track, name)
            for track, sources in zip(rows["track"], rows["sources"], strict=True)
            for name in json.loads(sources)
        }
        return {
            track
            for track, needed in NAMED_AFTER.items()
            if track in {*rows["track"]} and (track, needed) not in read
        }


def _named(where: dict[str, object]) -> str:
    return ", ".join(f"{column} {value}" for column, value in where.items())
