"""The runner: nothing twice, one after another or together, resumed where it stood."""

import shutil
from dataclasses import replace

import joblib
import pandas as pd
import pytest
import tiny
import torch
from joblib.externals.loky import get_reusable_executor
from kinds import LISTS, RATINGS_ALONE, siamese
from results import assert_same

from mmrec.errors import StudyError
from mmrec.experiments import runner
from mmrec.features.table import FeatureTable
from mmrec.models import training

ROWS = [
    ("meta+video", siamese("meta", "video")),
    ("text", siamese("text")),
    ("user mean", RATINGS_ALONE["user mean"]),
]


@pytest.fixture
def workspace(tmp_path):
    return tiny.workspace(tmp_path)


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


def nothing(*_, **__):
    raise AssertionError("something was run")


def test_runs_have_the_columns_that_readers_expect(finished):
    made, runs = finished
    stored = pd.read_parquet(made.results / "runs.parquet")
    assert {
        *["table", "row", "model", "features", "protocol", "fold", "seed", "masking"],
        *["support_size", "refit", "settings", "hash", "sources", "train_seconds"],
        *["rmse", "rmse_covered", "precision", "recall", "n_test", "coverage"],
        *["ndcg_10", "recall_20", "catalogue_coverage", "popularity_percentile"],
        *["epochs", "best_epoch", "validation_rmse"],
    } <= set(stored.columns)
    same = [table.astype(object).where(table.notna(), None) for table in (stored, runs[[*stored]])]
    pd.testing.assert_frame_equal(*same)
    assert set(runs) - set(stored) == {"history", "chosen"}
    of_net = stored[stored["row"] != "user mean"]
    assert (of_net["epochs"] == tiny.TRAINING.epochs).all()
    assert of_net["settings"].str.contains('"batch_size": 256').all()
    assert [len(curve) for curve in runs["history"].dropna()] == [2, 2]
    assert runs["model"].tolist() == ["Siamese", "Siamese", "Mean"]


def test_a_row_names_its_sources_and_stand_ins(workspace):
    path = workspace.features / "video.parquet"
    video = FeatureTable.load(path)
    named = {**video.provenance, "stand_in": "posters | frames: trailers"}
    replace(video, provenance=named).save(path)
    rows = [("video", siamese("video")), ("mean", RATINGS_ALONE["user mean"])]
    runs = runner.run("table1", rows, workspace, n_jobs=1).set_index("row")
    assert runner.sources_of(runs.loc["video", "sources"]) == {
        "meta": "made by hand, toy-meta",
        "video": "made by hand, toy-video (posters | frames: trailers)",
    }
    assert runner.sources_of(runs.loc["mean", "sources"]) == {}


def test_a_second_call_runs_nothing(copied, monkeypatch):
    workspace, runs = copied
    monkeypatch.setattr(runner, "execute", nothing)
    again = runner.run("table1", ROWS, workspace, n_jobs=1)
    pd.testing.assert_frame_equal(again, runs)


def test_an_interrupted_table_resumes_where_it_stood(finished, workspace, monkeypatch):
    real, started = training.fit, []

    def interrupted(*args):
        started.append(args)
        if len(started) == 2:
            raise KeyboardInterrupt
        return real(*args)

    with monkeypatch.context() as patch:
        patch.setattr(training, "fit", interrupted)
        with pytest.raises(KeyboardInterrupt):
            runner.run("table1", ROWS, workspace, n_jobs=1)
    assert len(list((workspace.results / "runs").iterdir())) == 1
    assert not (workspace.results / "runs.parquet").exists()
    with monkeypatch.context() as patch:
        patch.setattr(training, "fit", lambda *args: started.append(args) or real(*args))
        runs = runner.run("table1", ROWS, workspace, n_jobs=1)
    assert len(started) == 3, "the first net was not trained again"
    assert runs["hash"].tolist() == finished[1]["hash"].tolist()
    assert_same((workspace, runs), finished)


def test_two_jobs_predict_what_one_does(finished, workspace):
    try:
        with joblib.parallel_config("loky"):
            runs = runner.run("table1", ROWS, workspace, n_jobs=2)
    finally:
        get_reusable_executor().shutdown(wait=True)
    assert_same((workspace, runs), finished)


def test_trainings_and_predictions_run_on_one_thread(workspace, monkeypatch):
    seen = []
    for name in ("fit", "predictor"):
        real = getattr(training, name)
        monkeypatch.setattr(
            training,
            name,
            lambda *args, real=real: seen.append(torch.get_num_threads()) or real(*args),
        )
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        runner.run("table1", ROWS[1:2], workspace, n_jobs=1)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert set(seen) == {1}
    # The training, the validation after each of its epochs, and once for test pairs and lists.
    assert len(seen) == 1 + tiny.TRAINING.epochs + 1


def test_a_worker_that_started_after_a_change_files_nothing(workspace, monkeypatch):
    real = runner.load

    def changing(where):
        """The first call reads, and then the ratings change under it."""
        monkeypatch.setattr(runner, "load", real)
        data = real(where)
        tiny.change_ratings(where, lambda ratings: 6 - ratings, test=False)
        return data

    monkeypatch.setattr(runner, "load", changing)
    with pytest.raises(StudyError, match=r"code or data changed since the call.*Run it again"):
        runner.run("table1", ROWS[2:], workspace, n_jobs=1)
    assert not workspace.results.exists()
    assert len(runner.run("table1", ROWS[2:], workspace, n_jobs=1)) == 1


def test_the_same_experiment_in_two_rows_is_run_once(workspace, monkeypatch):
    real, executed = runner.execute, []
    monkeypatch.setattr(
        runner, "execute", lambda experiment, data: executed.append(1) or real(experiment, data)
    )
    rows = [("one", ROWS[2][1]), ("two", ROWS[2][1])]
    runs = runner.run("table1", rows, workspace, n_jobs=1)
    assert len(executed) == runs["hash"].nunique() == 1
    assert runs["row"].tolist() == ["one", "two"]


@pytest.mark.parametrize("fold", ["u1", "both1"])
def test_a_learning_curve_that_cannot_be_is_told_before_anything_is_trained(
    workspace, monkeypatch, fold
):
    monkeypatch.setattr(training, "fit", nothing)
    rows = [("x", siamese("text", fold=fold, support_size=5))]
    with pytest.raises(StudyError, match=f"5 ratings cannot be given back in fold {fold}"):
        runner.run("cold", rows, workspace, n_jobs=1)


@pytest.mark.parametrize("missing", ["video", "meta"])
def test_a_missing_feature_file_is_told_before_anything_is_trained(workspace, monkeypatch, missing):
    (workspace.features / f"{missing}.parquet").unlink()
    monkeypatch.setattr(runner, "execute", nothing)
    with pytest.raises(StudyError, match=f"no {missing!r} features.*There are: .*its notebook"):
        runner.run("table1", ROWS, workspace, n_jobs=1)
    monkeypatch.undo()
    runs = runner.run("baselines", ROWS[2:], workspace, n_jobs=1)
    assert runs["rmse"].notna().all(), "what needs no features goes on"


def test_user_vectors_of_another_table_make_another_prediction(workspace):
    table = FeatureTable.load(workspace.features / "meta.parquet")
    table.without(next(iter(table.parts))).save(workspace.features / "meta-less.parquet")
    usual = siamese("text")
    other = replace(usual, model=replace(usual.model, user_vectors_from="meta-less"))
    runs = runner.run("variants", [("usual", usual), ("other", other)], workspace, n_jobs=1)
    assert runs["rmse"].nunique() == runs["hash"].nunique() == 2


def test_a_missing_catalogue_is_told(workspace):
    shutil.rmtree(workspace.catalogue)
    with pytest.raises(StudyError, match="no catalogue yet"):
        runner.run("table1", ROWS, workspace, n_jobs=1)


def test_an_error_in_a_run_keeps_what_was_finished(workspace, monkeypatch):
    real = runner.execute

    def failing(experiment, data):
        if not experiment.model.features:
            raise StudyError("the disk is full", where="here", remedy="Free some space.")
        return real(experiment, data)

    monkeypatch.setattr(runner, "execute", failing)
    with pytest.raises(StudyError, match="the disk is full"):
        runner.run("table1", [ROWS[1], ("EASE", LISTS["EASE"])], workspace, n_jobs=1)
    assert len(list((workspace.results / "runs").iterdir())) == 1
