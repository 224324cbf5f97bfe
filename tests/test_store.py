"""The store of results: nothing is trusted for being there, and what is damaged is made again."""

import errno
import json
import shutil
import warnings
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import tiny
from kinds import LISTS, RATINGS_ALONE
from results import FOLDERS, assert_same

from mmrec.errors import LocalError, StudyError
from mmrec.evaluation import folds
from mmrec.experiments import runner, store
from mmrec.experiments.spec import Experiment

ROWS = [
    ("user mean", RATINGS_ALONE["user mean"]),
    ("movie mean", RATINGS_ALONE["movie mean"]),
    ("most popular", LISTS["most popular"]),
]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A workspace in which :data:`ROWS` have run; to be copied, not changed."""
    made = tiny.workspace(tmp_path_factory.mktemp("finished"))
    return made, runner.run("table1", ROWS, made, n_jobs=1)


@pytest.fixture
def copied(finished, tmp_path):
    made, runs = finished
    shutil.copytree(made.root, tmp_path / "tiny")
    return replace(made, root=tmp_path / "tiny"), runs


@pytest.fixture
def done(monkeypatch):
    """The experiments that are executed."""
    found, execute = [], runner.execute
    monkeypatch.setattr(
        runner,
        "execute",
        lambda experiment, data: found.append(experiment) or execute(experiment, data),
    )
    return found


def file_of(workspace, runs, folder: str, row: str):
    name = runs.set_index("row").loc[row, "hash"]
    return store.path(workspace, folder, name)


def cut(path):
    path.write_bytes(path.read_bytes()[:-20])


def empty(path):
    path.write_bytes(b"")


def flip(path):
    """One bit in the middle: whatever it was is still the same length, and often readable."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


DAMAGE = {"gone": lambda path: path.unlink(), "cut": cut, "empty": empty, "flipped": flip}


def test_every_run_leaves_its_files_and_those_without_predictions_none(finished):
    made, _ = finished
    counts = {folder: len(list((made.results / folder).iterdir())) for folder in FOLDERS}
    assert counts == {"runs": 3, "predictions": 2, "recommendations": 3}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("folder", FOLDERS)
def test_what_is_damaged_is_made_again_alone_and_comes_out_the_same(
    copied, finished, done, folder, damage
):
    workspace, runs = copied
    DAMAGE[damage](file_of(workspace, runs, folder, "movie mean"))
    again = runner.run("table1", ROWS, workspace, n_jobs=1)
    assert done == [ROWS[1][1]]
    assert_same((workspace, again), finished)


@pytest.mark.parametrize("content", ["[1]", "{}", "null", '{"digest": 1}', '{"hash": "x"}'])
def test_a_record_of_another_form_is_no_record(copied, done, content):
    workspace, runs = copied
    file_of(workspace, runs, "runs", "user mean").write_text(content)
    runner.run("table1", ROWS, workspace, n_jobs=1)
    assert done == [ROWS[0][1]]


def test_a_figure_altered_in_a_record_is_noticed(copied, finished):
    workspace, runs = copied
    path = file_of(workspace, runs, "runs", "user mean")
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**record, "rmse": 0.5}))
    again = runner.run("table1", ROWS, workspace, n_jobs=1)
    assert again["rmse"].tolist()[:2] == finished[1]["rmse"].tolist()[:2]


@pytest.mark.parametrize("folder", FOLDERS)
def test_files_of_two_runs_that_have_changed_places_are_both_made_again(
    copied, finished, done, folder
):
    workspace, runs = copied
    one, other = (file_of(workspace, runs, folder, row) for row in ("user mean", "movie mean"))
    mine = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(mine)
    again = runner.run("table1", ROWS, workspace, n_jobs=1)
    assert {experiment.model.of for experiment in done} == {"user", "movie"}
    assert_same((workspace, again), finished)


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("read", [store.predictions, store.recommendations])
def test_reading_what_is_damaged_says_what_to_do(copied, read, damage):
    workspace, runs = copied
    name = runs.set_index("row").loc["user mean", "hash"]
    assert len(read(workspace, name))
    DAMAGE[damage](store.path(workspace, read.__name__, name))
    with pytest.raises(StudyError, match=f"{name}.*missing or damaged.*Run the notebook again"):
        read(workspace, name)


def test_predictions_of_a_model_that_only_ranks_are_told_to_be_none(finished):
    made, runs = finished
    name = runs.set_index("row").loc["most popular", "hash"]
    with pytest.raises(StudyError, match="this run has no predictions"):
        store.predictions(made, name)


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_file_that_may_not_be_read_is_not_taken_for_missing(copied, done, monkeypatch, folder):
    """What is wrong with the computer is told, and nothing is removed or run for it."""
    workspace, runs = copied
    closed, read = file_of(workspace, runs, folder, "user mean"), Path.read_bytes

    def denied(path):
        if path == closed:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", denied)
    with pytest.raises(LocalError, match=closed.name):
        runner.run("table1", ROWS, workspace, n_jobs=1)
    assert done == []
    assert closed.exists()


# --- the runs of all tables ---------------------------------------------------------------------


def filed(workspace) -> pd.DataFrame:
    return pd.read_parquet(workspace.results / "runs.parquet")


def test_a_table_replaces_its_own_runs_and_keeps_those_of_others(copied):
    workspace, _ = copied
    runner.run("table2", ROWS[1:], workspace, n_jobs=1)
    runner.run("table1", ROWS[:1], workspace, n_jobs=1)
    stored = filed(workspace)
    assert sorted(zip(stored["table"], stored["row"], strict=True)) == [
        ("table1", "user mean"),
        ("table2", "most popular"),
        ("table2", "movie mean"),
    ]


@pytest.mark.parametrize("damage", DAMAGE)
def test_the_file_of_all_runs_is_renewed_with_every_tables_runs(copied, damage):
    workspace, _ = copied
    runner.run("table2", ROWS[1:], workspace, n_jobs=1)
    whole = filed(workspace)
    DAMAGE[damage](workspace.results / "runs.parquet")
    runner.run("table1", ROWS, workspace, n_jobs=1)
    pd.testing.assert_frame_equal(filed(workspace), whole)


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_table_is_dropped_and_filed_again(copied, damage):
    workspace, _ = copied
    runner.run("table2", ROWS[1:], workspace, n_jobs=1)
    whole = filed(workspace)
    DAMAGE[damage](workspace.results / "tables" / "table2.parquet")
    runner.run("table1", ROWS, workspace, n_jobs=1)
    if damage != "flipped":  # which may still be read
        assert set(filed(workspace)["table"]) == {"table1"}
    runner.run("table2", ROWS[1:], workspace, n_jobs=1)
    pd.testing.assert_frame_equal(filed(workspace), whole)


def test_parts_of_interrupted_writes_are_no_tables(copied):
    workspace, _ = copied
    tables = workspace.results / "tables"
    shutil.copy(tables / "table1.parquet", tables / ".table9.1.part.parquet")
    runner.run("table1", ROWS, workspace, n_jobs=1)
    assert len(filed(workspace)) == len(ROWS)


def test_the_support_size_is_filed_as_an_integer_or_nothing(tmp_path, monkeypatch):
    workspace = tiny.workspace(tmp_path)
    monkeypatch.setattr(folds, "MAX_SUPPORT", 12)
    mean = RATINGS_ALONE["user mean"].model
    curve = [(str(size), Experiment(mean, 0, fold="user1", support_size=size)) for size in (0, 3)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        runner.run("warm", ROWS[1:], workspace, n_jobs=1)
        returned = runner.run("curve", curve, workspace, n_jobs=1)
        runner.run("warm again", ROWS[:1], workspace, n_jobs=1)
        runner.run("warm", ROWS[1:], workspace, n_jobs=1)
    stored = filed(workspace).set_index("table")
    assert returned["support_size"].dtype == stored["support_size"].dtype == "Int64"
    assert stored.loc["curve", "support_size"].tolist() == [0, 3]
    assert stored.loc[["warm", "warm again"], "support_size"].isna().all()
