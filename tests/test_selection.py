"""Settings are chosen by the validation ratings, and by nothing once they are given."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmrec.errors import StudyError
from mmrec.models import selection

VALIDATION = pd.DataFrame({"user_id": [1], "movie_id": [1], "rating": [4.0]})

VALUES = st.lists(st.floats(1, 5), min_size=1, max_size=4, unique=True)


def constant(settings):
    """Predicts what the settings say."""
    return lambda pairs: np.full(len(pairs), settings["to"])


def settings_of(values):
    return [{"to": value} for value in values]


def test_the_first_of_equals_is_taken():
    choice = selection.choose(constant, settings_of((2, 5, 9, 3)), VALIDATION)
    assert choice.settings == {"to": 5}  # 9 is clipped to 5, and 3 is as far away
    assert choice.fitted(VALIDATION) == [5]
    assert [row["validation_rmse"] for row in choice.tuning] == [2, 1, 1, 1]


@given(st.lists(st.floats(-3, 9), min_size=1, max_size=8))
def test_nothing_tried_is_better_than_what_is_chosen(values):
    choice = selection.choose(constant, iter(settings_of(values)), VALIDATION)
    errors = [row["validation_rmse"] for row in choice.tuning]
    assert [row["to"] for row in choice.tuning] == values
    assert choice.score == min(errors)
    assert choice.settings["to"] == values[errors.index(min(errors))]
    assert selection.validation_rmse(choice.fitted, VALIDATION) == min(errors)


def test_settings_are_chosen_in_turn():
    """Of a bowl whose lowest point is at 2 and 3, from 0 and 0."""
    validation = VALIDATION.assign(rating=1.0)

    def fit(settings):
        away = abs(settings["a"] - 2) + abs(settings["b"] - 3)
        return lambda pairs: np.full(len(pairs), 1 + away / 2)

    choice = selection.choose_in_turn(fit, {"a": (0, 1, 2), "b": (0, 3)}, validation)
    assert choice.settings == {"a": 2, "b": 3}
    assert choice.score == 0
    assert choice.fitted(validation) == [1]
    tried = [(row["a"], row["b"]) for row in choice.tuning]
    assert tried == [(0, 0), (1, 0), (2, 0), (2, 3)]


@given(st.lists(VALUES, min_size=1, max_size=3))
def test_a_search_in_turn_ends_at_the_best_of_what_it_tried(values):
    options = {str(number): some for number, some in enumerate(values)}

    def fit(settings):
        return lambda pairs: np.full(len(pairs), np.mean(list(settings.values())))

    choice = selection.choose_in_turn(fit, options, VALIDATION)
    tuning = choice.tuning
    assert len(tuning) == 1 + sum(len(some) - 1 for some in values)
    assert choice.score == min(row["validation_rmse"] for row in tuning)
    assert {**choice.settings, "validation_rmse": choice.score} in tuning


@pytest.mark.parametrize(
    "search",
    [
        lambda fit, **given: selection.choose(fit, settings_of((2, 3)), VALIDATION[:0], **given),
        lambda fit, **given: selection.choose_in_turn(fit, {"to": (2, 3)}, VALIDATION[:0], **given),
    ],
    ids=["choose", "choose_in_turn"],
)
def test_given_settings_are_taken_without_trying_any(search):
    fitted = []

    def fit(settings):
        fitted.append(settings)
        return constant(settings)

    choice = search(fit, chosen={"to": 7})
    assert fitted == [{"to": 7}]
    assert (choice.settings, choice.tuning) == ({"to": 7}, [])
    assert choice.fitted(VALIDATION) == [7]


def test_without_validation_ratings_nothing_is_chosen():
    with pytest.raises(StudyError, match=r"no validation ratings.*earlier fit chose"):
        selection.choose(constant, settings_of((2, 3)), VALIDATION[:0])
