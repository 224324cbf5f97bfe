"""The Gaussian process over pairs: against a dense one, and what it is made for."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mmrec.errors import StudyError
from mmrec.features.table import FeatureTable
from mmrec.models.base import TrainingData
from mmrec.models.pair_inference import Covariances, Observations, infer
from mmrec.models.pair_learning import Parts, learn_variances, updated
from mmrec.models.pair_prediction import Fitted
from mmrec.models.pair_process import PairProcess, PairProcessConfig
from mmrec.models.user_traits import choices, demographics
from tests import training_data
from tests.test_content_models import taste_world

N_USERS, N_MOVIES = 7, 9


def kernel(rng, size: int) -> np.ndarray:
    root = rng.normal(size=(size, size + 2))
    return root @ root.T / size


@pytest.fixture(params=[0, 2])
def small(request):
    """Twenty-five ratings of seven users, one of whom has none; with two traits, or none."""
    rng = np.random.default_rng(3)
    pair = rng.permutation((N_USERS - 1) * N_MOVIES)[:25]
    traits = rng.normal(size=(N_USERS, request.param))
    seen = Observations.of(
        pair // N_MOVIES,
        pair % N_MOVIES,
        rng.normal(size=25),
        traits,
        rng.normal(size=(N_MOVIES, 3)),
    )
    prior = Covariances(
        0.7, kernel(rng, N_MOVIES), kernel(rng, N_MOVIES), rng.uniform(0.1, 1, seen.n_effects)
    )
    return seen, prior


def dense(seen, prior, first, second):
    """Covariance of ratings without noise at two lists of pairs, written out in full."""
    (u, i), (v, j) = first, second
    found = prior.shared[np.ix_(i, j)] + (u[:, None] == v) * prior.taste[np.ix_(i, j)]
    design = [
        np.einsum("nd,np->ndp", seen.traits[a], seen.coordinates[b]).reshape(len(a), -1)
        for a, b in ((u, i), (v, j))
    ]
    return found + design[0] * prior.effects @ design[1].T


def test_inference_is_that_of_a_gaussian_process_over_all_pairs(small):
    seen, prior = small
    given = (seen.user, seen.movie)
    every = tuple(at.ravel() for at in np.indices((N_USERS, N_MOVIES)))
    covariance = dense(seen, prior, given, given) + prior.noise * np.eye(25)
    across = dense(seen, prior, every, given)
    solved = np.linalg.solve(covariance, across.T)
    mean, variance = solved.T @ seen.value, np.diag(dense(seen, prior, every, every))
    variance = variance - (across * solved.T).sum(axis=1) + prior.noise

    posterior = infer(seen, prior)
    ids = pd.Index(range(N_USERS)), pd.Index(range(N_MOVIES))
    fitted = Fitted.of(posterior, *ids, 0.0)
    np.testing.assert_allclose(fitted.grid(np.arange(N_USERS)).ravel(), mean, atol=1e-9)
    found = [fitted.variances(user, np.arange(N_MOVIES)) for user in range(N_USERS)]
    np.testing.assert_allclose(np.concatenate(found), variance, atol=1e-9)
    sign, determinant = np.linalg.slogdet(covariance)
    quadratic = seen.value @ np.linalg.solve(covariance, seen.value)
    expected = -(quadratic + determinant + 25 * np.log(2 * np.pi)) / 2
    assert sign == 1
    assert posterior.log_likelihood == pytest.approx(expected)


def test_the_order_of_ratings_is_of_no_account(small):
    seen, prior = small
    shuffled = np.random.default_rng(0).permutation(25)
    again = Observations.of(
        seen.user[shuffled],
        seen.movie[shuffled],
        seen.value[shuffled],
        seen.traits,
        seen.coordinates,
    )
    assert infer(again, prior).log_likelihood == infer(seen, prior).log_likelihood


def test_every_step_of_learning_raises_the_likelihood(small):
    seen, prior = small
    parts = Parts(
        {"one": prior.shared, "two": np.eye(N_MOVIES)},
        {"one": prior.taste, "level": np.ones((N_MOVIES, N_MOVIES))},
        {"all": np.ones(seen.n_effects)} if seen.n_effects else {},
    )
    path = [
        infer(seen, parts.covariances(learn_variances(seen, parts, rounds))).log_likelihood
        for rounds in range(5)
    ]
    assert np.all(np.diff(path) > 0)
    posterior = infer(seen, prior)
    for _ in range(2):
        after = updated(posterior)
        assert np.linalg.eigvalsh(after.covariances.taste).min() > -1e-9
        assert after.log_likelihood > posterior.log_likelihood
        posterior = after


def test_a_covariance_that_is_none_is_told():
    prior = Covariances(0.1, np.eye(2), np.array([[1.0, 3.0], [3.0, 1.0]]), np.zeros(0))
    seen = Observations.of(
        np.array([0, 0]), np.array([0, 1]), np.ones(2), np.zeros((1, 0)), np.ones((2, 1))
    )
    with pytest.raises(StudyError, match="not positive definite"):
        infer(seen, prior)


# --- the model ----------------------------------------------------------------------------------


def world(n_new: int = 10) -> tuple[TrainingData, pd.DataFrame]:
    """Ratings that content explains; the last movies are new, those before them choose."""
    frame, table = taste_world(n_users=40, n_movies=60)
    frame["rating"] += np.random.default_rng(1).normal(0, 0.4, len(frame))
    movies = np.sort(frame["movie_id"].unique())
    train, validation, test = (
        frame[frame["movie_id"].isin(some)] for some in np.split(movies, [-n_new - 8, -n_new])
    )
    ids = np.arange(1, 41)
    users = pd.DataFrame(
        {"user_id": ids, "age": 20 + ids, "gender": ["F", "M"] * 20, "occupation": "none"}
    )
    data = TrainingData(
        train.assign(view=0),
        validation,
        (train,),
        users,
        pd.Index(movies),
        features={table.modality: table},
    )
    return data, test


CONFIG = PairProcessConfig(("two",), choices=2, coordinates=2, rounds=4, max_updates=2)


@pytest.fixture(scope="module")
def fitted():
    data, test = world()
    return PairProcess(CONFIG).fit(data, seed=0), data, test


def test_new_films_are_predicted_from_content_with_honest_intervals(fitted):
    model, _, test = fitted
    error = model.predict(test) - test["rating"]
    assert np.sqrt((error**2).mean()) < 0.5  # noise is 0.4; without content it is about 1
    sd = model.predictive_sd(test)
    for level, reach in zip((0.5, 0.8, 0.95), model.reach, strict=True):
        assert (np.abs(error) <= reach * sd).mean() == pytest.approx(level, abs=0.1)


def test_where_content_is_missing_the_prediction_is_less_certain(fitted):
    model, data, test = fitted
    table = data.table("two")
    gone = np.sort(test["movie_id"].unique())[:5]
    there = ~np.isin(table.movie_ids, gone)
    vectors = table.vectors[there]
    lacking = FeatureTable("two", table.movie_ids[there], vectors, {}, dict(table.parts))
    without = PairProcess(CONFIG).fit(replace(data, features={"two": lacking}), seed=0)
    some = test[test["movie_id"].isin(gone)]
    assert without.predictive_sd(some).mean() > 1.3 * model.predictive_sd(some).mean()
    rest = test[~test["movie_id"].isin(gone)]
    assert without.predictive_sd(rest).mean() < 1.2 * model.predictive_sd(rest).mean()


def test_a_refit_takes_what_was_chosen_and_knows_more(fitted):
    model, data, test = fitted
    joined = replace(
        data,
        train=pd.concat([data.train, data.validation.assign(view=0)], ignore_index=True),
        validation=data.validation[:0],
    )
    again = PairProcess(CONFIG).fit(joined, seed=0, chosen=model.chosen)
    assert again.chosen == model.chosen
    assert again.predictive_sd(test).mean() < model.predictive_sd(test).mean()


def test_a_saved_model_predicts_the_same(fitted, tmp_path):
    model, _, test = fitted
    model.save(tmp_path)
    again = PairProcess.load(tmp_path)
    np.testing.assert_allclose(again.predict(test), model.predict(test), atol=1e-4)
    np.testing.assert_allclose(again.predictive_sd(test), model.predictive_sd(test), atol=1e-3)
    assert (again.config, again.reach) == (model.config, model.reach)
    (tmp_path / "model.safetensors").write_bytes(b"cut short")
    with pytest.raises(StudyError, match="holds no model"):
        PairProcess.load(tmp_path)


def test_who_was_not_in_the_data_is_told(fitted):
    model, _, test = fitted
    with pytest.raises(StudyError, match="user 99 was not in the data"):
        model.predict(test.assign(user_id=99))


# --- traits -------------------------------------------------------------------------------------


def test_traits_are_scaled_and_those_without_choices_are_in_the_centre():
    users = training_data.usual().users
    for part in demographics(users).values():
        assert (part**2).sum(axis=1).mean() == pytest.approx(1)
    user, movie = np.array([0, 0, 1, 2, 2]), np.array([0, 1, 1, 2, 3])
    found = choices(user, movie, (4, 5), 2)
    assert found.shape == (4, 2)
    assert not found[3].any()
    assert (found**2).sum(axis=1).mean() == pytest.approx(1)
    assert choices(user, movie, (4, 5), 0).shape == (4, 0)
