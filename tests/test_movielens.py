"""MovieLens: titles, both file formats, damaged lines, folds."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmrec.catalogue import movielens, sources
from mmrec.errors import StudyError

needs_mirror = pytest.mark.skipif(
    not os.environ.get("MMREC_MIRROR"), reason="MMREC_MIRROR is not set"
)

RATINGS = ["2\t1\t5\t880000001", "1\t2\t3\t880000002", "1\t1\t4\t880000003", "2\t3\t1\t880000004"]
ITEMS = [("1", "Haine, La (1995)", ["Drama"]), ("2", "Café (1990)", ["Comedy", "War"])]


def write_grouplens(folder: Path, ratings=RATINGS):
    flags = ["|".join(str(int(name in g)) for name in movielens.GENRES) for _, _, g in ITEMS]
    lines = [
        f"{i}|{t}|01-Jan-1995||http://x|{f}" for (i, t, _), f in zip(ITEMS, flags, strict=True)
    ]
    lines.append("3|unknown||||" + "|".join(["1"] + ["0"] * 18))
    folder.mkdir(exist_ok=True)
    (folder / "u.item").write_bytes("\n".join(lines).encode("latin-1") + b"\n")
    (folder / "u.user").write_text("1|24|M|technician|85711\n2|53|F|other|94043\n")
    (folder / "u.data").write_text("\n".join(ratings) + "\n")
    return folder


def write_recbole(folder: Path):
    folder.mkdir()
    header = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n"
    (folder / "ml-100k.inter").write_text(header + "\n".join(RATINGS) + "\n")
    (folder / "ml-100k.user").write_text(
        "a\tb\tc\td\te\n1\t24\tM\ttechnician\t85711\n2\t53\tF\tother\t94043\n"
    )
    (folder / "ml-100k.item").write_text(
        "a\tb\tc\td\n1\tHaine, La\t1995\tDrama\n2\tCafé\t1990\tWar Comedy\n"
        "3\tunkonwn\tunkonwn\tunknown\n",
        encoding="utf-8",
    )
    return folder


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("Toy Story (1995)", ("Toy Story", None, 1995)),
        ("Last of the Mohicans, The (1992)", ("The Last of the Mohicans", None, 1992)),
        ("Affair to Remember, An (1957)", ("An Affair to Remember", None, 1957)),
        ("Hate (Haine, La) (1995)", ("Hate", "La Haine", 1995)),
        ("Enfer, L' (1994)", ("L'Enfer", None, 1994)),
        ("Paris, Texas (1984)", ("Paris, Texas", None, 1984)),
        ("Land Before Time III: X (1995) (V)", ("Land Before Time III: X", None, 1995)),
        ("Two Friends (1986) ", ("Two Friends", None, 1986)),
        ("unknown", ("unknown", None, None)),
        ("Two Things I, You, and Her (1966)", ("Two Things I, You, and Her", None, 1966)),
        ("1984 (1984)", ("1984", None, 1984)),
    ],
)
def test_titles(raw, expected):
    assert movielens.split_title(raw) == expected


def test_both_formats_give_the_same_content(tmp_path):
    one = movielens.read(write_grouplens(tmp_path / "a"))
    other = movielens.read(write_recbole(tmp_path / "b"))
    assert movielens.digest(one) == movielens.digest(other)
    assert one.movies["title"].tolist() == ["La Haine", "Café", "unknown"]
    assert one.movies["genres"].tolist() == [["Drama"], ["Comedy", "War"], ["unknown"]]
    assert one.movies["year"].tolist()[:2] == [1995, 1990]
    assert one.ratings["movie_id"].tolist() == [1, 2, 1, 3], "the order of u.data is kept"
    assert list(one.users.columns) == ["user_id", "age", "gender", "occupation", "zip_code"]


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("1\t3\t6\t880000005", "rating 6 is outside 1-5"),
        ("1\t3\tfive\t880000005", "rating five is not a whole number"),
        ("1\t3\t3.5\t880000005", "rating 3.5 is not a whole number"),
        ("1\t3\t4", "3 fields in place of 4"),
        ("", "1 fields in place of 4"),
        ("7\t3\t4\t880000005", "user id 7 is not listed"),
        ("1\t99\t4\t880000005", "movie id 99 is not listed"),
        ("1\t1\t4\t880000005", "rated a second time"),
    ],
)
def test_a_bad_ratings_line_is_named(tmp_path, line, what):
    folder = write_grouplens(tmp_path / "ml", [*RATINGS, line, "2\t2\t2\t880000009"])
    with pytest.raises(StudyError, match=what) as caught:
        movielens.read(folder)
    assert caught.value.where == f"{folder / 'u.data'}, line 5"


def test_a_missing_file_is_named(tmp_path):
    (write_grouplens(tmp_path / "ml") / "u.user").unlink()
    with pytest.raises(StudyError, match=r"u\.user: cannot be read"):
        movielens.read(tmp_path / "ml")


def test_a_part_of_the_data_is_not_the_data(tmp_path):
    with pytest.raises(StudyError, match="4 ratings in place of 100,000"):
        movielens.verify(write_grouplens(tmp_path / "ml"))


def test_folds_are_fifths_of_the_file_and_survive_a_selection(tmp_path):
    ratings = [f"{u}\t{m}\t3\t88000000{u}" for u in (1, 2) for m in (1, 2, 3)][:5]
    data = movielens.read(write_grouplens(tmp_path / "ml", ratings)).ratings
    masks = movielens.fold_masks(data, n_ratings=5)
    assert np.array_equal(np.stack(list(masks.values())), np.eye(5, dtype=bool))
    part = data[data["user_id"] == 2]
    assert movielens.fold_masks(part, n_ratings=5)["u5"].tolist() == [False, True]
    with pytest.raises(StudyError, match="lost their position"):
        movielens.fold_masks(part.reset_index(drop=True))


def test_a_split_file_that_differs_is_refused(tmp_path):
    ratings = [f"{u}\t{m}\t3\t88000000{u}" for u in (1, 2) for m in (1, 2, 3)][:5]
    folder = write_grouplens(tmp_path / "ml", ratings)
    data = movielens.read(folder).ratings
    assert movielens.check_splits(data, folder) == []
    (folder / "u2.test").write_text(ratings[1] + "\n")
    (folder / "u2.base").write_text("\n".join(ratings[:1] + ratings[2:]) + "\n")
    assert movielens.check_splits(data, folder) == ["u2"]
    (folder / "u2.test").write_text(ratings[2] + "\n")
    with pytest.raises(StudyError, match="not the fold u2"):
        movielens.check_splits(data, folder)


@needs_mirror
def test_the_mirror_is_movielens_100k_and_its_folds_can_be_rebuilt():
    folder = Path(os.environ["MMREC_MIRROR"]) / "ml-100k"
    assert movielens.verify(folder) == movielens.CONTENT
    data = movielens.read(folder)
    assert movielens.check_splits(data.ratings, folder) == list(movielens.FOLDS)
    masks = movielens.fold_masks(data.ratings)
    assert data.ratings[masks["u1"]]["user_id"].nunique() == 459
    assert data.movies["year"].isna().sum() == 1


def titled(*rows):
    frame = pd.DataFrame(rows, columns=["movie_id", "title", "alternate_title", "year"])
    return frame.astype({"alternate_title": object, "year": "Int64"})


def test_films_under_two_ids_are_told_by_their_names_and_year():
    movies = titled(
        (3, "Maybe", "Vielleicht", 1994),
        (5, "vielleicht", None, 1994),
        (6, "Maybe", None, 1996),  # a remake
        (8, "Vielleicht", "Peut-être", 1994),
        (9, "Peut-être", None, 1994),  # the same film over two steps
        (10, "unknown", None, None),
        (11, "unknown", None, None),  # no year: nothing to tell them by
    )
    films = movielens.film_ids(movies)
    assert films.tolist() == [3, 3, 6, 3, 3, 10, 11]
    shuffled = movies.sample(frac=1, random_state=1)
    assert movielens.film_ids(shuffled).sort_index().tolist() == films.tolist()


@needs_mirror
def test_the_films_of_movielens_depend_on_nothing_else(tmp_path):
    data = movielens.read(sources.fetch(sources.ML_100K, tmp_path).path)
    films = movielens.film_ids(data.movies).set_axis(data.movies["movie_id"])
    twins = films[films != films.index]
    assert len(twins) == 19
    assert twins[1504] == 1202, "Der Bewegte Mann is Maybe, Maybe Not"


@given(st.text())
def test_any_title_can_be_taken_apart(raw):
    title, alternate, year = movielens.split_title(raw)
    assert year is None or 0 <= year <= 9999
    assert alternate is None or alternate.strip("() ")
    assert len(title) <= len(raw) + 1
    assert movielens.split_title(title)[2] is None or year is not None


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abcd"),
            st.none() | st.sampled_from("abcd"),
            st.none() | st.sampled_from([1990, 1991]),
        ),
        max_size=8,
    )
)
def test_films_are_the_smallest_ids_of_those_that_share_a_name_and_a_year(rows):
    movies = titled(*((number, *row) for number, row in enumerate(rows, start=1)))
    films = movielens.film_ids(movies).tolist()
    ids = range(1, len(rows) + 1)
    names = {i: {name for name in row[:2] if name} for i, row in zip(ids, rows, strict=True)}
    year = {i: row[2] for i, row in zip(ids, rows, strict=True)}
    same = {i: {i} for i in ids}
    for _ in ids:  # as many steps as the longest chain has
        for one in ids:
            for other in ids:
                if year[one] and year[one] == year[other] and names[one] & names[other]:
                    same[one] |= same[other]
    assert films == [min(same[i]) for i in ids]


@given(st.data())
def test_a_damaged_line_is_named_or_harmless(tmp_path_factory, data):
    folder = write_grouplens(tmp_path_factory.mktemp("ml"))
    name = data.draw(st.sampled_from(["u.data", "u.user", "u.item"]))
    content = bytearray((folder / name).read_bytes())
    where = data.draw(st.integers(0, len(content) - 1))
    content[where : where + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    (folder / name).write_bytes(bytes(content))
    try:
        movielens.read(folder)
    except StudyError as error:
        said = str(error)
    else:
        return
    assert said.startswith(str(folder))
    assert len(said.splitlines()) == 1
