"""Models of content: known answers, new users and movies, order of rows, nothing from the test."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mmrec.experiments.content import LEVELS
from mmrec.features.table import FeatureTable
from mmrec.models.base import TrainingData
from mmrec.models.content_kernel_ridge import ContentKernelRidgeConfig
from mmrec.models.content_kernels import columns, completed, kernels, mean_kernel
from mmrec.models.content_likes import ContentLikesConfig
from mmrec.models.content_ridge import ContentRidgeConfig
from mmrec.models.straight_line import StraightLineConfig
from mmrec.models.user_means import UserMeans
from tests import tiny, training_data

CONFIGS = {
    "line": StraightLineConfig("meta", "rating"),
    "ridge": ContentRidgeConfig(("meta", "text"), (1, 100)),
    "kernel ridge": ContentKernelRidgeConfig(("meta", "text"), (1, 10), (1, 10)),
}


def numbers(ids, values, name="imdb", part="rating") -> FeatureTable:
    """A table of one number a movie; NaN is unknown."""
    values = np.asarray(values, np.float64)[:, None]
    known = np.isfinite(values)
    return FeatureTable(name, ids, np.nan_to_num(values), {}, {part: slice(0, 1)}, known)


def taste_world(
    n_users: int = 30, n_movies: int = 40, seed: int = 0
) -> tuple[pd.DataFrame, FeatureTable]:
    """Ratings made of a bias, of a number that all users like, and of one that they differ in.

    Returns:
        The ratings of all pairs, and the two numbers of each movie.
    """
    rng = np.random.default_rng(seed)
    content = rng.normal(size=(n_movies, 2))
    bias, taste = rng.normal(0, 0.3, n_users), rng.normal(0, 0.6, n_users)
    ids = np.arange(n_movies) * 3 + 2
    rating = 3 + bias[:, None] + 0.4 * content[:, 0] + taste[:, None] * content[:, 1]
    user, movie = (at.ravel() for at in np.indices((n_users, n_movies)))
    frame = pd.DataFrame({"user_id": user + 1, "movie_id": ids[movie], "rating": rating.ravel()})
    table = FeatureTable("two", ids, content, {}, {"a": slice(0, 1), "b": slice(1, 2)})
    return frame, table


def cold(config, frame: pd.DataFrame, table: FeatureTable):
    """The model fitted without the last ten movies, five of which choose, and what is left."""
    movies = np.sort(frame["movie_id"].unique())
    train, validation, test = (
        frame[frame["movie_id"].isin(some)] for some in np.split(movies, [-10, -5])
    )
    data = TrainingData(
        train.assign(view=0),
        validation,
        (train,),
        pd.DataFrame(),
        pd.Index(movies),
        features={table.modality: table},
    )
    return config.build().fit(data, seed=0), test


def rmse(model, test: pd.DataFrame) -> float:
    return float(np.sqrt(((model.predict(test) - test["rating"]) ** 2).mean()))


def test_user_means_leave_the_rating_itself_out():
    train = pd.DataFrame(
        {"user_id": [1, 1, 1, 2], "movie_id": [1, 2, 3, 1], "rating": [1, 2, 6, 3]}
    )
    means = UserMeans.of(train)
    assert means.of_others(train).tolist() == [4, 3.5, 1.5, 3]
    strangers = pd.DataFrame({"user_id": [1, 9], "movie_id": [1, 1]})
    assert means.of_pairs(strangers).tolist() == [3, 3]


def test_columns_are_centred_over_training_movies_and_flags_keep_their_scale():
    train = pd.DataFrame({"user_id": [1, 1, 1], "movie_id": [2, 5, 8], "rating": [1, 2, 3]})
    vectors = [[1, 0, 10], [0, 0, 20], [0, 1, 30], [1, 1, 70], [0, 0, 0]]
    present = [[True, True]] * 4 + [[True, False]]
    parts = {"flags": slice(0, 2), "number": slice(2, 3)}
    table = FeatureTable("t", [2, 5, 8, 11, 14], vectors, {}, parts, present)
    data = training_data.of(train, features={"t": table}, movies=pd.Index([2, 5, 8, 11, 14, 17]))
    found = columns(data, ["t"])
    values, known = found["t: flags"]
    assert known.tolist() == [True] * 5 + [False]
    # A flag that few movies share is no wider than one that many do.
    centred = np.array(vectors)[:, :2] - [1 / 3, 1 / 3]
    expected = centred / np.sqrt((centred[:3] ** 2).sum(axis=1).mean())
    assert values[:5] == pytest.approx(expected)
    assert values[5].tolist() == [0, 0]
    number, known = found["t: number"]
    assert number[:4, 0] == pytest.approx([-1.224745, 0, 1.224745, 6.123724])
    assert number[4:, 0].tolist() == [0, 0]
    assert known.tolist() == [True] * 4 + [False] * 2


def test_parts_that_training_movies_lack_are_left_out_and_may_leave_nothing():
    data = training_data.of(tiny.ratings(), features={"t": numbers([2], [1.0])})
    assert columns(data, ["t"]) == {}
    assert not mean_kernel(data, ["t"]).any()


def test_kernels_are_positive_semidefinite_and_zero_for_what_is_missing():
    data = training_data.usual()
    found = kernels(data, ["meta", "text"])
    assert list(found) == [*(f"meta: {part}" for part in tiny.META_PARTS), "text: text"]
    present = data.table("meta").matrix(data.movies)[1]
    for number, (name, kernel) in enumerate(found.items()):
        assert np.linalg.eigvalsh(kernel).min() > -1e-9, name
        if name.startswith("meta"):
            lacking = ~present[:, number]
            assert lacking.any()
            assert not kernel[lacking].any()
    assert mean_kernel(data, ["meta", "text"]) == pytest.approx(sum(found.values()) / 5)


def test_what_a_movie_lacks_is_guessed_from_what_it_has():
    rng = np.random.default_rng(3)
    ids = tiny.movie_ids()
    kind = rng.normal(size=(len(ids), 2))
    wide, other = kind @ rng.normal(size=(2, 6)), kind @ rng.normal(size=(2, 4))
    gone = np.arange(len(ids)) % 5 == 0
    features = {"wide": _wide(ids[~gone], wide[~gone]), "other": _wide(ids, other)}
    data = training_data.of(tiny.ratings(), features=features)
    there = training_data.of(tiny.ratings(), features={**features, "wide": _wide(ids, wide)})
    found, true = completed(data, ["wide", "other"]), columns(there, ["wide", "other"])
    part, expected = found["wide: all"], true["wide: all"].values[gone]
    assert (part.present == ~gone).all()
    error = ((part.values[gone] - expected) ** 2).sum() / (expected**2).sum()
    assert error < 0.6
    np.testing.assert_array_equal(
        part.values[~gone], columns(data, ["wide"])["wide: all"].values[~gone]
    )
    np.testing.assert_array_equal(found["other: all"].values, true["other: all"].values)
    # With no other part there is nothing to guess from.
    assert not completed(data, ["wide"])["wide: all"].values[gone].any()


def test_guesses_learn_from_rated_movies_alone():
    """A film that nobody has rated may be added to a catalogue without moving any other."""
    data = training_data.usual()
    ratings = data.train[data.train["movie_id"] != data.movies[3]]
    before = training_data.of(ratings)
    table = before.table("text")
    kept = table.movie_ids != before.movies[3]
    left = replace(
        table,
        movie_ids=table.movie_ids[kept],
        vectors=table.vectors[kept],
        part_present=table.part_present[kept],
    )
    without = training_data.of(ratings, features={**before.features, "text": left})
    rest = np.delete(np.arange(len(before.movies)), 3)
    names = ["text", "meta"]
    for name, part in completed(before, names).items():
        np.testing.assert_allclose(
            part.values[rest], completed(without, names)[name].values[rest], atol=1e-12
        )


def _wide(ids, vectors):
    return FeatureTable(
        "wide", ids, vectors.astype(np.float32), {}, {"all": slice(0, vectors.shape[1])}
    )


def test_a_straight_line_finds_its_coefficients():
    rng = np.random.default_rng(0)
    ids, crowd = np.arange(1, 301), rng.normal(7, 1, 300)
    crowd[::10] = np.nan
    user_means = rng.normal(3.5, 0.5, 50)
    user, movie = (at.ravel() for at in np.indices((50, 300)))
    # A movie without the number is worth half a star less than the mean one.
    worth = np.where(np.isnan(crowd), -0.5, 0.3 * (crowd - 7))
    rating = user_means[user] + worth[movie]
    frame = pd.DataFrame({"user_id": user, "movie_id": ids[movie], "rating": rating})
    train, test = frame[frame["movie_id"] <= 250], frame[frame["movie_id"] > 250]
    data = training_data.of(train, features={"imdb": numbers(ids, crowd)}, movies=pd.Index(ids))
    model = StraightLineConfig().build().fit(data, seed=0)
    assert rmse(model, test) < 0.01
    assert (model.chosen, model.record) == ({}, {})


def test_a_line_without_any_number_is_one_in_the_user_mean():
    data = training_data.of(tiny.ratings(), features={"imdb": numbers([], [])})
    model = StraightLineConfig().build().fit(data, seed=0)
    pairs = training_data.every_pair()
    found = pairs.assign(found=model.predict(pairs))
    assert (found.groupby("user_id")["found"].nunique() == 1).all()
    assert found["found"].nunique() > 20


def test_ridge_by_movies_is_ridge_by_ratings():
    """Against sklearn on a row per rating."""
    from sklearn.linear_model import Ridge

    data = training_data.usual()
    config = ContentRidgeConfig(("meta", "text"), (3.0,))
    model = config.build().fit(data, seed=0)
    means = UserMeans.of(data.train)
    inputs = np.hstack([part.values for part in columns(data, ["meta", "text"]).values()])
    at = data.movies.get_indexer(data.train["movie_id"])
    by_rating = Ridge(3.0).fit(inputs[at], data.train["rating"] - means.of_others(data.train))
    pairs = training_data.every_pair()
    expected = means.of_pairs(pairs) + by_rating.predict(
        inputs[data.movies.get_indexer(pairs["movie_id"])]
    )
    assert model.predict(pairs) == pytest.approx(expected)


def test_what_all_like_is_learned_by_both_and_what_each_likes_by_the_kernel_ridge():
    frame, table = taste_world()
    ridge, test = cold(ContentRidgeConfig(("two",), (1,)), frame, table)
    kernel, _ = cold(ContentKernelRidgeConfig(("two",), (1,), (0.1,)), frame, table)
    users = frame.groupby("user_id")["rating"].mean()
    by_mean = float(np.sqrt(((test["user_id"].map(users) - test["rating"]) ** 2).mean()))
    assert rmse(kernel, test) < 0.15 < 0.9 * rmse(ridge, test) < 0.9 * by_mean


def test_ratings_of_a_movie_say_more_than_its_content():
    """All films have the same content, and one of them is far better than the others."""
    rows = [
        (user, movie, 5.0 if movie == 2 else 2.0 + user % 2)
        for user in range(40)
        for movie in (2, 5, 8)
    ]
    train = pd.DataFrame(rows, columns=["user_id", "movie_id", "rating"])
    data = training_data.of(train, train, features={"t": numbers([2, 5, 8], [1.0, 1.0, 1.0], "t")})
    model = ContentKernelRidgeConfig(("t",)).build().fit(data, seed=0)
    better, worse = model.predict(pd.DataFrame({"user_id": [1, 1], "movie_id": [2, 5]}))
    assert better - worse > 1.5


def test_likes_of_content_list_new_films_of_each_taste():
    frame, table = taste_world(n_movies=60)
    liked = frame.assign(rating=(frame["rating"] >= 3.3) * 4 + 1)
    model, test = cold(ContentLikesConfig(("two",), (1, 10)), liked, table)
    scores = model.score(liked["user_id"].unique(), np.sort(test["movie_id"].unique()))
    hit = test["rating"].to_numpy().reshape(scores.shape) >= 4
    best = scores.argmax(axis=1)
    some = hit.any(axis=1)
    assert hit[np.arange(len(hit)), best][some].mean() > 0.9 > hit[some].mean() + 0.2
    assert not model.predicts_ratings
    assert set(model.chosen) == {"strength"}


def test_a_new_user_is_listed_what_the_content_makes_popular():
    frame, table = taste_world()
    liked = frame.assign(rating=(frame["rating"] >= 3) * 4 + 1)
    model, test = cold(ContentLikesConfig(("two",), (1,)), liked, table)
    movies, users = np.sort(test["movie_id"].unique()), liked["user_id"].unique()
    stranger = model.score([999], [*movies, 1000])[0]
    assert stranger[:-1] == pytest.approx(model.score(users, movies).mean(axis=0))
    assert stranger[-1] < stranger[:-1].min()


def test_closed_form_of_the_likes():
    data = training_data.usual()
    model = ContentLikesConfig(("meta", "text"), (2.0,)).build().fit(data, seed=0)
    kernel = mean_kernel(data, ["meta", "text"])
    liked = data.train[data.train["rating"] >= 4]
    users = np.sort(data.train["user_id"].unique())
    x = np.zeros((len(users), len(data.movies)))
    x[np.searchsorted(users, liked["user_id"]), data.movies.get_indexer(liked["movie_id"])] = 1
    trained = data.movies.isin(data.train["movie_id"])
    inner = kernel[trained][:, trained] + 2 * np.eye(trained.sum())
    expected = x[:, trained] @ np.linalg.solve(inner, kernel[trained])
    assert model.score(users, data.movies) == pytest.approx(expected)


@pytest.mark.parametrize("name", CONFIGS)
def test_strangers_get_finite_ratings_whatever_else_is_asked(name):
    model = CONFIGS[name].build().fit(training_data.usual(), seed=0)
    pairs = pd.DataFrame([(1, 999), (999, 2), (999, 999), (1, 2)], columns=["user_id", "movie_id"])
    found = model.predict(pairs)
    assert np.isfinite(found).all()
    assert found == pytest.approx([float(model.predict(pairs[i : i + 1])[0]) for i in range(4)])


@pytest.mark.parametrize("name", [*CONFIGS, "likes"])
def test_the_order_of_the_rows_does_not_matter(name):
    config = CONFIGS.get(name, ContentLikesConfig(("meta", "text"), (1, 10)))
    data = training_data.usual()
    shuffled = replace(data, train=data.train.sample(frac=1, random_state=0))
    first, second = (config.build().fit(one, seed=0) for one in (data, shuffled))
    assert first.chosen == second.chosen
    users = training_data.PEOPLE["user_id"]
    assert first.score(users, data.movies) == pytest.approx(second.score(users, data.movies))


def test_levels_of_content_contain_each_other_and_no_praise_before_the_crowd():
    strict, encyclopedia, crowd = LEVELS.values()
    assert set(strict) < set(encyclopedia) < set(crowd)
    assert set(crowd) - set(encyclopedia) == {"imdb"}
    assert not {"facts", "meta", "genres-rating"} & set(crowd), "they carry the IMDb rating"
