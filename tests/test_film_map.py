"""The page "Map of the films": its file may be published, and its neighbours are the nearest."""

import csv
import json
import os
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mmrec import open_data
from mmrec.catalogue.tables import Catalogue
from mmrec.errors import StudyError
from mmrec.features.table import FeatureTable
from mmrec.recommending import film_map, film_map_picture, film_spaces
from mmrec.recommending.film_map import GROUPS, NEIGHBOURS, FilmMap
from mmrec.recommending.film_spaces import Vectors
from mmrec.recommending.served import TASTE
from mmrec.study import film_map as task
from mmrec.study.stages import Run
from mmrec.workspace import PROJECT, Workspace
from tests import browser, served_models

FOLDER = PROJECT / "book" / task.FOLDER
FILMS, PLANE, PAGE = (FOLDER / name for name in ("films.js", "plane.js", "page.js"))
KEYS = {
    "top": {"format", "about", "example", "groups", "films", "spaces"},
    "film": {"title", "year", "themes"},
    "space": {"source", "kept", "alike", "films", "points", "nearest", "cosines"},
}


@pytest.fixture(scope="module")
def committed() -> FilmMap:
    return FilmMap.read(FILMS)


def given() -> dict:
    text = FILMS.read_text("utf-8")
    return json.loads(text.removeprefix(film_map._BEFORE).removesuffix(film_map._AFTER))


def html() -> str:
    """The page's own HTML, with its files where they are."""
    return browser.body_of(PROJECT / "book" / "map.md", FOLDER)


def some_films(n: int) -> pd.DataFrame:
    """Films of no space, with themes of two groups in turn."""
    themes = [["war", "power"], ["romance"], ["war", "romance"], ["magic"]]
    return pd.DataFrame(
        {
            "movie_id": range(1, n + 1),
            "title": [f"Film {number}" for number in range(n)],
            "year": pd.array([1990] * n, dtype="Int64"),
            "genres": [themes[number % 4] for number in range(n)],
        }
    )


def some_vectors(n: int, films: list[int] | None = None, seed: int = 0) -> Vectors:
    values = np.random.default_rng(seed).normal(size=(n, 8))
    return Vectors(np.array(films or range(n), np.intp), values, "made up")


# --- the committed file ---------------------------------------------------------------------------


def test_the_file_holds_what_the_page_needs_and_nothing_else():
    found = given()
    assert set(found) == KEYS["top"]
    assert all(set(film) == KEYS["film"] for film in found["films"])
    assert all(set(space) == KEYS["space"] for space in found["spaces"].values())
    assert list(found["spaces"]) == [*film_spaces.TABLES, film_spaces.TASTES]
    assert FILMS.stat().st_size < 1_000_000
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 1_000_000


def test_every_film_in_it_is_in_the_open_data(committed):
    with (Path(open_data.__file__).parent / "movies.csv").open(
        encoding="utf-8", newline=""
    ) as file:
        ours = {
            (row["title"], int(row["year"]), row["themes"]): row["movie_id"]
            for row in csv.DictReader(file)
        }
    found = [(film["title"], film["year"], "|".join(film["themes"])) for film in committed.films]
    assert set(found) <= set(ours)
    assert len(set(found)) == len(found)  # no film twice, under two ids


def test_it_names_no_user_and_nothing_of_imdb():
    text = FILMS.read_text("utf-8")
    assert not re.search(r"tt\d{6}|user_id|\.jpg|https?:", text, re.I)
    words = re.findall(r'"([^"]*)"', re.sub(r'"mark":"[^"]*"', "", text))
    assert max(map(len, words)) < 80  # no sentence of a synopsis


def test_places_and_neighbours_are_whole(committed):
    for space in committed.spaces.values():
        n = len(space.films)
        assert space.points.shape == (n, 2)
        assert np.abs(space.points).max() == 1
        np.testing.assert_array_equal(space.points, space.points.round(3))
        assert space.nearest.shape == space.cosines.shape == (n, NEIGHBOURS)
        assert set(space.nearest.ravel().tolist()) <= set(space.films.tolist())
        assert not (space.nearest == space.films[:, None]).any()
        assert all(len(set(row)) == NEIGHBOURS for row in space.nearest.tolist())
        assert (np.diff(space.cosines) <= 0).all()
        assert 0 < space.kept < 1


def test_its_lists_agree_with_one_another(committed):
    """Nearness is mutual: who is nearer to a film than its tenth neighbour stands in its list."""
    for name, space in committed.spaces.items():
        lists = {
            film: dict(zip(row, cosines, strict=True))
            for film, row, cosines in zip(
                space.films.tolist(), space.nearest.tolist(), space.cosines.tolist(), strict=True
            )
        }
        for film, near in lists.items():
            for other, cosine in near.items():
                theirs = lists[other]
                if film in theirs:
                    assert theirs[film] == cosine, (name, film, other)
                else:
                    assert cosine <= min(theirs.values()), (name, film, other)


def test_the_picture_is_drawn_from_the_file(committed):
    assert (FOLDER / task.PICTURE).read_text("utf-8") == film_map_picture.drawn(committed)


# --- how it is made -------------------------------------------------------------------------------


def test_neighbours_are_the_nearest_by_brute_force():
    values = np.random.default_rng(1).normal(size=(60, 5))
    found, cosines = film_spaces.nearest(values, 10)
    for row, one in enumerate(values):
        by_hand = [
            one @ other / np.sqrt(one @ one) / np.sqrt(other @ other) if place != row else -2
            for place, other in enumerate(values)
        ]
        order = np.argsort(by_hand)[::-1][:10]
        assert found[row].tolist() == order.tolist()
        np.testing.assert_allclose(cosines[row], np.array(by_hand)[order])


def test_neighbours_of_some_films_are_told_by_their_place_among_all(tmp_path):
    films = [2 * number for number in range(40)]
    vectors = some_vectors(40, films)
    made = film_map.drawn_up(some_films(80), {"text": vectors})
    near, cosines = film_spaces.nearest(vectors.values, NEIGHBOURS)
    np.testing.assert_array_equal(made.spaces["text"].nearest, near * 2)
    np.testing.assert_allclose(made.spaces["text"].cosines, cosines.round(2))
    read = film_map.export(made, tmp_path / "films.js")
    assert read.films == made.films
    np.testing.assert_array_equal(read.spaces["text"].points, made.spaces["text"].points)


def test_themes_in_common_are_counted_among_neighbours_and_among_all():
    # Two directions, by the parity of the film's number: neighbours are alike in it.
    values = np.eye(2)[np.arange(40) % 2] + np.random.default_rng(0).normal(0, 0.01, (40, 2))
    vectors = Vectors(np.arange(40), values, "made up")
    films = some_films(40)
    films["genres"] = [["war"] if number % 2 else ["magic", "power"] for number in range(40)]
    space = film_map.drawn_up(films, {"text": vectors}).spaces["text"]
    assert space.alike == pytest.approx((1, 19 / 39))


def test_a_space_of_few_films_is_left_out_and_none_is_told():
    spaces = {"sound": some_vectors(film_map.FEWEST - 1), "text": some_vectors(50)}
    assert list(film_map.drawn_up(some_films(50), spaces).spaces) == ["text"]
    with pytest.raises(StudyError, match="no kind of content is known of 30 films"):
        film_map.drawn_up(some_films(50), {"sound": spaces["sound"]})


def test_a_picture_is_turned_onto_another():
    points = np.random.default_rng(0).normal(size=(30, 2))
    turn = np.array([[0.6, 0.8], [0.8, -0.6]])
    np.testing.assert_allclose(points @ film_map.turned(points, points @ turn + 3), points @ turn)


def test_places_keep_clusters_together():
    centres = np.repeat(np.eye(3) * 5, 20, axis=0)
    values = centres + np.random.default_rng(0).normal(size=(60, 3))
    points = film_map.fitted(film_map.plane(values))
    assert np.abs(points).max() == 1
    apart = np.linalg.norm(points[:, None] - points, axis=2)
    same = np.repeat(np.arange(3), 20)[:, None] == np.repeat(np.arange(3), 20)
    assert apart[same].mean() < apart[~same].mean() / 2


def test_every_theme_has_one_group_and_every_group_a_look():
    themes = [theme for of_one in GROUPS.values() for theme in of_one]
    assert sorted(themes) == sorted(open_data.THEMES)
    looks = film_map.looks()
    assert len({look["colour"] for look in looks}) == len({look["mark"] for look in looks})
    assert len(looks) == len(GROUPS)


def test_a_file_of_another_kind_is_told(tmp_path):
    path = tmp_path / "films.js"
    path.write_text('{"films": []}')
    with pytest.raises(StudyError, match="not the file of a map"):
        FilmMap.read(path)


def catalogue() -> Catalogue:
    ids = np.arange(1, 41)
    movies = pd.DataFrame({"movie_id": ids, "film_id": ids})
    ratings = pd.DataFrame({"user_id": 1, "movie_id": np.repeat(ids, 2), "rating": 3})
    nothing = pd.DataFrame()
    return Catalogue(movies, ratings, pd.DataFrame({"user_id": [1]}), nothing, {})


def test_parts_of_a_table_count_alike_and_films_that_lack_one_are_left_out(tmp_path):
    rng = np.random.default_rng(0)
    flags = rng.random((40, 30)) < 0.2
    vectors = np.hstack([flags, rng.normal(5, 100, (40, 2))]).astype(np.float32)
    present = np.ones((40, 2), bool)
    present[3, 1] = False
    vectors[3, 30:] = 0
    parts = {"cast": slice(0, 30), "length": slice(30, 32)}
    workspace = Workspace(tmp_path, tmp_path)
    table = FeatureTable("facts", np.arange(1, 41), vectors, {"source": "us"}, parts, present)
    table.save(workspace.features / "facts-unrated.parquet")
    asked = np.array([40, 4, 1, 2, 77])  # a film without a part, and one that nobody knows
    found = film_spaces.of_content(catalogue(), asked, workspace)
    assert list(found) == ["facts"]
    assert found["facts"].source == "us"
    assert found["facts"].films.tolist() == [0, 2, 3]
    everything = film_spaces.of_content(catalogue(), np.arange(1, 41), workspace)["facts"].values
    squares = (everything**2).mean(axis=0)
    assert squares[:30].sum() == pytest.approx(squares[30:].sum(), rel=0.05)


def test_a_table_of_no_film_that_is_asked_about_makes_no_space(tmp_path):
    workspace = Workspace(tmp_path, tmp_path)
    table = FeatureTable("audio", np.array([100]), np.ones((1, 2), np.float32), {})
    table.save(workspace.features / "audio.parquet")
    assert film_spaces.of_content(catalogue(), np.arange(1, 41), workspace) == {}


def test_the_space_of_tastes_has_the_covariance_that_was_learned():
    model = served_models.model()
    ids = np.array([model.films[place].movie_id for place in (4, 0, 9, 2)])
    found = film_spaces.of_tastes(model, np.append(ids, 9999))
    assert found.films.tolist() == [0, 1, 2, 3]
    at = np.array([4, 0, 9, 2])
    covariance = model.served.covariances[TASTE].between(at, at)
    centring = np.eye(4) - 1 / 4
    inner = found.values @ found.values.T
    np.testing.assert_allclose(inner, centring @ covariance @ centring, atol=1e-6)


def test_films_are_those_of_the_open_data_once_and_most_rated_first(tmp_path):
    movies = pd.DataFrame({"movie_id": [1, 2, 50, 246, 268], "film_id": [1, 2, 50, 246, 246]})
    movies["title"] = "of another source"
    ratings = pd.DataFrame({"user_id": 1, "movie_id": [50, 50, 1, 268, 268, 268, 2], "rating": 3})
    held = Catalogue(movies, ratings, pd.DataFrame(), pd.DataFrame(), {})
    found = film_map.described(held, Workspace(tmp_path, tmp_path))
    assert found["title"].tolist() == ["Chasing Amy", "Star Wars", "Toy Story", "GoldenEye"]


def test_the_task_writes_both_files(tmp_path, monkeypatch):
    made = film_map.drawn_up(some_films(40), {"text": some_vectors(40)})
    monkeypatch.setattr(film_map, "make", lambda workspace: made)
    workspace = Workspace(tmp_path / "run", tmp_path / "cache")
    task.make(Run("smoke", workspace, book=tmp_path / "book"))
    folder = tmp_path / "book" / task.FOLDER
    assert FilmMap.read(folder / task.FILMS).films == made.films
    assert (folder / task.PICTURE).read_text("utf-8") == film_map_picture.drawn(made)


@pytest.mark.skipif("MMREC_MIRROR" not in os.environ, reason="MMREC_MIRROR is not set")
def test_the_films_of_the_file_are_those_of_movielens_now(committed, tmp_path):
    from mmrec.catalogue import build

    workspace = Workspace(tmp_path / "run", tmp_path / "cache")
    found = film_map.described(build.build(workspace), workspace)
    assert found["title"].tolist() == [film["title"] for film in committed.films]


# --- the page -------------------------------------------------------------------------------------


def test_the_page_loads_nothing_from_elsewhere():
    for text in (html(), PLANE.read_text("utf-8"), PAGE.read_text("utf-8")):
        plain = text.replace("http://www.w3.org/2000/svg", "")  # a name, not an address
        assert not browser.ELSEWHERE.search(plain)


ACTED = """
(() => {
  const at = (id) => document.getElementById(`film-map-${id}`);
  const near = () => [...document.querySelectorAll("#film-map-near .film-map-name")]
    .map((one) => one.textContent);
  const first = [at("film").textContent, near()];
  at("find").value = "toy st";
  at("find").dispatchEvent(new Event("input"));
  const offered = [...document.querySelectorAll("#film-map-found .film-map-name")]
    .map((one) => one.textContent);
  at("find").dispatchEvent(new KeyboardEvent("keydown", {key: "Enter"}));
  const found = [at("film").textContent, near()];
  document.querySelector("#film-map-near button").click();
  const onward = [at("film").textContent, near(), document.activeElement.id];
  const spaces = {};
  for (const one of document.querySelectorAll("#film-map-spaces input")) {
    one.click();
    spaces[one.value] = [near(), at("lacking").hidden];
  }
  at("plane").dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowLeft"}));
  const moved = at("film").textContent;
  const group = document.querySelector("#film-map-groups button");
  group.click();
  const pressed = group.getAttribute("aria-pressed");
  return {first, offered, found, onward, spaces, moved, pressed,
    said: at("status").textContent,
    unlabelled: [...document.querySelectorAll("#film-map-app input")]
      .filter((one) => !one.labels.length).length,
    unnamed: [...document.querySelectorAll("#film-map-app button")]
      .filter((one) => !(one.textContent.trim() || one.getAttribute("aria-label"))).length};
})()
"""


@browser.needed
def test_searching_picking_and_moving_on(committed, tmp_path):
    def name(film: int) -> str:
        return f"{committed.films[film]['title']} ({committed.films[film]['year']})"

    def near(film: int, of: str) -> list[str]:
        space = committed.spaces[of]
        rows = space.nearest[space.films == film]
        return [name(other) for other in rows.ravel().tolist()]

    found = browser.computed(ACTED, [], tmp_path, body=html())
    assert found["first"] == [name(committed.example), near(committed.example, "text")]
    assert found["offered"] == ["Toy Story (1995)"]
    (toys,) = [place for place in range(len(committed.films)) if name(place) == "Toy Story (1995)"]
    assert found["found"] == ["Toy Story (1995)", near(toys, "text")]
    (row,) = np.flatnonzero(committed.spaces["text"].films == toys)
    onward = int(committed.spaces["text"].nearest[row, 0])
    # The keyboard goes to the film's name: the button that was pressed is gone.
    assert found["onward"] == [name(onward), near(onward, "text"), "film-map-film"]
    for of, (listed, lacking_is_hidden) in found["spaces"].items():
        assert listed == near(onward, of)
        assert lacking_is_hidden == bool(listed)
    assert list(found["spaces"]) == list(committed.spaces)
    assert found["moved"] != name(onward)
    assert found["pressed"] == "true"
    assert found["said"].startswith(found["moved"])
    assert (found["unlabelled"], found["unnamed"]) == (0, 0)


@browser.needed
def test_a_dot_is_pointed_at_and_picked(committed, tmp_path):
    """What lies under the pointer is the film that the file has there."""
    script = """
    (() => {
      const canvas = document.querySelector("#film-map-plane canvas");
      const box = canvas.getBoundingClientRect();
      const half = Math.min(box.width, box.height) / 2 - 16, [x, y] = %s;
      const place = {clientX: box.left + box.width / 2 + half * x,
        clientY: box.top + box.height / 2 - half * y, pointerId: 1, button: 0};
      canvas.setPointerCapture = () => {};
      const act = (kind, type) => canvas.dispatchEvent(
        new PointerEvent(kind, {...place, pointerType: type}));
      act("pointermove", "mouse");
      const tip = document.getElementById("film-map-tip");
      const told = [tip.hidden, tip.textContent];
      act("pointerdown", "touch");
      act("pointerup", "touch");
      return [told, document.getElementById("film-map-film").textContent];
    })()"""
    space = committed.spaces["text"]
    apart = ((space.points[:, None] - space.points) ** 2).sum(axis=2)
    np.fill_diagonal(apart, 9)
    alone = int(apart.min(axis=1).argmax())
    film = committed.films[space.films[alone]]
    told, picked = browser.computed(
        script % json.dumps(space.points[alone].tolist()), [], tmp_path, body=html()
    )
    name = f"{film['title']} ({film['year']})"
    assert told == [False, name + ", ".join(film["themes"])]
    assert picked == name


@browser.needed
def test_titles_are_text_whatever_is_in_them(committed, tmp_path):
    films = [{**film, "title": f"{browser.HOSTILE} {i}"} for i, film in enumerate(committed.films)]
    held = tmp_path / "films.js"
    held.write_text(replace(committed, films=films).text, encoding="utf-8")
    body = html().replace(FILMS.as_uri(), held.as_uri())
    browser.check_hostile_titles(body, "#film-map-near .film-map-name", tmp_path)


@browser.needed
def test_without_scripts_there_is_a_picture(tmp_path):
    found = browser.without_scripts(html(), tmp_path)
    assert re.search(r'<div class="film-map" id="film-map-app" hidden="">', found)
    assert re.search(r'<img src="[^"]*/picture.svg"[^>]* alt="[^"]{40}', found)
    assert '<ol id="film-map-near"></ol>' in found
