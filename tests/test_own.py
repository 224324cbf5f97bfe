"""Films of one's own: lists, files, ratings and ids of any kind, and nothing of it ever changed."""

import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mmrec import cli
from mmrec.catalogue import build, tables
from mmrec.catalogue import own as own_files
from mmrec.catalogue.movielens import fold_masks
from mmrec.catalogue.provider import Candidate, Facts, Film
from mmrec.catalogue.providers import open_data
from mmrec.enrichment import pipeline
from mmrec.enrichment.own import folder as own_folder
from mmrec.errors import StudyError
from mmrec.workspace import Workspace

LIST = """id,title,year,genres,directors,country,synopsis
lamp,The Lamp,1994,Drama; Comedy,Director A,Norway,A keeper tends a lamp.
boat,The Boat,1931,Sci-Fi,Director B | Director A,Chile,
oar,The Oar,1950,,,,
"""


@pytest.fixture
def festival(tmp_path):
    """A folder with a list, and empty folders beside it."""
    made = tmp_path / "festival"
    for name in ("trailers", "posters", "synopses"):
        (made / name).mkdir(parents=True)
    (made / "movies.csv").write_text(LIST, encoding="utf-8")
    return made


def read(path, **options):
    return own_folder.read(path, **options)


def said(found) -> list[str]:
    return [str(notice) for notice in found.notices]


def enriched(festival, out, providers=()):
    workspace = Workspace(out, out.parent / "cache")
    return pipeline.run(festival, workspace, providers=list(providers)), workspace


def test_a_list_says_all_that_is_known(festival, tmp_path):
    (festival / "ratings.csv").write_text("user,film,rating\nx y,lamp,4.5\n-7,The Boat,3\n")
    done, workspace = enriched(festival, tmp_path / "out")
    movies = tables.load(workspace).movies.set_index("title")
    assert movies["genres"].tolist() == [["Comedy", "Drama"], ["Sci-Fi"], ["unknown"]]
    assert movies["directors"].tolist() == [["Director A"], ["Director B", "Director A"], []]
    assert movies["summary"].tolist() == ["A keeper tends a lamp.", None, None]
    assert movies.at["The Lamp", "summary_source"] == "own files"
    ids = own_files.load(workspace)
    assert ids.films["id"].tolist() == ["lamp", "boat", "oar"]
    assert ids.films["country"].tolist() == ["Norway", "Chile", ""]
    assert ids.users["id"].tolist() == ["x y", "-7"]
    ratings = done.catalogue.ratings.merge(ids.users).rename(columns={"id": "user"})
    assert dict(zip(ratings["user"], ratings["rating"], strict=True)) == {"x y": 4.5, "-7": 3}
    assert done.notices.empty


@pytest.mark.parametrize(
    ("name", "film"),
    [
        ("trailers/lamp.mp4", 1),
        ("trailers/LAMP.webm", 1),
        ("trailers/The Lamp (1994).mkv", 1),
        ("trailers/the-lamp-1994.mov", 1),
        ("trailers/Lamp_Trailer.mp4", 1),
        ("posters/boat.JPG", 2),
        ("posters/1931.png", None),
        ("posters/2.png", None),
        ("trailers/nothing.mp4", None),
    ],
)
def test_files_are_matched_by_their_names(festival, name, film):
    (festival / name).write_bytes(b"something")
    found = read(festival)
    assert found.own.files["movie_id"].tolist() == ([] if film is None else [film])
    if film is None:
        (line,) = said(found)
        assert line.startswith(f"{festival / name}: belongs to no film of the list. Name it by")


def test_a_file_of_two_films_and_two_files_of_one_are_told_once(festival):
    with (festival / "movies.csv").open("a") as file:
        file.write("lamp2,The Lamp,2010,,,,\n")
    for name in ("The Lamp.mp4", "boat.mp4", "the boat.webm", "notes.doc", ".DS_Store"):
        (festival / "trailers" / name).write_bytes(b"something")
    found = read(festival)
    assert [(row.movie_id, row.path.split("/")[-1]) for row in found.own.files.itertuples()] == [
        (2, "boat.mp4")
    ]
    lines = sorted(line.removeprefix(f"{festival}/trailers/") for line in said(found))
    assert [line.split(". ")[0] for line in lines] == [
        "The Lamp.mp4: may belong to 2 films (The Lamp (1994), The Lamp (2010)), and is left out",
        "notes.doc: not read",
        "the boat.webm: a second file of The Boat (1931); boat.mp4 is taken",
    ]


def test_columns_name_files_wherever_they_lie(festival):
    (festival / "anywhere.mp4").write_bytes(b"something")
    (festival / "synopses" / "second.txt").write_text("Two friends build a boat.", "utf-8")
    (festival / "movies.csv").write_text(
        "title,year,trailer,poster,synopsis\nA,2001,anywhere.mp4,gone.jpg,\nB,2002,,,second.txt\n"
        "C,2003,,,third.txt\n"
    )
    done = read(festival)
    assert done.own.paths("trailer") == {1: (festival / "anywhere.mp4").resolve()}
    (told,) = done.provider.find(done.movies)
    assert (told.movie_id, told.facts.summary) == (2, "Two friends build a boat.")
    first, second = said(done)
    assert first.startswith(
        f"{festival}/movies.csv, row 2: poster 'gone.jpg': there is no such file. Give its name"
    )
    assert "row 4: synopsis 'third.txt': there is no such file" in second


@pytest.mark.parametrize(
    ("name", "content", "line"),
    [
        ("synopses/lamp.txt", b"Caf\xe9", "lamp.txt, row 1: not in UTF-8 (byte 0xe9). Save it as"),
        ("synopses/lamp.txt", b" \n ", "lamp.txt: empty. Save it as text in UTF-8."),
        ("synopses/lamp.txt", b"a\0b", "lamp.txt: not a text (it holds a zero byte)"),
        ("synopses/lamp.txt", b"a" * 1_000_001, "larger than a synopsis can be (1 MB). Shorten"),
        ("posters/lamp.jpg", b"", "lamp.jpg: empty (0 bytes), so The Lamp (1994) has no poster"),
    ],
)
def test_a_file_that_cannot_be_used_costs_itself(festival, name, content, line):
    (festival / name).write_bytes(content)
    found = read(festival)
    (told,) = said(found)
    assert line in told
    assert "\n" not in told
    assert found.own.files.empty
    # What the list says counts where the file does not.
    assert next(iter(found.provider.find(found.movies))).facts.summary == "A keeper tends a lamp."


def test_cells_that_cannot_be_used_cost_themselves(festival):
    (festival / "movies.csv").write_text(
        "title,year,runtime,imdb_rating,genres,trailer_youtube_id\n"
        "A,2001,long,11,Experimental,https://example.org\nB,2002,90 min,7.5,Drama|Experimental,\n"
    )
    found = read(festival)
    facts = [one.facts for one in found.provider.find(found.movies)]
    assert facts == [Facts(genres=("Drama",), runtime_minutes=90, imdb_rating=7.5)]
    lines = [line.removeprefix(f"{festival}/movies.csv, ") for line in said(found)]
    assert [line.split(";")[0] for line in lines] == [
        "row 2: runtime_minutes 'long' is not 1 to 6000",
        "row 2: imdb_rating '11' is not 1 to 10",
        "row 2: 'https://example.org' is not a YouTube id",
        "row 2 and 1 more: genre 'Experimental' is not known",
    ]


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("user,film,rating\na,lamp,4\nb,lamp,11\nb,oar,0\n", ", row 3: rating '11' is outside 1-5"),
        ("user,film,rating\na,lamp,11\nb,oar,0\n", "outside 1-5 (and 1 more rows are wrong). Rat"),
        ("user,film,rating\na,lamp,nan\n", ", row 2: rating 'nan' is outside 1-5. Ratings are sta"),
        ("user,film,rating\na,lamp,\n", ", row 2: rating '' is outside 1-5"),
        ("user,film,rating\n,lamp,4\n", ", row 2: the user is missing. Fill it in."),
        ("user,rating\na,4\n", ": no column 'film'. The first row names the columns user, film"),
        ("user,film,rating\n", ": no ratings in it"),
        ("", ": the file is empty"),
        ("user,film,rating\na,x,4\nb,y,4\n", ": none of its 2 ratings is of a film in the list"),
        (b"user,film,rating\n\xe9,lamp,4\n", ", row 2: not in UTF-8 (byte 0xe9). Save the list"),
        ("user,film,rating\na,lamp,4,5\n", ", row 2: 4 fields where the first row names 3"),
    ],
)
def test_ratings_that_cannot_be_used_stop_with_one_line(festival, content, line):
    path = festival / "ratings.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(StudyError) as stopped:
        read(festival)
    assert f"{path}{line}" in str(stopped.value) or line in str(stopped.value)
    assert "\n" not in str(stopped.value)


def test_ratings_of_other_films_and_twice_are_told(festival):
    (festival / "ratings.csv").write_text(
        "user_id,title,stars\na,The Lamp,4\na,Elsewhere,5\nb,Elsewhere,1\na,the lamp (1994),2\n"
    )
    found = read(festival)
    assert found.ratings.ratings[["movie_id", "rating"]].to_numpy().tolist() == [[1, 2]]
    lines = [line.removeprefix(f"{festival}/ratings.csv, ") for line in said(found)]
    assert lines == [
        "row 5: user 'a' rates 'the lamp (1994)' again (before in row 2); the last counts. "
        "Drop one of the two rows.",
        "row 3: film 'Elsewhere' is not in the list; 2 ratings left out. "
        "Name a film by its id in the list, or by title and year.",
    ]


def test_a_hundred_thousand_rows(festival):
    rng = np.random.default_rng(0)
    films = pd.DataFrame({"id": [f"f{i}" for i in range(20_000)], "year": 2000})
    films["title"] = "Film " + films.index.astype(str)
    films.to_csv(festival / "movies.csv", index=False)
    pairs = rng.permutation(500 * 20_000)[:100_000]
    pd.DataFrame(
        {
            "user": pairs // 20_000,
            "film": films["id"].to_numpy()[pairs % 20_000],
            "rating": rng.integers(1, 6, len(pairs)),
        }
    ).to_csv(festival / "ratings.csv", index=False)
    found = read(festival)
    assert len(found.ratings.ratings) == 100_000
    assert not found.notices
    assert found.ratings.ratings.index.is_unique


def test_folds_of_own_ratings_are_fifths(festival):
    films = "".join(f"{i},Film {i},2000\n" for i in range(100))
    (festival / "movies.csv").write_text("id,title,year\n" + films)
    rows = "".join(f"u{i % 5},{i % 100},3\n" for i in range(100))
    (festival / "ratings.csv").write_text("user,film,rating\n" + rows)
    ratings = read(festival).ratings.ratings
    masks = fold_masks(ratings)
    assert [mask.sum() for mask in masks.values()] == [20] * 5
    # No fold is the first fifth of a file that is sorted by user.
    assert all(ratings.loc[mask, "user_id"].nunique() == 5 for mask in masks.values())


def test_films_keep_their_numbers_when_the_list_changes(festival, tmp_path):
    out = tmp_path / "out"
    (festival / "movies.csv").write_text("title,year\nA,2001\nB,2002\nC,2003\n")
    enriched(festival, out)
    (festival / "movies.csv").write_text("title,year\nNew,1999\nC,2003\nA,2001\n")
    done, _ = enriched(festival, out)
    numbers = done.catalogue.movies.set_index("title")["movie_id"].to_dict()
    assert numbers == {"A": 1, "C": 3, "New": 4}


def test_a_row_given_twice_is_told_and_an_id_given_twice_stops(festival):
    with (festival / "movies.csv").open("a") as file:
        file.write("oar,The Oar,1950,,,,\n")
    found = read(festival)
    assert len(found.movies) == 3
    assert said(found) == [
        f"{festival}/movies.csv, row 5: the same as row 4, and left out. Drop one of the two."
    ]
    with (festival / "movies.csv").open("a") as file:
        file.write("oar,Another,1951,,,,\n")
    with pytest.raises(StudyError, match=r"row 6: id 'oar' occurs twice\. Give each row its own"):
        read(festival)


class Encyclopedia:
    """Knows a cast and another plot of every film, and a director of one."""

    name = "encyclopedia"

    def find(self, movies):
        for movie in movies:
            film = Film((movie.title,), movie.year, directors=("Somebody Else",))
            facts = Facts(summary="A plot.", cast=("Player",), genres=("War",))
            yield Candidate(movie.movie_id, self.name, film, facts, "here", "free")


def test_the_folder_counts_before_providers_film_by_film(festival, tmp_path, monkeypatch):
    monkeypatch.setattr(pipeline, "load", lambda name, *_: Encyclopedia())
    done, _ = enriched(festival, tmp_path / "out", ["encyclopedia"])
    movies = done.catalogue.movies.set_index("title")
    assert movies["summary_source"].to_dict() == {
        "The Lamp": "own files",
        "The Boat": None,  # its director says that theirs is another film
        "The Oar": "encyclopedia",
    }
    reasons = done.matches.query("status == 'rejected'").set_index("title")["reason"].to_dict()
    assert reasons == dict.fromkeys(["The Lamp", "The Boat"], "another director than your list's")
    assert movies.at["The Oar", "genres"] == ["War"]
    assert movies.at["The Lamp", "cast"] == []


def test_own_trailers_are_not_downloaded_again(festival, tmp_path, monkeypatch):
    (festival / "movies.csv").write_text(
        "title,year,trailer_youtube_id\nA,2001,aaaaaaaaaaa\nB,2002,bbbbbbbbbbb\n"
    )
    (festival / "trailers" / "A.mp4").write_bytes(b"something")
    asked = []
    monkeypatch.setattr(
        pipeline.videos, "download", lambda wanted, *_, **__: asked.append(wanted) or ({}, [])
    )
    workspace = Workspace(tmp_path / "out", tmp_path / "cache")
    pipeline.run(festival, workspace, providers=[], trailers=True)
    assert asked == [{2: "bbbbbbbbbbb"}]


def state(folder) -> dict:
    return {
        path: (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else None)
        for path in sorted(folder.rglob("*"))
    }


def test_nothing_is_written_among_own_files(festival, tmp_path, monkeypatch):
    (festival / "trailers" / "lamp.mp4").write_bytes(b"something")
    before = state(festival)
    enriched(festival, tmp_path / "out")
    assert state(festival) == before
    for out in (festival, festival / "trailers", festival / "." / "posters"):
        with pytest.raises(StudyError, match="your own films are here, and nothing is written"):
            enriched(festival, out)
    assert state(festival) == before


def test_nothing_is_written_beside_a_list(festival):
    """The list may have the name of a table that is written."""
    listed = (festival / "movies.csv").rename(festival / "matches.csv")
    before = state(festival)
    for out in (festival, festival / "trailers"):
        with pytest.raises(StudyError, match="your own films are here, and nothing is written"):
            enriched(listed, out)
    assert state(festival) == before
    enriched(listed, festival / "out")
    assert listed.read_text(encoding="utf-8") == LIST


def test_an_earlier_catalogue_that_is_damaged_is_made_again(festival, tmp_path):
    _, workspace = enriched(festival, tmp_path / "out")
    whole = own_files.load(workspace)
    for name in ("films", "users"):
        (workspace.catalogue / f"own_{name}.parquet").write_bytes(b"PAR1")
    with pytest.raises(StudyError, match=r"a damaged catalogue .*Run mmrec enrich again"):
        own_files.load(workspace)
    enriched(festival, tmp_path / "out")
    pd.testing.assert_frame_equal(own_files.load(workspace).films, whole.films)


def test_what_is_about_movielens_refuses_films_of_ones_own(festival, tmp_path):
    done, workspace = enriched(festival, tmp_path / "out")
    with pytest.raises(StudyError, match=r"holds films of your own, and this is about Movie"):
        build.build(workspace)
    assert tables.load(workspace).movies["title"].tolist() == ["The Lamp", "The Boat", "The Oar"]
    with pytest.raises(StudyError, match=r"movie 1 is 'The Lamp', and 'Toy Story' in the open"):
        open_data.only(done.catalogue.movies.assign(year=2001), workspace.cache)


HOSTILE = """title,year,synopsis
"<script>alert(1)</script>",2001,"<b>Bold</b> words are told."
"=HYPERLINK(""http://example.org"")",2002,=1+1
"@SUM(A1)",2003,
"two
lines \x1b[31mred",2004,
🎬 Кино،,2005,
{},2006,
"""


def test_markup_and_formulas_are_data(festival, tmp_path, monkeypatch, capsys):
    written = HOSTILE.format("A" * 100_000)
    (festival / "movies.csv").write_text(written, encoding="utf-8")
    (festival / "ratings.csv").write_text('user,film,rating\n=1+1,"@SUM(A1)",4\n@b,no\x1b[31m,4\n')
    monkeypatch.setenv("MMREC_BUILD", str(tmp_path / "build"))
    out = tmp_path / "out"
    options = ["enrich", str(festival), "--out", str(out), "--providers", "none"]
    monkeypatch.setattr("sys.argv", ["mmrec", *options])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 0
    workspace = Workspace(out, out)
    movies = tables.load(workspace).movies
    assert movies["title"].tolist() == [
        *("<script>alert(1)</script>", '=HYPERLINK("http://example.org")', "@SUM(A1)"),
        *("two\nlines \x1b[31mred", "🎬 Кино،", "A" * 100_000),
    ]
    assert movies["summary"].tolist()[:2] == ["<b>Bold</b> words are told.", "=1+1"]
    assert own_files.load(workspace).users["id"].tolist() == ["=1+1"]
    for path in out.glob("*.csv"):
        cells = pd.read_csv(path, dtype=str, keep_default_na=False).to_numpy().ravel()
        assert not [cell for cell in cells if cell.startswith(("=", "@"))], path
    told = capsys.readouterr()
    assert "\x1b" not in told.out + told.err
    assert "film 'no\\x1b[31m' is not in the list; 1 rating left out" in told.err
    assert len(told.err.splitlines()) == 1


CELL = st.text(max_size=8) | st.sampled_from(["lamp", "The Boat", "4", "5.5", "1", "u"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(rows=st.lists(st.tuples(CELL, CELL, CELL), max_size=5))
def test_any_ratings_are_read_or_refused_in_one_line(festival, rows):
    written = io.StringIO()
    pd.DataFrame(rows, columns=["user", "film", "rating"]).to_csv(written, index=False)
    content = written.getvalue().encode("utf-8", "replace")
    (festival / "ratings.csv").write_bytes(content)
    found, refusal = None, None
    try:
        found = read(festival)
    except StudyError as error:
        refusal = str(error)
    assert (found is None) != (refusal is None)
    for line in [refusal] if refusal else said(found):
        assert line.startswith(str(festival / "ratings.csv"))
        assert "\n" not in line
    if found:
        assert found.ratings.ratings["rating"].between(1, 5).all()
        assert found.ratings.ratings["movie_id"].isin([1, 2, 3]).all()


def test_a_cell_that_is_too_long_for_a_name_is_told(festival):
    rows = ["id,title,year,trailer", f"lamp,The Lamp,1994,{'a' * 300}.mp4"]
    (festival / "movies.csv").write_text("\n".join(rows), encoding="utf-8")
    assert any("there is no such file" in line for line in said(read(festival)))
