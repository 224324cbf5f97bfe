"""What tests of experiments share: results by row, and workspaces with other ratings."""

from pathlib import Path

import numpy as np
import pandas as pd
import tiny

from mmrec.experiments import runner, store
from mmrec.experiments.spec import Experiment
from mmrec.workspace import Workspace

PAIR = ["user_id", "movie_id"]
FOLDERS = ("runs", "predictions", "recommendations")
"""Where an experiment leaves a file."""

CHANGES = {
    "original": (True, lambda ratings: ratings),
    "other test": (True, lambda ratings: np.random.default_rng(0).permutation(6 - ratings)),
    "other training": (False, lambda ratings: 6 - ratings),
}
"""Name -> whether the test part is changed or what is not, and how."""


def predictions(workspace: Workspace, runs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Predictions by row; of the runs that have any."""
    rated = runs[runs["rmse"].notna()]
    return {run.row: store.predictions(workspace, run.hash) for run in rated.itertuples()}


def lists(workspace: Workspace, runs: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Recommendations by row."""
    return {run.row: store.recommendations(workspace, run.hash) for run in runs.itertuples()}


def assert_same(one, other) -> None:
    """Two (workspace, runs) left the same predictions and lists, to the last bit."""
    for read in (predictions, lists):
        found, expected = read(*one), read(*other)
        assert found.keys() == expected.keys()
        for row, table in found.items():
            pd.testing.assert_frame_equal(table, expected[row], check_exact=True, obj=row)


def ran(folder: Path, change: str, rows: dict[str, Experiment], fold: str = "u1"):
    """Runs by row, predictions and lists of rows, on ratings changed in test or training."""
    made = tiny.workspace(folder)
    test, how = CHANGES[change]
    tiny.change_ratings(made, how, test=test, fold=fold)
    runs = runner.run("sealed", list(rows.items()), made, n_jobs=1)
    return runs.set_index("row"), predictions(made, runs), lists(made, runs)


def of_pairs(table: pd.DataFrame) -> set:
    """The pairs of user and movie in a table."""
    return set(zip(table["user_id"], table["movie_id"], strict=True))
