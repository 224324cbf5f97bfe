"""The small model of the web page: near the model it copies, and nothing in it that is not open."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from mmrec.errors import StudyError
from mmrec.recommending import open_model, page
from mmrec.recommending.people import Visitor
from mmrec.recommending.storing import Model
from mmrec.workspace import Workspace
from tests import served_models


@pytest.fixture
def model() -> Model:
    """One of open data, its first two ids one film, its third film without open description."""
    made = served_models.model()
    films = [replace(film, title=f"Film {film.movie_id}") for film in made.films]
    films[0] = replace(films[0], film_id=films[1].film_id)
    films[2] = replace(films[2], title="")
    about = {"features": {"facts-open": {}, "text-open": {}}}
    return replace(made, films=tuple(films), about=about)


def test_with_all_films_and_full_rank_it_is_the_model(model, tmp_path):
    made = page.export(model, tmp_path / "model.json", rank=40)
    assert len(made.films) == len(model.films) - 2
    names = [film["title"] for film in made.films]
    places = {film.title: place for place, film in enumerate(model.films)}
    ratings = {3: 5.0, 7: 1.0, 12: 4.0}
    small = made.person(ratings)
    at = np.array([places[names[place]] for place in ratings])
    whole = Visitor(model.served.visitor(), at, np.array(list(ratings.values())))
    everything = [places[name] for name in names]
    np.testing.assert_allclose(small.predictions, whole.predictions[everything], atol=2e-3)
    np.testing.assert_allclose(small.sds, whole.sds[everything], atol=2e-3)


def test_most_rated_films_come_first_and_each_film_once(model):
    made = page.small(model, films=6)
    counts = dict(zip([f.title for f in model.films], model.served.counts.tolist(), strict=True))
    found = [counts[film["title"]] for film in made.films]
    assert found == sorted(found, reverse=True)
    titles = [film["title"] for film in made.films]
    assert len(titles) == 6
    assert "" not in titles
    assert len({"Film 2", "Film 5"} & set(titles)) < 2


def test_blocks_and_the_rest_are_the_prediction(model):
    made = page.small(model, rank=40)
    person = made.person({1: 5.0, 4: 2.0})
    shares = made.shares(person)
    assert {"text", "genres", "rating", "level"} == set(shares)
    # A film of the model that has no say beyond its content: the shares are what a block adds.
    moved = person.predictions - made.mean
    assert np.corrcoef(sum(shares.values()), moved)[0, 1] > 0.5
    assert max(np.abs(one).max() for one in shares.values()) > 0.01


def test_the_file_says_nothing_that_is_not_open(model, tmp_path):
    path = tmp_path / "model.json"
    page.export(model, path)
    before, _, rest = path.read_text(encoding="utf-8").partition(" = ")
    assert before == "globalThis.smallModel"
    given = json.loads(rest.removesuffix(";\n"))
    assert set(given["films"][0]) == {"title", "year", "themes", "directors", "cast"}
    assert "user" not in {*given, *given["about"]}
    assert path.stat().st_size < 1_000_000
    closed = replace(model, about={"features": {"imdb": {}, "text-open": {}}})
    with pytest.raises(StudyError, match="imdb, which may not be published"):
        page.export(closed, path)


def test_a_file_of_another_kind_is_told(tmp_path):
    path = tmp_path / "model.json"
    path.write_text('{"films": []}')
    with pytest.raises(StudyError, match="not the file of a page"):
        page.SmallModel.read(path)


@pytest.mark.parametrize("rank", [2, 5])
def test_factors_are_those_of_a_covariance_that_has_them(rank):
    rng = np.random.default_rng(0)
    factor, rest = rng.normal(size=(30, rank)), rng.uniform(0.1, 1, 30)
    covariance = factor @ factor.T + np.diag(rest)
    found, diagonal = page.factorised(covariance, rank)
    assert np.abs(found @ found.T + np.diag(diagonal) - covariance).max() < 0.1
    assert (diagonal >= 0).all()


# --- the model of open data ---------------------------------------------------------------------


def test_open_facts_are_those_of_the_open_data_alone(tmp_path):
    movies = pd.DataFrame({"movie_id": [50, 1, 100_000], "film_id": [50, 1, 100_000]})
    movies["title"] = "of another source"
    made = open_model.described(movies, Workspace(tmp_path, tmp_path))
    assert made["title"].tolist() == ["Star Wars", "Toy Story", ""]
    assert made["directors"].tolist() == [["George Lucas"], ["John Lasseter"], []]
    assert made["year"].tolist()[:2] == [1977, 1995]
    assert "imdb_rating" not in made


def test_open_facts_are_shared_by_three_films_and_known_of_those_described():
    n = 6
    movies = pd.DataFrame(
        {
            "movie_id": range(1, n + 1),
            "film_id": range(1, n + 1),
            "title": [*"abcde", ""],
            "year": pd.array([1990, 1990, 1990, 1991, 1992, None], dtype="Int64"),
            "genres": [["war"], ["war", "art"], ["war"], ["art"], ["art"], []],
            "directors": [["x"], ["x"], ["x"], ["y"], ["y"], []],
            "cast": [["p"], ["q"], ["r"], ["s"], ["t"], []],
            "country": ["USA"] * 5 + [""],
            "language": ["English"] * 5 + [""],
            "period": ["1990s"] * 5 + [""],
        }
    )
    table = open_model.facts(movies)
    assert list(table.parts) == ["directors", "years", "themes", "setting"]
    assert table.movie_ids.tolist() == [1, 2, 3, 4, 5]
    at = table.parts["themes"]
    np.testing.assert_array_equal(table.vectors[:, at], [[0, 1], [1, 1], [0, 1], [1, 0], [1, 0]])
    assert table.vectors[:, table.parts["directors"]].ravel().tolist() == [1, 1, 1, 0, 0]
