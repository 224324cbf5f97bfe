"""Cleaning, matching and merging, on movies made up by hand; and the counts on the real files."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mmrec.catalogue import cleaning, matching, movielens, quality, sources
from mmrec.catalogue import tables as catalogue
from mmrec.catalogue.matching import Candidate, judge
from mmrec.catalogue.providers import details, open_data, published
from mmrec.errors import StudyError
from mmrec.workspace import Workspace

needs_mirror = pytest.mark.skipif(
    not os.environ.get("MMREC_MIRROR"), reason="MMREC_MIRROR is not set"
)
NAN = float("nan")


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("A cook hides a ring. —Jo Doe <jo@example.org>", "A cook hides a ring."),
        ("A cook—tired—hides a ring. —Anonymous", "A cook—tired—hides a ring."),
        ("A cook hides a ring.", "A cook hides a ring."),
        ("nan", None),
        (NAN, None),
        ("#NAME?", None),
        ("It looks like we don't have any of that yet.", None),
    ],
)
def test_plots_lose_their_signature(raw, clean):
    assert cleaning.plot(raw) == clean


def test_numbers_and_ids_as_scrapers_write_them():
    assert [cleaning.votes(v) for v in ("930K", "1.3M", "203", "8.8K", "nan", None)] == [
        930_000,
        1_300_000,
        203,
        8_800,
        None,
        None,
    ]
    assert [cleaning.minutes(v) for v in ("3h 48min", "45min", "2h", "1988", "Unrated", None)] == [
        228,
        45,
        120,
        None,
        None,
        None,
    ]
    assert cleaning.imdb_id("https://www.imdb.com/title/tt0114709/?ref=x") == "tt0114709"
    assert cleaning.imdb_id("http://us.imdb.com/M/title-exact?Toy%20Story%20(1995)") is None
    assert cleaning.names(["nan", " Jo Doe ", ""]) == ["Jo Doe"]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Wong Kar-wai", "Kar-Wai Wong", True),
        ("John O'Hagan", "John OHagan", True),
        ("François Truffaut", "Francois Truffaut", True),
        ("Jo Doe", "Jo B. Doe", True),
        ("Robert Wise", "Robert Stevenson", False),
        ("Joel Coen", "Joel Schumacher", False),
        ("", "Joel Coen", False),
    ],
)
def test_spellings_of_one_person(one, other, same):
    assert matching.same_person(one, other) is same


def film(imdb_id="tt0100000", *directors, year=NAN, number_year=NAN, kind="film"):
    return Candidate(imdb_id, directors, year, number_year, kind)


@pytest.mark.parametrize(
    ("found", "other", "known", "status", "reason"),
    [
        (film(year=1991), None, [], "verified", "year agrees"),
        (film(year=1990), None, [], "verified", "year agrees"),
        (film(year=2008), None, [], "rejected", "another year"),
        (film(year=1951), film(year=1951), [], "rejected", "another year"),
        (film(kind="Video Game"), None, [], "rejected", "not a film"),
        (film("tt0970416"), None, [], "rejected", "after MovieLens"),
        (film("tt0100000", "Jo Doe"), None, ["Jo Doe"], "verified", "director agrees"),
        (film("tt0100000", "Jo Doe"), None, ["Al Roe"], "rejected", "another director"),
        (film("tt0100000", "Jo Doe", year=1934), None, ["Jo Doe"], "rejected", "another year"),
        (film("tt0100000", "Jo Doe", year=1993), None, ["Jo Doe"], "verified", "director agrees"),
        (film(year=1991), film(), ["Al Roe"], "verified", "year agrees"),
        (film(), film(), [], "verified", "same id"),
        (film(), film("tt0100001", year=1991), [], "rejected", "other scrape's match"),
        (film(), film("tt0100001", kind="TV Series"), [], "unverified", "nothing"),
        (film(), None, [], "unverified", "nothing"),
        (film(number_year=1991), None, [], "verified", "number falls"),
        (film(number_year=1962), None, [], "rejected", "another year"),
        (film(year=1994, number_year=1991), None, [], "verified", "number falls"),
        (
            film(number_year=1991),
            film("tt0100001", number_year=1991),
            [],
            "unverified",
            "nothing",
        ),
        (
            film("tt0100000", "Jo Doe"),
            film("tt0100001", "Jo Doe", year=1991),
            [],
            "verified",
            "same director as a match",
        ),
    ],
)
def test_the_strongest_evidence_decides(found, other, known, status, reason):
    verdict = judge(1991.0, known, found, other)
    assert verdict.status == status
    assert reason in verdict.reason


def test_the_year_told_by_an_imdb_number():
    known = pd.Series({f"tt010000{n}": 1990.0 for n in range(6)} | {"tt0120000": 1997.0})
    year_of = matching.number_years(known)
    assert year_of("tt0100002") == 1990
    assert np.isnan(year_of("tt0100009")), "its neighbours lie apart"
    assert np.isnan(year_of("tt0999999")), "no number of MovieLens' time"


MOVIES = [
    # id, raw title, genres
    (1, "Ring, The (1991)", ["Drama"]),
    (2, "Lost Cook (1993)", ["Comedy"]),
    (3, "Remade (1951)", ["Sci-Fi"]),
    (4, "Twin Peas (1996)", ["Comedy"]),
    (5, "Twin Peas (1996)", ["Comedy"]),
    (6, "unknown", ["unknown"]),
]


def canonical():
    frame = pd.DataFrame(MOVIES, columns=["movie_id", "raw_title", "genres"])
    parts = frame["raw_title"].map(movielens.split_title)
    frame["title"], frame["alternate_title"] = parts.str[0], parts.str[1].astype(object)
    frame["year"] = pd.array(parts.str[2], dtype="Int64")
    return frame


def served(name, path):
    kind = "mirror" if path else "missing"
    return sources.Served(name, path, "hand-made", kind, None, "none")


@pytest.fixture
def files(tmp_path):
    """The five source files, three movies long, with the traps of the real ones."""
    items = pd.DataFrame(
        {
            "movie id": range(1, 7),
            "IMDb URL": [
                "https://www.imdb.com/title/tt0100001/",
                "http://us.imdb.com/M/title-exact?Lost%20Cook%20(1993)",
                "https://www.imdb.com/title/tt0100003/",
                "https://www.imdb.com/title/tt0100004/",
                "https://www.imdb.com/title/tt0100004/",
                NAN,
            ],
            "Summary": [
                "A cook hides a ring. —Jo <jo@example.org>",
                NAN,
                "Wrong.",
                "P.",
                "P.",
                NAN,
            ],
            "Cast": ["Ann A|Bob B", NAN, "Zed Z", "Cy C", "Cy C", NAN],
            "Director": ["Jo Doe", NAN, "Al Roe", "Di Poe", "Di Poe", NAN],
            "Rating": [7.5, NAN, 3.0, 6.0, 6.0, NAN],
            "Runtime": [101, NAN, 90, 95, 95, NAN],
            "No. of ratings": ["930K", NAN, "12", "1.2K", "1.2K", NAN],
            "YT-Trailer ID": ["mGXHH9iAfLA", "#NAME?", NAN, NAN, NAN, NAN],
        }
    )
    items.to_csv(tmp_path / "items.csv")

    def row(movie_id, number, year, director, text, rating=5.0):
        return {
            "movie_id": movie_id,
            "movie_url": f"http://www.imdb.com/title/tt{number:07}/?ref",
            "year": year,
            "director": [director],
            "cast": ["Eve E"],
            "description": text,
            "rating": rating,
            "num_review": "2.5K",
            "movie_length": "1h 31min",
        }

    records = [
        row(1, 100001, "1991", "Jo Doe", "Another ring."),
        row(2, 100002, 1993.0, "Ed Coe", "A cook is lost."),
        row(3, 100003, "2008", "Al Roe", "Wrong."),
        row(4, 100004, 1996.0, "Di Poe", "nan"),
        row(6, 900000, "Video Game", "nan", "A game.", None),
    ]
    (tmp_path / "details.json").write_text(json.dumps(records))
    header = ",".join(open_data.COLUMNS)
    (tmp_path / "movies.csv").write_text(
        f'{header}\n1,The Ring,1991,"Open ring.",Jo Doe,Ann A,USA,English,false,1990s,city,crime\n'
        "3,Remade,1951,Open visitor.,Al Moe|Bo Foe,Gus G|Hal H,USA,English,true,future,city,space\n"
    )
    (tmp_path / "posters").mkdir()
    for name in ("tt0100001", "tt0100003", "tt0100004"):
        (tmp_path / "posters" / f"{name}.jpg").write_bytes(b"")
    return {
        "enhanced-items": served("enhanced-items", tmp_path / "items.csv"),
        "movie-details": served("movie-details", tmp_path / "details.json"),
        "open-data": served("open-data", tmp_path / "movies.csv"),
        "posters": served("posters", tmp_path / "posters"),
    }


def test_merging_with_every_source(files):
    movies, _ = catalogue.merge(canonical(), files, ("imdb", "open"))
    movies = movies.set_index("movie_id")
    assert movies["match_status"].tolist() == [
        *("verified", "verified", "rejected", "verified", "verified", "rejected")
    ]
    ring = movies.loc[1]
    assert (ring["title"], ring["summary"]) == ("The Ring", "A cook hides a ring.")
    assert (ring["directors"], ring["directors_source"]) == (["Jo Doe"], "published")
    assert (ring["imdb_rating"], ring["imdb_votes"]) == (7.5, 930_000)
    assert ring["trailer_youtube_id"] == "mGXHH9iAfLA"
    assert ring["poster"] == "tt0100001.jpg"
    cook = movies.loc[2]
    assert (cook["summary"], cook["cast_source"]) == ("A cook is lost.", "details")
    assert (cook["runtime_minutes"], cook["imdb_rating_source"]) == (91, "details")
    assert cook["trailer_youtube_id"] is None, "spreadsheet damage is no trailer"
    assert movies["film_id"].tolist() == [1, 2, 3, 4, 4, 6]


def test_which_ids_are_one_film_is_no_sources_business(files):
    """Two titles share a verified IMDb id here, but folds over films must stay what they are."""
    movies = canonical()
    movies.loc[4, "title"] = "Green Twins"
    for at_hand in (files, {name: served(name, None) for name in files}):
        merged, _ = catalogue.merge(movies, at_hand, ("imdb", "open"))
        assert merged["film_id"].tolist() == [1, 2, 3, 4, 5, 6]


def test_a_rejected_match_gives_nothing(files):
    movies, rejected = catalogue.merge(canonical(), files, ("imdb", "open"))
    remade = movies.set_index("movie_id").loc[3]
    assert (remade["imdb_id"], remade["poster"]) == (None, None)
    assert (remade["summary"], remade["summary_source"]) == ("Open visitor.", "open")
    assert remade["directors"] == ["Al Moe", "Bo Foe"]
    assert np.isnan(remade["imdb_rating"])
    assert remade["imdb_rating_source"] is None
    listed = rejected.set_index(["movie_id", "provider"])["reason"]
    assert sorted(listed.index) == [(3, "details"), (3, "published"), (6, "details")]
    assert listed[6, "details"] == "not a film (video game)"


def test_the_order_of_text_sources_is_the_readers(files):
    for order, text, source in (
        (("imdb", "open"), "A cook hides a ring.", "imdb"),
        (("open", "imdb"), "Open ring.", "open"),
        (("open",), "Open ring.", "open"),
    ):
        movies, _ = catalogue.merge(canonical(), files, order)
        assert tuple(movies.loc[0, ["summary", "summary_source"]]) == (text, source)
    assert movies["summary"].notna().sum() == 2, "with open texts alone, the others have none"


def test_a_doubtful_text_stands_behind_the_open_one(files):
    # Without the second scrape there is no year, and the open data has other directors.
    frame = pd.read_csv(files["open-data"].path)
    frame.loc[len(frame)] = {"movie_id": 4, "title": "Twin Peas", "synopsis": "Open peas."}
    frame.to_csv(files["open-data"].path, index=False)
    files["movie-details"] = served("movie-details", None)
    movies, _ = catalogue.merge(canonical(), files, ("imdb", "open"))
    twins = movies.set_index("movie_id").loc[[4, 5]]
    assert twins["match_status"].tolist() == ["unverified", "unverified"]
    assert twins["summary"].tolist() == ["Open peas.", "P."]


def test_merging_with_the_open_data_alone(files):
    alone = {
        name: place if name == "open-data" else served(name, None) for name, place in files.items()
    }
    movies, rejected = catalogue.merge(canonical(), alone, ("imdb", "open"))
    assert set(movies["match_status"]) == {"missing"}
    assert movies["summary_source"].dropna().tolist() == ["open", "open"]
    assert movies["imdb_rating"].isna().all()
    assert movies.loc[2, "cast"] == ["Gus G", "Hal H"]
    assert movies.loc[1, "cast"] == []
    assert movies["film_id"].tolist() == [1, 2, 3, 4, 4, 6], "twins by title and year"
    assert rejected.empty


def test_an_id_found_for_two_titles():
    shared = canonical()
    open_facts = pd.DataFrame({"directors": [["Jo Doe"]]}, index=[1])

    def found(directors):
        rows = {"imdb_id": ["tt0100001"] * 2, "directors": directors}
        return pd.DataFrame(rows, index=pd.Index([1, 2], name="movie_id"))

    def facts(found):
        return found.assign(year=1992.0, kind="film")

    table = found([["Jo Doe"], ["Jo Doe"]])
    owned = matching.judge_all(shared, table, facts(table), open_facts)
    by_movie = owned.groupby("movie_id")["status"].agg(set)
    assert by_movie.to_dict() == {1: {"verified"}, 2: {"rejected"}}
    unowned = matching.judge_all(shared, table, facts(table), open_facts.iloc[:0])
    assert set(unowned["status"]) == {"unverified"}


def test_files_that_are_not_what_they_should_be(tmp_path):
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    (tmp_path / "x.json").write_text('[{"movie_id": 1}]')
    for reader, name in (
        (published.read, "x.csv"),
        (details.read, "x.json"),
        (open_data.read, "x.csv"),
        (details.read, "x.csv"),
    ):
        with pytest.raises(StudyError, match=r"Get the file again|no column 'movie_id'"):
            reader(tmp_path / name)
    header = ",".join(open_data.COLUMNS)
    (tmp_path / "o.csv").write_text(f"{header}\n1{11 * ','}\n1{11 * ','}\n")
    with pytest.raises(StudyError, match=r"row 3: movie id '1' stands there twice"):
        open_data.read(tmp_path / "o.csv")


def test_parameters_are_checked_before_anything_is_fetched(tmp_path):
    workspace = Workspace(tmp_path / "run", tmp_path / "cache")
    with pytest.raises(StudyError, match="no text source 'wiki'"):
        catalogue.build(workspace, text_sources=["imdb", "wiki"])
    with pytest.raises(StudyError, match="there is no catalogue yet"):
        catalogue.load(workspace)
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    folder = tmp_path_factory.mktemp("real")
    workspace = Workspace(folder / "run", folder / "cache")
    return workspace, catalogue.build(workspace)


@needs_mirror
def test_the_real_catalogue(real):
    movies = real[1].movies
    assert movies["movie_id"].tolist() == list(range(1, 1683))
    status = movies["match_status"].value_counts()
    assert status["verified"] >= 1500
    assert (movies["match_status"] != "rejected").sum() >= 1560
    assert len(real[1].ratings) == 100_000
    twins = movies[movies["film_id"].duplicated(keep=False)]
    titles = twins.groupby("film_id")["title"].nunique()
    assert (titles == 1).sum() == 18, "titles under two ids"
    canonical = movielens.read(Path(os.environ["MMREC_MIRROR"]) / "ml-100k").movies
    assert movies["film_id"].tolist() == movielens.film_ids(canonical).tolist(), "no source's doing"
    texts = movies["summary"].dropna()
    assert not texts.str.contains("@|—[^—]*$").any()
    assert movies["trailer_youtube_id"].notna().sum() == 248


@needs_mirror
def test_wrong_films_of_the_real_files_give_nothing(real):
    movies = real[1].movies.set_index("movie_id")
    wrong = {
        282: "both scrapes found younger films of that name",
        50: "the second scrape found a television special",
        72: "both scrapes found another film of that year",
        510: "both scrapes found the remake",
    }
    assert movies.loc[[*wrong], "imdb_id"].isna().all()
    assert movies.loc[[*wrong], "poster"].isna().all()
    assert not movies.loc[[*wrong], "summary_source"].eq("imdb").any()
    # Here one scrape is right and the other, a video game or a remake, is not.
    assert movies.loc[[96, 429], "imdb_id"].tolist() == ["tt0103064", "tt0043456"]


@needs_mirror
def test_what_is_written_is_what_is_read(real):
    workspace, built = real
    loaded = catalogue.load(workspace)
    for name in ("movies", "ratings", "users", "rejected"):
        pd.testing.assert_frame_equal(getattr(built, name), getattr(loaded, name))
    assert loaded.sources == built.sources
    assert loaded.sources["ml-100k"]["kind"] == "mirror"
    (workspace.catalogue / "movies.parquet").write_bytes(b"PAR1")
    with pytest.raises(StudyError, match="a damaged catalogue"):
        catalogue.load(workspace)


@needs_mirror
def test_a_slice_of_the_users_keeps_the_folds(tmp_path):
    workspace = Workspace(tmp_path / "run", tmp_path / "cache")
    part = catalogue.build(workspace, n_users=50)
    assert part.ratings["user_id"].max() == part.users["user_id"].max() == 50
    masks = movielens.fold_masks(catalogue.load(workspace).ratings)
    assert 0 < masks["u1"].sum() < len(part.ratings)
    published_test = pd.read_csv(
        Path(os.environ["MMREC_MIRROR"]) / "ml-100k" / "u1.test", sep="\t", header=None
    )
    assert masks["u1"].sum() == (published_test[0] <= 50).sum()
    with pytest.raises(StudyError, match="0 users asked for"):
        catalogue.build(workspace, n_users=0)


def test_the_quality_tables_count_movies_and_ratings(files):
    movies, rejected = catalogue.merge(canonical(), files, ("imdb", "open"))
    ratings = pd.DataFrame({"user_id": 1, "movie_id": [1, 1, 3, 6], "rating": 4, "timestamp": 0})
    built = catalogue.Catalogue(movies, ratings, pd.DataFrame(), rejected, {})
    covered = quality.coverage(built)
    assert covered.loc["imdb rating", "movies"] == 4
    assert covered.loc["cast", "share of movies"] == pytest.approx(5 / 6)
    assert covered.loc["imdb rating", "share of ratings"] == pytest.approx(2 / 4)
    status = quality.match_status(built)
    assert status["movies"].to_dict() == {
        "verified": 4,
        "unverified": 0,
        "rejected": 2,
        "missing": 0,
    }
    assert status.loc["rejected", "share of ratings"] == pytest.approx(2 / 4)
    assert quality.origins(built).loc["summary"].to_dict() == {
        **dict.fromkeys(("details", "published"), 0),
        "imdb": 4,
        "none": 1,
        "open": 1,
    }
    assert quality.rejections(built).to_numpy().sum() == 3
    assert quality.twins(built)["movie_ids"].tolist() == [[4, 5]]


def test_the_open_data_alone_brings_nothing_of_other_sources(tmp_path):
    written = open_data.read(sources.fetch(sources.OPEN_DATA, tmp_path).path)
    known, unknown = written.index[0], written.index.max() + 1
    movies = pd.DataFrame(
        {
            "movie_id": [unknown, known],
            "genres": [["Drama"], ["Comedy"]],
            "summary": "A cook hides a ring.",
            "summary_source": "imdb",
            "directors": [["Jo Doe"], ["Jo Doe"]],
            "directors_source": "published",
            "cast": [["Jo Doe"], ["Jo Doe"]],
            "cast_source": "published",
            "imdb_rating": 8.0,
            "imdb_votes": 9.0,
            "imdb_rating_source": "published",
        }
    )
    alone = catalogue.open_only(movies, tmp_path)
    assert list(alone["movie_id"]) == [unknown, known]
    assert alone["summary"].tolist() == [None, written.loc[known, "summary"]]
    assert alone["directors"].tolist() == [[], written.loc[known, "directors"]]
    assert alone["summary_source"].tolist() == [None, "open"]
    assert alone[["imdb_rating", "imdb_votes", "imdb_rating_source"]].isna().all(axis=None)
    assert list(alone["genres"]) == [["Drama"], ["Comedy"]]
    assert set(movies["directors_source"]) == {"published"}, "the catalogue itself stays"
