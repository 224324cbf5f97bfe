"""The error of a prediction: worked out by hand, and for whatever numbers there may be."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmrec.models import rating_scale

RATED = st.lists(
    st.tuples(st.floats(-20, 20, allow_nan=False), st.integers(1, 5)), min_size=1, max_size=30
)


def test_rmse_clips_to_the_scale():
    assert rating_scale.rmse([7.0, -3.0, 2.0], [5.0, 1.0, 4.0]) == pytest.approx(math.sqrt(4 / 3))


def test_errors_have_a_sign():
    assert rating_scale.errors([3, 9, 0], [4, 4, 2]).tolist() == [-1, 1, -1]


def test_nothing_predicted_has_no_error():
    assert math.isnan(rating_scale.rmse([], []))


@given(RATED)
def test_no_error_is_larger_than_the_scale_and_clipping_never_hurts(rated):
    prediction, rating = np.array(rated).T
    found = rating_scale.rmse(prediction, rating)
    assert 0 <= found <= 4
    assert found <= np.sqrt(((prediction - rating) ** 2).mean()) + 1e-12


@given(RATED)
def test_a_wider_number_format_changes_nothing(rated):
    prediction, rating = np.array(rated, np.float32).T
    assert rating_scale.rmse(prediction, rating) == rating_scale.rmse(
        prediction.astype(np.float64), rating.astype(np.int64)
    )
