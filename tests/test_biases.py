"""User and movie biases, against figures worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from mmrec.models.biases import DAMPINGS, BiasConfig, fit_biases
from tests import training_data

TRAIN = pd.DataFrame(
    [(1, 10, 5), (1, 20, 3), (2, 10, 2), (2, 30, 1), (3, 30, 4)],
    columns=["user_id", "movie_id", "rating"],
)
# A known pair, an unseen user, an unseen movie, neither ever seen.
PAIRS = pd.DataFrame(
    [(1, 30), (9, 30), (2, 90), (9, 90)], columns=["user_id", "movie_id"], index=[7, 3, 5, 1]
)


def additive() -> pd.DataFrame:
    """3.0 + bias of the movie + bias of the user, every pair rated."""
    of_user, of_movie = {1: 0.5, 2: -0.5, 3: 0.0}, {10: 1.0, 20: -0.25, 30: -0.75}
    return pd.DataFrame(
        [(u, m, 3 + a + b) for u, a in of_user.items() for m, b in of_movie.items()],
        columns=["user_id", "movie_id", "rating"],
    )


def chosen_by(train: pd.DataFrame, validation: pd.DataFrame):
    """The model whose damping suits the validation ratings best."""
    return BiasConfig().build().fit(training_data.of(train, validation), seed=0)


def test_one_sweep_of_biases_by_hand():
    # Mean 3; residuals 2, 0, -1, -2, 1. Movies, damped by 1: 10 -> 1/3, 20 -> 0, 30 -> -1/3.
    # Users: 1 -> (5/3 + 0)/3 = 5/9; 2 -> (-4/3 - 5/3)/3 = -1.
    found = fit_biases(TRAIN, damping=1, sweeps=1)(PAIRS)
    assert found == pytest.approx([3 + 5 / 9 - 1 / 3, 3 - 1 / 3, 3 - 1, 3])


def test_biases_without_damping_recover_an_additive_truth():
    truth = additive()
    assert fit_biases(truth, damping=0)(truth) == pytest.approx(truth["rating"])
    assert fit_biases(truth, damping=1e9)(truth) == pytest.approx(np.full(9, 3), abs=1e-6)


def test_the_damping_is_the_one_that_suits_the_validation():
    truth = additive()
    model = chosen_by(truth, truth)
    assert model.chosen == {"damping": 0}
    assert model.record["validation_rmse"] == pytest.approx(0, abs=1e-6)
    assert model.predict(truth) == pytest.approx(truth["rating"])
    flat = truth.assign(rating=3.0)
    model = chosen_by(truth, flat)
    strongest = max(DAMPINGS)
    assert model.chosen == {"damping": strongest}
    assert model.predict(truth) == pytest.approx(fit_biases(truth, strongest)(truth))


def test_every_damping_tried_is_on_record():
    rng = np.random.default_rng(0)
    train, validation = additive(), additive().assign(rating=rng.uniform(1, 5, 9))
    model = chosen_by(train, validation)
    record = model.record
    assert [tried["damping"] for tried in record["tuning"]] == list(DAMPINGS)
    for tried in record["tuning"]:
        predicted = fit_biases(train, tried["damping"])(validation).clip(1, 5)
        expected = np.sqrt(((predicted - validation["rating"]) ** 2).mean())
        assert tried["validation_rmse"] == pytest.approx(expected)
    best = min(record["tuning"], key=lambda tried: tried["validation_rmse"])
    assert best == {**model.chosen, "validation_rmse": record["validation_rmse"]}


def test_validation_ratings_choose_the_damping_and_nothing_else():
    rng = np.random.default_rng(0)
    train = additive().sample(frac=0.7, random_state=0)
    chosen = set()
    for _ in range(5):
        validation = additive().assign(rating=rng.uniform(1, 5, 9))
        model = chosen_by(train, validation)
        damping = model.chosen["damping"]
        assert model.predict(PAIRS) == pytest.approx(fit_biases(train, damping)(PAIRS))
        chosen.add(damping)
    assert len(chosen) > 1, "the validation does choose"


def test_a_predictor_takes_any_pairs_in_their_order():
    predict = fit_biases(additive(), damping=1)
    turned = PAIRS.iloc[::-1]
    assert predict(turned)[::-1] == pytest.approx(predict(PAIRS))
    assert predict(PAIRS.iloc[:0]).shape == (0,)
