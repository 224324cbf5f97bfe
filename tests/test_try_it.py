"""The page "Try it": its file may be published, and its numbers are those of the Python model."""

import csv
import json
import os
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mmrec import open_data
from mmrec.catalogue import build
from mmrec.recommending import open_model, page, page_picture
from mmrec.recommending.lists import Wish
from mmrec.recommending.page import SmallModel
from mmrec.recommending.people import interval, without
from mmrec.study import try_it
from mmrec.study.stages import Run
from mmrec.workspace import PROJECT, Workspace
from tests import browser, served_models

FOLDER = PROJECT / "book" / try_it.FOLDER
MODEL, TASTE, PAGE = (FOLDER / name for name in ("model.js", "taste.js", "page.js"))
TOLD = {
    "format",
    "about",
    "films",
    "noise",
    "mean",
    "diagonal",
    "popularity",
    "rank",
    "factor",
    "blocks",
}
ABOUT = {
    "likes_count_as",
    "dislikes_count_as",
    "reach",
    "popularity",
    "diversity",
    "example",
    "scale",
    "content",
    "learned_from",
}
BLOCKS = {"text", "themes", "directors", "cast", "years", "setting", "level"}


@pytest.fixture(scope="module")
def model() -> SmallModel:
    return SmallModel.read(MODEL)


def html() -> str:
    """The page's own HTML, with its files where they are."""
    return browser.body_of(PROJECT / "book" / "try_it.md", FOLDER)


# --- what the file holds --------------------------------------------------------------------------


def test_the_file_holds_what_the_page_needs_and_nothing_else():
    given = json.loads(MODEL.read_text("utf-8").removeprefix(page._BEFORE).removesuffix(";\n"))
    assert set(given) == TOLD
    assert set(given["about"]) == ABOUT
    assert set(given["blocks"]) == BLOCKS
    assert all(
        set(film) == {"title", "year", "themes", "directors", "cast"} for film in given["films"]
    )
    assert MODEL.stat().st_size < 500_000
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 550_000


def test_its_numbers_are_those_of_a_model(model):
    n, rank = len(model.films), model.factor.shape[1]
    assert (n, rank) == (page.FILMS, page.RANK)
    for vector in (model.mean, model.diagonal, model.popularity):
        assert vector.shape == (n,)
        assert np.isfinite(vector).all()
    assert all(part.shape == (n, rank) for part in model.blocks.values())
    assert 1 < model.mean.min() < model.mean.max() < 5
    assert model.diagonal.min() >= 0
    assert 0 < model.noise < 2
    assert np.ptp(model.popularity) > 1
    assert len(model.about["example"]) == len(page.EXAMPLE)


def test_every_name_in_it_is_in_the_open_data(model):
    """A title, a person or a theme of another source would have another source's licence."""
    with (Path(open_data.__file__).parent / "movies.csv").open(
        encoding="utf-8", newline=""
    ) as file:
        ours = list(csv.DictReader(file))
    titles = {(row["title"], int(row["year"])) for row in ours}
    assert {(film["title"], film["year"]) for film in model.films} <= titles
    for column in ("themes", "directors", "cast"):
        known = {name for row in ours for name in row[column].split("|")}
        assert {name for film in model.films for name in film[column]} <= known


def test_it_names_no_user_and_nothing_of_imdb():
    text = MODEL.read_text("utf-8")
    assert not re.search(r"tt\d{6}|imdb|user_id|poster|https?:", text, re.I)
    words = re.findall(r'"([^"]*)"', re.sub(r'"data":"[^"]*"', "", text))
    assert max(map(len, words)) < 80  # no sentence of a synopsis


def test_the_picture_is_drawn_from_the_file(model):
    assert (FOLDER / try_it.PICTURE).read_text("utf-8") == page_picture.drawn(model)


def test_the_task_writes_both_files(tmp_path, monkeypatch):
    about = {"features": {"facts-open": {}, "text-open": {}}}
    trained = replace(served_models.model(), about=about)
    monkeypatch.setattr(open_model, "train", lambda workspace: trained)
    workspace = Workspace(tmp_path / "run", tmp_path / "cache")
    try_it.make(Run("smoke", workspace, book=tmp_path / "book"))
    made = SmallModel.read(tmp_path / "book" / try_it.FOLDER / try_it.MODEL)
    assert len(made.films) == len(trained.films)
    picture = tmp_path / "book" / try_it.FOLDER / try_it.PICTURE
    assert picture.read_text("utf-8") == page_picture.drawn(made)


def test_the_page_loads_nothing_from_elsewhere():
    for text in (html(), TASTE.read_text("utf-8"), PAGE.read_text("utf-8")):
        assert not browser.ELSEWHERE.search(text)


@pytest.mark.skipif("MMREC_MIRROR" not in os.environ, reason="MMREC_MIRROR is not set")
def test_the_file_is_what_the_code_makes_now(model, tmp_path):
    """Trains the model of open data, which takes a minute or two."""
    workspace = Workspace(tmp_path / "run", tmp_path / "cache")
    build.build(workspace)
    made = page.small(open_model.train(workspace))
    assert made.films == model.films
    for ratings in visitors(model):
        now, then = made.person(ratings), model.person(ratings)
        np.testing.assert_allclose(now.predictions, then.predictions, atol=0.02)
        np.testing.assert_allclose(now.sds, then.sds, atol=0.02)


# --- the same numbers in the browser --------------------------------------------------------------


def visitors(model: SmallModel) -> list[dict[int, float]]:
    """Ratings of made-up visitors: none, one, the example, and many."""
    rng = np.random.default_rng(3)
    many = rng.choice(len(model.films), 60, replace=False)
    return [
        {},
        {17: 1.0},
        dict(model.about["example"]),
        {int(film): float(rng.integers(1, 6)) for film in many},
    ]


WISHES = [
    {"top": 10, "themes": [], "years": [None, None], "popularity": 0.75, "diversity": 0.5},
    {"top": 5, "themes": ["love"], "years": [None, 1969], "popularity": 0.0, "diversity": 0.0},
    {"top": 7, "themes": [], "years": [1980, 1989], "popularity": 0.3, "diversity": 1.5},
]

ASKED = """
(() => {
  const model = taste.read(smallModel);
  const films = [0, 1, 99, 250, 499];
  return %s.map((ratings) => {
    const person = taste.visitor(model, ratings);
    return {
      predictions: person.predictions,
      sds: person.sds,
      contributions: films.map(person.contributions),
      differences: films.map(person.differences),
      shares: films.map((film) => Object.fromEntries(person.shares(film))),
      intervals: films.map((film) => [0, 1, 2].map((l) => taste.interval(model, person, film, l))),
      correlation: person.correlation(films),
      lists: %s.map((wish) => taste.listed(model, person, wish)),
    };
  });
})()
"""
FILMS = [0, 1, 99, 250, 499]


@browser.needed
def test_the_browser_computes_what_python_does(model, tmp_path):
    people = [model.person(ratings) for ratings in visitors(model)]
    given = json.dumps([list(ratings.items()) for ratings in visitors(model)])
    script = ASKED % (given, json.dumps(WISHES))
    told = browser.computed(script, [MODEL, TASTE], tmp_path)
    at = np.array(FILMS)
    for person, found in zip(people, told, strict=True):
        reach = model.about["reach"]
        expected = {
            "predictions": person.predictions,
            "sds": person.sds,
            "contributions": person.contributions(at),
            "differences": person.differences(at),
            "correlation": person.correlation(at),
            "intervals": [
                [interval(person.predictions[film], person.sds[film], one) for one in reach]
                for film in FILMS
            ],
        }
        for name, values in expected.items():
            ours, theirs = np.array(values), np.array(found[name])
            np.testing.assert_allclose(theirs, ours, atol=1e-4, err_msg=name)
        shares = model.shares(person)
        for film, of_one in zip(FILMS, found["shares"], strict=True):
            assert of_one == pytest.approx({k: v[film] for k, v in shares.items()}, abs=1e-4)
        assert found["lists"] == [
            model.listed(
                person,
                Wish(
                    wish["top"],
                    wish["themes"],
                    wish["years"],
                    popularity=wish["popularity"],
                    diversity=wish["diversity"],
                ),
            )
            for wish in WISHES
        ]


@browser.needed
def test_without_a_film_the_prediction_moves_by_what_the_page_says(model, tmp_path):
    (ratings,) = [one for one in visitors(model) if len(one) == 60]
    few = dict(list(ratings.items())[:8])
    script = """
      ((model, ratings) => {
        const whole = taste.visitor(model, ratings);
        return whole.rated.map((film, j) => {
          const fewer = taste.visitor(model, ratings.filter(([place]) => place !== film));
          return [250, 499].map((asked) => [
            whole.predictions[asked] - fewer.predictions[asked], whole.differences(asked)[j],
            model.mean[asked] + whole.contributions(asked).reduce((a, b) => a + b, 0),
            whole.predictions[asked]]);
        });
      })(taste.read(smallModel), %s)"""
    found = browser.computed(script % json.dumps(list(few.items())), [MODEL, TASTE], tmp_path)
    moved, said, added, predicted = np.moveaxis(np.array(found), -1, 0)
    np.testing.assert_allclose(moved, said, atol=1e-9)
    np.testing.assert_allclose(added, predicted, atol=1e-9)
    person = model.person(few)
    np.testing.assert_allclose(
        moved[:, 0],
        [person.predictions[250] - without(person, [j]).predictions[250] for j in range(8)],
        atol=1e-4,
    )
    assert np.abs(moved).max() > 0.05


# --- the page -------------------------------------------------------------------------------------


@browser.needed
def test_the_page_shows_the_example_and_its_list(model, tmp_path):
    script = """[...document.querySelectorAll("#try-it-list > li")].map(
      (item) => [item.querySelector(".try-it-name").textContent,
                 item.querySelector("strong").textContent])"""
    found = browser.computed(script, [], tmp_path, body=html())
    person = model.person(dict(model.about["example"]))
    places = page_picture.recommended(model)
    names = [f"{model.films[place]['title']} ({model.films[place]['year']})" for place in places]
    assert [name for name, _ in found] == names
    shown = [float(stars) for _, stars in found]
    np.testing.assert_allclose(shown, person.predictions[places].clip(1, 5), atol=0.051)


ACTED = """
(() => {
  const names = () => [...document.querySelectorAll("#try-it-list > li .try-it-name")]
    .map((one) => one.textContent);
  const rated = () => document.querySelectorAll("#try-it-rated > li").length;
  const first = names();
  document.getElementById("try-it-clear").click();
  const cleared = [rated(), document.getElementById("try-it-none").hidden];
  const find = document.getElementById("try-it-find");
  find.value = "toy st";
  find.dispatchEvent(new Event("input"));
  const offered = [...document.querySelectorAll("#try-it-found .try-it-name")]
    .map((one) => one.textContent);
  document.querySelector("#try-it-found input[value='5']").click();
  const focused = document.activeElement.value;
  const liked = names();
  document.querySelector("#try-it-list summary").click();
  return {first, cleared, offered, liked, rated: rated(), focused,
    said: document.getElementById("try-it-status").textContent,
    unlabelled: [...document.querySelectorAll("#try-it-app input, #try-it-app select")]
      .filter((one) => !one.labels.length).length};
})()
"""


@browser.needed
def test_rating_and_forgetting_films_changes_the_list(tmp_path):
    found = browser.computed(ACTED, [], tmp_path, body=html())
    assert found["cleared"] == [0, False]
    assert found["offered"] == ["Toy Story (1995)"]
    assert found["rated"] == 1
    assert found["focused"] == "5"  # the keyboard stays on the film
    assert found["said"].startswith("Toy Story (1995): 5 of 5 stars. First of your list: ")
    assert len(found["liked"]) == 10
    assert found["liked"] != found["first"]
    assert found["unlabelled"] == 0


@browser.needed
def test_titles_are_text_whatever_is_in_them(model, tmp_path):
    films = [{**film, "title": f"{browser.HOSTILE} {i}"} for i, film in enumerate(model.films)]
    given = tmp_path / "model.js"
    given.write_text(replace(model, films=films).text, encoding="utf-8")
    body = html().replace(MODEL.as_uri(), given.as_uri())
    browser.check_hostile_titles(body, "#try-it-list .try-it-name", tmp_path)


@browser.needed
def test_without_scripts_there_is_a_picture(tmp_path):
    found = browser.without_scripts(html(), tmp_path)
    assert re.search(r'<div class="try-it" id="try-it-app" hidden="">', found)
    assert re.search(r'<img src="[^"]*/picture.svg"', found)
    assert '<ol id="try-it-list"></ol>' in found
