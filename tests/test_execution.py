"""What an experiment leaves: scores and lists that can be recomputed, coverage, masks."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
import tiny
from kinds import EVERY_KIND, LISTS, RATINGS_ALONE, siamese
from results import CHANGES, PAIR, lists, of_pairs, predictions, ran
from sklearn.metrics import ndcg_score, precision_score, recall_score, root_mean_squared_error

from mmrec.evaluation import folds, protocols
from mmrec.experiments import execution, runner
from mmrec.experiments.execution import divide, execute, training_data
from mmrec.experiments.loading import load
from mmrec.experiments.spec import Experiment
from mmrec.models.base import Recommender

RATINGS = tiny.ratings()
ROWS = [
    ("meta+video", siamese("meta", "video")),
    ("text", siamese("text")),
    ("user mean", RATINGS_ALONE["user mean"]),
    ("FM: hybrid", EVERY_KIND["FM: hybrid"]),
    ("item kNN", EVERY_KIND["item kNN"]),
    ("EASE", LISTS["EASE"]),
]


@pytest.fixture
def workspace(tmp_path):
    return tiny.workspace(tmp_path)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A workspace in which :data:`ROWS` have run."""
    made = tiny.workspace(tmp_path_factory.mktemp("finished"))
    return made, runner.run("table1", ROWS, made, n_jobs=1)


@pytest.fixture(scope="module", params=["original", "other test"])
def changed(request, tmp_path_factory):
    """Ratings, runs and lists of every row."""
    _, how = CHANGES[request.param]
    ratings = RATINGS.copy()
    ratings.iloc[:125, 2] = how(ratings["rating"].to_numpy()[:125])
    runs, _, listed = ran(tmp_path_factory.mktemp("ran"), request.param, dict(ROWS))
    return ratings, runs, listed


def test_predictions_are_of_every_test_pair(finished):
    test = RATINGS.iloc[:125].reset_index(drop=True)
    found = predictions(*finished)
    assert found.keys() == dict(ROWS).keys() - {"EASE"}
    for stored in found.values():
        assert list(stored.columns) == [*PAIR, "prediction"]
        pd.testing.assert_frame_equal(stored[PAIR], test[PAIR])
        assert np.isfinite(stored["prediction"]).all()
        assert stored["prediction"].std() > 0


def test_scores_can_be_recomputed_from_the_stored_predictions(finished):
    made, runs = finished
    runs = runs.set_index("row")
    for row, stored in predictions(made, runs.reset_index()).items():
        run, pairs = runs.loc[row], stored.merge(RATINGS, on=PAIR)
        liked, found = pairs["rating"] >= 4, pairs["prediction"] >= 3.5
        clipped = pairs["prediction"].astype(float).clip(1, 5)
        assert run["n_test"] == len(pairs) == 125
        assert run["rmse"] == pytest.approx(root_mean_squared_error(pairs["rating"], clipped))
        assert run["precision"] == pytest.approx(100 * precision_score(liked, found))
        assert run["recall"] == pytest.approx(100 * recall_score(liked, found))


def test_a_model_that_only_ranks_has_list_scores_and_no_others(finished):
    run = finished[1].set_index("row").loc["EASE"]
    assert run[["rmse", "rmse_covered", "precision", "recall"]].isna().all()
    assert 0 < run["ndcg_10"] < 1
    assert (run["n_test"], run["coverage"]) == (125, 1)


@dataclass(frozen=True)
class Constant:
    """A model that says the same of every pair."""

    value: float
    features: ClassVar[tuple[str, ...]] = ()

    def build(self):
        return ConstantRecommender(self.value)


class ConstantRecommender(Recommender):
    def __init__(self, value):
        self.value = value

    def fit(self, data, *, seed, chosen=None):
        self.chosen, self.record = {}, {}
        return self

    def predict(self, pairs):
        return np.full(len(pairs), self.value)


def test_what_is_scored_is_what_is_stored(workspace):
    """A prediction that rounds up to the threshold on its way to the file counts as above it."""
    outcome = execute(Experiment(Constant(3.5 - 1e-9), 0), load(workspace))
    stored = outcome.predictions["prediction"]
    assert stored.dtype == np.float32
    assert (stored >= 3.5).all()
    assert outcome.record["recall"] == 100


class SureRecommender(ConstantRecommender):
    reach = (1.0, 2.0, 3.0)

    def predictive_sd(self, pairs):
        return np.full(len(pairs), 0.5)


@dataclass(frozen=True)
class Sure(Constant):
    def build(self):
        return SureRecommender(self.value)


def test_a_standard_deviation_is_stored_and_its_intervals_scored(workspace):
    outcome = execute(Experiment(Sure(3.0), 0), load(workspace))
    assert outcome.predictions["sd"].tolist() == [0.5] * len(outcome.predictions)
    ratings = RATINGS["rating"].iloc[:125]  # the test part of u1
    within = [(np.abs(ratings - 3) <= 0.5 * reach).mean() for reach in SureRecommender.reach]
    assert [outcome.record[f"within_{level}"] for level in (50, 80, 95)] == within
    without = execute(Experiment(Constant(3.0), 0), load(workspace))
    assert "sd" not in without.predictions
    assert "within_80" not in without.record


def test_coverage_counts_pairs_whose_movie_has_every_modality_whole(finished):
    movies = RATINGS["movie_id"].iloc[:125]
    video, text = (tiny.table(*args).movie_ids for args in (("video", 6, 25), ("text", 8, 36)))
    meta = tiny.table("meta", 12, 40, parts=tiny.META_PARTS)
    whole = meta.movie_ids[meta.part_present.all(axis=1)]
    assert 0 < len(whole) < 40
    coverage = finished[1].set_index("row")["coverage"]
    assert coverage["meta+video"] == (movies.isin(video) & movies.isin(whole)).mean()
    assert coverage["text"] == movies.isin(text).mean() < 1, "user vectors do not count"
    assert coverage["user mean"] == 1


def test_masking_leaves_every_training_rating_to_learn_from(workspace):
    data = load(workspace)
    whole, masked = (
        training_data(experiment, data, divide(experiment, data))
        for experiment in (siamese("text"), siamese("text", masking=0.8))
    )
    assert (len(whole.train), len(whole.validation)) == (450, 50)
    pd.testing.assert_frame_equal(whole.train, masked.train)
    pd.testing.assert_frame_equal(whole.validation, masked.validation)
    assert len(masked.views[-1]) < 0.3 * len(whole.views[-1])


def test_the_control_permutes_what_the_model_reads_and_nothing_else(workspace):
    data = load(workspace)
    real, control = siamese("text"), siamese("text", features="permuted")
    split = divide(real, data)
    seen = [training_data(experiment, data, split) for experiment in (real, control)]
    assert set(seen[1].features) == {"meta", "text"}
    for name, table in seen[1].features.items():
        assert table.digest != seen[0].features[name].digest
        np.testing.assert_array_equal(table.movie_ids, seen[0].features[name].movie_ids)
    assert seen[1].train is seen[0].train


# --- lists --------------------------------------------------------------------------------------


def test_every_user_of_the_test_part_gets_a_list_of_movies_not_rated_elsewhere(finished):
    test, rest = RATINGS.iloc[:125], of_pairs(RATINGS.iloc[125:])
    for found in lists(*finished).values():
        assert list(found.columns) == ["user_id", "rank", "movie_id"]
        assert set(found["user_id"]) == set(test["user_id"])
        assert not found.duplicated(PAIR).any()
        assert not of_pairs(found) & rest
        assert of_pairs(found) & of_pairs(test), "a test movie can be listed"
        assert found["movie_id"].isin(tiny.movie_ids()).all()
        for user, some in found.groupby("user_id"):
            unrated = tiny.N_MOVIES - (RATINGS.iloc[125:]["user_id"] == user).sum()
            assert some["rank"].tolist() == list(range(1, min(20, unrated) + 1))


@pytest.mark.parametrize("row", ["meta+video", "FM: hybrid", "item kNN"])
def test_predictions_order_the_lists(finished, row):
    stored, listed = predictions(*finished)[row], lists(*finished)[row]
    both = listed.merge(stored, on=PAIR).sort_values(["user_id", "rank"])
    steps = both.groupby("user_id")["prediction"].diff().dropna()
    assert len(steps) > 20
    assert (steps <= 1e-6).all()


@pytest.mark.parametrize("row", dict(ROWS))
def test_list_scores_can_be_recomputed_from_the_stored_lists(changed, row):
    ratings, runs, listed = changed
    liked = ratings.iloc[:125].query("rating >= 4")
    run, found = runs.loc[row], listed[row]
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
    data = load(made)
    for run, found in zip(runs.itertuples(), lists(made, runs).values(), strict=True):
        train = divide(dict(ROWS)[run.row], data).train
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


@pytest.fixture
def whole_lists(monkeypatch):
    """Lists of everything that may be listed."""
    monkeypatch.setattr(execution, "LIST_LENGTH", tiny.N_MOVIES)


@pytest.mark.parametrize("protocol", protocols.PROTOCOLS)
def test_what_a_list_may_hold_is_the_same_under_every_protocol(workspace, whole_lists, protocol):
    """Where the test part selects, its movies are no less to be found."""
    outcome = execute(replace(RATINGS_ALONE["movie mean"], protocol=protocol), load(workspace))
    users = RATINGS["user_id"].iloc[:125].unique()
    expected = {(user, movie) for user in users for movie in tiny.movie_ids()}
    assert of_pairs(outcome.recommendations) == expected - of_pairs(RATINGS.iloc[125:])
    assert outcome.record["ndcg_10"] > 0


@pytest.mark.parametrize(
    ("fold", "experiment"),
    [
        ("item1", EVERY_KIND["siamese"]),
        ("item2", RATINGS_ALONE["movie mean"]),
        ("both1", RATINGS_ALONE["item kNN"]),
        ("both3", EVERY_KIND["FM: content"]),
        ("item3", LISTS["most popular"]),
    ],
)
def test_lists_of_new_movies_hold_nothing_else(workspace, fold, experiment):
    experiment, data = replace(experiment, fold=fold), load(workspace)
    outcome, split = execute(experiment, data), divide(experiment, data)
    found = outcome.recommendations
    assert set(found["movie_id"]) <= set(split.cold_movies)
    assert set(found["user_id"]) == set(split.test.pairs["user_id"])
    assert outcome.record["popularity_candidates"] == 0, "nobody has rated them in training"


@pytest.mark.parametrize("fold", ["item1", "user1"])
def test_a_learning_curve_lists_the_same_candidates_at_every_point(
    workspace, monkeypatch, whole_lists, fold
):
    """What can be given back is never listed: with more of it, no list gets easier."""
    monkeypatch.setattr(folds, "MAX_SUPPORT", 12)
    data = load(workspace)
    curve = [
        replace(RATINGS_ALONE["movie mean"], fold=fold, support_size=size) for size in (0, 3, 12)
    ]
    outcomes = [execute(experiment, data) for experiment in curve]
    found = [of_pairs(outcome.recommendations) for outcome in outcomes]
    assert found[0] == found[1] == found[2]
    test = divide(curve[0], data).test.pairs
    assert found[0] & of_pairs(RATINGS) == of_pairs(test)
    assert len({outcome.record["n_test"] for outcome in outcomes}) == 1
    if fold == "item1":
        listed = [outcome.record["popularity_candidates"] for outcome in outcomes]
        assert listed == sorted(listed)
        assert listed[0] == 0


def test_the_two_ids_of_a_film_never_stand_in_one_list(workspace):
    path = workspace.catalogue / "movies.parquet"
    movies = pd.read_parquet(path)
    pairs = movies["movie_id"] // 6  # every second id is the other id of the film before
    movies["film_id"] = movies.groupby(pairs)["movie_id"].transform("min")
    movies.to_parquet(path)
    data = load(workspace)
    found = execute(RATINGS_ALONE["movie mean"], data).recommendations
    listed = found.assign(film_id=found["movie_id"].map(data.films))
    assert not listed.duplicated(["user_id", "film_id"]).any()
    assert data.films.nunique() < tiny.N_MOVIES
    assert (found.groupby("user_id")["rank"].max() > 5).all(), "later entries have moved up"
