"""Sources of media put together movie by movie, and trailers known by title and year."""

import os

import numpy as np
import pandas as pd
import pytest

from mmrec.catalogue import trailer_index
from mmrec.errors import StudyError
from mmrec.features.cache import dropped
from mmrec.features.media import trailers
from mmrec.features.media.merging import Filled, Source, merge
from mmrec.features.table import FeatureTable

MOVIES = pd.DataFrame(
    {
        "movie_id": [1, 2, 3, 4],
        "title": ["Toy Story", "GoldenEye", "Sabrina", "Sabrina"],
        "year": pd.array([1995, 1995, 1954, 1995], "Int64"),
    }
)


def listed(*rows):
    movies = pd.DataFrame(rows, columns=["movie_id", "title", "year"])
    return movies.astype({"year": "Int64"})


def source(ids, value, *, what="trailers", encoder="net", stand_ins=(), **options):
    def fill(movie_ids):
        own = [movie_id for movie_id in movie_ids if movie_id in ids]
        if not own:
            raise StudyError("it has none", where=what, remedy="None.")
        provenance = {"encoder": encoder, "weights": "w", "recipe": f"as {what}"}
        table = FeatureTable("video", own, np.full((len(own), 2), value), provenance)
        bad = [
            (movie_id, f"{movie_id}.mp4", "damaged") for movie_id in movie_ids if -movie_id in ids
        ]
        return Filled(table, dropped(bad), what, stand_ins)

    return Source(fill, **options)


OWN = source({1, 2, -3}, 1)
POSTERS = source({2, 3, 4}, 2, what="posters", stand_ins=("posters for trailers",))
DEMO = source({1, 2, 3, 4, 5}, 3, what="demo trailers", placeholder=True)


def test_each_movie_takes_the_first_source_that_has_it(caplog):
    names = ["own", "posters", "demo"]
    known = {"own": OWN, "posters": POSTERS, "demo": DEMO}
    table, left_out = merge("video", known, names, [1, 2, 3, 4, 5])
    assert table.movie_ids.tolist() == [1, 2, 3, 4]
    assert table.vectors[:, 0].tolist() == [1, 1, 2, 2]
    assert table.provenance["source"] == "trailers of 2 movies, posters of 2 movies"
    assert table.stand_in == "posters for trailers (2 of 4)"
    assert left_out.to_numpy().tolist() == [[3, "3.mp4", "damaged"]]
    assert not caplog.records
    other, _ = merge("video", known, ["posters", "own"], [1, 2, 3, 4, 5])
    assert other.vectors[:, 0].tolist() == [1, 2, 2, 2]


def test_one_source_alone_is_as_it_was():
    table, _ = merge("video", {"posters": POSTERS}, ["posters"], [2, 3, 4])
    assert table.provenance["source"] == "posters of 3 movies"
    assert table.stand_in == "posters for trailers"
    assert table.provenance["recipe"] == "as posters"


def test_placeholders_serve_only_where_nothing_else_does(caplog):
    known = {"own": OWN, "demo": DEMO}
    table, _ = merge("video", known, ["demo", "own"], [4, 5])
    assert table.provenance["source"] == "demo trailers of 2 movies"
    assert "own: it has none" in caplog.text
    table, _ = merge("video", known, ["own", "demo"], [1, 4, 5])
    assert table.movie_ids.tolist() == [1]


def test_vectors_of_two_encoders_share_no_table(caplog):
    authors = source({2, 3, 4, 5}, 9, what="published vectors", encoder="theirs")
    table, _ = merge("audio", {"own": OWN, "theirs": authors}, ["own", "theirs"], [1, 2, 3, 4, 5])
    assert table.vectors[:, 0].tolist() == [9] * 4
    (record,) = caplog.records
    assert "trailers of 2 movies passed over" in record.getMessage()
    table, _ = merge("audio", {"own": OWN, "theirs": authors}, ["own", "theirs"], [1, 2, 3])
    assert table.vectors[:, 0].tolist() == [1, 1]  # as many: the first in the list


def test_low_coverage_is_warned_of_in_one_line(caplog):
    merge("video", {"own": OWN}, ["own"], range(1, 11))
    (record,) = caplog.records
    assert record.getMessage() == "video source: only 2 of 10 movies have a vector"


def test_no_source_at_all_says_why_of_each():
    with pytest.raises(StudyError, match=r"video source: none is available \(own: it has none\)"):
        merge("video", {"own": OWN}, ["own"], [9])
    with pytest.raises(StudyError, match=r"no such name 'radio'. Known: own"):
        merge("video", {"own": OWN}, ["own", "radio"], [1])


# --- the reader's own trailers --------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(trailers.VARIABLE, str(tmp_path))
    return tmp_path


def put(folder, *names):
    for name in names:
        (folder / name).touch()


def test_a_number_in_a_list_is_not_taken_for_a_movielens_id(folder, caplog):
    put(folder, "1.mp4", "2.mkv", "3.webm")
    films = [(1, "Amélie", 2001), (2, "The Toy Story", 1996), (3, "Sabrina", 1995)]
    trailer_index.write(listed(*films), folder)
    found = trailers.own(MOVIES)
    assert {m: path.name for m, path in found.items()} == {1: "2.mkv", 4: "3.webm"}
    assert "1 of 3 trailers are of no movie of this run: 1.mp4 (Amélie)" in caplog.text


def test_an_index_of_other_films_gives_no_trailer(folder):
    put(folder, "1.mp4")
    trailer_index.write(listed((1, "Amélie", 2001)), folder)
    with pytest.raises(StudyError, match=r"no trailer of these movies.*trailers\.csv"):
        trailers.own(MOVIES)


def test_without_an_index_numbers_are_movielens_ids_and_a_warning_says_so(folder, caplog):
    put(folder, "2.mp4", "2.webm", "4.mkv", "notes.txt", "0x3.mp4")
    found = trailers.own(MOVIES)
    assert {m: path.name for m, path in found.items()} == {2: "2.mp4", 4: "4.mkv"}
    assert "taken for MovieLens ids" in caplog.text


def test_without_an_index_other_numbers_are_refused(folder):
    put(folder, "2.mp4", "1683.mp4")
    with pytest.raises(StudyError, match=r"1683\.mp4 has no MovieLens id.*Write trailers\.csv"):
        trailers.own(MOVIES)


def test_a_folder_that_is_not_there(tmp_path, monkeypatch):
    monkeypatch.setenv(trailers.VARIABLE, str(tmp_path / "nowhere"))
    with pytest.raises(StudyError, match="nowhere: cannot be read"):
        trailers.own(MOVIES)
    monkeypatch.delenv(trailers.VARIABLE)
    with pytest.raises(StudyError, match="MMREC_TRAILERS is not set"):
        trailers.own(MOVIES)


def test_an_index_outlives_a_second_list(tmp_path):
    trailer_index.write(listed((1, "A, B", 1995), (2, "C", 1996)), tmp_path)
    trailer_index.write(listed((2, "The C", 1997), (3, "D", 1998)), tmp_path)
    read = trailer_index.read(tmp_path)
    assert read["title"].tolist() == ["A, B", "The C", "D"]
    assert read["year"].tolist() == [1995, 1997, 1998]
    assert [path.name for path in tmp_path.iterdir()] == ["trailers.csv"]


def test_another_film_under_a_number_in_use_is_refused(tmp_path):
    trailer_index.write(listed((1, "Toy Story", 1995)), tmp_path)
    with pytest.raises(StudyError, match=r"movie 1 is Toy Story \(1995\) in it, and Amélie"):
        trailer_index.write(listed((1, "Amélie", 2001)), tmp_path)


def test_no_index_is_none(tmp_path):
    assert trailer_index.read(tmp_path) is None


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("movie_id,title\n1,A\n", "no column 'year'"),
        ("movie_id,title,year\n1,A,1995\nx,B,1996\n", "row 3: 'x' is not an id"),
        ("movie_id,title,year\n1,A,1995\n1,B,1996\n", "row 3: '1' is given twice"),
        ("movie_id,title,year\n1,,1995\n", "row 2: '' is not a title"),
        ("movie_id,title,year\n1,A,soon\n", "row 2: 'soon' is not a year"),
        ("", "cannot be read"),
    ],
)
def test_an_index_that_cannot_be_used_names_the_row(tmp_path, content, says):
    (tmp_path / "trailers.csv").write_text(content)
    with pytest.raises(StudyError, match=f"trailers.csv.*{says}"):
        trailer_index.read(tmp_path)


def test_a_film_of_unknown_year_is_found_under_its_own_number_only():
    index = pd.DataFrame(
        {
            "movie_id": [1, 9],
            "title": ["Toy Story", "GoldenEye"],
            "year": pd.array([None, None], "Int64"),
        }
    )
    assert trailer_index.resolve(index, MOVIES) == {1: 1}


def test_two_ids_of_one_film_share_a_trailer():
    movies = pd.concat([MOVIES, MOVIES.head(1).assign(movie_id=7)], ignore_index=True)
    index = listed((5, "toy story", 1994))
    assert trailer_index.resolve(index, movies) == {1: 5, 7: 5}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_folder_that_may_not_be_read_is_this_computers_fault(folder):
    folder.chmod(0)
    with pytest.raises(Exception, match="cannot be used"):
        trailers.own(MOVIES)
    folder.chmod(0o700)
