"""Scores, against scikit-learn."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import precision_score, recall_score, root_mean_squared_error

from mmrec.evaluation import metrics
from mmrec.evaluation.protocols import SealedTest


def sealed(ratings) -> SealedTest:
    n = len(ratings)
    return SealedTest(
        pd.DataFrame({"user_id": np.arange(n), "movie_id": np.arange(n), "rating": ratings})
    )


@pytest.fixture
def scored():
    rng = np.random.default_rng(5)
    ratings = rng.integers(1, 6, 400)
    prediction = (ratings + rng.normal(0, 1.5, 400)).astype(np.float32)
    assert prediction.min() < 1
    assert prediction.max() > 5
    return prediction, ratings, rng.random(400) < 0.7


def test_scores_are_those_of_scikit_learn(scored):
    prediction, ratings, covered = scored
    found = metrics.score(prediction, sealed(ratings), covered)
    clipped = prediction.clip(1, 5).astype(np.float64)
    liked, predicted = ratings >= 4, prediction >= 3.5
    assert found == pytest.approx(
        {
            "rmse": root_mean_squared_error(ratings, clipped),
            "rmse_covered": root_mean_squared_error(ratings[covered], clipped[covered]),
            "precision": 100 * precision_score(liked, predicted),
            "recall": 100 * recall_score(liked, predicted),
            "n_test": 400,
            "coverage": covered.mean(),
        },
        rel=1e-9,
    )
    assert root_mean_squared_error(ratings, prediction) > found["rmse"] + 0.01, "clipping counts"


def test_thresholds_belong_to_the_liked():
    # True 4 is liked, 3 is not; predicted 3.5 is, 3.4999 is not.
    test = sealed([4, 3, 4, 3])
    assert metrics.precision_recall(np.array([3.5, 3.5, 3.4999, 3.4999]), test) == (50, 50)


def test_nothing_covered_or_predicted_liked_or_liked_is_not_a_number(scored):
    prediction, ratings, _ = scored
    low = metrics.score(np.full(400, 2.0), sealed(ratings), np.zeros(400, bool))
    assert np.isnan(low["precision"])
    assert low["recall"] == 0
    assert np.isnan(low["rmse_covered"])
    assert low["coverage"] == 0
    assert np.isfinite(low["rmse"])
    nobody = metrics.score(prediction, sealed(np.full(400, 2)), np.ones(400, bool))
    assert np.isnan(nobody["recall"])
    assert nobody["precision"] == 0


def test_squared_errors_keep_the_order_of_the_pairs():
    found = metrics.squared_errors(np.array([9, 2.5, -1]), sealed([5, 4, 3]))
    assert found.tolist() == [0, 2.25, 4]


def test_errors_are_positive_where_the_prediction_is_too_high():
    found = metrics.errors(np.array([9, 2.5, -1]), sealed([4, 4, 3]))
    assert found.tolist() == [1, -1.5, -2]


def test_intervals_hold_the_share_of_ratings_that_lies_within_them():
    prediction, sd = np.array([3.0, 3.0, 3.0, 1.0]), np.array([1.0, 2.0, 0.5, 1.0])
    found = metrics.calibration(prediction, sd, (0.7, 1.2, 2.1), sealed([4, 4, 4, 1]))
    # Away by 1, 0.5, 2 and 0 standard deviations.
    assert [found[f"within_{level}"] for level in (50, 80, 95)] == [0.5, 0.75, 1.0]
    assert found["sd_mean"] == 1.125
    assert found["width_80"] == pytest.approx(2 * 1.2 * 1.125)
