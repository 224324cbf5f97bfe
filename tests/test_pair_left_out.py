"""Leaving a movie out of a Gaussian process over pairs, against inference without its ratings."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mmrec.models.pair_inference import Observations, infer
from mmrec.models.pair_left_out import left_out_residuals
from mmrec.models.pair_prediction import Fitted
from mmrec.models.pair_process import PairProcess
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
    found = left_out_residuals(infer(*small))
    np.testing.assert_allclose(found, without_movies(*small), atol=1e-5)


@pytest.mark.parametrize("most", [1, 10, 25])
def test_only_so_many_ratings_are_left_out_and_a_movie_as_a_whole(small, most):
    seen, prior = small
    found = left_out_residuals(infer(seen, prior), most)
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


def test_a_new_film_is_worth_what_the_training_ratings_say_of_films_left_out():
    """The better a film, the more it is rated: the likelihood, to which films are alike, errs."""
    data, test = world()
    rng = np.random.default_rng(0)
    own = pd.Series(rng.normal(size=len(data.movies)), data.movies)  # beside the content
    train = data.train.assign(rating=data.train["rating"] + data.train["movie_id"].map(own))
    kept = rng.random(len(train)) < 1 / (1 + np.exp(2 - 2 * train["movie_id"].map(own)))
    popular = train[kept].reset_index(drop=True)
    views = (popular[["user_id", "movie_id", "rating"]],)
    changed = replace(data, train=popular, views=views)
    model = PairProcess(CONFIG).fit(changed, seed=0)
    plain = PairProcess(replace(CONFIG, identity=False)).fit(changed, seed=0)
    assert plain.chosen["unrated"] == 0
    assert model.chosen["unrated"] > 0.1
    again = PairProcess(CONFIG).fit(changed, seed=0, chosen={**model.chosen, "unrated": 0.0})
    rated = test["movie_id"].isin(popular["movie_id"])
    moved = model.predict(test) - again.predict(test)
    np.testing.assert_allclose(moved, np.where(rated, 0, model.chosen["unrated"]), atol=1e-9)
