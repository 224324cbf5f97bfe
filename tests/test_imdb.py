"""IMDb's data sets, written here in their form, and the data embedded in its title pages."""

import gzip
import json
import time

import pytest
from standin import Fault, StandIn

from mmrec.catalogue import locations
from mmrec.catalogue.matching import assess
from mmrec.catalogue.provider import Candidate, Facts, Miss, Movie
from mmrec.enrichment.providers.imdb import Imdb, storyline
from mmrec.enrichment.web import Web

BASICS = (
    "tconst titleType primaryTitle originalTitle isAdult startYear endYear runtimeMinutes genres"
)
ROWS = {
    "title.basics": [
        BASICS.split(),
        ["tt0000001", "movie", 'The "Tide', 'The "Tide', 0, 2003, r"\N", 101, "Drama,Sci-Fi"],
        ["tt0000002", "movie", "None", "None", 0, 1999, r"\N", r"\N", r"\N"],
        ["tt0000003", "tvSeries", "Kestrel", "Kestrel", 0, 2010, r"\N", 45, "Drama"],
        ["tt0000004", "movie", "Kestrel", "Milano", 0, 2011, r"\N", 90, "War"],
        ["tt0000005", "movie", "Twin", "Twin", 0, 2005, r"\N", 90, "Comedy"],
        ["tt0000006", "movie", "Twin", "Twin", 0, 2005, r"\N", 80, "Horror"],
        ["tt0000007", "short", "Twin", "Twin", 0, 2005, r"\N", 8, "Horror"],
    ],
    "title.ratings": [
        ["tconst", "averageRating", "numVotes"],
        ["tt0000001", "7.4", 1200],
        ["tt0000004", "6.0", 10],
        ["tt0000005", "5.0", 900],
        ["tt0000006", "5.5", 1000],
        ["tt0000007", "5.5", 20],
    ],
    "title.crew": [
        ["tconst", "directors", "writers"],
        ["tt0000001", "nm0000001,nm0000002", r"\N"],
        ["tt0000002", r"\N", r"\N"],
        ["tt0000004", "nm0000009", r"\N"],
    ],
    "title.principals": [
        ["tconst", "ordering", "nconst", "category", "job", "characters"],
        ["tt0000001", "10", "nm0000003", "actor", r"\N", '["Last"]'],
        ["tt0000001", "2", "nm0000004", "actress", r"\N", '["First'],
        ["tt0000001", "3", "nm0000001", "director", r"\N", r"\N"],
    ],
    "name.basics": [
        ["nconst", "primaryName", "birthYear", "deathYear", "primaryProfession", "knownForTitles"],
        ["nm0000001", "Ada Quill", r"\N", r"\N", r"\N", r"\N"],
        ["nm0000002", "Bo Tern", r"\N", r"\N", r"\N", r"\N"],
        ["nm0000003", "Cy Reed", r"\N", r"\N", r"\N", r"\N"],
        ["nm0000004", "NA", r"\N", r"\N", r"\N", r"\N"],
    ],
}
PAGE = """<html><head><script type="application/ld+json">{ld}</script></head><body>
<script id="__NEXT_DATA__" type="application/json">{next}</script></body></html>"""
LD = json.dumps({"@type": "Movie", "description": "A keeper &amp; a boat."})


def dump(name, rows=None):
    lines = "\n".join("\t".join(map(str, row)) for row in rows or ROWS[name])
    return gzip.compress((lines + "\n").encode(), mtime=0)  # tests are named by these bytes


def next_data(outline, summary=None):
    edges = [{"node": {"plotText": {"plaidHtml": summary}}}] if summary else []
    props = {
        "aboveTheFoldData": {"plot": {"plotText": {"plainText": outline}}},
        "mainColumnData": {"summaries": {"edges": edges}},
    }
    return json.dumps({"props": {"pageProps": props}})


@pytest.fixture
def server(monkeypatch):
    server = StandIn()
    locations._unreachable.cache_clear()
    server.routes |= {f"/{name}.tsv.gz": dump(name) for name in ROWS}
    yield server
    server.close()


def movies(*rows):
    return [Movie(number, title, year, imdb_id=imdb_id) for number, title, year, imdb_id in rows]


def provider(server, tmp_path, **options):
    web = Web(tmp_path, tries=2, backoff=0.01, timeout=(1, 0.5))
    return Imdb(web, datasets_url=server.url, pages_url=server.url, **options)


def test_facts_come_from_the_data_sets(server, tmp_path):
    listed = movies((1, "The 'Tide'", 2003, None), (2, "None", 1999, None))
    first, second = provider(server, tmp_path).find(listed)
    assert assess(listed[0], first.film).reason == "title and year agree"
    assert (first.film.imdb_id, first.film.directors) == ("tt0000001", ("Ada Quill", "Bo Tern"))
    assert first.facts == Facts(
        cast=("NA", "Cy Reed"),
        genres=("Drama", "Sci-Fi"),
        runtime_minutes=101,
        imdb_rating=7.4,
        imdb_votes=1200.0,
    )
    assert second.film.titles[0] == "None"
    assert second.facts == Facts()


def test_only_films_of_that_title_and_year_are_found(server, tmp_path):
    listed = movies(
        (1, "Kestrel", 2010, None), (2, "Kestrel", 1985, None), (3, "Milano", 2011, None)
    )
    near, other_year, original = provider(server, tmp_path).find(listed)
    assert (near.film.imdb_id, assess(listed[0], near.film).confidence) == ("tt0000004", 0.9)
    assert original.film.imdb_id == "tt0000004"
    assert assess(listed[1], other_year.film).status == "rejected"


def test_an_unknown_title_is_missed(server, tmp_path):
    (missed,) = provider(server, tmp_path).find(movies((5, "Nowhere", 2003, None)))
    assert missed == Miss(5, "imdb", "no film of that title and year")


def test_two_films_of_one_title_and_year_are_in_doubt(server, tmp_path):
    (movie,) = movies((1, "Twin", 2005, None))
    (found,) = provider(server, tmp_path).find([movie])
    assert (found.film.imdb_id, found.film.namesakes) == ("tt0000006", 1)
    assert assess(movie, found.film).status == "unverified"


def test_the_id_given_decides(server, tmp_path):
    (movie,) = movies((1, "Twin", 2005, "tt0000005"))
    (found,) = provider(server, tmp_path).find([movie])
    assert found.film.imdb_id == "tt0000005"
    assert assess(movie, found.film).status == "verified"


def test_another_name_of_the_movie_finds_it_too(server, tmp_path):
    named = Movie(1, "The Falcon (Milano)", 2011, ("The Falcon", "Milano"))
    (found,) = provider(server, tmp_path).find([named])
    assert found.film.imdb_id == "tt0000004"


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("title.basics", ["tt0000009", "movie", "Twin", "Twin", 0, "soon", "?", "long", "Horror"]),
        ("title.basics", ["no id", "movie", "Twin", "Twin", 0, 2005, "?", 90, "Horror"]),
        ("title.basics", ["tt0000005", "movie", "Twin", "Twin", 0, 2005, "?", 90, "Horror"]),
        ("title.basics", ["tt0000009", "movie", "Twin", "a", "b", "c", "d", "e", "f", "g", "h"]),
        ("title.basics", ["tt0000009"]),
        ("title.ratings", ["tt0000005", "good", "many"]),
        ("title.ratings", ["tt0000006", "5.5", "1000"]),
        ("title.crew", ["tt0000006", "nobody,,"]),
        ("title.principals", ["tt0000006", "first", "nm0000003", "actor", "", ""]),
        ("title.principals", ["tt0000006", "1", r"\N", "actor", "", ""]),
        ("name.basics", ["nm0000003", r"\N", "", "", "", ""]),
    ],
)
def test_an_odd_row_costs_itself_alone(server, tmp_path, name, row):
    server.routes[f"/{name}.tsv.gz"] = dump(name, [*ROWS[name], row])
    (found,) = provider(server, tmp_path).find(movies((1, "Twin", 2005, None)))
    assert found.film.imdb_id == "tt0000006"
    assert found.facts.runtime_minutes == 80


def test_the_data_sets_are_downloaded_once(server, tmp_path):
    for _ in range(2):
        list(provider(server, tmp_path).find(movies((1, "Twin", 2005, None))))
    paths = [path for path, _, _ in server.asked if path.endswith(".gz")]
    assert sorted(paths) == sorted(f"/{name}.tsv.gz" for name in ROWS)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Fault(404), "HTTP 404"),
        (Fault(503), "HTTP 503"),
        (Fault(200, dump("title.ratings"), truncated=True), "broke off"),
        (dump("title.ratings")[:-20], "truncated"),
        (dump("title.ratings", [["tconst", "stars"], ["tt0000001", 5]]), "another form"),
    ],
)
def test_a_data_set_that_cannot_be_had_is_told_per_movie(server, tmp_path, answer, said):
    good = server.routes["/title.ratings.tsv.gz"]
    server.routes["/title.ratings.tsv.gz"] = answer
    listed = movies((1, "Twin", 2005, None), (2, "Tide", 2003, None))
    missed = list(provider(server, tmp_path).find(listed))
    assert [miss.movie_id for miss in missed] == [1, 2]
    assert said in missed[0].reason
    server.routes["/title.ratings.tsv.gz"] = good
    assert isinstance(next(provider(server, tmp_path).find(listed)), Candidate)


def test_no_page_is_read_unless_asked_for(server, tmp_path):
    list(provider(server, tmp_path).find(movies((1, "Twin", 2005, None))))
    assert not [path for path, _, _ in server.asked if path.startswith("/title/")]


@pytest.mark.parametrize(
    ("page", "expected"),
    [
        (PAGE.format(ld=LD, next=next_data("Short.", "A <b>longer</b> &amp; older tale.")),
         "A longer & older tale."),
        (PAGE.format(ld=LD, next=next_data("A keeper and a boat, in short.")),
         "A keeper and a boat, in short."),
        (PAGE.format(ld=LD, next="{}"), "A keeper & a boat."),
        (PAGE.format(ld="{broken", next=next_data("Outline.")), "Outline."),
        (PAGE.format(ld="[]", next='{"props": null}'), None),
        ("<html>another design</html>", None),
        ("", None),
    ],
)  # fmt: skip
def test_the_plot_is_found_in_the_embedded_data(page, expected):
    assert storyline(page) == expected


def test_storylines_are_read_if_asked_for(server, tmp_path, monkeypatch):
    monkeypatch.setattr("mmrec.enrichment.providers.imdb._SECONDS_BETWEEN_PAGES", 0)
    page = PAGE.format(ld=LD, next=next_data("Outline.")) + "tt0000001"
    server.routes["/title/tt0000001/"] = page
    server.routes["/title/tt0000004/"] = PAGE.format(ld="{}", next="{}") + "tt0000004"
    server.routes["/title/tt0000006/"] = Fault(202, b"", {"x-amzn-waf-action": "challenge"})
    listed = movies((1, "Tide", 2003, None), (2, "Kestrel", 2011, None), (3, "Twin", 2005, None))
    answers = list(provider(server, tmp_path, storylines=True).find(listed))
    found = {answer.movie_id: answer for answer in answers if isinstance(answer, Candidate)}
    missed = {answer.movie_id: answer.reason for answer in answers if isinstance(answer, Miss)}
    assert found[1].facts.summary == "A keeper & a boat."
    assert set(found) == {1, 2, 3}
    assert "holds no plot" in missed[2]
    assert "HTTP 202" in missed[3]


def test_a_page_that_is_not_the_films_is_not_kept(server, tmp_path, monkeypatch):
    """A network that wants a sign-in answers every address with its own page, and status 200."""
    monkeypatch.setattr("mmrec.enrichment.providers.imdb._SECONDS_BETWEEN_PAGES", 0)
    good = PAGE.format(ld=LD, next=next_data("Outline.")) + "tt0000001"
    listed = movies((1, "Tide", 2003, None))
    for page, said in (
        ("<html>sign in to tt0000001</html>", "not the film's page"),
        (good.replace("tt0000001", "tt0000002"), "not the film's page"),
        (PAGE.format(ld="{}", next="{}") + "tt0000001", "holds no plot"),
    ):
        server.routes["/title/tt0000001/"] = page
        answers = list(provider(server, tmp_path, storylines=True).find(listed))
        assert said in answers[0].reason
        assert answers[1].facts.summary is None
    server.routes["/title/tt0000001/"] = good
    (found,) = provider(server, tmp_path, storylines=True).find(listed)
    assert found.facts.summary == "A keeper & a boat."


def test_a_page_in_place_of_a_data_set_is_not_kept(server, tmp_path):
    good = server.routes["/title.basics.tsv.gz"]
    server.routes["/title.basics.tsv.gz"] = b"<html>sign in to this network</html>"
    listed = movies((1, "Tide", 2003, None))
    (missed,) = provider(server, tmp_path).find(listed)
    assert "of another form" in missed.reason
    server.routes["/title.basics.tsv.gz"] = good
    assert isinstance(next(provider(server, tmp_path).find(listed)), Candidate)


@pytest.mark.parametrize("part", ["<script", "<script>", '<script id="__NEXT_DATA__">', "<", "&#"])
def test_a_page_is_read_in_time_with_its_length_alone(part):
    began = time.monotonic()
    storyline(part * 100_000)
    inside = json.dumps({"description": part.replace("</script>", "") * 100_000})
    storyline(f'<script type="application/ld+json">{inside}</script>')
    assert time.monotonic() - began < 2
