"""Coordinate search: what is tried, what is taken, what is on record."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from mmrec.models.search import search


def quadratic(settings):
    return (settings["a"] - 2) ** 2 + (settings["b"] - settings["a"]) ** 2


def find(options, **choices):
    return search(lambda s: dict(s), options, quadratic, measure="loss", **choices)


def test_one_setting_after_the_other():
    found = find({"a": (0, 1, 2, 3), "b": (0, 2)})
    # From b = 0, a = 1 is best; from a = 1, b = 2 is no better than b = 0.
    assert found.settings == found.fitted == {"a": 1, "b": 0}
    assert found.score == 2
    tried = [(t["a"], t["b"], t["loss"]) for t in found.tuning]
    assert tried == [(0, 0, 4), (1, 0, 2), (2, 0, 4), (3, 0, 10), (1, 2, 2)]


def test_the_first_among_equals_stays():
    found = search(dict, {"x": (3, 1, 2)}, lambda s: 0.0, measure="loss")
    assert found.settings == {"x": 3}


@pytest.mark.parametrize(("largest", "expected"), [(True, 3), (False, 1)])
def test_the_largest_or_the_smallest_score(largest, expected):
    found = search(
        dict, {"x": (2, 3, 1)}, lambda s: float(s["x"]), measure="score", largest=largest
    )
    assert found.settings == {"x": expected}


def test_another_round_starts_from_what_was_chosen_and_repeats_nothing():
    options = {"b": (0, 1, 2), "a": (0, 1, 2, 3)}
    once, thrice = find(options), find(options, rounds=3)
    assert once.settings == {"b": 0, "a": 1}
    tried = [(t["a"], t["b"]) for t in thrice.tuning]
    assert len(tried) == len(set(tried))
    assert thrice.score <= once.score
    assert thrice.tuning[: len(once.tuning)] == once.tuning


def test_nothing_to_choose_is_one_fit():
    found = search(dict, {}, lambda s: 5.0, measure="loss")
    assert (found.settings, found.tuning) == ({}, [{"loss": 5.0}])


@settings(max_examples=50, deadline=None, derandomize=True)
@given(
    some.lists(some.lists(some.integers(0, 5), min_size=3, max_size=3), min_size=4, max_size=4),
    some.integers(1, 3),
    some.booleans(),
)
def test_what_is_taken_is_the_best_of_what_was_tried(losses, rounds, largest):
    options = {"row": range(4), "column": range(3)}
    found = search(
        dict,
        options,
        lambda s: float(losses[s["row"]][s["column"]]),
        measure="loss",
        largest=largest,
        rounds=rounds,
    )
    tried = [t["loss"] for t in found.tuning]
    assert found.score == (max if largest else min)(tried)
    assert {**found.settings, "loss": found.score} in found.tuning
    assert found.fitted == found.settings
    assert len({(t["row"], t["column"]) for t in found.tuning}) == len(tried) <= 12
