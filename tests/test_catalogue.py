"""Cleaning, matching and merging, on movies made up by hand; and the counts on the real files."""

import json
import math
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmrec.catalogue import build, cleaning, matching, movielens, quality, sources, tables
from mmrec.catalogue.matching import ImdbNumbers, assess
from mmrec.catalogue.provider import Candidate, Facts, Film, Match, Movie, by_movie
from mmrec.catalogue.providers import details, open_data, published
from mmrec.errors import StudyError
from mmrec.workspace import PROJECT, Workspace

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


def film(imdb_id="tt0100000", *directors, year=None, kind=None):
    return Film(year=year, imdb_id=imdb_id, directors=directors, kind=kind)


def numbered(**years):
    """What IMDb's numbers tell: that of each id, by its year."""
    near = [
        film(f"{imdb_id[:-1]}{n}", year=year)
        for imdb_id, year in years.items()
        for n in range(2, 8)
    ]
    return ImdbNumbers(near, last=140_000)


NO_NUMBERS = ImdbNumbers([], last=140_000)
IN_1991, IN_1962 = numbered(tt0100000=1991), numbered(tt0100000=1962)
MET = Movie(1, "The Ring", 1991)


@pytest.mark.parametrize(
    ("found", "other", "known", "numbers", "status", "reason"),
    [
        (film(year=1991), None, [], NO_NUMBERS, "verified", "year agrees"),
        (film(year=1990), None, [], NO_NUMBERS, "verified", "year agrees"),
        (film(year=2008), None, [], NO_NUMBERS, "rejected", "another year"),
        (film(year=1951), film(year=1951), [], NO_NUMBERS, "rejected", "another year"),
        (film(kind="Video Game"), None, [], NO_NUMBERS, "rejected", "not a film (video game)"),
        (film("tt0970416"), None, [], NO_NUMBERS, "rejected", "after the list was closed"),
        (film("tt0970416"), None, [], None, "unverified", "nothing"),
        (film("tt0100000", "Jo Doe"), None, ["Jo Doe"], None, "verified", "director agrees"),
        (film("tt0100000", "Jo Doe"), None, ["Al Roe"], None, "rejected", "another director"),
        (film("tt0100000", "Jo Doe", year=1934), None, ["Jo Doe"], None, "rejected", "year"),
        (film("tt0100000", "Jo Doe", year=1993), None, ["Jo Doe"], None, "verified", "director"),
        (film(year=1991), film(), ["Al Roe"], NO_NUMBERS, "verified", "year agrees"),
        (
            film("tt0100000", "Jo Doe", year=1995),
            film(),
            ["Al Roe"],
            NO_NUMBERS,
            "rejected",
            "another director",
        ),
        (
            film("tt0100000", "Jo Doe", year=1992),
            film(),
            ["Al Roe"],
            NO_NUMBERS,
            "verified",
            "year agrees",
        ),
        (film(), film(), [], NO_NUMBERS, "verified", "same id"),
        (film(), film("tt0100001", year=1991), [], NO_NUMBERS, "rejected", "another source"),
        (film(), film("tt0100001", kind="TV Series"), [], NO_NUMBERS, "unverified", "nothing"),
        (film(), None, [], NO_NUMBERS, "unverified", "nothing"),
        (film(), None, [], IN_1991, "verified", "number falls"),
        (film(), None, [], IN_1962, "rejected", "another year"),
        (film(year=1994), None, [], IN_1991, "verified", "number falls"),
        (film(), film("tt0100001"), [], IN_1991, "unverified", "nothing"),
        (
            film("tt0100000", "Jo Doe"),
            film("tt0100001", "Jo Doe", year=1991),
            [],
            NO_NUMBERS,
            "verified",
            "same director as a match",
        ),
    ],
)
def test_the_strongest_evidence_decides(found, other, known, numbers, status, reason):
    others = [other] if other else []
    match = assess(MET, found, others=others, directors=known, numbers=numbers)
    assert match.status == status
    assert reason in match.reason
    assert (match.confidence > 0) == (status != "rejected")


def test_the_year_told_by_an_imdb_number():
    known = [film(f"tt010000{n}", year=1990) for n in range(6)] + [film("tt0120000", year=1997)]
    numbers = ImdbNumbers(known, last=140_000)
    assert numbers.year("tt0100002") == 1990
    assert np.isnan(numbers.year("tt0100009")), "its neighbours lie apart"
    assert np.isnan(numbers.year("tt0999999")), "no number of MovieLens' time"
    assert np.isnan(NO_NUMBERS.year("tt0100002"))


@pytest.mark.parametrize(
    ("titles", "year", "status", "confidence"),
    [
        (["Heat"], 1995, "verified", 1.0),
        (["Heat"], 1996, "verified", 0.9),
        (["Heat"], 1997, "rejected", 0.0),
        (["Heat"], 1986, "rejected", 0.0),
        (["Heat"], None, "unverified", 0.5),
        (["Meat", "Heat"], 1995, "verified", 1.0),
        (["La Chaleur"], 1995, "verified", 1.0),
        (["Cold"], 1995, "rejected", 0.0),
    ],
)
def test_title_and_year_decide(titles, year, status, confidence):
    movie = Movie(1, "Heat", 1995, ("La chaleur",))
    match = assess(movie, Film(tuple(titles), year))
    assert (match.status, match.confidence) == (status, confidence)


def test_a_similar_title_is_in_doubt():
    movie = Movie(1, "The Lighthouse Keepers", 1995)
    match = assess(movie, Film(("The Lighthouse Keeper",), 1995))
    assert (match.status, match.confidence < 0.7) == ("unverified", True)


def test_the_id_given_settles_it():
    movie = Movie(1, "Heat", 1995, imdb_id="tt0000001")
    other_title = Film(("Cold",), 1950, "tt0000001")
    assert assess(movie, other_title) == Match("verified", 1.0, "the IMDb id given")
    assert assess(movie, Film(("Heat",), 1995, "tt0000002")).status == "rejected"
    assert assess(movie, Film(("Heat",), 1995)).status == "verified"


def candidate(movie_id, provider, film, facts=None, match=None):
    return Candidate(movie_id, provider, film, facts or Facts(), "somewhere", "a licence", match)


def test_two_films_of_one_title_and_year_are_in_doubt_whoever_knows_of_them():
    """A provider that knows but one of them must not be surer than the one that knows both."""
    movie = Movie(1, "Heat", 1995)
    sure = candidate(1, "wikipedia", Film(("Heat",), 1995, "tt0000001"))
    doubtful = candidate(1, "imdb", Film(("Heat",), 1995, "tt0000002", namesakes=1))
    for candidates in ([sure, doubtful], [doubtful, sure]):
        matches = [match for _, match in matching.assess_all([movie], candidates)]
        assert [match.status for match in matches] == ["unverified"] * 2
        assert {match.reason for match in matches} == {"one of 2 films of that title and year"}
    given = Movie(1, "Heat", 1995, imdb_id="tt0000001")
    matches = [match for _, match in matching.assess_all([given], [sure, doubtful])]
    assert [match.status for match in matches] == ["verified", "rejected"]


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
        "enhanced-items": tmp_path / "items.csv",
        "movie-details": tmp_path / "details.json",
        "open-data": tmp_path / "movies.csv",
        "posters": tmp_path / "posters",
    }


def test_merging_with_every_source(files):
    movies, _ = build.enrich(canonical(), files, ("imdb", "open"))
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
    for at_hand in (files, dict.fromkeys(files)):
        merged, _ = build.enrich(movies, at_hand, ("imdb", "open"))
        assert merged["film_id"].tolist() == [1, 2, 3, 4, 5, 6]


def test_a_rejected_match_gives_nothing(files):
    movies, rejected = build.enrich(canonical(), files, ("imdb", "open"))
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
        movies, _ = build.enrich(canonical(), files, order)
        assert tuple(movies.loc[0, ["summary", "summary_source"]]) == (text, source)
    assert movies["summary"].notna().sum() == 2, "with open texts alone, the others have none"


def test_a_doubtful_text_stands_behind_the_open_one(files):
    # Without the second scrape there is no year, and the open data has other directors.
    frame = pd.read_csv(files["open-data"])
    frame.loc[len(frame)] = {"movie_id": 4, "title": "Twin Peas", "synopsis": "Open peas."}
    frame.to_csv(files["open-data"], index=False)
    files["movie-details"] = None
    movies, _ = build.enrich(canonical(), files, ("imdb", "open"))
    twins = movies.set_index("movie_id").loc[[4, 5]]
    assert twins["match_status"].tolist() == ["unverified", "unverified"]
    assert twins["summary"].tolist() == ["Open peas.", "P."]


def test_merging_with_the_open_data_alone(files):
    alone = {name: path if name == "open-data" else None for name, path in files.items()}
    movies, rejected = build.enrich(canonical(), alone, ("imdb", "open"))
    assert set(movies["match_status"]) == {"missing"}
    assert movies["summary_source"].dropna().tolist() == ["open", "open"]
    assert movies["imdb_rating"].isna().all()
    assert movies.loc[2, "cast"] == ["Gus G", "Hal H"]
    assert movies.loc[1, "cast"] == []
    assert movies["film_id"].tolist() == [1, 2, 3, 4, 4, 6], "twins by title and year"
    assert rejected.empty


def test_an_id_found_for_two_titles():
    movies = [Movie(1, "The Ring", 1991), Movie(2, "Lost Cook", 1993)]
    shared = [
        candidate(movie_id, provider, film("tt0100001", "Jo Doe", year=1992))
        for movie_id in (1, 2)
        for provider in ("published", "details")
    ]
    written = candidate(1, "open", Film(directors=("Jo Doe",)), match=Match("verified", 0.8, "own"))
    owned = matching.assess_all(movies, [*shared, written])
    states = {i: {one.match.status for one in owned if one.candidate.movie_id == i} for i in (1, 2)}
    assert states == {1: {"verified"}, 2: {"rejected"}}
    unowned = matching.assess_all(movies, shared)
    assert {one.match.status for one in unowned} == {"unverified"}
    named = [Movie(1, "The Ring", 1991), Movie(2, "Le Ring", 1991, ("The Ring",))]
    assert {one.match.status for one in matching.assess_all(named, shared)} == {"verified"}


def test_candidates_are_grouped_by_movie_in_their_order():
    one, two, three = (candidate(i, "x", Film()) for i in (2, 1, 2))
    assert list(by_movie([one, two, three])) == [(2, [one, three]), (1, [two])]


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
    with pytest.raises(StudyError, match=r"row 3: movie id '1' occurs twice"):
        open_data.read(tmp_path / "o.csv")


def test_parameters_are_checked_before_anything_is_fetched(tmp_path):
    workspace = Workspace(tmp_path / "run", tmp_path / "cache")
    with pytest.raises(StudyError, match="no text source 'wiki'"):
        build.build(workspace, text_sources=["imdb", "wiki"])
    with pytest.raises(StudyError, match="there is no catalogue yet"):
        tables.load(workspace)
    assert not list(tmp_path.iterdir())


@pytest.fixture(scope="module")
def real(tmp_path_factory):
    folder = tmp_path_factory.mktemp("real")
    workspace = Workspace(folder / "run", folder / "cache")
    return workspace, build.build(workspace)


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
    loaded = tables.load(workspace)
    for name in ("movies", "ratings", "users", "rejected"):
        pd.testing.assert_frame_equal(getattr(built, name), getattr(loaded, name))
    assert loaded.sources == built.sources
    assert loaded.sources["ml-100k"]["kind"] == "mirror"
    (workspace.catalogue / "movies.parquet").write_bytes(b"PAR1")
    with pytest.raises(StudyError, match=r"movies.parquet: a damaged catalogue"):
        tables.load(workspace)


@needs_mirror
def test_a_slice_of_the_users_keeps_the_folds(tmp_path):
    workspace = Workspace(tmp_path / "run", tmp_path / "cache")
    part = build.build(workspace, n_users=50)
    assert part.ratings["user_id"].max() == part.users["user_id"].max() == 50
    masks = movielens.fold_masks(tables.load(workspace).ratings)
    assert 0 < masks["u1"].sum() < len(part.ratings)
    published_test = pd.read_csv(
        Path(os.environ["MMREC_MIRROR"]) / "ml-100k" / "u1.test", sep="\t", header=None
    )
    assert masks["u1"].sum() == (published_test[0] <= 50).sum()
    with pytest.raises(StudyError, match="0 users asked for"):
        build.build(workspace, n_users=0)


def test_the_quality_tables_count_movies_and_ratings(files):
    movies, rejected = build.enrich(canonical(), files, ("imdb", "open"))
    ratings = pd.DataFrame({"user_id": 1, "movie_id": [1, 1, 3, 6], "rating": 4, "timestamp": 0})
    built = tables.Catalogue(movies, ratings, pd.DataFrame(), rejected, {})
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
            "title": ["A Cook", written.loc[known, "title"]],
            "year": [1990, written.loc[known, "year"]],
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
    alone = open_data.only(movies, tmp_path)
    assert list(alone["movie_id"]) == [unknown, known]
    assert alone["summary"].tolist() == [None, written.loc[known, "summary"]]
    assert alone["directors"].tolist() == [[], written.loc[known, "directors"]]
    assert alone["summary_source"].tolist() == [None, "open"]
    assert alone[["imdb_rating", "imdb_votes", "imdb_rating_source"]].isna().all(axis=None)
    assert list(alone["genres"]) == [["Drama"], ["Comedy"]]
    assert set(movies["directors_source"]) == {"published"}, "the catalogue itself stays"


@pytest.mark.parametrize("name", ["movies.parquet", "ratings.parquet", "sources.json"])
@pytest.mark.parametrize("content", [b"", b"PAR1", b"{\xff", b"[" * 100_000])
def test_a_damaged_catalogue_names_the_file(tmp_path, files, name, content):
    movies, rejected = build.enrich(canonical(), files, ("imdb", "open"))
    workspace = Workspace(tmp_path / "run", tmp_path / "cache")
    empty = pd.DataFrame({"user_id": [1]})
    tables.save(tables.Catalogue(movies, empty, empty, rejected, {"x": {}}), workspace)
    assert tables.load(workspace).movies.equals(movies)
    (workspace.catalogue / name).write_bytes(content)
    with pytest.raises(StudyError, match=f"{name}: a damaged catalogue") as caught:
        tables.load(workspace)
    assert "\n" not in str(caught.value)


def test_a_catalogue_is_written_in_utf_8_whatever_the_locale(tmp_path):
    code = (
        "from pathlib import Path; import pandas as pd\n"
        "from mmrec.catalogue import tables; from mmrec.workspace import Workspace\n"
        "empty = pd.DataFrame({'user_id': [1]})\n"
        "notes = {'ml-100k': {'notes': ['wrong hash 0123\\u2026, h\\u00e9']}}\n"
        "movies = tables.movies_table([{'movie_id': 1, 'title': 'x', 'genres': [], "
        "'directors': [], 'cast': []}])\n"
        f"workspace = Workspace(Path({str(tmp_path)!r}), Path('c'))\n"
        "tables.save(tables.Catalogue(movies, empty, empty, empty, notes), workspace)\n"
        "print('kept' if tables.load(workspace).sources == notes else 'changed', flush=True)\n"
    )
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=PROJECT, capture_output=True, text=True
    )
    # Not by its exit status: a thread of a library has been seen to abort when Python ended.
    assert done.stdout == "kept\n", done.stderr


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(ANYTHING, ANYTHING)
def test_facts_hold_what_they_should_whatever_they_are_given(one, other):
    facts = Facts(one, one, other, one, other, one, other)
    found = Film(one, other, one, other)
    numbers = [facts.runtime_minutes, facts.imdb_rating, facts.imdb_votes]
    assert all(n is None or (isinstance(n, float) and 0 < n < math.inf) for n in numbers)
    texts = [facts.summary, facts.trailer_youtube_id]
    for some in (facts.cast, facts.genres, found.titles, found.directors):
        assert isinstance(some, tuple)
        texts += some
    for text in filter(None, texts):
        assert text.encode("utf-8")
        assert text.strip()
    assert found.year is None or 1800 <= found.year <= 2200
    assert found.imdb_id is None or found.imdb_id.startswith("tt")


@given(st.text() | st.just("nan") | st.from_regex(r"\A\d{0,5}(\.\d*)?[KM]?\Z"))
def test_cleaning_takes_any_cell(cell):
    for clean in (cleaning.plot, cleaning.votes, cleaning.minutes, cleaning.imdb_id):
        clean(cell)
    assert cleaning.title_key(cleaning.title_key(cell)) is not None


@pytest.mark.parametrize("filler", [" ", "—", "(", "<", "=", "tt0", "1"])
def test_cleaning_takes_time_with_the_length_of_a_cell_alone(filler):
    cell, began = filler * 200_000, time.monotonic()
    for clean in (cleaning.plot, cleaning.votes, cleaning.minutes, cleaning.imdb_id):
        clean(cell)
    assess(Movie(1, cell[:5000], 1990), Film((cell[:5000] + "x",), 1990))
    assert time.monotonic() - began < 2
