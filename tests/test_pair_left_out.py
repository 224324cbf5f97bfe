"""Leaving a movie out of a Gaussian process over pairs, against inference without its ratings."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mmrec.models.base import TrainingData
from mmrec.models.pair_inference import Observations, infer
from mmrec.models.pair_left_out import LeftOut, left_out
from mmrec.models.pair_prediction import Fitted
from mmrec.models.pair_process import PairProcess
from mmrec.models.rating_scale import rmse
from tests.test_pair_process import CONFIG, N_MOVIES, N_USERS, small, world

__all__ = ["small"]


def without_movies(seen, prior):
    """What each rating is beyond its prediction from the other movies, movie by movie."""
    ids = pd.Index(range(N_USERS)), pd.Index(range(N_MOVIES))
    found = []
    for movie in np.unique(seen.movie):
        kept = seen.movie != movie
        others = Observations.of(
            *(at[kept] for at in (seen.user, seen.movie, seen.value)),
            seen.traits,
            seen.coordinates,
        )
        grid = Fitted.of(infer(others, prior), *ids, 0.0).grid(np.arange(N_USERS))
        found.append(seen.value[~kept] - grid[seen.user[~kept], movie])
    return np.concatenate(found)


def test_residuals_are_those_of_inference_without_the_movie(small):
    found = left_out(infer(*small)).residual
    np.testing.assert_allclose(found, without_movies(*small), atol=1e-5)


@pytest.mark.parametrize("most", [1, 10, 25])
def test_only_so_many_ratings_are_left_out_and_a_movie_as_a_whole(small, most):
    seen, prior = small
    found = left_out(infer(seen, prior), most).residual
    whole, number = without_movies(seen, prior), np.bincount(seen.movie)
    assert len(found) <= max(most, number.max())
    start, matched = 0, 0
    for movie in np.unique(seen.movie):
        some = whole[start : start + number[movie]]
        start += number[movie]
        mine = found[matched : matched + len(some)]
        if len(mine) == len(some) and np.allclose(mine, some, atol=1e-5):
            matched += len(some)
    assert matched == len(found) > 0


def test_a_users_mean_is_drawn_towards_what_is_expected_of_all():
    found = LeftOut(np.array([2, 0, 2]), np.array([1.0, -0.5, 0.0])).by_user(4, 0.2, 3.0)
    expected = [(-0.5 + 3 * 0.2) / 4, 0.2, (1 + 3 * 0.2) / 5, 0.2]
    np.testing.assert_allclose(found, expected)


def chosen_well(liked: float, choosy: float) -> tuple[TrainingData, pd.DataFrame]:
    """A world where a share of the users rate a film the likelier the better it is."""
    data, test = world()
    rng = np.random.default_rng(0)
    own = pd.Series(rng.normal(size=len(data.movies)), data.movies)  # beside the content

    def some(ratings: pd.DataFrame) -> pd.DataFrame:
        worth = ratings["movie_id"].map(own)
        drawn = liked * worth * (ratings["user_id"] <= choosy * len(data.users))
        kept = rng.random(len(ratings)) < 1 / (1 + np.exp(2 - drawn))
        return ratings.assign(rating=ratings["rating"] + worth)[kept].reset_index(drop=True)

    train = some(data.train)
    views = (train[["user_id", "movie_id", "rating"]],)
    changed = replace(data, train=train, views=views, validation=some(data.validation))
    return changed, some(test)


def test_a_new_film_is_worth_what_the_training_ratings_say_of_films_left_out():
    """The better a film, the more it is rated: the likelihood, to which films are alike, errs."""
    data, test = chosen_well(2, 1)
    same = replace(CONFIG, dampings=())
    model = PairProcess(same).fit(data, seed=0)
    plain = PairProcess(replace(CONFIG, identity=False)).fit(data, seed=0)
    assert (plain.chosen["unrated"], plain.chosen["damping"]) == (0, None)
    assert model.chosen["unrated"] > 0.03
    again = PairProcess(same).fit(data, seed=0, chosen={**model.chosen, "unrated": 0.0})
    rated = test["movie_id"].isin(data.train["movie_id"])
    moved = model.predict(test) - again.predict(test)
    np.testing.assert_allclose(moved, np.where(rated, 0, model.chosen["unrated"]), atol=1e-9)


def test_users_differ_in_how_good_the_new_films_are_that_they_rate():
    data, test = chosen_well(3, 0.5)
    model = PairProcess(CONFIG).fit(data, seed=0)
    same = PairProcess(replace(CONFIG, dampings=())).fit(data, seed=0)
    assert (same.chosen["damping"], model.chosen["damping"] is not None) == (None, True)
    new = test[~test["movie_id"].isin(data.train["movie_id"])]
    moved = model.predict(new) - same.predict(new)
    choosy = new["user_id"] <= len(data.users) / 2
    assert moved[choosy].mean() > moved[~choosy].mean() + 0.05
    assert rmse(model.predict(new), new["rating"]) < rmse(same.predict(new), new["rating"])
    again = PairProcess(CONFIG).fit(data, seed=0, chosen=model.chosen)
    np.testing.assert_allclose(again.predict(test), model.predict(test), atol=1e-9)
