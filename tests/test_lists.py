"""Models of lists: known answers, strangers, order of rows, a choice by validation alone."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from mmrec.errors import StudyError
from mmrec.evaluation import metrics
from mmrec.evaluation.protocols import SealedTest
from mmrec.features.table import FeatureTable
from mmrec.models import implicit, lists, registry, same_list
from mmrec.models.base import TrainingData
from mmrec.models.content_ease import ContentEaseConfig
from mmrec.models.content_likes import ContentLikesConfig
from mmrec.models.lists import MEASURE, Likes, validation_ndcg
from tests import tiny

SORTED = same_list.SortedConfig("imdb", "votes")
CONFIGS = {
    "most popular": same_list.MostPopularConfig(),
    "sorted": SORTED,
    "content": ContentLikesConfig(("imdb",), (1.0, 10.0)),
    "content and EASE": ContentEaseConfig(("imdb",), (1.0, 10.0), (10.0,), (0.5,), tastes=6),
    "EASE": implicit.EaseConfig((1.0, 10.0)),
    "iALS": implicit.ImplicitFactorsConfig((4,), (2.0,), (1.0, 5.0), epochs=3),
    "BPR": replace(implicit.BPR, decays=(1.0, 0.1), factors=4, epochs=3),
    "LightGCN": replace(implicit.LIGHTGCN, decays=(1.0, 0.1), factors=4, epochs=3),
}
LEARNED = ("most popular", "EASE", "iALS", "BPR", "LightGCN")


def votes(ids, values) -> FeatureTable:
    values = np.asarray(values, np.float64)[:, None]
    known = np.isfinite(values)
    return FeatureTable("imdb", ids, np.nan_to_num(values), {}, {"votes": slice(0, 1)}, known)


def training(train: pd.DataFrame, validation: pd.DataFrame, **tables: FeatureTable):
    movies = pd.Index(tiny.movie_ids())
    return TrainingData(
        train.assign(view=0), validation, (train,), pd.DataFrame(), movies, None, tables
    )


@pytest.fixture(scope="module")
def data() -> TrainingData:
    ratings = tiny.ratings()[["user_id", "movie_id", "rating"]]
    ids = tiny.movie_ids()
    known = np.where(np.arange(len(ids)) % 5, np.arange(len(ids)), np.nan)
    return training(ratings.iloc[:-125], ratings.iloc[-125:], imdb=votes(ids, known))


def frame(*rows) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["user_id", "movie_id", "rating"])


def test_likes_are_ratings_from_four_on():
    likes = Likes.of(frame((2, 9, 5), (1, 9, 3), (1, 4, 4)))
    assert (likes.users.tolist(), likes.movies.tolist()) == ([1, 2], [4, 9])
    assert likes.matrix.toarray().tolist() == [[1, 0], [0, 1]]
    assert likes.per_movie.to_dict() == {4: 1, 9: 1}
    assert likes.pairs.to_numpy().tolist() == [[1, 4], [2, 9]]


def test_validation_ndcg_by_hand():
    train = frame((1, 10, 5), (2, 20, 5), (2, 30, 2))
    validation = frame((1, 20, 5), (1, 30, 1), (2, 10, 4))
    scores = {10: 1.0, 20: 2.0, 30: 3.0}
    scorer = lists.everyone(pd.Series(scores))
    # User 1 may be listed 30, then 20, a hit at rank 2; user 2 is listed 10 alone, a hit at rank 1.
    found = validation_ndcg(scorer, training(train, validation))
    assert found == pytest.approx((1 / np.log2(3) + 1) / 2)


def test_new_movies_are_ranked_among_themselves():
    train = frame((1, 10, 5), (2, 20, 5))
    validation = frame((1, 30, 5), (1, 40, 1))
    scorer = lists.everyone(pd.Series({10: 9.0, 20: 8.0, 30: 2.0, 40: 1.0}))
    assert validation_ndcg(scorer, training(train, validation)) == 1


RATED = some.dictionaries(
    some.tuples(some.integers(1, 4), some.integers(10, 30)), some.integers(1, 5), min_size=2
)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(RATED, some.integers(1, 60))
def test_validation_ndcg_is_a_share_and_whole_for_the_best_lists(rated, seed):
    rows = [(user, movie, rating) for (user, movie), rating in rated.items()]
    train, validation = frame(*rows[::2]), frame(*rows[1::2])
    liked = validation[validation["rating"] >= 4]
    if liked.empty:
        return
    hits = set(liked[["user_id", "movie_id"]].itertuples(index=False, name=None))
    rng = np.random.default_rng(seed)

    def best(users, movies, /):
        return np.array([[float((u, m) in hits) for m in movies] for u in users])

    data = training(train, validation)
    assert validation_ndcg(best, data) == pytest.approx(1)
    assert 0 <= validation_ndcg(lambda u, m, /: rng.random((len(u), len(m))), data) <= 1


def test_validation_lists_are_scored_as_test_lists_are(data):
    model = implicit.EaseConfig((5.0,)).build().fit(data, seed=0)
    test = SealedTest(data.validation)
    users = data.validation["user_id"].unique()
    made = model.recommend(users, tiny.movie_ids(), data.train)
    films = pd.Series(tiny.movie_ids(), tiny.movie_ids())
    scores = metrics.score_lists(made, test, films)
    assert model.record[MEASURE] == pytest.approx(scores["ndcg_10"])


def test_no_validation_like_is_an_error():
    with pytest.raises(StudyError, match="no like"):
        validation_ndcg(lists.everyone(pd.Series()), training(frame((1, 10, 5)), frame()))


def test_most_popular_by_ratings_or_by_likes():
    # Movie 10 has three ratings and one like, movie 20 two of each.
    train = frame((1, 10, 5), (2, 10, 1), (3, 10, 2), (1, 20, 4), (2, 20, 5), (4, 30, 5))
    model = same_list.MostPopularConfig().build()
    for liked, disliked, counted in ((20, 10, "likes"), (10, 20, "ratings")):
        validation = frame((5, liked, 5), (5, disliked, 1))
        model.fit(training(train, validation), seed=0)
        assert model.chosen == {"counted": counted}
        assert model.score([5], [liked, disliked]).tolist() == [
            sorted(model.score([5], [10, 20])[0])[::-1]
        ]
    assert model.score([1, 77], [20, 10, 999]).tolist() == [[2, 3, 0]] * 2


def test_sorted_by_a_column_with_the_unknown_last():
    train = frame((1, 10, 5), (1, 20, 5))
    data = training(train, frame((1, 30, 5)), imdb=votes([10, 20, 30], [2.0, np.nan, -3.0]))
    model = SORTED.build().fit(data, seed=0)
    assert SORTED.features == ("imdb",)
    assert model.recommend([7], [10, 20, 30, 40], train)["movie_id"].tolist()[:2] == [10, 30]
    assert model.score([7], [20, 40]).tolist() == [[-4, -4]]


@pytest.mark.parametrize("part", ["votes", "rating"])
def test_what_is_no_single_column_cannot_be_sorted_by(part):
    wide = FeatureTable("imdb", [1], np.ones((1, 2)), {}, {"votes": slice(0, 2)})
    data = training(frame((1, 1, 5)), frame((1, 1, 5)), imdb=wide)
    with pytest.raises(StudyError, match="no single column"):
        same_list.SortedConfig("imdb", part).build().fit(data, seed=0)


def test_ease_by_its_closed_form(data):
    config = implicit.EaseConfig((5.0,))
    model = config.build().fit(data, seed=0)
    likes = Likes.of(data.train)
    x = likes.matrix.toarray()
    inverse = np.linalg.inv(x.T @ x + 5 * np.eye(x.shape[1]))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    found = model.score(likes.users, likes.movies)
    liked = x.any(axis=0)
    assert found[:, liked] == pytest.approx((x @ weights)[:, liked], abs=1e-4)


def test_implicit_factors_find_two_tastes():
    # Users 0-9 like movies 0-9 and users 10-19 movies 10-19; each has one of them left out.
    rows = [
        (user, movie, 5)
        for user in range(20)
        for movie in range(20)
        if user // 10 == movie // 10 and movie != user
    ]
    config = implicit.ImplicitFactorsConfig((2,), (5.0,), (0.1,))
    train, own = frame(*rows), frame(*((user, user, 5) for user in range(20)))
    model = config.build().fit(training(train, own), seed=0)
    lists = model.recommend(range(20), range(20), train, k=1)
    assert (lists["movie_id"] == lists["user_id"]).all()
    assert model.record[MEASURE] == 1


@pytest.mark.parametrize("name", CONFIGS)
def test_same_scores_whatever_the_order_of_the_rows(name, data):
    shuffled = replace(data, train=data.train.sample(frac=1, random_state=0))
    users, movies = [1, 2, 999], tiny.movie_ids()
    first, second = (
        CONFIGS[name].build().fit(d, seed=0).score(users, movies) for d in (data, shuffled)
    )
    assert np.array_equal(first, second)


@pytest.mark.parametrize("name", CONFIGS)
def test_a_model_of_lists_only_ranks(name, data):
    model = CONFIGS[name].build().fit(data, seed=0)
    assert not model.predicts_ratings
    with pytest.raises(StudyError, match="predicts no ratings"):
        model.predict(data.train)


@pytest.mark.parametrize("name", LEARNED)
def test_unknown_movies_score_alike_and_last_and_unknown_users_get_the_popular(name, data):
    model = CONFIGS[name].build().fit(data, seed=0)
    known, likes = tiny.movie_ids(), Likes.of(data.train)
    liked = likes.per_movie[likes.per_movie > 0].index
    scores = model.score(likes.users, [*liked, 998, 999])
    assert np.isfinite(scores).all()
    assert (scores[:, -1] == scores[:, -2]).all()
    assert (scores[:, :-2].min(axis=1) > scores[:, -1]).all()
    if name != "most popular":
        stranger = model.score([999], known)[0]
        assert stranger.argmax() == known.tolist().index(likes.per_movie.idxmax())


@pytest.mark.parametrize("name", LEARNED)
def test_the_best_validation_list_chooses_and_a_refit_takes_the_choice(name, data):
    model = CONFIGS[name].build().fit(data, seed=0)
    tuning = pd.DataFrame(model.record["tuning"])
    assert len(tuning) == 2
    best = tuning.loc[tuning[MEASURE].idxmax()]
    assert model.record[MEASURE] == best[MEASURE]
    assert {key: best[key] for key in model.chosen} == model.chosen
    nothing = data.validation.iloc[:0]
    again = (
        CONFIGS[name].build().fit(replace(data, validation=nothing), seed=0, chosen=model.chosen)
    )
    users = data.train["user_id"].unique()
    assert np.array_equal(*(m.score(users, tiny.movie_ids()) for m in (again, model)))


@pytest.mark.parametrize("config", [implicit.BPR, implicit.LIGHTGCN], ids=["BPR", "LightGCN"])
def test_pairwise_models_find_two_tastes(config):
    rows = [(u, m, 5) for u in range(20) for m in range(20) if u // 10 == m // 10 and u != m]
    train, own = frame(*rows), frame(*((user, user, 5) for user in range(20)))
    model = replace(config, decays=(0.1,), factors=4).build().fit(training(train, own), seed=0)
    lists = model.recommend(range(20), range(20), train, k=1)
    assert (lists["movie_id"] == lists["user_id"]).mean() > 0.9


@pytest.mark.parametrize("name", ["iALS", "BPR", "LightGCN"])
def test_the_seed_decides(name, data):
    first, second, third = (
        CONFIGS[name].build().fit(data, seed=seed).score([1, 2], tiny.movie_ids())
        for seed in (0, 0, 1)
    )
    assert np.array_equal(first, second)
    assert not np.array_equal(first, third)


@pytest.mark.parametrize("name", ["sorted", "content"])
def test_a_missing_table_is_named(name, data):
    assert CONFIGS[name].features == ("imdb",)
    with pytest.raises(StudyError, match="no 'imdb' features"):
        CONFIGS[name].build().fit(replace(data, features={}), seed=0)


@pytest.mark.parametrize("name", CONFIGS)
def test_configs_name_all_their_settings(name):
    config = CONFIGS[name]
    assert hash(config) == hash(replace(config))


def test_every_model_of_lists_is_tested_here():
    kinds = {type(config) for config in CONFIGS.values()}
    of_lists = {c for c in registry.MODELS.values() if not c.build().predicts_ratings}
    assert {type(config) for config in of_lists} == kinds
