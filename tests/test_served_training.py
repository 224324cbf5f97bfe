"""``mmrec train``: trained once, read while nothing changes, and again when something does."""

import errno
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mmrec import cli
from mmrec.errors import LocalError, StudyError
from mmrec.features.table import FeatureTable
from mmrec.recommending import storing, training, vocabulary
from mmrec.study import model as stage
from mmrec.study import staleness
from mmrec.study.stages import Run
from mmrec.workspace import Workspace
from tests import tiny


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    made = tiny.workspace(tmp_path_factory.mktemp("served"))
    training.train(made, features=["text"])
    return made


def test_a_model_says_what_it_was_made_of(workspace):
    made = training.load(workspace)
    assert (made.about["ratings"], made.about["films"]) == (tiny.N_PAIRS, tiny.N_MOVIES)
    assert list(made.about["features"]) == ["text"]
    assert made.about["features"]["text"]["encoder"] == "toy-text"
    assert made.served.settings["popularity"] >= 0
    assert len(made.served.settings["reach"]) == 3


def test_it_is_trained_again_only_if_something_has_changed(workspace, monkeypatch):
    assert training.is_current(workspace, features=["text"])
    before = training.load(workspace).about["state"]
    monkeypatch.setattr(training.learning, "fit", lambda *_, **__: pytest.fail("trained again"))
    assert training.train(workspace, features=["text"]).about["state"] == before
    assert not training.is_current(workspace)  # by default video and audio are read as well
    ratings = workspace.catalogue / "ratings.parquet"
    kept = ratings.read_bytes()
    try:
        frame = pd.read_parquet(ratings)
        frame.loc[frame.index[0], "rating"] = 6 - frame["rating"].iloc[0] or 1
        frame.assign(rating=frame["rating"].clip(1, 5)).iloc[1:].to_parquet(ratings)
        assert not training.is_current(workspace, features=["text"])
    finally:
        ratings.write_bytes(kept)


def test_a_model_without_its_arrays_is_no_model(workspace):
    path = workspace.root / training.FOLDER / storing.ARRAYS
    aside = path.rename(path.with_suffix(".aside"))
    try:
        assert not training.is_current(workspace, features=["text"])
    finally:
        aside.rename(path)
    assert training.is_current(workspace, features=["text"])


def test_the_command_says_what_it_did(workspace, monkeypatch, capsys):
    command = ["mmrec", "train", str(workspace.root), "--features", "text"]
    monkeypatch.setattr("sys.argv", command)
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 0
    assert "is up to date" in capsys.readouterr().out


def test_what_is_not_there_is_told(workspace, tmp_path):
    with pytest.raises(StudyError, match=r"no 'smell' features.*There are: audio, meta, text"):
        training.train(workspace, features=["smell"])
    with pytest.raises(StudyError, match="no such profile"):
        training.workspace_of(str(tmp_path / "nowhere"))
    few = tiny.workspace(tmp_path)
    path = few.catalogue / "ratings.parquet"
    pd.read_parquet(path).iloc[:10].to_parquet(path)
    with pytest.raises(StudyError, match="10 ratings are too few"):
        training.train(few, features=["text"])


def test_a_stage_of_the_study_leaves_it_and_is_current_until_ratings_change(tmp_path, monkeypatch):
    run = Run("smoke", Workspace(tmp_path / "tiny", tmp_path / "cache"))
    made = tiny.workspace(tmp_path)
    for name in ("video", "audio"):
        (made.features / f"{name}.parquet").unlink()
    stage.train(run)

    def current() -> bool:
        return staleness.is_current(run, stage.NAME, lambda: stage.fingerprint(run))

    assert current()
    assert training.load(made).about["ratings"] == tiny.N_PAIRS
    tiny.change_ratings(made, lambda ratings: 6 - ratings, test=True)
    assert not current()


def test_a_training_that_fails_stops_the_study_with_its_reason(tmp_path):
    run = Run("smoke", Workspace(tmp_path / "tiny", tmp_path / "cache"))
    run.workspace.root.mkdir()
    with pytest.raises(stage.Stopped, match="there is no catalogue yet"):
        stage.train(run)


def test_columns_of_facts_are_named_as_the_catalogue_has_them():
    movies = pd.DataFrame(
        {
            "film_id": range(1, 7),
            "movie_id": range(1, 7),
            "directors": [["b"], ["b"], ["b"], ["a"], ["a"], ["a"]],
            "year": pd.array([1990, 1990, 1990, 1991, None, None], dtype="Int64"),
        }
    )
    flags = np.array([[0, 1]] * 3 + [[1, 0]] * 3, np.float32)
    parts = {"directors": slice(0, 2)}
    table = FeatureTable("facts", np.arange(1, 7), flags, {}, parts, None)
    assert vocabulary.names_of(movies, table, "facts") == {"facts: directors": ("a", "b")}
    assert vocabulary.names_of(movies, table, "other") == {}
    more = {"film_id": [7], "movie_id": [7], "directors": [["a", "c"]]}
    whole = pd.concat([movies, pd.DataFrame(more)], ignore_index=True)  # the seventh is in no table
    assert vocabulary.names_of(whole, table, "facts") == {"facts: directors": ("a", "b")}
    other = movies.assign(directors=[["a"]] * 3 + [["b"]] * 3)
    with pytest.raises(StudyError, match="directors are not those of the catalogue"):
        vocabulary.names_of(other, table, "facts")
    new = pd.DataFrame({"directors": [["a", "z"], []], "film_id": [1, 2]})
    vectors, present = vocabulary.vectors_of(new, {"facts: directors": ("a", "b")})[
        "facts: directors"
    ]
    assert vectors.tolist() == [[1, 0], [0, 0]]
    assert present.tolist() == [True, False]


def test_a_folder_without_a_catalogue_is_told_before_a_training(tmp_path, monkeypatch, capsys):
    for folder in ("empty", "own"):
        root = tmp_path / folder
        root.mkdir()
        if folder == "own":
            made = tiny.workspace(root)
            root = made.root
            (made.catalogue / "ratings.parquet").unlink()
        monkeypatch.setattr("sys.argv", ["mmrec", "train", str(root)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert "there is no catalogue yet" in ended.value.code
        assert f"mmrec enrich FILMS --out {root}" in ended.value.code
        assert capsys.readouterr().err == ""


def test_a_model_that_cannot_be_written_whole_leaves_the_earlier_one(workspace, tmp_path):
    made = training.load(workspace)
    storing.save(made, tmp_path / "model")
    served = replace(made.served, mean=made.served.mean + 1)

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    for writer in ("write_text", "write_bytes"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(storing.Path, writer, full)
            with pytest.raises(LocalError):
                storing.save(replace(made, served=served), tmp_path / "model")
        assert storing.load(tmp_path / "model").served.mean == made.served.mean
