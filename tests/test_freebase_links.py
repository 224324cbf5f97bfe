"""Movies linked to entities of Freebase by title and year, on files made by hand."""

import pandas as pd
import pytest

from mmrec.catalogue import sources
from mmrec.errors import StudyError
from mmrec.features.graph import freebase_graph, freebase_links

TITLES = pd.DataFrame(
    {
        "later_id": [1, 2, 3, 4, 5, 6],
        "title": [
            "Harbour, The",
            "Café & Bar",
            "Hate (Haine, La)",
            "Fear",
            "Twins",
            "Twins",
        ],
        "year": [1994, 1995, 1995, 1996, 1990, 1990],
    }
)
ENTITIES = pd.Series({1: "m.1", 2: "m.2", 3: "m.3", 4: "m.4", 5: "m.5", 6: "m.6"})


def movies(*rows: tuple[int, str, int | None]) -> pd.DataFrame:
    """Movies (id, title, year), each its own film."""
    table = pd.DataFrame(rows, columns=["movie_id", "title", "year"])
    return table.assign(film_id=table["movie_id"], year=table["year"].astype("Int64"))


def linked(*rows) -> list:
    return freebase_links.link(movies(*rows), TITLES, ENTITIES)["freebase_id"].tolist()


def test_title_and_year_decide_not_the_number():
    assert linked((2, "The Harbour", 1994), (1, "Cafe and Bar", 1995)) == ["m.1", "m.2"]


def test_an_alternate_title_will_do():
    assert linked((1, "La Haine", 1995)) == ["m.3"]


def test_years_may_be_next_to_each_other_and_no_further():
    rows = (1, "The Harbour", 1993), (2, "The Harbour", 1996), (3, "The Harbour", None)
    assert [linked(row) for row in rows] == [["m.1"], [None], [None]]


def test_of_two_films_the_one_of_the_year_has_the_number():
    assert linked((1, "The Fear", 1995), (2, "Fear", 1996)) == [None, "m.4"]


def test_two_films_with_the_same_claim_have_none():
    assert linked((1, "The Fear", 1996), (2, "Fear", 1996)) == [None, None]


def test_two_numbers_for_a_movie_give_none():
    assert linked((1, "Twins", 1990)) == [None]


def test_one_film_under_two_ids_has_one_entity():
    table = movies((7, "Fear", 1996), (8, "Fear", 1996)).assign(film_id=7)
    assert freebase_links.link(table, TITLES, ENTITIES)["freebase_id"].tolist() == ["m.4", "m.4"]


def test_a_film_that_the_link_file_lacks_has_none():
    found = freebase_links.link(movies((1, "Fear", 1996)), TITLES, ENTITIES.drop(4))
    assert found["freebase_id"].tolist() == [None]


# --- from the files -------------------------------------------------------------------------

KG = """head_id:token\trelation_id:token\ttail_id:token
m.1\tfilm.film.directed_by\tm.ann
m.2\tfilm.film.directed_by\tm.ann
m.1\tfilm.film.genre\tm.noir
m.2\tfilm.film.award_won\tm.prize
m.1\tfilm.film.award_won\tm.prize
"""


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Both folders as the registry's packages hold them, with two films in the graph."""
    folders = {name: tmp_path / name for name in ("freebase", "later-titles")}
    for folder in folders.values():
        folder.mkdir()
    (folders["freebase"] / "ml-100k.kg").write_text(KG, encoding="utf-8")
    (folders["freebase"] / "ml-100k.link").write_text(
        "item_id:token\tentity_id:token\n1\tm.1\n2\tm.2\n", encoding="utf-8"
    )
    ratings = TITLES.rename(columns={"later_id": "movieId"})
    ratings = pd.concat([ratings, ratings]).assign(userId=1, rating=4.0)
    ratings.to_pickle(folders["later-titles"] / "movielens.pkl.compress", compression="xz")

    def served(resource, cache):
        return sources.Served(resource.name, folders[resource.name], "here", "registry", "d", "l")

    monkeypatch.setattr(sources, "fetch_if_there", served)
    return folders


def catalogue() -> pd.DataFrame:
    named = movies((11, "The Harbour", 1994), (12, "Cafe and Bar", 1995), (13, "Else", 1990))
    return named.assign(directors=[["Ann"], ["Ann"], []])


def test_tables_without_awards_and_without_genres(files, tmp_path):
    made = freebase_links.embed(catalogue(), walks_per_node=2, cache=tmp_path)
    assert made.table.modality == freebase_graph.MODALITY
    assert made.table.movie_ids.tolist() == [11, 12]
    assert made.table.provenance["relations"] == ["director", "genre"]
    assert made.table.provenance["sources"]["later-titles"]["place"] == "here"
    assert made.without_genres.provenance["relations"] == ["director"]
    assert made.figures["of these linked, by title and year"] == "2"
    assert made.figures["pairs of movies by one director"] == "1"
    assert made.figures["of these sharing a director in the graph"] == "1"


def test_without_walks_nothing_is_fetched(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "fetch_if_there", lambda *_: pytest.fail("fetched"))
    made = freebase_links.embed(catalogue(), walks_per_node=0, cache=tmp_path)
    assert made.table is None
    assert made.figures == {"left out": "by this profile"}


def test_an_absent_package_is_told(tmp_path, monkeypatch, caplog):
    def missing(resource, cache):
        return sources.Served(
            resource.name, None, "nowhere", "missing", None, "l", ("no place serves it",)
        )

    monkeypatch.setattr(sources, "fetch_if_there", missing)
    made = freebase_links.embed(catalogue(), walks_per_node=2, cache=tmp_path)
    assert made.table is None
    assert made.without_genres is None
    assert made.figures == {"left out": "freebase is not available"}
    assert "no Freebase graph: no place serves it" in caplog.text


def test_titles_are_read_once_each(files):
    read = freebase_links.read_titles(files["later-titles"])
    pd.testing.assert_frame_equal(read, TITLES)


@pytest.mark.parametrize("damage", [b"", b"\xfd7zXZ\x00 no"])
def test_a_damaged_file_of_titles_is_told(files, damage):
    (files["later-titles"] / "movielens.pkl.compress").write_bytes(damage)
    with pytest.raises(StudyError, match=r"movielens\.pkl\.compress: cannot be read"):
        freebase_links.read_titles(files["later-titles"])


def test_a_missing_link_file_is_told(tmp_path):
    with pytest.raises(StudyError, match=r"ml-100k\.link: cannot be read"):
        freebase_links.read_links(tmp_path)
