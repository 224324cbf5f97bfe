"""Content and EASE in one: known answers, the closed forms, and what is left to what."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mmrec.models import taste_process
from mmrec.models.content_ease import ContentEaseConfig
from mmrec.models.lists import Likes
from mmrec.models.taste_process import PRESENCE, Regression, Tastes
from tests import tiny, training_data
from tests.test_content_models import cold, taste_world

CONFIG = ContentEaseConfig(("meta", "text"), (2.0,), (5.0,), (0.5,), tastes=8)


def liked_world(**size):
    frame, table = taste_world(**size)
    return frame.assign(rating=(frame["rating"] >= 3.3) * 4 + 1), table


def signal(train: pd.DataFrame, rated: float) -> np.ndarray:
    """Users by movies of the training part, ascending."""
    wide = train.pivot(index="user_id", columns="movie_id", values="rating")
    return (wide >= 4).to_numpy(float) + rated * wide.notna().to_numpy(float)


def test_kernels_are_normalised_and_told_by_name():
    data = training_data.usual()
    found = taste_process.content_kernels(data, ("meta", "text"))
    trained = data.movies.isin(data.train["movie_id"])
    parts = [*(f"meta: {part}" for part in tiny.META_PARTS), "text: text"]
    assert list(found)[: len(parts)] == parts
    assert PRESENCE in found
    assert len(found) == len(parts) + 1 + len(parts) * (len(parts) - 1) / 2
    for name, kernel in found.items():
        assert np.diag(kernel)[trained].mean() == pytest.approx(1), name
        assert np.linalg.eigvalsh(kernel).min() > -1e-9, name
    start = taste_process.start(found)
    assert sum(start.values()) == pytest.approx(1)
    assert [name for name, weight in start.items() if weight] == parts


def test_wide_parts_enter_no_pair_and_no_content_gives_no_kernel():
    data = training_data.usual()
    wide = tiny.table("wide", taste_process.NARROW + 1, 36)
    found = taste_process.content_kernels(
        replace(data, features={**data.features, "wide": wide}), ("text", "wide")
    )
    assert list(found) == ["text: text", "wide: wide", PRESENCE]
    unknown = replace(wide, part_present=np.zeros_like(wide.part_present))
    none = taste_process.content_kernels(replace(data, features={"wide": unknown}), ("wide",))
    assert none == {}


def test_tastes_rebuild_the_likes_from_the_strongest_on():
    likes = np.random.default_rng(0).integers(0, 2, (12, 9)).astype(float)
    whole, some = Tastes.of(likes, 50), Tastes.of(likes, 3)
    assert whole.users @ whole.movies.T == pytest.approx(likes)
    assert whole.strength.mean() == pytest.approx(1)
    assert some.strength == pytest.approx(whole.strength[:3])
    assert (np.diff(whole.strength) <= 0).all()
    assert (whole.users.sum(axis=0) >= 0).all()
    # Twice the strength, half the penalty; without the power all alike.
    assert whole.noise(6, 1) == pytest.approx(6 / whole.strength)
    assert whole.noise(6, 0) == pytest.approx(6)


def test_films_left_out_are_predicted_as_by_solving_without_them():
    rng = np.random.default_rng(1)
    content, targets = rng.normal(size=(10, 4)), rng.normal(size=(10, 2))
    kernel, penalties = content @ content.T, np.array([0.5, 3.0])
    found = Regression(kernel, targets, penalties).left_out()
    for film in range(10):
        rest = np.delete(np.arange(10), film)
        for taste, penalty in enumerate(penalties):
            inner = kernel[np.ix_(rest, rest)] + penalty * np.eye(9)
            expected = kernel[film, rest] @ np.linalg.solve(inner, targets[rest, taste])
            assert found[film, taste] == pytest.approx(expected)


def test_without_content_it_is_ease():
    data = training_data.usual()
    config = replace(CONFIG, shares=(0,), rated=0)
    model = config.build().fit(data, seed=0)
    likes = Likes.of(data.train)
    x = likes.matrix.toarray()
    inverse = np.linalg.inv(x.T @ x + 5 * np.eye(x.shape[1]))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    assert model.score(likes.users, likes.movies) == pytest.approx(x @ weights)


def test_weights_between_movies_solve_the_constrained_least_squares():
    """No column can be improved, and none uses its own movie."""
    data = training_data.usual()
    model = CONFIG.build().fit(data, seed=0)
    users = np.sort(data.train["user_id"].unique())
    movies = np.sort(data.train["movie_id"].unique())
    x = signal(data.train, 0.5)
    kernels = taste_process.content_kernels(data, CONFIG.content)
    kernel = taste_process.weighted(kernels, model.chosen["weights"], len(data.movies))
    at = data.movies.get_indexer(movies)
    tastes = Tastes.of(x, 8)
    left_out = Regression(
        kernel[np.ix_(at, at)], tastes.movies, tastes.noise(2.0, CONFIG.power)
    ).left_out()
    content = 0.5 * tastes.users @ left_out.T
    expected = np.empty_like(content)
    for movie in range(len(movies)):
        rest = np.delete(np.arange(len(movies)), movie)
        inner = x[:, rest].T @ x[:, rest] + 5 * np.eye(len(rest))
        target = x[:, movie] - content[:, movie]
        expected[:, movie] = x[:, rest] @ np.linalg.solve(inner, x[:, rest].T @ target)
    assert model.score(users, movies) == pytest.approx(content + expected)


def test_new_films_are_listed_by_taste_whatever_the_share():
    frame, table = liked_world(n_movies=60)
    config = ContentEaseConfig(("two",), (1,), (10,))
    for share in (0, 0.5):
        model, test = cold(replace(config, shares=(share,)), frame, table)
        scores = model.score(frame["user_id"].unique(), np.sort(test["movie_id"].unique()))
        hit = test["rating"].to_numpy().reshape(scores.shape) >= 4
        some = hit.any(axis=1)
        assert hit[np.arange(len(hit)), scores.argmax(axis=1)][some].mean() > 0.9
        assert hit[some].mean() < 0.7


def test_only_known_films_choose_what_concerns_ease():
    frame, table = liked_world()
    config = ContentEaseConfig(("two",), (1, 2), (10, 20), (0.5, 0))
    model, _ = cold(config, frame, table)
    tried = pd.DataFrame(model.record["tuning"])
    assert tried.nunique()[["noise", "regularisation", "share"]].tolist() == [2, 1, 1]
    warm = config.build().fit(
        replace(training_data.usual(), features={"two": tiny.table("two", 5, 36)}), seed=0
    )
    tried = pd.DataFrame(warm.record["tuning"])
    assert tried.nunique()[["noise", "regularisation", "share"]].tolist() == [2, 2, 2]


def test_a_pair_of_parts_gets_a_weight_where_films_are_liked_for_both_together():
    frame, table = taste_world(n_users=40, n_movies=120)
    of_both = pd.Series(table.vectors.prod(axis=1), table.movie_ids)
    liked = frame.assign(rating=(frame["movie_id"].map(of_both) > 0) * 4 + 1)
    config = ContentEaseConfig(("two",), (1,), (10,))
    model, _ = cold(config, liked, table)
    weights = model.chosen["weights"]
    assert weights["two: a * two: b"] > 0
    new = np.sort(liked["movie_id"].unique())[-10:]
    hit = of_both[new].to_numpy() > 0
    scores = model.score([1], new)[0]
    assert scores[hit].mean() > scores[~hit].mean() + 0.3
    # A gain that is too small changes nothing.
    model, _ = cold(replace(config, step=1e9), liked, table)
    assert model.chosen["weights"]["two: a * two: b"] == 0


def test_a_refit_takes_the_weights_of_the_kernels_too():
    data = training_data.usual()
    model = replace(CONFIG, noises=(2, 20)).build().fit(data, seed=0)
    nothing = replace(data, validation=data.validation.iloc[:0])
    again = CONFIG.build().fit(nothing, seed=0, chosen=model.chosen)
    assert (again.chosen, again.record) == (model.chosen, {})
    users = data.train["user_id"].unique()
    assert np.array_equal(*(one.score(users, data.movies) for one in (model, again)))
    other = {**model.chosen, "weights": {"text: text": 1.0}}
    changed = CONFIG.build().fit(nothing, seed=0, chosen=other)
    assert not np.allclose(changed.score(users, data.movies), model.score(users, data.movies))


def test_a_new_user_gets_the_mean_of_all_scores():
    data = training_data.usual()
    model = CONFIG.build().fit(data, seed=0)
    users = np.sort(data.train["user_id"].unique())
    stranger = model.score([999], data.movies)[0]
    assert stranger == pytest.approx(model.score(users, data.movies).mean(axis=0))


def test_no_content_at_all_leaves_ease():
    text = tiny.table("text", 8, 36)
    unknown = replace(text, part_present=np.zeros_like(text.part_present))
    data = replace(training_data.usual(), features={"text": unknown})
    model = replace(CONFIG, content=("text",)).build().fit(data, seed=0)
    assert model.chosen["weights"] == {}
    assert np.isfinite(model.score([1, 999], data.movies)).all()
