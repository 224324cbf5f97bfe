"""Neighbours, coverage and the figures of the feature chapters."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from mmrec.features import probe
from mmrec.features.table import FeatureTable
from mmrec.reports import feature_plots, neighbours

PROVENANCE = {"encoder": "toy", "source": "made by hand", "stand_in": None}


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def movies(n: int = 12) -> pd.DataFrame:
    """The second and the third id are one film; genres alternate."""
    ids = 10 * np.arange(1, n + 1)
    films = ids.copy()
    films[2] = films[1]
    genres = [["Drama"], ["Comedy", "War"], ["Comedy", "War"], ["Western"]]
    return pd.DataFrame(
        {
            "movie_id": ids,
            "film_id": films,
            "title": [f"Film {number}" for number in ids],
            "genres": [genres[number % 4] for number in range(n)],
        }
    )


def table(ids: list[int]) -> FeatureTable:
    vectors = np.random.default_rng(0).normal(size=(len(ids), 4))
    return FeatureTable("text", np.array(ids), vectors, PROVENANCE)


RANKED = [*range(120, 0, -10)]


def test_a_film_under_two_ids_is_taken_once_and_films_without_a_vector_are_left_out():
    films = neighbours.films_with_vectors(movies(), table([20, 30, 50, 40]), RANKED)
    assert films.index.tolist() == [50, 40, 20], "most rated first"
    assert neighbours.scaled_vectors(films, table([20, 30, 50, 40])).mean(axis=0) == pytest.approx(
        np.zeros(4), abs=1e-6
    )


def test_of_films_that_are_equally_near_the_first_is_taken():
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(5, 40)).repeat(8, axis=0)
    vectors = directions * rng.uniform(0.1, 3, size=(40, 1))  # equal but for the last digits
    alike = np.arange(40).reshape(5, 8)
    expected = [[other for other in alike[row // 8] if other != row][:3] for row in range(40)]
    assert neighbours.nearest(vectors.astype(np.float32)).tolist() == expected


def test_neighbours_are_other_films_however_few_there_are():
    vectors = np.array([[1.0, 0], [0.9, 0.1], [0, 1], [1, 0]])
    found = neighbours.nearest(vectors)
    assert found[0].tolist() == [3, 1, 2], "its twin in the vectors is another film"
    assert all(row not in near for row, near in enumerate(found.tolist()))
    assert neighbours.nearest(vectors[:3]).shape == (3, 2)
    films = movies(4).set_index("movie_id")
    shown = neighbours.nearest_titles(films, found, n=2)
    assert shown.columns.tolist() == ["nearest", "second", "third"]
    assert shown.loc["Film 10"].tolist() == ["Film 40", "Film 20", "Film 30"]
    few = neighbours.nearest_titles(films.head(3), neighbours.nearest(vectors[:3]))
    assert few.shape == (3, 2)


@pytest.mark.parametrize("ids", [[], [20]])
def test_what_too_few_films_have_no_neighbours_for_is_said_in_one_line(ids):
    some = table(ids)
    films = neighbours.films_with_vectors(movies(), some, RANKED)
    scaled = neighbours.scaled_vectors(films, some)
    near = neighbours.nearest(scaled)
    between = neighbours.genre_similarity(films, scaled)
    assert (len(films), near.shape, len(between)) == (len(ids), (len(ids), 0), 0)
    for told in (
        neighbours.nearest_titles(films, near),
        neighbours.genre_agreement(films, near),
        neighbours.genres_shared(films, near, between),
    ):
        assert told.to_numpy().tolist() == [[neighbours.TOO_FEW]]
    genre, layout = neighbours.first_genre(films), neighbours.layout(scaled)
    names = ("x", "y")
    for _, ax in (
        feature_plots.film_map(layout, films, genre, axes_names=names),
        feature_plots.component_map(scaled, films, genre),
        feature_plots.genre_similarity(between),
    ):
        assert [text.get_text()[:10] for text in ax.texts] == ["left out: "]


@pytest.mark.parametrize("n", [3, 4])
def test_three_films_have_a_map(n):
    films = movies(n + 1).drop_duplicates("film_id").set_index("movie_id")
    vectors = np.random.default_rng(0).normal(size=(n, 4))
    layout = neighbours.layout(vectors)
    assert layout.shape == (n, 2)
    assert np.unique(layout, axis=0).shape == layout.shape
    _, ax = feature_plots.component_map(vectors, films, neighbours.first_genre(films))
    assert sum(len(drawn.get_offsets()) for drawn in ax.collections) == n


def test_similarity_of_genres_is_over_pairs_of_different_films():
    films = pd.DataFrame({"genres": [["War"], ["War", "Drama"], ["Drama"]]})
    vectors = np.array([[1.0, 0], [0, 1], [1, 0]])
    found = neighbours.genre_similarity(films, vectors, at_least=2)
    assert found.index.tolist() == ["Drama", "War"]
    # War and Drama: films 1 and 2, 1 and 3, 2 and 3; film 2 is not held against itself.
    assert found.to_numpy() == pytest.approx(np.array([[0, 1 / 3], [1 / 3, 0]]))
    shown = neighbours.genres_shared(films, np.array([[2], [2], [0]]), found)
    assert shown["text vectors"].tolist() == ["33.3%", "66.7%", "0.000", "0.333"]
    assert neighbours.genre_similarity(films, vectors, at_least=3).empty


def test_genres_are_the_first_listed_and_the_rare_ones_stand_together(monkeypatch):
    monkeypatch.setattr(neighbours, "TOLD_APART", 2)
    films = movies()
    genre = neighbours.first_genre(films)
    assert genre.cat.categories.tolist() == ["Comedy", "Drama", "other"]
    assert genre.tolist() == ["Drama", "Comedy", "Comedy", "other"] * 3
    shown = neighbours.genre_agreement(films, np.array([[0], [2], [1], *[[0]] * 9]))
    same, chance = shown["share of films"]
    assert same == f"{5 / 12:.1%}", "films 1, 2, 3, 5 and 9"
    assert chance == f"{0.25**2 + 0.5**2 + 0.25**2:.1%}"


def test_coverage_is_of_movies_and_of_ratings():
    ratings = pd.DataFrame({"movie_id": [120] * 3 + [110]})
    summary, share = neighbours.coverage(table([120, 100]), ratings, RANKED)
    assert summary["movies with a vector"] == "2 of 12"
    assert summary["ratings of such movies"] == "75.0%"
    assert share.index.tolist() == [*range(1, 11)]
    assert share[1] == 50
    assert share[10] == 0
    _, ax = feature_plots.coverage(share, "text")
    assert [bar.get_height() for bar in ax.patches] == share.tolist()
    summary, _ = neighbours.coverage(table([120, 100]), ratings.head(0), RANKED)
    assert summary["ratings of such movies"] == "there are no ratings"


def test_a_genre_has_the_same_colour_in_every_figure():
    films, points = movies(), np.random.default_rng(1).normal(size=(12, 2))
    colours = []
    for some in (slice(0, 12), slice(3, 12)):
        genre = neighbours.first_genre(films[some])
        _, ax = feature_plots.film_map(points[some], films[some], genre, axes_names=("x", "y"))
        found = {drawn.get_label(): tuple(drawn.get_facecolor()[0]) for drawn in ax.collections}
        colours.append(found)
    assert colours[0] == colours[1]
    assert len(set(colours[0].values())) == 3
    assert sum(len(drawn.get_offsets()) for drawn in ax.collections) == 9


def test_maps_name_films_without_covering_names():
    films = pd.concat([movies()] * 20, ignore_index=True)
    vectors = np.random.default_rng(1).normal(size=(len(films), 5))
    fig, ax = feature_plots.component_map(vectors, films, neighbours.first_genre(films))
    fig.canvas.draw()
    boxes = [text.get_window_extent() for text in ax.texts]
    assert 3 <= len(boxes) <= 8
    assert not any(a.overlaps(b) for n, a in enumerate(boxes) for b in boxes[:n])
    assert "% of the variance" in ax.get_xlabel()


def test_self_similarity_does_not_set_the_scale():
    vectors = np.linalg.cholesky([[1, 0.2, 0.1], [0.2, 1, 0.3], [0.1, 0.3, 1]])
    _, ax = feature_plots.similarity(vectors, ["a", "b", "c"], of="sentence")
    drawn = ax.collections[0]
    assert drawn.get_clim() == pytest.approx((0.1, 0.3))
    assert drawn.get_array().mask.reshape(3, 3).tolist() == np.eye(3, dtype=bool).tolist()


def test_the_probe_shows_every_genre_and_the_control():
    probed = pd.DataFrame(
        {"features": "text", "genre": ["War", "Drama"], "auc": [0.9, 0.25], "control": [0.5, 0.52]}
    )
    _, ax = feature_plots.genre_probe(pd.concat([probed, probed.assign(features="meta")]))
    (text, meta, control, _) = ax.lines
    assert [line.get_label() for line in (text, meta, control)] == [
        "text",
        "meta",
        "random numbers",
    ]
    assert text.get_xdata().tolist() == [0.25, 0.9]
    assert ax.get_xlim()[0] < 0.25


def test_a_probe_of_too_few_films_says_so():
    nothing = probe.on_common_films([("text", table([20, 40])), ("open", table([]))], movies())
    _, ax = feature_plots.genre_probe(nothing)
    assert "that takes 20 films of the genre" in ax.texts[0].get_text()
    for told in (neighbours.probe_means(nothing), neighbours.probe_by_genre(nothing)):
        assert told.to_numpy().tolist() == [[neighbours.NOTHING_TO_PROBE]]


def test_tables_are_probed_on_the_films_that_all_of_them_have():
    films = movies(200).assign(film_id=10 * np.arange(1, 201))
    ids = films["movie_id"].tolist()
    both = [("one", table(ids[:160])), ("two", table(ids[40:])), ("none", table([]))]
    probed = probe.on_common_films(both, films)
    assert set(probed["features"]) == {"one", "two"}
    assert set(probed.loc[probed["genre"] == "Drama", "movies"]) == {30}
