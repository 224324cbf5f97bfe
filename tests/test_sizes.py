"""What a training takes is told before it begins, and refused if it is not there."""

from dataclasses import replace
from types import SimpleNamespace

import pandas as pd
import pytest

from mmrec.errors import StudyError
from mmrec.recommending import learning, sizes, training
from mmrec.recommending.sizes import Size
from tests import tiny

MOVIELENS = Size(943, 1_682, 100_000, 20_190_000, 12, 306)


def free(monkeypatch, gigabytes):
    memory = SimpleNamespace(available=gigabytes * 1e9)
    monkeypatch.setattr(sizes.psutil, "virtual_memory", lambda: memory)


def test_memory_is_about_what_movielens_was_measured_to_take():
    """The training of the reference's model took 3.4 GB at the most."""
    assert MOVIELENS.memory == pytest.approx(3.4e9, rel=0.1)


def test_memory_grows_with_users_times_films_and_with_the_square_of_films():
    many = Size(34_000, 10_000, 102_000, 306_000, 1, 90)
    assert many.memory > 8 * (many.users * many.films + 20 * many.films**2)
    assert replace(many, films=300).memory < 2e9
    users = replace(many, users=10_000_000)
    assert users.memory == pytest.approx(32 * users.users * users.films, rel=0.01)


def test_the_size_is_that_of_the_ratings():
    ratings = pd.DataFrame({"user_id": [1, 1, 1, 2]})
    given = {"users": 3, "films": 5, "blocks": 2}
    assert Size.of(ratings, **given, is_told=False) == Size(3, 5, 4, 10, 2, 90)
    assert Size.of(ratings, **given, is_told=True).effects == 306


def test_what_cannot_be_held_is_one_clear_line(monkeypatch):
    free(monkeypatch, 8)
    MOVIELENS.check()
    with pytest.raises(StudyError) as error:
        Size(34_000, 10_000, 102_000, 306_000, 1, 90).check()
    said = str(error.value)
    assert "102,000 ratings of 10,000 films by 34,000 users" in said
    assert "about 23 GB" in said
    assert "8 are free" in said
    assert "fewer films" in said
    assert "\n" not in said


def test_nothing_is_computed_of_what_cannot_be_held(tmp_path, monkeypatch):
    monkeypatch.setattr(learning, "fit", lambda *_, **__: pytest.fail("computed"))
    free(monkeypatch, 0.1)
    with pytest.raises(StudyError, match="of memory; 0 are free"):
        training.train(tiny.workspace(tmp_path), features=["text"])
