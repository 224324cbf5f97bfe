"""Means, against figures worked out by hand."""

import pandas as pd
import pytest

from mmrec.models.means import MeanConfig
from tests import training_data

TRAIN = pd.DataFrame(
    [(1, 10, 5), (1, 20, 3), (2, 10, 2), (2, 30, 1), (3, 30, 4)],
    columns=["user_id", "movie_id", "rating"],
)
# A known pair, an unseen user, an unseen movie, neither ever seen.
PAIRS = pd.DataFrame(
    [(1, 30), (9, 30), (2, 90), (9, 90)], columns=["user_id", "movie_id"], index=[7, 3, 5, 1]
)


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        ("everything", [3, 3, 3, 3]),
        ("user", [4, 3, 1.5, 3]),
        ("movie", [2.5, 2.5, 3, 3]),
    ],
)
def test_means_and_what_stands_in_for_the_unseen(of, expected):
    model = MeanConfig(of).build().fit(training_data.of(TRAIN), seed=0)
    assert model.predict(PAIRS) == pytest.approx(expected)
    assert (model.chosen, model.record) == ({}, {})
