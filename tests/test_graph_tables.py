"""Tables and figures of the knowledge graph, of many films and of hardly any."""

import itertools

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from mmrec.features.graph import meta
from mmrec.features.table import FeatureTable
from mmrec.reports import graph_tables


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def movies(*genres: list[str]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "movie_id": range(1, len(genres) + 1),
            "title": [f"Film {number}" for number in range(len(genres))],
            "genres": genres,
            "directors": [[f"Director {len(names)}"] for names in genres],
            "cast": [[] for _ in genres],
        }
    )


@pytest.mark.parametrize("genres", [(["War"], ["War", "Drama"]), (["War"], ["Drama", "Crime"])])
def test_facts_stand_apart_whether_they_are_connected_or_not(genres):
    nothing = pd.DataFrame(columns=["movie_id", "head", "relation", "tail", "repeated"])
    graph = meta.knowledge_graph(movies(*genres), nothing.astype({"repeated": bool}))
    _, ax = graph_tables.draw_facts(graph)
    places = ax.collections[0].get_offsets()
    assert len(places) == len(graph)
    extent = np.ptp(places, axis=0).max()
    nearest = min(np.linalg.norm(a - b) for a, b in itertools.combinations(np.array(places), 2))
    assert nearest > extent / 10


def test_shares_are_of_the_nearest_film():
    films = movies(["War"], ["War", "Drama"], ["Drama", "Crime"])
    near = {"genres": np.array([1, 0, 1]), "all four": np.array([2, 2, 0])}
    shared = graph_tables.shared_facts(films, near)
    assert shared.index.tolist() == list(near)
    assert shared["a genre"].tolist() == [1.0, pytest.approx(1 / 3)]
    assert shared["a director"].tolist() == [pytest.approx(1 / 3), pytest.approx(1 / 3)]
    assert shared["a cast member"].tolist() == [0.0, 0.0]
    titles = graph_tables.titles_by_part(films, near | {"drawn at random": near["genres"]}, n=2)
    assert titles.columns.tolist() == ["by genres", "by all"]
    assert titles["by all"].tolist() == ["Film 2", "Film 2"]


def test_parts_are_covered_with_and_without_ratings():
    parts, flags = {"genres": slice(0, 1), "director": slice(1, 2)}, [[True, True], [True, False]]
    known = {"unknown_words": {"director": 0.25}}
    table = FeatureTable("meta", np.array([1, 2]), np.ones((2, 2)), known, parts, np.array(flags))
    found = graph_tables.parts_coverage(table, pd.Series([1, 2, 2, 2]))
    assert found["movies"].tolist() == [2, 1]
    assert found["share of their ratings"].tolist() == [1.0, 0.25]
    assert found["words without a vector"].tolist() == ["–", "25.0%"]
    found = graph_tables.parts_coverage(table, pd.Series([], dtype="int64"))
    assert found["share of their ratings"].tolist() == ["–", "–"]
