"""Neighbours, coverage and the figures of the feature chapters."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from mmrec.errors import StudyError
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


def test_one_film_alone_has_no_neighbours_and_is_an_error():
    with pytest.raises(StudyError, match="1 of the films have a text vector"):
        neighbours.films_with_vectors(movies(), table([20, 30]), RANKED)


def test_genres_are_the_first_listed_and_the_rare_ones_stand_together():
    films = movies()
    genre = neighbours.first_genre(films, n=2)
    assert genre.cat.categories.tolist() == ["Comedy", "Drama", "other"]
    assert genre.tolist() == ["Drama", "Comedy", "Comedy", "other"] * 3
    same, chance = neighbours.genre_agreement(films, np.array([[0], [2], [1], *[[0]] * 9]))
    assert same == pytest.approx(5 / 12), "films 1, 2, 3, 5 and 9"
    assert chance == pytest.approx(0.25**2 + 0.5**2 + 0.25**2)


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


def test_a_genre_has_the_same_colour_in_every_figure():
    films, points = movies(), np.random.default_rng(1).normal(size=(12, 2))
    colours = []
    for some in (slice(0, 12), slice(3, 12)):
        genre = neighbours.first_genre(films[some], n=3)
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
    cosine = np.array([[1, 0.2, 0.1], [0.2, 1, 0.3], [0.1, 0.3, 1]])
    _, ax = feature_plots.similarity(cosine, ["a", "b", "c"], of="sentence")
    drawn = ax.collections[0]
    assert drawn.get_clim() == (0.1, 0.3)
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


def test_a_probe_of_too_few_films_is_an_empty_figure():
    nothing = pd.DataFrame(columns=["features", "genre", "movies", "auc", "control"])
    _, ax = feature_plots.genre_probe(nothing)
    assert ax.get_xlim()[0] == pytest.approx(0.3)
