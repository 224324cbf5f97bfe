"""The grid: sealed tests, one result per run, lists, nothing trained twice, hashes, resumption."""

import ast
import shutil
import warnings
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import joblib
import numpy as np
import pandas as pd
import pytest
import tiny
from joblib.externals.loky import get_reusable_executor
from kinds import EVERY_KIND, siamese
from sklearn.metrics import (
    ndcg_score,
    precision_score,
    recall_score,
    root_mean_squared_error,
)

import mmrec
from mmrec.errors import StudyError
from mmrec.evaluation import folds, protocols
from mmrec.experiments import runner as grid
from mmrec.experiments.runner import Experiment
from mmrec.features.table import FeatureTable
from mmrec.models import training
from mmrec.models.base import Recommender
from mmrec.models.factorisation_machine import FactorisationMachineConfig
from mmrec.models.means import MeanRecommender

PACKAGE = Path(mmrec.__file__).parent
PAIR = ["user_id", "movie_id"]
LEFT_OUT = ["history", "tuning", "chosen"]
"""Columns that are returned and not filed."""
FOLDERS = ["runs", "predictions", "recommendations"]
ROWS = [
    ("meta+video", siamese("meta", "video")),
    ("text", siamese("text")),
    ("user mean", Experiment("user mean", 0)),
]
MEANS = ("global mean", "user mean", "movie mean")


@pytest.fixture(autouse=True, scope="module")
def few_draws():
    """A sampler's first draws are as good as its last for what is tested here."""
    with pytest.MonkeyPatch.context() as patch:
        few = partial(FactorisationMachineConfig, draws=12, burn_in=2)
        patch.setattr(grid, "FactorisationMachineConfig", few)
        yield


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


def lists(workspace, runs) -> dict[str, pd.DataFrame]:
    return {
        run.row: pd.read_parquet(grid.lists_path(workspace, run.hash)) for run in runs.itertuples()
    }


def same_results(one, other) -> None:
    """Two (workspace, runs) left the same predictions and lists, to the last bit."""
    for read in (predictions, lists):
        expected = read(*other)
        for row, table in read(*one).items():
            pd.testing.assert_frame_equal(table, expected[row], check_exact=True)


def no_training(*_, **__):
    raise AssertionError("something was trained")


# --- the sealed test ----------------------------------------------------------------------------

COLD = {
    "item1": EVERY_KIND["siamese"],
    "user2": EVERY_KIND["FM: hybrid"],
    "both3": EVERY_KIND["siamese on ratings"],
    "item4": EVERY_KIND["item kNN"],
    "item5": EVERY_KIND["FM: content"],
}
COLD = {fold: replace(experiment, fold=fold) for fold, experiment in COLD.items()}
CHANGES = {
    "original": (True, lambda ratings: ratings),
    "other test": (True, lambda ratings: np.random.default_rng(0).permutation(6 - ratings)),
    "other training": (False, lambda ratings: 6 - ratings),
}


def ran(folder, change: str, rows: dict[str, Experiment], fold: str = "u1"):
    """Runs by row, predictions and lists of rows, on ratings changed in test or training."""
    made = tiny.workspace(folder)
    test, how = CHANGES[change]
    tiny.change_ratings(made, how, test=test, fold=fold)
    runs = grid.run("sealed", list(rows.items()), made, n_jobs=1)
    return runs.set_index("row"), predictions(made, runs), lists(made, runs)


@pytest.fixture(scope="module")
def sealed(tmp_path_factory):
    """Every kind of experiment on three sets of ratings: other test ones, other training ones."""
    return {change: ran(tmp_path_factory.mktemp("clean"), change, EVERY_KIND) for change in CHANGES}


@pytest.fixture(scope="module")
def unsealed(tmp_path_factory):
    """The same as published, on two sets of test ratings."""
    rows = {
        kind: replace(e, protocol="as_published", refit=False) for kind, e in EVERY_KIND.items()
    }
    return {
        change: ran(tmp_path_factory.mktemp("published"), change, rows)
        for change in ("original", "other test")
    }


def choices(run) -> dict:
    """What a run tells of its choice: of the epoch or of the settings."""
    told = ("validation_rmse", "history", "best_epoch", "tuning", "chosen")
    return {key: run[key] for key in told if key in run and np.any(pd.notna(run[key]))}


def test_a_refitted_network_learns_from_the_validation_ratings_what_they_chose(sealed):
    runs, predictions, _ = sealed["original"]
    plain, refitted = (runs.loc[f"siamese on ratings{end}"] for end in ("", ", refitted"))
    assert choices(plain) == choices(refitted)
    before, after = (predictions[row]["prediction"] for row in (plain.name, refitted.name))
    assert (before != after).mean() > 0.9


@pytest.mark.parametrize(
    "wrong", [{"protocol": "as_published"}, {"model": "FM: ids", "settings": None}]
)
def test_what_has_no_validation_ratings_to_learn_from_is_not_refitted(wrong):
    with pytest.raises(StudyError, match="cannot be refitted"):
        replace(EVERY_KIND["siamese on ratings, refitted"], **wrong)


def test_every_model_is_held_against_the_seal():
    assert {experiment.model for experiment in EVERY_KIND.values()} == set(grid.MODELS)
    assert {experiment.protocol for experiment in EVERY_KIND.values()} == {"clean"}


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_changing_the_test_ratings_changes_no_prediction(sealed, kind):
    (runs, before, listed), (other_runs, after, listed_after) = (
        sealed[change] for change in ("original", "other test")
    )
    pd.testing.assert_frame_equal(before[kind], after[kind], check_exact=True)
    pd.testing.assert_frame_equal(listed[kind], listed_after[kind], check_exact=True)
    assert runs.loc[kind, "rmse"] != other_runs.loc[kind, "rmse"], "the ratings did change"
    assert choices(runs.loc[kind]) == choices(other_runs.loc[kind])
    assert bool(choices(runs.loc[kind])) == (kind not in MEANS)
    scored = ("rmse", "rmse_covered", "precision", "recall", "ndcg_10", "recall_20", "hash")
    own = [key for key in runs if key not in (*scored, *LEFT_OUT, "train_seconds")]
    users = ["users_ranked", "users_without_relevant"]
    own = [key for key in own if key not in users]
    pd.testing.assert_series_equal(runs.loc[kind, own], other_runs.loc[kind, own])


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_changing_the_training_ratings_changes_every_kind_of_prediction(sealed, kind):
    """The control: the comparison above would see a leak."""
    before, after = sealed["original"][1][kind], sealed["other training"][1][kind]
    pd.testing.assert_frame_equal(before[PAIR], after[PAIR])
    assert (before["prediction"] != after["prediction"]).mean() > 0.5


@pytest.mark.parametrize("fold", COLD)
def test_changing_the_test_ratings_changes_no_prediction_of_a_cold_fold(tmp_path, fold):
    rows = {fold: COLD[fold]}
    (runs, before, listed), (other_runs, after, listed_after) = (
        ran(tmp_path / change, change, rows, fold) for change in ("original", "other test")
    )
    assert runs.loc[fold, "rmse"] != other_runs.loc[fold, "rmse"], "the ratings did change"
    assert np.isfinite(before[fold]["prediction"]).all()
    pd.testing.assert_frame_equal(before[fold], after[fold], check_exact=True)
    pd.testing.assert_frame_equal(listed[fold], listed_after[fold], check_exact=True)


@pytest.mark.parametrize("kind", EVERY_KIND)
def test_as_published_the_test_ratings_choose(unsealed, sealed, kind):
    """The control of the seal: what the protocol lets through arrives."""
    (runs, before, _), (other_runs, after, _) = unsealed.values()
    run, other = runs.loc[kind], other_runs.loc[kind]
    if kind in MEANS:  # they choose nothing, and have no profiles
        assert choices(run) == {}
        pd.testing.assert_frame_equal(before[kind], after[kind], check_exact=True)
        return
    assert choices(run) != choices(other)
    assert run["validation_rmse"] == pytest.approx(run["rmse"], abs=1e-5), "it is the test's own"
    honest = sealed["original"][0].loc[kind]
    assert honest["validation_rmse"] != pytest.approx(honest["rmse"], abs=1e-3)
    if run["model"] == "siamese":
        changed = before[kind]["prediction"] != after[kind]["prediction"]
        assert changed.mean() > 0.5, "profiles of test pairs are made of the test ratings"


def test_as_published_other_test_ratings_choose_other_epochs_and_settings(unsealed):
    (_, before, _), (_, after, _) = unsealed.values()
    changed = {kind for kind in EVERY_KIND if not before[kind].equals(after[kind])}
    assert changed >= {"siamese", "siamese on ratings", "user+movie bias", "item kNN"}


@pytest.mark.parametrize("protocol", ["training_profiles", "hidden_target"])
def test_between_the_protocols_test_ratings_choose_and_are_in_no_profile(tmp_path, protocol):
    """With one epoch there is nothing to choose: only a profile could let the ratings in."""
    once = replace(tiny.SETTINGS, epochs=1)
    rows = {
        "one epoch": replace(siamese("text", protocol=protocol), settings=once),
        "published": replace(siamese("text", protocol="as_published"), settings=once),
    }
    (runs, before, _), (other_runs, after, _) = (
        ran(tmp_path / change, change, rows) for change in ("original", "other test")
    )
    for row in rows:
        assert choices(runs.loc[row]) != choices(other_runs.loc[row])
    pd.testing.assert_frame_equal(before["one epoch"], after["one epoch"], check_exact=True)
    assert not before["published"].equals(after["published"])


# --- what a run leaves --------------------------------------------------------------------------


def test_a_run_leaves_a_record_and_predictions_for_every_test_pair(finished):
    made, runs = finished
    test = tiny.ratings().iloc[:125].reset_index(drop=True)
    for stored in predictions(made, runs).values():
        assert list(stored.columns) == ["user_id", "movie_id", "prediction"]
        pd.testing.assert_frame_equal(stored[["user_id", "movie_id"]], test.iloc[:, :2])
        assert np.isfinite(stored["prediction"]).all()
        assert stored["prediction"].std() > 0
    for folder in FOLDERS:
        assert len(list((made.results / folder).iterdir())) == len(ROWS)


def test_runs_have_the_columns_that_readers_expect(finished):
    made, runs = finished
    stored = pd.read_parquet(made.results / "runs.parquet")
    assert {
        *[
            "table",
            "row",
            "model",
            "features",
            "protocol",
            "fold",
            "seed",
            "masking",
            "support_size",
        ],
        *["rmse", "ndcg_10", "recall_20", "catalogue_coverage", "popularity_percentile"],
        *["rmse_covered", "precision", "recall", "n_test", "coverage", "epochs", "batch_size"],
        *["train_seconds", "sources", "hash"],
    } <= set(stored.columns)
    same = [table.astype(object).where(table.notna(), None) for table in (stored, runs[[*stored]])]
    pd.testing.assert_frame_equal(*same)
    assert set(runs) - set(stored) == {"history"}
    assert not set(stored) & set(LEFT_OUT)
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
    monkeypatch.setattr(MeanRecommender, "predict", lambda _, p: np.full(len(p), 3.5 - 1e-9))
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
            grid.run("t", [("text", siamese("text", masking=masking))], workspace, n_jobs=1)
    (whole, train, validation), (masked, same_train, same_validation) = seen.values()
    assert (len(train), len(validation)) == (450, 50)
    for one, other in ((train, same_train), (validation, same_validation)):
        assert all(getattr(one, k).equal(getattr(other, k)) for k in ("user", "movie", "rating"))
        assert one.view.equal(other.view)
    assert not whole.users.equal(masked.users)
    assert (validation.view == whole.full).all()


# --- lists --------------------------------------------------------------------------------------

RATINGS = tiny.ratings()


def of_pairs(table: pd.DataFrame) -> set:
    return set(zip(table["user_id"], table["movie_id"], strict=True))


def test_every_user_of_the_test_part_gets_a_list_of_movies_not_rated_elsewhere(sealed):
    test, rest = RATINGS.iloc[:125], of_pairs(RATINGS.iloc[125:])
    for found in sealed["original"][2].values():
        assert list(found.columns) == ["user_id", "rank", "movie_id"]
        assert set(found["user_id"]) == set(test["user_id"])
        assert not found.duplicated(PAIR).any()
        assert not of_pairs(found) & rest
        assert of_pairs(found) & of_pairs(test), "a test movie can be listed"
        assert found["movie_id"].isin(tiny.movie_ids()).all()
        for user, some in found.groupby("user_id"):
            unrated = tiny.N_MOVIES - (RATINGS.iloc[125:]["user_id"] == user).sum()
            assert some["rank"].tolist() == list(range(1, min(20, unrated) + 1))


@pytest.mark.parametrize("kind", ["siamese", "user+movie bias", "FM: hybrid", "item kNN"])
def test_predictions_order_the_lists(sealed, kind):
    _, stored, listed = (found[kind] if i else None for i, found in enumerate(sealed["original"]))
    both = listed.merge(stored, on=PAIR).sort_values(["user_id", "rank"])
    steps = both.groupby("user_id")["prediction"].diff().dropna()
    assert len(steps) > 20
    assert (steps <= 1e-6).all()


@pytest.mark.parametrize("change", ["original", "other test"])
@pytest.mark.parametrize("kind", EVERY_KIND)
def test_list_scores_can_be_recomputed_from_the_stored_lists(sealed, unsealed, kind, change):
    _, how = CHANGES[change]
    ratings = RATINGS.copy()
    ratings.iloc[:125, 2] = how(ratings["rating"].to_numpy()[:125])
    liked = ratings.iloc[:125].query("rating >= 4")
    for runs, _, listed in (sealed[change], unsealed[change]):
        run, found = runs.loc[kind], listed[kind]
        gains, recalls = [], []
        for user, wanted in liked.groupby("user_id"):
            own = found.loc[found["user_id"] == user].sort_values("rank")["movie_id"]
            # Every movie that could have been listed, the listed ones on top in their order.
            others = sorted(set(tiny.movie_ids()) - set(own))
            movies = [*own, *others]
            relevant = np.isin(movies, wanted["movie_id"]).astype(float)
            gains.append(ndcg_score([relevant], [-np.arange(len(movies))], k=10))
            recalls.append(own.isin(wanted["movie_id"]).sum() / len(wanted))
        assert run["ndcg_10"] == pytest.approx(np.mean(gains))
        assert run["recall_20"] == pytest.approx(np.mean(recalls))
        assert run["users_ranked"] == len(gains)
        assert run["users_ranked"] + run["users_without_relevant"] == found["user_id"].nunique()


def test_coverage_and_popularity_can_be_recomputed_from_the_stored_lists(finished):
    made, runs = finished
    data = grid.load(made)
    for run, found in zip(runs.itertuples(), lists(made, runs).values(), strict=True):
        experiment = dict(ROWS)[run.row]
        train = grid.divide(experiment, data).train
        counts = train["movie_id"].value_counts().reindex(tiny.movie_ids(), fill_value=0)
        top = found.loc[found["rank"] <= 10, "movie_id"]
        assert run.catalogue_coverage == top.nunique() / tiny.N_MOVIES
        assert run.popularity_listed == pytest.approx(counts[top].mean())
        assert run.popularity_candidates == pytest.approx(counts.mean())
        percentile = [
            ((counts < counts[movie]).sum() + 0.5 * (counts == counts[movie]).sum()) / len(counts)
            for movie in top
        ]
        assert run.popularity_percentile == pytest.approx(np.mean(percentile))


@pytest.mark.parametrize("protocol", protocols.PROTOCOLS)
def test_what_a_list_may_hold_is_the_same_under_every_protocol(workspace, monkeypatch, protocol):
    """Where the test part selects, its movies are no less to be found."""
    monkeypatch.setattr(Recommender.recommend, "__defaults__", (tiny.N_MOVIES,))
    rows = [("mean", Experiment("movie mean", 0, protocol=protocol))]
    runs = grid.run("lists", rows, workspace, n_jobs=1)
    (found,) = lists(workspace, runs).values()
    users = RATINGS["user_id"].iloc[:125].unique()
    expected = {(user, movie) for user in users for movie in tiny.movie_ids()}
    assert of_pairs(found) == expected - of_pairs(RATINGS.iloc[125:])
    assert runs["ndcg_10"].item() > 0


@pytest.mark.parametrize(
    ("fold", "kind"),
    [
        ("item1", "siamese"),
        ("item2", "movie mean"),
        ("both1", "item kNN"),
        ("both3", "FM: content"),
    ],
)
def test_lists_of_new_movies_hold_nothing_else(workspace, fold, kind):
    experiment = replace(EVERY_KIND[kind], fold=fold)
    runs = grid.run("cold", [("cold", experiment)], workspace, n_jobs=1)
    split = grid.divide(experiment, grid.load(workspace))
    (found,) = lists(workspace, runs).values()
    assert set(found["movie_id"]) <= set(split.cold_movies)
    assert set(found["user_id"]) == set(split.test.pairs["user_id"])
    assert runs["popularity_candidates"].tolist() == [0], "nobody has rated them in training"


@pytest.mark.parametrize("fold", ["item1", "user1"])
def test_a_learning_curve_lists_the_same_candidates_at_every_point(workspace, monkeypatch, fold):
    """What can be given back is never listed: with more of it, no list gets easier."""
    monkeypatch.setattr(folds, "MAX_SUPPORT", 12)
    monkeypatch.setattr(Recommender.recommend, "__defaults__", (tiny.N_MOVIES,))
    rows = [
        (str(support_size), Experiment("movie mean", 0, fold=fold, support_size=support_size))
        for support_size in (0, 3, 12)
    ]
    runs = grid.run("curve", rows, workspace, n_jobs=1)
    found = [of_pairs(table) for table in lists(workspace, runs).values()]
    assert found[0] == found[1] == found[2]
    test = grid.divide(rows[0][1], grid.load(workspace)).test.pairs
    assert found[0] & of_pairs(RATINGS) == of_pairs(test)
    assert runs["n_test"].nunique() == 1
    if fold == "item1":
        assert runs["popularity_candidates"].is_monotonic_increasing
        assert runs["popularity_candidates"].iloc[0] == 0


def test_the_number_shown_is_filed_as_an_integer_or_nothing(workspace, monkeypatch):
    monkeypatch.setattr(folds, "MAX_SUPPORT", 12)
    curve = [
        (str(support_size), Experiment("user mean", 0, fold="user1", support_size=support_size))
        for support_size in (0, 3)
    ]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        grid.run("warm", ROWS[2:], workspace, n_jobs=1)
        returned = grid.run("curve", curve, workspace, n_jobs=1)
        grid.run("warm again", ROWS[1:], workspace, n_jobs=1)
        grid.run("warm", ROWS[2:], workspace, n_jobs=1)
    stored = pd.read_parquet(workspace.results / "runs.parquet").set_index("table")
    assert returned["support_size"].dtype == stored["support_size"].dtype == "Int64"
    assert stored.loc["curve", "support_size"].tolist() == [0, 3]
    assert stored.loc[["warm", "warm again"], "support_size"].isna().all()


# --- nothing twice ------------------------------------------------------------------------------


def test_a_second_call_trains_nothing(copied, monkeypatch):
    workspace, runs = copied
    monkeypatch.setattr(training, "fit", no_training)
    monkeypatch.setattr(grid, "_run", no_training)
    again = grid.run("table1", ROWS, workspace, n_jobs=1)
    pd.testing.assert_frame_equal(again, runs)


@pytest.mark.parametrize("folder", FOLDERS)
def test_what_is_missing_is_redone_alone_and_comes_out_the_same(
    copied, finished, monkeypatch, folder
):
    workspace, runs = copied
    name = runs.set_index("row").loc["text", "hash"]
    next((workspace.results / folder).glob(f"{name}.*")).unlink()
    done, run_one = [], grid._run
    monkeypatch.setattr(grid, "_run", lambda n, e, w: done.append(e) or run_one(n, e, w))
    again = grid.run("table1", ROWS, workspace, n_jobs=1)
    assert done == [ROWS[1][1]]
    same_results((workspace, again), finished)


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
    same_results((workspace, runs), finished)


def test_two_jobs_predict_what_one_does(finished, workspace):
    try:
        with joblib.parallel_config("loky"):
            runs = grid.run("table1", ROWS, workspace, n_jobs=2)
    finally:
        get_reusable_executor().shutdown(wait=True)
    same_results((workspace, runs), finished)


def test_trainings_and_predictions_run_on_one_thread(workspace, monkeypatch):
    seen = []
    for name in ("fit", "predictor"):
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
    # The training, the validation after each of its epochs, and once for test pairs and lists.
    assert len(seen) == 1 + tiny.SETTINGS.epochs + 1


def test_a_worker_that_started_after_a_change_files_nothing(workspace, monkeypatch):
    real = grid.load

    def changing(where):
        """The first call reads, and then the ratings change under it."""
        monkeypatch.setattr(grid, "load", real)
        data = real(where)
        tiny.change_ratings(where, lambda ratings: 6 - ratings, test=False)
        return data

    monkeypatch.setattr(grid, "load", changing)
    with pytest.raises(StudyError, match=r"code or data changed since the call.*Run it again"):
        grid.run("table1", ROWS[2:], workspace, n_jobs=1)
    assert not workspace.results.exists()
    assert len(grid.run("table1", ROWS[2:], workspace, n_jobs=1)) == 1


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
        siamese("text", fold="item2"),
        siamese("text", fold="item2", support_size=0),
        siamese("text", fold="item2", support_size=5),
        *(siamese("text", protocol=name) for name in protocols.PROTOCOLS if name != "clean"),
        siamese("text", profiles="text"),
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
            "machine": Experiment("FM: content", 0, ("text",)),
            "machine of audio": Experiment("FM: content", 0, ("audio",)),
        }.items()
    }
    assert same == {
        "text": False,
        "audio": True,
        "ratings": True,
        "mean": True,
        "machine": False,
        "machine of audio": True,
    }
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


@pytest.mark.parametrize("fold", ["u1", "item1"])
def test_a_hash_depends_on_which_ids_are_one_film(data, fold):
    """Cold folds and lists do."""
    twins = data.films.where(data.films != data.films.iloc[1], data.films.iloc[0])
    assert twins.nunique() == data.films.nunique() - 1
    experiment = siamese("text", fold=fold)
    before, after = (
        grid.experiment_hash(experiment, some) for some in (data, replace(data, films=twins))
    )
    assert before != after


def test_a_hash_depends_on_what_is_known_of_the_users(data):
    older = replace(data, people=data.people.assign(age=data.people["age"] + 1))
    experiment = EVERY_KIND["FM: hybrid"]
    assert grid.experiment_hash(experiment, data) != grid.experiment_hash(experiment, older)


@pytest.fixture
def code(monkeypatch, tmp_path):
    """Copies of the modules that results depend on; ``code(name, change)`` rewrites one."""
    for name in {*grid._CODE, *(name for model in grid.MODELS.values() for name in model.code)}:
        path = tmp_path / f"{name}.py"
        path.write_text((PACKAGE / f"{name.replace('.', '/')}.py").read_text(encoding="utf-8"))

    def place(module: str) -> SimpleNamespace:
        return SimpleNamespace(__file__=str(tmp_path / f"{module.removeprefix('mmrec.')}.py"))

    def change(name: str, how) -> None:
        path = tmp_path / f"{name}.py"
        path.write_text(how(path.read_text()))
        grid._code_digest.cache_clear()

    monkeypatch.setattr(grid, "import_module", place)
    grid._code_digest.cache_clear()
    yield change
    grid._code_digest.cache_clear()


def hashes(data) -> dict[str, str]:
    return {kind: grid.experiment_hash(e, data) for kind, e in EVERY_KIND.items()}


@pytest.fixture(scope="module")
def before(data) -> dict[str, str]:
    return hashes(data)


def renamed_models(before: dict[str, str], after: dict[str, str]) -> set[str]:
    return {EVERY_KIND[kind].model for kind in before if before[kind] != after[kind]}


def test_a_hash_depends_on_the_code_but_not_on_comments(data, code):
    experiment, found = Experiment("user mean", 0), []
    for text in (
        '"""One."""\n\ndef f(x):\n    """Two."""\n    return x + 1\n',
        '"""Another."""\n# why\ndef f(x):\n    return (x + 1)  # because\n',
        "def f(x):\n    return x + 2\n",
        'def f(x):\n    return "x"\n',
        'def f(x):\n    return "y"\n',
    ):
        code("models.biases", lambda _, text=text: text)
        found.append(grid.experiment_hash(experiment, data))
    assert found[0] == found[1]
    assert len(set(found)) == 4


ON_TOP = {
    "models.siamese": {"siamese"},
    "models.training": {"siamese", "siamese on ratings"},
    "models.factorisation_machine": {"FM: ids", "FM: ids and users", "FM: content", "FM: hybrid"},
    "models.item_knn": {"item kNN"},
    "models.matrix_factorisation": {"matrix factorisation"},
}


@pytest.mark.parametrize("module", ON_TOP)
def test_the_code_of_one_model_renames_no_results_of_another(data, code, before, module):
    code(module, lambda text: f"{text}\n\nCHANGED = 1\n")
    renamed = renamed_models(before, hashes(data))
    assert renamed == ON_TOP[module]


def test_the_biases_are_no_part_of_the_networks_or_the_machines_code(data, code, before):
    code("models.biases", lambda text: f"{text}\n\nCHANGED = 1\n")
    renamed = renamed_models(before, hashes(data))
    assert renamed >= set(grid.TRIVIAL)
    assert not {model for model in renamed if model.startswith(("siamese", "FM"))}


@pytest.mark.parametrize("module", grid._CODE)
def test_what_every_result_depends_on_renames_them_all(data, code, before, module):
    code(module, lambda text: f"{text}\n\nCHANGED = 1\n")
    assert all(name != before[kind] for kind, name in hashes(data).items())


@pytest.mark.parametrize("model", grid.MODELS)
def test_the_code_of_a_model_is_all_the_code_it_imports(model):
    """Modules of models that a model's modules import: a change there is a change of it."""
    counted = {name for name in grid.MODELS[model].code if name.startswith("models.")}
    for name in counted:
        tree = ast.parse((PACKAGE / f"{name.replace('.', '/')}.py").read_text(encoding="utf-8"))
        imported = set()
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module == "mmrec.models":
                imported |= {f"models.{alias.name}" for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module.startswith("mmrec.models."):
                imported.add(node.module.removeprefix("mmrec."))
        assert imported <= counted, name


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
        ({"masking": 1.0}, r"masking 1\.0 is no share"),
        ({"protocol": "hopeful"}, "unknown protocol 'hopeful'.*clean"),
        ({"features": "imagined"}, "unknown features 'imagined'"),
        ({"fold": "u6"}, "unknown fold 'u6'.*u1, u2.*both5"),
    ],
)
def test_an_unknown_name_is_told(wrong, what):
    with pytest.raises(StudyError, match=what):
        Experiment(**{"model": "siamese", "seed": 0, "modalities": ("meta",), **wrong})


@pytest.mark.parametrize("fold", ["u1", "both1"])
def test_a_learning_curve_that_cannot_be_is_told_before_anything_is_trained(
    workspace, monkeypatch, fold
):
    monkeypatch.setattr(training, "fit", no_training)
    with pytest.raises(StudyError, match=f"5 ratings cannot be given back in fold {fold}"):
        grid.run("cold", [("x", siamese("text", fold=fold, support_size=5))], workspace, n_jobs=1)


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

    def failing(name, experiment, where):
        if experiment.model in grid.TRIVIAL:
            raise StudyError("the disk is full", where="here", remedy="Free some space.")
        real(name, experiment, where)

    monkeypatch.setattr(grid, "_run", failing)
    with pytest.raises(StudyError, match="the disk is full"):
        grid.run("table1", ROWS[1:], workspace, n_jobs=1)
    assert len(list((workspace.results / "runs").iterdir())) == 1
