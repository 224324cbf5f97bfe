"""The grid: sealed tests, one result per run, nothing trained twice, hashes, resumption."""

import shutil
import sys
from dataclasses import replace

import joblib
import numpy as np
import pandas as pd
import pytest
import tiny
from joblib.externals.loky import get_reusable_executor
from sklearn.metrics import precision_score, recall_score, root_mean_squared_error

from mmrec.errors import StudyError
from mmrec.experiments import grid
from mmrec.experiments.grid import Experiment
from mmrec.features.table import FeatureTable
from mmrec.models import training

ALL = ("video", "audio", "text", "meta")


def siamese(*modalities: str, seed: int = 0, **choices) -> Experiment:
    return Experiment("siamese", seed, modalities, settings=tiny.SETTINGS, **choices)


ROWS = [
    ("meta+video", siamese("meta", "video")),
    ("text", siamese("text")),
    ("user mean", Experiment("user mean", 0)),
]
EVERY_KIND = {
    "siamese": siamese(*ALL),
    "siamese, masked": siamese("text", masking=0.5),
    "siamese, permuted": siamese("meta", "audio", features="permuted"),
    "siamese on ratings": Experiment("siamese on ratings", 0, settings=tiny.SETTINGS),
    "siamese on ratings, masked": Experiment(
        "siamese on ratings", 0, masking=0.5, settings=tiny.SETTINGS
    ),
    **{model: Experiment(model, 0) for model in grid.TRIVIAL},
}


@pytest.fixture
def workspace(tmp_path):
    return tiny.workspace(tmp_path)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A workspace in which :data:`ROWS` have run; to be copied, not changed."""
    made = tiny.workspace(tmp_path_factory.mktemp("finished"))
    return made, grid.run("table1", ROWS, made, n_jobs=1)


@pytest.fixture
def copied(finished, tmp_path):
    made, runs = finished
    shutil.copytree(made.root, tmp_path / "tiny")
    return replace(made, root=tmp_path / "tiny"), runs


def predictions(workspace, runs) -> dict[str, pd.DataFrame]:
    return {
        run.row: pd.read_parquet(grid.predictions_path(workspace, run.hash))
        for run in runs.itertuples()
    }


def no_training(*_, **__):
    raise AssertionError("something was trained")


# --- the sealed test ----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def sealed(tmp_path_factory):
    """Every kind of experiment on three sets of ratings: other test ones, other training ones."""
    rng = np.random.default_rng(0)
    changes = {
        "original": (True, lambda ratings: ratings),
        "other test": (True, lambda ratings: rng.permutation(6 - ratings)),
        "other training": (False, lambda ratings: 6 - ratings),
    }
    found = {}
    for name, (test, change) in changes.items():
        made = tiny.workspace(tmp_path_factory.mktemp(name.replace(" ", "_")))
        tiny.change_ratings(made, change, test=test)
        runs = grid.run("sealed", list(EVERY_KIND.items()), made, n_jobs=1)
        found[name] = runs.set_index("row"), predictions(made, runs)
    return found


def test_every_model_is_held_against_the_seal():
    assert {experiment.model for experiment in EVERY_KIND.values()} == set(grid.MODELS)
    assert {experiment.protocol for experiment in EVERY_KIND.values()} == {"clean"}


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_changing_the_test_ratings_changes_no_prediction(sealed, kind):
    (runs, before), (other_runs, after) = sealed["original"], sealed["other test"]
    pd.testing.assert_frame_equal(before[kind], after[kind], check_exact=True)
    assert runs.loc[kind, "rmse"] != other_runs.loc[kind, "rmse"], "the ratings did change"
    for column in ("history", "validation_rmse", "best_epoch", "damping"):
        one, other = runs.loc[kind, column], other_runs.loc[kind, column]
        assert one == other or (np.isnan(one) and np.isnan(other)), column


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_changing_the_training_ratings_changes_every_kind_of_prediction(sealed, kind):
    """The control: the comparison above would see a leak."""
    before, after = sealed["original"][1][kind], sealed["other training"][1][kind]
    pd.testing.assert_frame_equal(before[["user_id", "movie_id"]], after[["user_id", "movie_id"]])
    assert (before["prediction"] != after["prediction"]).mean() > 0.5


# --- what a run leaves --------------------------------------------------------------------------


def test_a_run_leaves_a_record_and_predictions_for_every_test_pair(finished):
    made, runs = finished
    test = tiny.ratings().iloc[:125].reset_index(drop=True)
    for stored in predictions(made, runs).values():
        assert list(stored.columns) == ["user_id", "movie_id", "prediction"]
        pd.testing.assert_frame_equal(stored[["user_id", "movie_id"]], test.iloc[:, :2])
        assert np.isfinite(stored["prediction"]).all()
        assert stored["prediction"].std() > 0
    assert len(list((made.results / "runs").iterdir())) == len(ROWS)
    assert len(list((made.results / "predictions").iterdir())) == len(ROWS)


def test_runs_have_the_columns_that_readers_expect(finished):
    made, runs = finished
    stored = pd.read_parquet(made.results / "runs.parquet")
    assert {
        *["table", "row", "features", "protocol", "fold", "seed", "masking", "rmse"],
        *["rmse_covered", "precision", "recall", "n_test", "coverage", "epochs", "batch_size"],
        *["train_seconds", "sources", "hash"],
    } <= set(stored.columns)
    pd.testing.assert_frame_equal(stored, runs.drop(columns="history"))
    of_net = stored[stored["model"] == "siamese"]
    assert (of_net["epochs"] == tiny.SETTINGS.epochs).all()
    assert (of_net["batch_size"] == tiny.SETTINGS.batch_size).all()
    assert [len(curve) for curve in runs["history"].dropna()] == [2, 2]


def test_scores_can_be_recomputed_from_the_stored_predictions(finished):
    made, runs = finished
    ratings = tiny.ratings()
    for run, stored in zip(runs.itertuples(), predictions(made, runs).values(), strict=True):
        pairs = stored.merge(ratings, on=["user_id", "movie_id"])
        liked, found = pairs["rating"] >= 4, pairs["prediction"] >= 3.5
        clipped = pairs["prediction"].astype(float).clip(1, 5)
        assert run.n_test == len(pairs) == 125
        assert run.rmse == pytest.approx(root_mean_squared_error(pairs["rating"], clipped))
        assert run.precision == pytest.approx(100 * precision_score(liked, found))
        assert run.recall == pytest.approx(100 * recall_score(liked, found))


def test_what_is_scored_is_what_is_stored(workspace, monkeypatch):
    """A prediction that rounds up to the threshold on its way to the file counts as above it."""
    monkeypatch.setattr(
        grid.baselines, "user_mean", lambda train, pairs: np.full(len(pairs), 3.5 - 1e-9)
    )
    runs = grid.run("baselines", ROWS[2:], workspace, n_jobs=1)
    (stored,) = predictions(workspace, runs).values()
    assert stored["prediction"].dtype == np.float32
    assert (stored["prediction"] >= 3.5).all()
    assert runs["recall"].tolist() == [100]


def test_coverage_counts_pairs_whose_movie_has_every_modality_whole(finished):
    _, runs = finished
    movies = tiny.ratings()["movie_id"].iloc[:125]
    video, text = (tiny.table(*args).movie_ids for args in (("video", 6, 25), ("text", 8, 36)))
    meta = tiny.table("meta", 12, 40, parts=tiny.META_PARTS)
    whole = meta.movie_ids[meta.part_present.all(axis=1)]
    assert 0 < len(whole) < 40
    coverage = runs.set_index("row")["coverage"]
    assert coverage["meta+video"] == (movies.isin(video) & movies.isin(whole)).mean()
    assert coverage["text"] == movies.isin(text).mean() < 1
    assert coverage["user mean"] == 1


def test_a_row_names_its_sources_and_stand_ins(copied):
    workspace, _ = copied
    data = grid.load(workspace)
    video = data.tables["video"]
    named = replace(video, provenance={**video.provenance, "stand_in": "posters for trailers"})
    data = replace(data, tables={**data.tables, "video": named})
    said = grid.describe_sources(siamese("video"), data)
    assert "video: made by hand, toy-video (posters for trailers)" in said
    assert "meta: made by hand" in said, "profiles are made of it in every row"
    assert "text" not in said
    assert grid.describe_sources(EVERY_KIND["siamese on ratings"], data) == "ratings alone"


def test_masking_leaves_every_training_rating_to_learn_from(workspace, monkeypatch):
    seen = {}

    class Stop(Exception):
        pass

    def spy(inputs, train, validation, settings, seed):
        seen[masking] = inputs, train, validation
        raise Stop

    monkeypatch.setattr(training, "fit", spy)
    for masking in (0.0, 0.8):
        with pytest.raises(Stop):
            grid.fit(siamese("text", masking=masking), grid.load(workspace))
    (whole, train, validation), (masked, same_train, same_validation) = seen.values()
    assert (len(train), len(validation)) == (450, 50)
    for one, other in ((train, same_train), (validation, same_validation)):
        assert all(getattr(one, k).equal(getattr(other, k)) for k in ("user", "movie", "rating"))
        assert one.view.equal(other.view)
    assert not whole.users.equal(masked.users)
    assert (validation.view == whole.full).all()


# --- nothing twice ------------------------------------------------------------------------------


def test_a_second_call_trains_nothing(copied, monkeypatch):
    workspace, runs = copied
    monkeypatch.setattr(training, "fit", no_training)
    monkeypatch.setattr(grid, "_run", no_training)
    again = grid.run("table1", ROWS, workspace, n_jobs=1)
    pd.testing.assert_frame_equal(again, runs)


@pytest.mark.parametrize("folder", ["runs", "predictions"])
def test_what_is_missing_is_redone_alone_and_comes_out_the_same(copied, monkeypatch, folder):
    workspace, runs = copied
    before = predictions(workspace, runs)
    name = runs.set_index("row").loc["text", "hash"]
    next((workspace.results / folder).glob(f"{name}.*")).unlink()
    done, run_one = [], grid._run
    monkeypatch.setattr(grid, "_run", lambda e, w: done.append(e) or run_one(e, w))
    again = grid.run("table1", ROWS, workspace, n_jobs=1)
    assert done == [ROWS[1][1]]
    for row, table in predictions(workspace, again).items():
        pd.testing.assert_frame_equal(table, before[row], check_exact=True)


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
            grid.run("table1", ROWS, workspace, n_jobs=1)
    assert len(list((workspace.results / "runs").iterdir())) == 1
    assert not (workspace.results / "runs.parquet").exists()
    with monkeypatch.context() as patch:
        patch.setattr(training, "fit", lambda *args: started.append(args) or real(*args))
        runs = grid.run("table1", ROWS, workspace, n_jobs=1)
    assert len(started) == 3, "the first net was not trained again"
    assert runs["hash"].tolist() == finished[1]["hash"].tolist()
    for row, table in predictions(workspace, runs).items():
        expected = predictions(*finished)[row]
        pd.testing.assert_frame_equal(table, expected, check_exact=True)


def test_two_jobs_predict_what_one_does(finished, workspace):
    try:
        with joblib.parallel_config("loky"):
            runs = grid.run("table1", ROWS, workspace, n_jobs=2)
    finally:
        get_reusable_executor().shutdown(wait=True)
    for row, table in predictions(workspace, runs).items():
        expected = predictions(*finished)[row]
        pd.testing.assert_frame_equal(table, expected, check_exact=True)


def test_trainings_and_predictions_run_on_one_thread(workspace, monkeypatch):
    seen = []
    for name in ("fit", "predict"):
        real = getattr(training, name)
        monkeypatch.setattr(
            training,
            name,
            lambda *args, real=real: seen.append(grid.torch.get_num_threads()) or real(*args),
        )
    before = grid.torch.get_num_threads()
    grid.torch.set_num_threads(2)
    try:
        grid.run("table1", ROWS[1:2], workspace, n_jobs=1)
        assert grid.torch.get_num_threads() == 2
    finally:
        grid.torch.set_num_threads(before)
    assert set(seen) == {1}
    assert len(seen) == 1 + tiny.SETTINGS.epochs + 1


def test_the_same_experiment_in_two_rows_is_trained_once(workspace):
    runs = grid.run("table1", [("one", ROWS[1][1]), ("two", ROWS[1][1])], workspace, n_jobs=1)
    assert runs["hash"].nunique() == 1
    assert runs["row"].tolist() == ["one", "two"]


def test_a_table_replaces_its_own_runs_and_keeps_those_of_others(copied):
    workspace, _ = copied
    grid.run("table2", ROWS[1:], workspace, n_jobs=1)
    grid.run("table1", ROWS[:1], workspace, n_jobs=1)
    stored = pd.read_parquet(workspace.results / "runs.parquet")
    assert sorted(zip(stored["table"], stored["row"], strict=True)) == [
        ("table1", "meta+video"),
        ("table2", "text"),
        ("table2", "user mean"),
    ]


# --- hashes -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def data(finished):
    return grid.load(finished[0])


def test_a_hash_depends_on_every_field_of_the_experiment(data):
    longer = replace(tiny.SETTINGS, epochs=3)
    variants = [
        siamese("text"),
        siamese("text", seed=1),
        siamese("audio"),
        siamese("text", "audio"),
        siamese("text", features="permuted"),
        siamese("text", fold="u2"),
        siamese("text", masking=0.8),
        replace(siamese("text"), settings=longer),
        *EVERY_KIND.values(),
    ]
    assert len({grid.experiment_hash(e, data) for e in variants}) == len(variants)
    assert grid.experiment_hash(siamese("text"), data) == grid.experiment_hash(
        siamese("text"), data
    )


def test_a_hash_depends_on_the_features_it_reads_and_no_others(data):
    other = tiny.table("text", 8, 36, seed=1)
    changed = replace(data, tables={**data.tables, "text": other})
    same = {
        name: grid.experiment_hash(e, data) == grid.experiment_hash(e, changed)
        for name, e in {
            "text": siamese("text"),
            "audio": siamese("audio"),
            "ratings": EVERY_KIND["siamese on ratings"],
            "mean": Experiment("user mean", 0),
        }.items()
    }
    assert same == {"text": False, "audio": True, "ratings": True, "mean": True}
    meta = tiny.table("meta", 12, 40, parts=tiny.META_PARTS, seed=1)
    changed = replace(data, tables={**data.tables, "meta": meta})
    before, after = (grid.experiment_hash(siamese("audio"), d) for d in (data, changed))
    assert before != after, "profiles are made of meta in every row"


def one_rating(ratings):
    return ratings.assign(rating=ratings["rating"].where(ratings.index > 0, 1 + ratings["rating"]))


def moved(ratings):
    """The same ratings at other places of the data set: in other folds."""
    return ratings.set_index(pd.Index(ratings.index.to_numpy()[::-1], name="row"))


def reordered(ratings):
    """The same ratings in the same folds, but the random parts would fall on others."""
    return ratings.iloc[::-1]


@pytest.mark.parametrize("change", [one_rating, moved, reordered])
@pytest.mark.parametrize("model", ["user mean", "siamese on ratings"])
def test_a_hash_depends_on_every_rating_and_its_place(data, model, change):
    experiment = EVERY_KIND[model]
    changed = replace(data, ratings=change(data.ratings))
    assert grid.experiment_hash(experiment, data) != grid.experiment_hash(experiment, changed)


def test_a_hash_depends_on_the_code_but_not_on_comments(data, monkeypatch, tmp_path):
    path = tmp_path / "toy_model.py"
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(grid, "_CODE", ("toy_model",))
    found = []
    for code in (
        '"""One."""\n\ndef f(x):\n    """Two."""\n    return x + 1\n',
        '"""Another."""\n# why\ndef f(x):\n    return (x + 1)  # because\n',
        "def f(x):\n    return x + 2\n",
        'def f(x):\n    return "x"\n',
        'def f(x):\n    return "y"\n',
    ):
        path.write_text(code)
        grid._code_digest.cache_clear()
        found.append(grid.experiment_hash(Experiment("user mean", 0), data))
    sys.modules.pop("toy_model", None)
    grid._code_digest.cache_clear()
    assert found[0] == found[1]
    assert len(set(found)) == 4


def test_changed_files_are_read_again(workspace):
    experiment = Experiment("user mean", 0)
    before = grid.experiment_hash(experiment, grid.load(workspace))
    assert grid.load(workspace) is grid.load(workspace)
    tiny.change_ratings(workspace, lambda ratings: 6 - ratings, test=True)
    assert grid.experiment_hash(experiment, grid.load(workspace)) != before


# --- bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "what"),
    [
        ({"model": "oracle"}, "unknown model 'oracle'.*Choose from siamese"),
        ({"masking": 50}, "masking 50 is no share"),
        ({"protocol": "hopeful"}, "unknown protocol 'hopeful'.*clean"),
        ({"features": "imagined"}, "unknown features 'imagined'"),
        ({"fold": "u6"}, "unknown fold 'u6'.*u1, u2"),
    ],
)
def test_an_unknown_name_is_told(wrong, what):
    with pytest.raises(StudyError, match=what):
        Experiment(**{"model": "siamese", "seed": 0, "modalities": ("meta",), **wrong})


@pytest.mark.parametrize("missing", ["video", "meta"])
def test_a_missing_feature_file_is_told_before_anything_is_trained(workspace, monkeypatch, missing):
    (workspace.features / f"{missing}.parquet").unlink()
    monkeypatch.setattr(training, "fit", no_training)
    with pytest.raises(StudyError, match=f"no {missing!r} features.*There are: .*its notebook"):
        grid.run("table1", [("text", siamese("text")), *ROWS], workspace, n_jobs=1)
    runs = grid.run("baselines", ROWS[2:], workspace, n_jobs=1)
    assert runs["rmse"].notna().all(), "what needs no features goes on"


def test_an_unknown_modality_is_told(workspace):
    with pytest.raises(
        StudyError, match=r"no 'smell' features.*There are: audio, meta, text, video"
    ):
        grid.run("table1", [("smell", siamese("meta", "smell"))], workspace, n_jobs=1)


def test_profiles_of_another_table_are_another_experiment(workspace):
    table = FeatureTable.load(workspace.features / "meta.parquet")
    first = next(iter(table.parts))
    table.without(first).save(workspace.features / "meta-less.parquet")
    data = grid.load(workspace)
    usual = siamese("text")
    other = replace(usual, profiles="meta-less")
    assert grid.experiment_hash(usual, data) != grid.experiment_hash(other, data)
    assert other.tables == ("meta-less", "text")
    rows = [("usual", usual), ("other", other)]
    usual, other = grid.run("variants", rows, workspace, n_jobs=1)["hash"]
    predictions = [
        pd.read_parquet(grid.predictions_path(workspace, name))["prediction"]
        for name in (usual, other)
    ]
    assert not predictions[0].equals(predictions[1])


def test_a_missing_catalogue_is_told(workspace):
    shutil.rmtree(workspace.catalogue)
    with pytest.raises(StudyError, match="no catalogue yet"):
        grid.run("table1", ROWS, workspace, n_jobs=1)


def test_an_error_in_a_run_keeps_what_was_finished(workspace, monkeypatch):
    real = grid._run

    def failing(experiment, where):
        if experiment.model in grid.TRIVIAL:
            raise StudyError("the disk is full", where="here", remedy="Free some space.")
        real(experiment, where)

    monkeypatch.setattr(grid, "_run", failing)
    with pytest.raises(StudyError, match="the disk is full"):
        grid.run("table1", ROWS[1:], workspace, n_jobs=1)
    assert len(list((workspace.results / "runs").iterdir())) == 1
