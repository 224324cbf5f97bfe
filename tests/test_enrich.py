"""``mmrec enrich``: a list of titles and years → catalogue and features, from stand-in services."""

import gzip

import numpy as np
import pandas as pd
import pytest
from standin import Fault, StandIn

from mmrec import cli
from mmrec.catalogue import locations, matching, trailer_index
from mmrec.catalogue import tables as catalogue
from mmrec.catalogue.finding import Finding, Match
from mmrec.enrichment import pipeline as enrich
from mmrec.features import from_list
from mmrec.features.cache import dropped
from mmrec.features.media import demo_trailers
from mmrec.features.table import FeatureTable
from mmrec.workspace import Workspace

# None of them is in MovieLens-100K, which ends in 1998.
TITLES = """The Matrix,1999|Fight Club,1999|Memento,2000|Gladiator,2000|Amélie,2001|
Spirited Away,2001|City of God,2002|The Pianist,2002|Oldboy,2003|Lost in Translation,2003|
The Incredibles,2004|Before Sunset,2004|Brokeback Mountain,2005|Caché,2005|The Departed,2006|
Pan's Labyrinth,2006|Zodiac,2007|No Country for Old Men,2007|WALL·E,2008|The Dark Knight,2008|
Up,2009|District 9,2009|Inception,2010|The Social Network,2010|A Separation,2011|Drive,2011|
Skyfall,2012|Amour,2012|Gravity,2013|Her,2013|Boyhood,2014|Interstellar,2014|Spotlight,2015|
Mad Max: Fury Road,2015|Arrival,2016|Moonlight,2016|Get Out,2017|Dunkirk,2017|Roma,2018|
The Favourite,2018|Parasite,2019|1917,2019|Nomadland,2020|Soul,2020|Dune,2021|
Drive My Car,2021|Aftersun,2022|Past Lives,2023|Oppenheimer,2023|Anora,2024"""
LISTED = [tuple(one.strip().rsplit(",", 1)) for one in TITLES.split("|")]
COLUMNS = [
    "movie_id",
    "title",
    "year",
    "genres",
    "film_id",
    "imdb_id",
    "match_status",
    "match_reason",
    "summary",
    "summary_source",
    "directors",
    "directors_source",
    "cast",
    "cast_source",
    "imdb_rating",
    "imdb_votes",
    "imdb_rating_source",
    "runtime_minutes",
    "trailer_youtube_id",
    "poster",
]
PLOTS = (
    "A young keeper finds an old map. The keeper builds a boat with a friend. A storm breaks it.",
    "Two rivals share a small shop. One rival sells the shop to a bank. The other burns it all.",
    "A tired detective follows a silent thief. The thief hides a stolen painting in the harbour.",
)


def _claims(number, year):
    def claim(*values):
        return [
            {"mainsnak": {"snaktype": "value", "datavalue": {"value": value}}, "rank": "normal"}
            for value in values
        ]

    return {
        "P31": claim({"id": "Q11424"}),
        "P577": claim({"time": f"+{year}-03-01T00:00:00Z"}),
        "P345": claim(f"tt{number:07d}"),
        "P57": claim({"id": f"Q9{number}"}),
        "P136": claim({"id": "Q8" + str(number % 2)}),
        "P2047": claim({"amount": "+100", "unit": "http://www.wikidata.org/entity/Q7727"}),
    }


@pytest.fixture
def server(monkeypatch, tmp_path):
    """Wikipedia, Wikidata, IMDb's data sets and YouTube, for all fifty titles but two."""
    server = StandIn()
    locations._unreachable.cache_clear()
    for name, path in {
        "WIKIPEDIA": "/wiki",
        "WIKIDATA": "/data",
        "IMDB_DATASETS": "",
        "YOUTUBE_API": "/youtube",
    }.items():
        monkeypatch.setenv(f"MMREC_{name}_URL", server.url + path)
    monkeypatch.setenv("MMREC_YOUTUBE_URL", f"{server.url}/watch?v=")
    monkeypatch.setenv("YOUTUBE_API_KEY", "a-secret-key")
    monkeypatch.setenv("MMREC_BUILD", str(tmp_path / "build"))
    numbered = {f"{title} {year}": (i, title, year) for i, (title, year) in enumerate(LISTED, 1)}

    def wikipedia(query):
        if "generator" not in query:
            number = int(query["titles"])
            text = f"== Plot ==\n{PLOTS[number % 3]} It is part {number}.\n== Cast ==\nNobody."
            return {"query": {"pages": [{"extract": text, "lastrevid": 1, "fullurl": "w"}]}}
        asked = query["gsrsearch"].removesuffix(" film")
        if asked not in numbered or asked == "Up 2009":
            return {"batchcomplete": True}
        item = f"Q{1000 + numbered[asked][0]}"
        return {"query": {"pages": [{"index": 1, "pageprops": {"wikibase_item": item}}]}}

    def wikidata(query):
        entities = {}
        for item in query["ids"].split("|"):
            number = int(item[1:]) - 1000
            names = {"Q80": "science fiction film", "Q81": "drama film"}
            label = names.get(item, f"Director {item}")
            entities[item] = {"id": item, "labels": {"en": {"value": label}}}
            if 1 <= number <= len(LISTED):
                title, year = LISTED[number - 1]
                entities[item] |= {
                    "labels": {"en": {"value": title}},
                    "sitelinks": {"enwiki": {"title": str(number)}},
                    "claims": _claims(number, int(year)),
                }
        return {"entities": entities}

    def search(query):
        asked = query["q"].removesuffix(" official trailer")
        if asked == "Her 2013":
            return {"items": []}
        return {"items": [{"id": {"videoId": f"trailer-{numbered[asked][0]:03d}"}}]}

    def videos(query):
        title, year = LISTED[int(query["id"][-3:]) - 1]
        snippet = {"title": f"{title} ({year}) - Trailer", "channelTitle": "A24"}
        details = {"contentDetails": {"duration": "PT2M"}}
        return {"items": [{"id": query["id"], "snippet": snippet, **details}]}

    server.routes |= {
        "/wiki": wikipedia,
        "/data": wikidata,
        "/youtube/search": search,
        "/youtube/videos": videos,
        **_imdb_dumps(),
    }
    yield server
    server.close()


def _imdb_dumps():
    tables = {
        "title.basics": [
            "tconst\ttitleType\tprimaryTitle\toriginalTitle\tisAdult\tstartYear\tendYear"
            "\truntimeMinutes\tgenres",
            *(
                f"tt{i:07d}\tmovie\t{title}\t{title}\t0\t{year}\t\\N\t{100 + 60 * (i == 3)}\tDrama"
                for i, (title, year) in enumerate(LISTED, 1)
            ),
        ],
        "title.ratings": [
            "tconst\taverageRating\tnumVotes",
            *(f"tt{i:07d}\t7.{i % 10}\t{1000 * i}" for i in range(1, 51)),
        ],
        "title.crew": ["tconst\tdirectors\twriters"],
        "title.principals": ["tconst\tordering\tnconst\tcategory\tjob\tcharacters"],
        "name.basics": ["nconst\tprimaryName"],
    }
    packed = {
        name: gzip.compress(("\n".join(rows) + "\n").encode()) for name, rows in tables.items()
    }
    return {f"/{name}.tsv.gz": content for name, content in packed.items()}


@pytest.fixture
def listed(tmp_path):
    path = tmp_path / "my_movies.csv"
    pd.DataFrame(LISTED, columns=["title", "year"]).to_csv(path, index=False)
    return path


def mmrec(monkeypatch, *arguments):
    """Runs the command; returns its exit status, or the line it ends with."""
    monkeypatch.setattr("sys.argv", ["mmrec", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code


def test_fifty_titles_become_a_catalogue_and_features(server, listed, tmp_path, monkeypatch, capfd):
    out = tmp_path / "mine"
    command = ("enrich", listed, "--out", out, "--features", "--word-vectors", "corpus")
    assert mmrec(monkeypatch, *command) == 0
    workspace = Workspace(out, out)
    movies = catalogue.load(workspace).movies
    assert list(movies.columns) == COLUMNS
    assert movies["movie_id"].tolist() == list(range(1, 51))
    assert (movies["match_status"] == "verified").all()
    assert movies["summary"].notna().sum() == 49
    assert set(movies["summary_source"].dropna()) == {"wikipedia"}
    assert (movies["imdb_rating_source"] == "imdb").all()
    assert movies["trailer_youtube_id"].notna().sum() == 49
    assert movies.set_index("title").at["Memento", "genres"] == ["Drama"]

    text, meta = (
        FeatureTable.load(workspace.features / f"{name}.parquet") for name in ("text", "meta")
    )
    assert (len(text.movie_ids), text.width) == (49, 384)
    assert (len(meta.movie_ids), meta.width) == (50, 1220)
    assert meta.part_present[:, list(meta.parts).index("triples")].sum() == 49

    conflicts = pd.read_csv(out / "conflicts.csv")
    assert conflicts.to_dict("records") == [
        {"movie_id": 3, "title": "Memento", "field": "runtime_minutes", "kept": 100.0,
         "kept_from": "wikipedia", "other": 160.0, "other_from": "imdb"}
    ]  # fmt: skip
    failures = pd.read_csv(out / "failures.csv").set_index("movie_id")
    assert failures["provider"].to_dict() == {21: "wikipedia", 30: "youtube"}
    found = pd.read_csv(out / "found.csv")
    assert found.groupby("provider").size().to_dict() == {
        "imdb": 50,
        "wikipedia": 49,
        "youtube": 49,
    }
    assert (found["confidence"] > 0.5).all()

    asked = len(server.asked)
    assert mmrec(monkeypatch, "enrich", listed, "--out", out) == 0
    # Only what was not found is asked for again, and nothing at all where the answer was "none".
    assert len(server.asked) == asked
    said = "".join(capfd.readouterr())
    kept = "".join(path.read_text(errors="replace") for path in out.rglob("*.*") if path.is_file())
    assert "a-secret-key" not in said + kept


def test_a_killed_run_goes_on_where_it_was(server, listed, tmp_path, monkeypatch):
    left = iter(range(30))
    original = enrich.Web.get

    def get(self, url, params=None, **options):
        if next(left, None) is None:
            monkeypatch.setattr(enrich.Web, "get", original)
            raise KeyboardInterrupt
        return original(self, url, params, **options)

    monkeypatch.setattr(enrich.Web, "get", get)
    command = ("enrich", listed, "--out", tmp_path / "mine", "--providers", "wikipedia")
    assert "run the same command" in mmrec(monkeypatch, *command)
    before = len(server.asked)
    assert before == 30
    assert mmrec(monkeypatch, *command) == 0
    whole = 4 * 49 + 1
    assert len(server.asked) == whole


def test_downloaded_trailers_give_video_and_audio(server, tmp_path, monkeypatch):
    path = tmp_path / "two.csv"
    path.write_text("title,year,movie_id\nRoma,2018,7\nSoul,2020,9\n")
    clips = demo_trailers.render(
        pd.DataFrame({"movie_id": [7], "genres": [["Drama"]]}),
        tmp_path / "demo",
        seconds=3,
        n_jobs=1,
    )
    roma = f"trailer-{[title for title, _ in LISTED].index('Roma') + 1:03d}"
    whole = Fault(200, clips[7].read_bytes(), {"Content-Type": "video/mp4"})
    server.routes["/watch"] = lambda query: whole if query["v"] == roma else Fault(404)
    calls = []

    def embed(files, **options):
        calls.append(files)
        vectors = np.ones((len(files), 2))
        return FeatureTable("video", list(files), vectors, {}), dropped([])

    # What these do with a file is tested where they are.
    monkeypatch.setattr(from_list.registry, "choose", lambda encoders, names: encoders[names[-1]])
    for module in (from_list.video, from_list.audio):
        monkeypatch.setattr(module, "embed_trailers", embed)
    command = ("enrich", path, "--out", tmp_path / "mine", "--trailers", "--features")
    options = ("--providers", "youtube,wikipedia", "--word-vectors", "corpus", "--rate-limit", "5M")
    mmrec(monkeypatch, *command, *options)
    assert calls == [{7: tmp_path / "mine" / "trailers" / "7.mp4"}] * 2
    index = trailer_index.read(tmp_path / "mine" / "trailers")
    assert 7 in index["movie_id"].tolist()
    assert (tmp_path / "mine" / "features" / "video.parquet").exists()
    failures = pd.read_csv(tmp_path / "mine" / "failures.csv")
    assert failures["movie_id"].tolist() == [9]
    assert "HTTP Error 404" in failures["reason"][0]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("name,year\nUp,2009\n", "my.csv: no column 'title'. The first row"),
        ("title\nUp\n", "my.csv: no column 'year'"),
        ("title,year\nUp,2009\nHer,soon\n", "my.csv, row 3: 'soon' is no year. Give four digits"),
        ("title,year\nUp,\n", "my.csv, row 2: '' is no year"),
        ("title,year\nUp,1066\n", "row 2: '1066' is no year"),
        ("title,year\n ,2009\n", "row 2: '' is no title"),
        ("title,year,movie_id\nUp,2009,x\n", "row 2: 'x' is no id"),
        ("title,year,movie_id\nUp,2009,1\nHer,2013,1\n", "row 3: '1' stands there twice"),
        ("title,year,imdb_id\nUp,2009,1049413\n", "row 2: '1049413' is no IMDb id"),
        ("title,year\n", "no movie in it"),
        ("", "not a CSV"),
        ('title,year\n"Up,2009\n', "not a CSV"),
        ("title,year\nMe, Myself & Irene,2000\n", "more fields than the first row names. Put"),
        ("title,year\nUp,2009\nMe, Myself & Irene,2000\n", "Expected 2 fields in line 3, saw 3"),
        ("title,year\nUp\n", "row 2: '' is no year"),
        (b"title,year\nAm\xe9lie,2001\n", "not a CSV in UTF-8"),
    ],
)
def test_a_list_that_cannot_be_used_is_one_clear_line(tmp_path, monkeypatch, content, said):
    path = tmp_path / "my.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    line = mmrec(monkeypatch, "enrich", path, "--out", tmp_path / "mine")
    assert isinstance(line, str)
    assert "\n" not in line
    assert said in line
    assert not (tmp_path / "mine").exists()


def test_a_missing_list_and_a_wrong_provider_are_told(tmp_path, listed, monkeypatch):
    out = ("--out", tmp_path / "mine")
    assert "not a CSV" in mmrec(monkeypatch, "enrich", tmp_path / "none.csv", *out)
    said = mmrec(monkeypatch, "enrich", listed, *out, "--providers", "wikipedia,tmdb")
    assert said == "providers: no provider 'tmdb'. Choose from wikipedia, imdb, youtube."
    assert "is no rate" in mmrec(monkeypatch, "enrich", listed, *out, "--rate-limit", "fast")


def test_titles_ids_and_years_are_read_as_spreadsheets_write_them(tmp_path):
    path = tmp_path / "my.csv"
    path.write_text(
        '﻿Title , YEAR,movie_id,imdb_id\n"Matrix, The",1999.0,20,tt0133093\nNone,2012,3,\n',
        encoding="utf-8",
    )
    movies = enrich.read_list(path)
    assert movies.to_dict("list") == {
        "movie_id": [3, 20],
        "title": ["None", "The Matrix"],
        "alternate_title": [None, None],
        "year": [2012, 1999],
        "imdb_id": [None, "tt0133093"],
    }


MOVIES = pd.DataFrame(
    {
        "movie_id": [1],
        "title": ["Tide"],
        "alternate_title": [None],
        "year": [2003],
        "imdb_id": [None],
    }
)


def finding(provider, confidence=1.0, status=matching.VERIFIED, year=2003, **fields):
    match = Match(status, confidence, "because")
    return Finding(1, provider, "Tide", year, match, "somewhere", "a licence", fields)


def test_agreement_decides_before_the_order_of_providers():
    found = [
        finding("imdb", 0.9, runtime_minutes=100, year=2004, imdb_rating=6.1, imdb_votes=9),
        finding("wikipedia", 1.0, runtime_minutes=120, summary="A tide."),
    ]
    movies, rejected, conflicts = enrich.merge(MOVIES, found, ["imdb", "wikipedia"])
    row = movies.iloc[0]
    assert (row["runtime_minutes"], row["imdb_rating"]) == (120, 6.1)
    assert rejected.empty
    assert conflicts[["field", "kept", "kept_from", "other", "other_from"]].to_numpy().tolist() == [
        ["year", "2003", "wikipedia", "2004", "imdb"],
        ["runtime_minutes", "120", "wikipedia", "100", "imdb"],
    ]
    equal = [finding("imdb", runtime_minutes=100), finding("wikipedia", runtime_minutes=101)]
    movies, _, conflicts = enrich.merge(MOVIES, equal, ["wikipedia", "imdb"])
    assert movies.at[0, "runtime_minutes"] == 101
    assert conflicts.empty


def test_two_different_films_are_never_mixed():
    found = [
        finding("wikipedia", imdb_id="tt0000001", directors=["Ada Quill"]),
        finding("imdb", imdb_id="tt0000002", directors=["Bo Tern"], imdb_rating=9.9),
    ]
    movies, rejected, conflicts = enrich.merge(MOVIES, found, ["wikipedia", "imdb"])
    assert movies.at[0, "directors"] == ["Ada Quill"]
    assert np.isnan(movies.at[0, "imdb_rating"])
    assert rejected["reason"].tolist() == ["another film (tt0000002) than wikipedia's (tt0000001)"]
    assert conflicts["field"].tolist() == ["imdb_id", "directors"]


def test_a_rejected_match_gives_nothing():
    found = [finding("imdb", 0.0, matching.REJECTED, summary="Another film.", imdb_id="tt0000001")]
    movies, rejected, _ = enrich.merge(MOVIES, found, ["imdb"])
    row = movies.iloc[0]
    assert (row["match_status"], row["summary"], row["imdb_id"]) == ("rejected", None, None)
    assert row["genres"] == ["unknown"]
    assert len(rejected) == 1
    movies, _, _ = enrich.merge(MOVIES, [], ["imdb"])
    assert movies.at[0, "match_status"] == "missing"
