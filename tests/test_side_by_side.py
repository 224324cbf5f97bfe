"""Chapter 13: one person's lists by several models, and a new film as more is told of it."""

from dataclasses import replace

import joblib
import numpy as np
import pandas as pd
import pytest

from mmrec.catalogue.tables import load
from mmrec.experiments.data import Data
from mmrec.recommending import answers, reason_plots, side_by_side, sizes, training
from mmrec.recommending.side_by_side import CONTROL, PROCESS
from mmrec.recommending.storing import Model
from tests import served_models, tiny

SAID = {"Film 101": 5, "Film 104": 4, "Film 107": 1, "A film that is not there": 5}


@pytest.fixture
def model() -> Model:
    """The model of :mod:`served_models`, each film with a title of its own."""
    made = served_models.model()
    films = tuple(replace(film, title=f"Film {film.movie_id}") for film in made.films)
    return replace(made, films=films)


@pytest.fixture
def ratings(model) -> dict[int, float]:
    return side_by_side.ratings_of(model, SAID)


def test_films_that_a_catalogue_lacks_are_left_out(model, ratings):
    named = {model.films[place].title: stars for place, stars in ratings.items()}
    assert named == {title: stars for title, stars in SAID.items() if "not there" not in title}


def test_reasons_by_film_add_up_and_the_strongest_comes_first(model, ratings):
    person = answers.visitor(model, ratings)
    (found,) = answers.explained(model, person, [20])
    rows = side_by_side.by_rating(model, ratings, found.reasons)
    named = {f"{model.films[place].name}: {stars:.0f}" for place, stars in ratings.items()}
    assert set(rows["film"]) == named
    assert rows["adds"].sum() + found.reasons.expected == pytest.approx(found.reasons.prediction)
    assert rows["lower_without"].abs().is_monotonic_decreasing


def test_blocks_add_up_to_the_prediction(model, ratings):
    rows = side_by_side.by_block(model, ratings, 3)
    assert len(rows) == 3
    assert rows.index[0] == side_by_side.listed(model, ratings)[0]
    parts = rows.drop(columns=["prediction", "sd", "80 % from", "to"])
    np.testing.assert_allclose(parts.sum(axis=1), rows["prediction"])
    assert {"text", "genres", "rating", "level", "beyond content", "everybody"} == set(parts)


def test_every_model_lists_films_that_the_person_has_not_rated(model, ratings):
    movies = pd.Index(tiny.movie_ids())
    users = pd.DataFrame({"user_id": sorted(tiny.ratings()["user_id"].unique())})
    films = pd.Series(movies, movies)
    data = Data(tiny.ratings(), users, movies, films, served_models.tables())
    lists = side_by_side.others(data, model, ratings)
    assert list(lists) == ["content and EASE", "likes from content", "EASE", "most popular"]
    rated = {model.films[place].name for place in ratings}
    for films_listed in lists.values():
        assert len(set(films_listed)) == len(films_listed) == 10
        assert not rated & set(films_listed)
    counts = tiny.ratings()["movie_id"].value_counts()
    popular = [int(name.split()[1]) for name in lists["most popular"]]
    assert counts[popular].mean() > counts.mean()


def test_lists_stand_side_by_side_with_what_they_share(model):
    names = [film.name for film in model.films]
    lists = {PROCESS: names[:10], CONTROL: names[5:15], "another": names[20:29]}
    table = side_by_side.ranks(lists)
    assert table.index.tolist() == list(range(1, 11))
    assert pd.isna(table.loc[10, "another"])
    shared = side_by_side.agreement(lists, model)
    assert shared[f"films shared with {PROCESS}"].tolist() == [10, 5, 0]
    assert shared[f"films shared with {CONTROL}"].tolist() == [5, 10, 0]


def test_the_model_is_the_served_one_and_the_control_knows_features_of_other_films(tmp_path):
    made = tiny.workspace(tmp_path)
    served_models.tables()["text"].save(made.features / "text.parquet")
    model, control = side_by_side.trained(made, n_jobs=1)
    assert training.is_current(made)
    assert (made.root / side_by_side.CONTROL_FOLDER).is_dir()
    real, block = (one.served.blocks["text: text"] for one in (model, control))
    assert block.present.sum() == real.present.sum()
    assert not np.allclose(block.columns, real.columns)


def test_both_are_the_same_if_trained_at_the_same_time(tmp_path):
    found = []
    for n_jobs in (1, 2):
        made = tiny.workspace(tmp_path / str(n_jobs))
        served_models.tables()["text"].save(made.features / "text.parquet")
        found.append(side_by_side.trained(made, n_jobs=n_jobs))
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one.served.mean, other.served.mean)


def test_they_are_trained_in_turn_where_memory_holds_one(tmp_path, monkeypatch):
    made, found = tiny.workspace(tmp_path), served_models.tables()
    found["text"].save(made.features / "text.parquet")
    need = training.size_of(load(made), {"text": found["text"]}).memory
    numbers, parallel = [], joblib.Parallel
    monkeypatch.setattr(
        side_by_side.joblib, "Parallel", lambda n_jobs: numbers.append(n_jobs) or parallel(1)
    )
    for free in (1.5 * need, 2.5 * need):
        monkeypatch.setattr(sizes, "_free", lambda free=free: free)
        side_by_side.trained(made, n_jobs=2)
    assert numbers == [1, 2]


def test_a_new_film_is_expected_with_an_interval(model, ratings):
    told = side_by_side.told(title="New")
    nothing = side_by_side.new_film(model, ratings, told, {})
    whole = served_models.tables()["text"]
    one = {"vectors": whole.vectors[:1], "part_present": whole.part_present[:1]}
    text = replace(whole, movie_ids=np.array([1]), **one)
    model = replace(model, about={"features": {"text": whole.provenance, "facts": {}}})
    more = side_by_side.new_film(model, ratings, told, {"text": text})
    assert nothing["80 % from"] < nothing["prediction"] < nothing["to"]
    assert more["prediction"] != pytest.approx(nothing["prediction"], abs=1e-3)


def test_figures_show_every_row():
    rows = pd.DataFrame({"film": ["a", "b"], "adds": [0.2, -0.1], "lower_without": [0.1, -0.1]})
    fig, ax = reason_plots.reasons(rows)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b"]
    assert len(ax.patches) == 2
    told = {"everybody": [3.0, 3.1], "prediction": [3.2, 4.0], "80 % from": [2, 3], "to": [4, 5]}
    fig, ax = reason_plots.expected(pd.DataFrame(told, index=["nothing", "all"]))
    assert [label.get_text() for label in ax.get_yticklabels()] == ["nothing", "all"]
    assert fig.legends
