"""IMDb's data sets, written here in their form, and the data embedded in its title pages."""

import gzip
import json

import pandas as pd
import pytest
from standin import Fault, StandIn

from mmrec.catalogue import locations
from mmrec.catalogue.finding import Finding, Miss
from mmrec.enrichment.imdb import Imdb, storyline
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
    return gzip.compress((lines + "\n").encode())


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
    table = pd.DataFrame(rows, columns=["movie_id", "title", "year", "imdb_id"])
    return table.astype({"imdb_id": object})


def provider(server, tmp_path, **options):
    web = Web(tmp_path, tries=2, backoff=0.01, timeout=(1, 0.5))
    return Imdb(web, datasets_url=server.url, pages_url=server.url, **options)


def test_facts_come_from_the_data_sets(server, tmp_path):
    listed = movies((1, "The 'Tide'", 2003, None), (2, "None", 1999, None))
    first, second = provider(server, tmp_path).find(listed)
    assert first.match.reason == "title and year agree"
    assert first.fields == {
        "imdb_id": "tt0000001",
        "directors": ["Ada Quill", "Bo Tern"],
        "cast": ["NA", "Cy Reed"],
        "genres": ["Drama", "Sci-Fi"],
        "runtime_minutes": 101,
        "imdb_rating": 7.4,
        "imdb_votes": 1200.0,
    }
    assert second.title == "None"
    assert set(second.fields) == {"imdb_id"}


def test_only_films_of_that_title_and_year_are_found(server, tmp_path):
    listed = movies(
        (1, "Kestrel", 2010, None), (2, "Kestrel", 1985, None), (3, "Milano", 2011, None)
    )
    near, other_year, original = provider(server, tmp_path).find(listed)
    assert (near.fields["imdb_id"], near.match.confidence) == ("tt0000004", 0.9)
    assert original.fields["imdb_id"] == "tt0000004"
    assert other_year.match.status == "rejected"


def test_an_unknown_title_is_missed(server, tmp_path):
    (missed,) = provider(server, tmp_path).find(movies((5, "Nowhere", 2003, None)))
    assert missed == Miss(5, "imdb", "no film of that title and year")


def test_two_films_of_one_title_and_year_are_in_doubt(server, tmp_path):
    (found,) = provider(server, tmp_path).find(movies((1, "Twin", 2005, None)))
    assert found.fields["imdb_id"] == "tt0000006"
    assert found.match.status == "unverified"
    assert "most voted-for of 2 such films" in found.match.reason


def test_the_id_given_decides(server, tmp_path):
    (found,) = provider(server, tmp_path).find(movies((1, "Twin", 2005, "tt0000005")))
    assert (found.fields["imdb_id"], found.match.status) == ("tt0000005", "verified")


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
    assert isinstance(next(provider(server, tmp_path).find(listed)), Finding)


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
    monkeypatch.setattr("mmrec.enrichment.imdb._SECONDS_BETWEEN_PAGES", 0)
    server.routes["/title/tt0000001/"] = PAGE.format(ld=LD, next=next_data("Outline."))
    server.routes["/title/tt0000004/"] = "<html>another design</html>"
    server.routes["/title/tt0000006/"] = Fault(202, b"", {"x-amzn-waf-action": "challenge"})
    listed = movies((1, "Tide", 2003, None), (2, "Kestrel", 2011, None), (3, "Twin", 2005, None))
    answers = list(provider(server, tmp_path, storylines=True).find(listed))
    found = {answer.movie_id: answer for answer in answers if isinstance(answer, Finding)}
    missed = {answer.movie_id: answer.reason for answer in answers if isinstance(answer, Miss)}
    assert found[1].fields["summary"] == "A keeper & a boat."
    assert set(found) == {1, 2, 3}
    assert "holds no plot" in missed[2]
    assert "HTTP 202" in missed[3]
