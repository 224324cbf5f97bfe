"""``mmrec enrich``: a list of titles and years → catalogue and features, from stand-in services."""

import csv
import errno
import gzip
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from standin import Fault, StandIn

from mmrec import cli
from mmrec.catalogue import locations, trailer_index
from mmrec.catalogue import tables as catalogue
from mmrec.catalogue.matching import Assessed, assess, assess_all
from mmrec.catalogue.merging import merge
from mmrec.catalogue.provider import Candidate, Facts, Film, Match, Movie, collect
from mmrec.command_line import Exit
from mmrec.enrichment import lists, pipeline, providers
from mmrec.errors import StudyError
from mmrec.features import from_list
from mmrec.features.cache import dropped
from mmrec.features.media import demo_trailers
from mmrec.features.table import FeatureTable
from mmrec.workspace import PROJECT, Workspace, write_csv

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


def listed_in(path):
    return [row.movie for row in lists.read(path).rows]


def mmrec(monkeypatch, *arguments):
    """Runs the command; returns its exit status, or the line it ends with."""
    monkeypatch.setattr("sys.argv", ["mmrec", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code


def test_fifty_titles_become_a_catalogue_and_features(server, listed, tmp_path, monkeypatch, capfd):
    out = tmp_path / "mine"
    assert mmrec(monkeypatch, "enrich", listed, "--out", out) == 0
    assert mmrec(monkeypatch, "features", out, "--word-vectors", "corpus") == 0
    workspace = Workspace(out, out)
    movies = catalogue.load(workspace).movies
    assert list(movies.columns) == list(catalogue.MOVIE_COLUMNS)
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
    found = pd.read_csv(out / "matches.csv")
    assert found.groupby("provider").size().to_dict() == {
        "imdb": 50,
        "wikipedia": 49,
        "youtube": 49,
    }
    assert (found["confidence"] > 0.5).all()

    asked = len(server.asked)
    assert mmrec(monkeypatch, "enrich", listed, "--out", out) == 0
    # Only what was not found is asked for again: a service may know more another day.
    assert [path for path, _, _ in server.asked[asked:]] == ["/wiki", "/youtube/search"]
    said = "".join(capfd.readouterr())
    kept = "".join(path.read_text(errors="replace") for path in out.rglob("*.*") if path.is_file())
    assert "a-secret-key" not in said + kept


def test_a_killed_run_goes_on_where_it_was(server, listed, tmp_path, monkeypatch, capsys):
    left = iter(range(30))
    original = pipeline.Web.get

    def get(self, url, params=None, **options):
        if next(left, None) is None:
            monkeypatch.setattr(pipeline.Web, "get", original)
            raise KeyboardInterrupt
        return original(self, url, params, **options)

    monkeypatch.setattr(pipeline.Web, "get", get)
    command = ("enrich", listed, "--out", tmp_path / "mine", "--providers", "wikipedia")
    assert mmrec(monkeypatch, *command) == Exit.INTERRUPTED
    assert "run the same command" in capsys.readouterr().err
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
        said = dict.fromkeys(("encoder", "weights", "recipe"), "toy")
        return FeatureTable("video", list(files), vectors, said), dropped([])

    # What these do with a file is tested where they are.
    for module in (from_list.video, from_list.audio):
        monkeypatch.setattr(module.registry, "choose", lambda encoders, names: encoders[names[-1]])
        monkeypatch.setattr(module, "embed_trailers", embed)
    options = ("--providers", "youtube,wikipedia", "--trailers", "--rate-limit", "5M")
    mmrec(monkeypatch, "enrich", path, "--out", tmp_path / "mine", *options)
    mmrec(monkeypatch, "features", tmp_path / "mine", "--word-vectors", "corpus")
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
        (
            "title,year\nUp,2009\nHer,soon\n",
            "my.csv, row 3: 'soon' is not a year. Give four digits",
        ),
        ("\n\ntitle,year\n\nUp,2009\n\nHer,soon\n", "my.csv, row 7: 'soon' is not a year"),
        ('title,year\n"Up\nand away",2009\nHer,soon\n', "my.csv, row 4: 'soon' is not a year"),
        ("title,year\nUp,２００９\n", "row 2: '２００９' is not a year"),
        ("Title,title,year\nUp,Up,2009\n", "two columns are named 'title'. Rename or drop"),
        (
            "title;year\nUp;2009\n",
            "no column 'title'. The first row names the columns, with commas",
        ),
        ("title,year\nUp,\n", "my.csv, row 2: '' is not a year"),
        ("title,year\nUp,1066\n", "row 2: '1066' is not a year"),
        ("title,year\n ,2009\n", "row 2: the title is missing. Fill it in"),
        ("title,year,movie_id\nUp,2009,x\n", "row 2: 'x' is not a movie id"),
        (
            "title,year,movie_id\nUp,2009,1\nHer,2013,1\n",
            "row 3: movie id 1 occurs twice",
        ),
        ("title,year,imdb_id\nUp,2009,1049413\n", "row 2: '1049413' is not an IMDb id"),
        ("title,year\n", "there are no movies in it"),
        ("", "my.csv: the file is empty"),
        ('title,year\n"Up,2009\n', "not a CSV (unexpected end of data). Check the quotes"),
        (
            "title,year\nMe, Myself & Irene,2000\n",
            "row 2: 3 fields where the first row names 2 columns. Put a title that holds a comma",
        ),
        ("title,year\nUp,2009\nMe, Myself & Irene,2000\n", "row 3: 3 fields where the first row"),
        ("title,year\nUp\n", "row 2: '' is not a year"),
        (b"title,year\nAm\xe9lie,2001\n", "row 2: not in UTF-8 (byte 0xe9). Save the list as CSV"),
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
    assert "none.csv: no such file. Check its name." in mmrec(
        monkeypatch, "enrich", tmp_path / "none.csv", *out
    )
    assert "no movies.csv in this folder. Write" in mmrec(monkeypatch, "enrich", tmp_path, *out)
    said = mmrec(monkeypatch, "enrich", listed, *out, "--providers", "wikipedia,tmdb")
    known = "Known: imdb, wikipedia, youtube, or the path of a .py file."
    assert said == f"providers: no provider 'tmdb'. {known}"
    (tmp_path / "empty.py").write_text("")
    said = mmrec(monkeypatch, "enrich", listed, *out, "--providers", tmp_path / "empty.py")
    assert "no function 'provider'. Define provider(web, options)" in said
    (tmp_path / "a file").write_text("")
    said = mmrec(monkeypatch, "enrich", listed, "--out", tmp_path / "a file")
    assert "a file: a file, not a folder. Name a folder." in said
    assert "is no rate" in mmrec(monkeypatch, "enrich", listed, *out, "--rate-limit", "fast")


def test_titles_ids_and_years_are_read_as_spreadsheets_write_them(tmp_path):
    path = tmp_path / "my.csv"
    path.write_text(
        '\ufeffTitle , YEAR,movie_id,imdb_id\n"Matrix, The",1999.0,20,tt0133093\nNone,2012,3,\n',
        encoding="utf-8",
    )
    assert listed_in(path) == [
        Movie(3, "None", 2012),
        Movie(20, "The Matrix", 1999, imdb_id="tt0133093"),
    ]


def test_parentheses_hold_another_name_or_a_part_of_the_title(tmp_path):
    path = tmp_path / "my.csv"
    path.write_text(
        "title,year\nBirdman or (The Unexpected Virtue of Ignorance),2014\n"
        '"Hate (Haine, La) (1995)",1995\n2001: A Space Odyssey,1968\n'
    )
    birdman, hate, odyssey = listed_in(path)
    assert birdman.title == "Birdman or (The Unexpected Virtue of Ignorance)"
    assert hate.titles == ("Hate (La Haine)", "Hate", "La Haine")
    assert odyssey.titles == ("2001: A Space Odyssey",)
    for movie, titles in ((birdman, [birdman.title]), (hate, ["La haine"]), (hate, ["Hate"])):
        assert assess(movie, Film(tuple(titles), movie.year)).status == "verified"
    assert assess(birdman, Film(("Birdman",), 2014)).status == "rejected"


ROW = st.fixed_dictionaries({"title": st.text(), "year": st.text() | st.just("1999")})


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(rows=st.lists(ROW, max_size=4), junk=st.binary(max_size=20), where=st.integers(0, 60))
def test_any_list_is_read_or_refused_in_one_line(tmp_path, rows, junk, where):
    path = tmp_path / "my.csv"
    whole = pd.DataFrame(rows, columns=["title", "year"]).to_csv(index=False)
    content = whole.encode("utf-8", "replace")
    for written in (content, content[:where] + junk + content[where:]):
        path.write_bytes(written)
        movies, refusal = [], None
        try:
            movies = listed_in(path)
        except StudyError as error:
            refusal = str(error)
        assert bool(movies) != bool(refusal)
        assert refusal is None or (refusal.startswith(str(path)) and "\n" not in refusal)
        assert all(movie.title and 1888 <= movie.year <= 2100 for movie in movies)
        assert len({movie.movie_id for movie in movies}) == len(movies)


MOVIE = Movie(1, "Tide", 2003)


def assessed(provider, confidence=1.0, status="verified", year=2003, imdb_id=None, directors=(),
             **facts):  # fmt: skip
    film = Film(("Tide",), year, imdb_id, directors)
    found = Candidate(1, provider, film, Facts(**facts), "somewhere", "a licence")
    return Assessed(found, Match(status, confidence, "because"))


def test_agreement_decides_before_the_order_of_providers():
    found = [
        assessed("imdb", 0.9, runtime_minutes=100, year=2004, imdb_rating=6.1, imdb_votes=9),
        assessed("wikipedia", 1.0, runtime_minutes=120, summary="A tide."),
    ]
    merged = merge([MOVIE], found, order=["imdb", "wikipedia"])
    row = merged.movies.iloc[0]
    assert (row["runtime_minutes"], row["imdb_rating"], row["imdb_votes"]) == (120, 6.1, 9)
    assert merged.rejected.empty
    columns = ["field", "kept", "kept_from", "other", "other_from"]
    assert merged.conflicts[columns].to_numpy().tolist() == [
        ["year", "2003", "wikipedia", "2004", "imdb"],
        ["runtime_minutes", "120", "wikipedia", "100", "imdb"],
    ]
    equal = [assessed("imdb", runtime_minutes=100), assessed("wikipedia", runtime_minutes=101)]
    merged = merge([MOVIE], equal, order=["wikipedia", "imdb"])
    assert merged.movies.at[0, "runtime_minutes"] == 101
    assert merged.conflicts.empty


def test_two_different_films_are_never_mixed():
    found = [
        assessed("wikipedia", imdb_id="tt0000001", directors=("Ada Quill",)),
        assessed("imdb", imdb_id="tt0000002", directors=("Bo Tern",), imdb_rating=9.9),
    ]
    merged = merge([MOVIE], found, order=["wikipedia", "imdb"])
    assert merged.movies.at[0, "directors"] == ["Ada Quill"]
    assert np.isnan(merged.movies.at[0, "imdb_rating"])
    assert merged.rejected["reason"].tolist() == ["another film than the one from wikipedia"]
    assert merged.conflicts["field"].tolist() == ["imdb_id", "directors"]


def test_a_rejected_match_gives_nothing():
    found = [assessed("imdb", 0.0, "rejected", summary="Another film.", imdb_id="tt0000001")]
    merged = merge([MOVIE], found, order=["imdb"])
    row = merged.movies.iloc[0]
    assert (row["match_status"], row["summary"], row["imdb_id"]) == ("rejected", None, None)
    assert row["genres"] == ["unknown"]
    assert len(merged.rejected) == 1
    merged = merge([MOVIE], [], order=["imdb"])
    assert merged.movies.at[0, "match_status"] == "missing"


def test_a_trailer_says_nothing_of_the_film():
    trailer = Candidate(
        1, "youtube", Film(("Tide | Trailer",)), Facts(trailer_youtube_id="abcdefghijk"), "", "",
        Match("verified", 0.9, "called a trailer"),
    )  # fmt: skip
    merged = merge([MOVIE], assess_all([MOVIE], [trailer]), order=["youtube"])
    row = merged.movies.iloc[0]
    assert (row["match_status"], row["trailer_youtube_id"]) == ("missing", "abcdefghijk")


def test_the_tables_of_study_and_list_are_of_one_form():
    merged = merge([MOVIE], [assessed("imdb", summary="A tide.")], order=["imdb"])
    assert list(merged.movies.columns) == list(catalogue.MOVIE_COLUMNS)
    assert merged.movies.dtypes.astype(str).to_dict() == catalogue.MOVIE_COLUMNS


OWN_PROVIDER = re.search(
    r"```python\n(.*?)```", (PROJECT / "book" / "enrich_your_own.md").read_text(), re.DOTALL
)[1]


@pytest.mark.parametrize("inside", [True, False])
def test_a_provider_is_added_by_one_file_and_its_name(tmp_path, monkeypatch, inside):
    """The book's own example, as a file of the package and as one anywhere else."""
    (tmp_path / "notes.json").write_text('{"Tide 2003": "A keeper loses his boat."}')
    (tmp_path / "notes.py").write_text(OWN_PROVIDER)
    (tmp_path / "my.csv").write_text("title,year\nTide,2003\nEbb,1999\n")
    monkeypatch.chdir(tmp_path)
    name = "notes" if inside else str(tmp_path / "notes.py")
    if inside:
        monkeypatch.setattr(providers, "__path__", [*providers.__path__, str(tmp_path)])
    monkeypatch.setenv("MMREC_BUILD", str(tmp_path / "build"))
    assert mmrec(monkeypatch, "enrich", "my.csv", "--out", "mine", "--providers", name) == 0
    movies = catalogue.load(Workspace(tmp_path / "mine", tmp_path)).movies
    assert movies["match_status"].tolist() == ["verified", "missing"]
    assert movies["summary"].tolist() == ["A keeper loses his boat.", None]
    assert movies["summary_source"].tolist() == ["notes", None]
    failures = pd.read_csv(tmp_path / "mine" / "failures.csv")
    assert failures["provider"].tolist() == ["notes"]


@pytest.mark.parametrize(("number", "name"), [(2, "notes"), (1, "imdb")])
def test_a_provider_answers_for_itself_and_for_what_was_asked(number, name):
    answer = Candidate(number, name, Film(), Facts(), "", "")

    class Wrong:
        name = "notes"

        def find(self, movies):
            yield answer

    with pytest.raises(StudyError, match=f"it answers for movie {number} as '{name}'"):
        collect([Wrong()], [MOVIE])


def test_a_title_that_begins_like_a_formula_is_a_text_in_every_table(tmp_path):
    title = '=HYPERLINK("http://x.example","Tide")'
    table = pd.DataFrame(
        {"title": [title, "@Tide", "+1", "-1", "Tide", None], "number": [-1.5, 2, 3, 4, 5, 6]}
    )
    write_csv(table, tmp_path / "x.csv")
    read = pd.read_csv(tmp_path / "x.csv", dtype=str)
    assert read["title"].tolist()[:5] == [f"'{title}", "'@Tide", "'+1", "'-1", "Tide"]
    assert read["number"].tolist()[0] == "-1.5"


def test_formulas_of_a_list_and_of_a_service_reach_no_table_of_the_command(tmp_path, monkeypatch):
    (tmp_path / "evil.py").write_text(
        "from mmrec.catalogue.provider import Candidate, Facts, Film, Miss\n"
        "class Evil:\n"
        "    name = 'evil'\n"
        "    def find(self, movies):\n"
        "        for movie in movies:\n"
        "            film = Film((movie.title,), movie.year, directors=('@Ada',))\n"
        "            yield Candidate(movie.movie_id, 'evil', film, Facts(), '=1+1', '+x')\n"
        "            yield Miss(movie.movie_id, 'evil', '=cmd')\n"
        "def provider(web, options):\n"
        "    return Evil()\n"
    )
    (tmp_path / "my.csv").write_text("title,year\n=1+1,2003\n@SUM,1999\n")
    monkeypatch.setenv("MMREC_BUILD", str(tmp_path / "build"))
    out = tmp_path / "mine"
    command = ("enrich", tmp_path / "my.csv", "--out", out, "--providers", tmp_path / "evil.py")
    assert mmrec(monkeypatch, *command) == 0
    for name in ("matches", "conflicts", "failures"):
        rows = csv.reader((out / f"{name}.csv").read_text().splitlines())
        assert not [cell for row in rows for cell in row if cell[:1] in ("=", "+", "-", "@")]


def test_a_full_disk_ends_the_command_in_one_line(server, listed, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("tempfile.mkdtemp", full)
    said = mmrec(monkeypatch, "enrich", listed, "--out", tmp_path / "mine")
    assert "the disk is full. Free some space and run the same command" in said
    assert "\n" not in said


@pytest.mark.parametrize("option", ["--rate-limit", "--cookies"])
def test_options_of_downloads_need_downloads(listed, tmp_path, monkeypatch, option):
    said = mmrec(monkeypatch, "enrich", listed, "--out", tmp_path / "mine", option, "2M")
    assert said.startswith(f"{option}: only downloads need it")
    assert not (tmp_path / "mine").exists()


def test_nothing_known_is_told_unless_nobody_was_asked(listed, tmp_path, monkeypatch):
    monkeypatch.setenv("MMREC_BUILD", str(tmp_path / "build"))
    (tmp_path / "silent.py").write_text(
        "class Silent:\n"
        "    name = 'silent'\n"
        "    def find(self, movies):\n"
        "        return iter(())\n"
        "def provider(web, options):\n"
        "    return Silent()\n"
    )
    command = ("enrich", listed, "--out", tmp_path / "mine", "--providers")
    assert "nothing is known of any film" in mmrec(monkeypatch, *command, tmp_path / "silent.py")
    assert mmrec(monkeypatch, *command, "none") == 0
