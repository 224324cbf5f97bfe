"""One-hot facts, on movies made up by hand."""

import numpy as np
import pandas as pd
import pytest

from mmrec.catalogue.movielens import GENRES
from mmrec.features.graph import facts


@pytest.fixture
def movies() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "movie_id": [1, 2, 3, 4],
            "film_id": [1, 2, 2, 4],  # 2 and 3 are one film
            "genres": [["Drama"], ["Drama", "War"], ["Drama", "War"], []],
            "directors": [["Ann"], ["Ben"], ["Ben"], ["Ann"]],
            "cast": [["Cy", "Di"], ["Cy", "Cy"], [], ["Di"]],
            "year": pd.array([1991, 1995, 1995, None], dtype="Int64"),
            "imdb_rating": [7.5, np.nan, 6.0, 8.0],
        }
    )


def columns(table, part: str) -> list[list[float]]:
    return table.vectors[:, table.parts[part]].tolist()


def flags(table, part: str) -> list[bool]:
    return table.part_present[:, list(table.parts).index(part)].tolist()


def test_a_column_per_genre_whoever_has_it(movies):
    table = facts.encode(movies, min_films=2)
    genres = table.vectors[:, table.parts["genres"]]
    assert genres.shape == (4, 19)
    assert genres[:, GENRES.index("War")].tolist() == [0, 1, 1, 0]
    assert genres.sum() == 5
    assert flags(table, "genres") == [True, True, True, False]


def test_only_what_films_share_has_a_column(movies):
    table = facts.encode(movies, min_films=2)
    # Ben made one film, which stands there under two ids.
    assert columns(table, "directors") == [[1], [0], [0], [1]]
    assert columns(table, "cast") == [[1, 1], [1, 0], [0, 0], [0, 1]]
    assert facts.encode(movies, min_films=1).vectors[:, 19:21].tolist() == [
        [1, 0],
        [0, 1],
        [0, 1],
        [1, 0],
    ]


def test_a_known_fact_without_a_column_is_not_an_unknown_one(movies):
    table = facts.encode(movies, min_films=2)
    assert flags(table, "directors") == [True, True, True, True]
    assert flags(table, "cast") == [True, True, False, True]


def test_years_and_decades(movies):
    table = facts.encode(movies, min_films=2)
    assert columns(table, "years") == [[1], [1], [1], [0]]  # the 1990s; no year is shared
    assert facts.encode(movies, min_films=1).vectors[:, 23:26].tolist() == [
        [1, 1, 0],
        [1, 0, 1],
        [1, 0, 1],
        [0, 0, 0],
    ]
    assert flags(table, "years") == [True, True, True, False]


def test_the_imdb_rating_is_a_part_of_its_own(movies):
    table = facts.encode(movies, min_films=2)
    assert columns(table, "rating") == [[0.75], [0], [pytest.approx(0.6)], [pytest.approx(0.8)]]
    assert flags(table, "rating") == [True, False, True, True]
    assert "rating" not in table.without("rating").parts
    unrated = facts.encode(movies.assign(imdb_rating=np.nan), min_films=2)
    assert list(unrated.parts) == ["genres", "directors", "cast", "years"]


def test_rows_belong_to_ids(movies):
    table = facts.encode(movies.iloc[::-1], min_films=2)
    assert np.array_equal(table.vectors, facts.encode(movies, min_films=2).vectors)


def test_votes_are_logarithms_and_what_is_missing_is_flagged(movies):
    table = facts.imdb(movies.assign(imdb_votes=[1000, np.nan, 0, 10]))
    assert table.movie_ids.tolist() == [1, 3, 4]  # movie 2 has neither
    assert columns(table, "rating") == pytest.approx(np.array([[0.75], [0.6], [0.8]]))
    assert columns(table, "votes") == [[3], [0], [1]]
    assert flags(table, "rating") == [True, True, True]
    assert flags(table, "votes") == [True, False, True]


def test_a_catalogue_without_imdb_ratings_leaves_the_table_empty(movies):
    nothing = movies.assign(imdb_rating=np.nan, imdb_votes=np.nan)
    assert facts.imdb(nothing).matrix([1, 2])[1].tolist() == [[False, False]] * 2


def test_parts_stand_apart_with_the_movies_that_have_them(movies):
    table = facts.encode(movies, min_films=2)
    found = facts.apart(table, "directors", "years", "plots")
    assert [*found] == ["directors", "years"]
    for name, alone in found.items():
        assert [*alone.parts] == [name]
        ids = alone.movie_ids
        assert np.array_equal(alone.vectors, table.matrix(ids)[0][:, table.parts[name]])
