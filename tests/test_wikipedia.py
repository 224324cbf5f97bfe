"""How answers are fetched and kept, and the provider that reads Wikipedia and Wikidata."""

import time
from email.utils import formatdate

import pandas as pd
import pytest
from standin import Fault, StandIn

from mmrec.catalogue.finding import Finding, Miss, judge, movielens_genres, title_key
from mmrec.enrichment.web import Unanswered, Web
from mmrec.enrichment.wikipedia import Wikipedia, plot_section

EXTRACT = """Lantern Bay is a 2003 film.

== Plot ==
A keeper loses his boat.

=== Second act ===
He builds another.

== Cast ==
Someone plays the keeper.
"""


@pytest.fixture
def server():
    server = StandIn()
    yield server
    server.close()


@pytest.fixture
def web(tmp_path):
    return Web(tmp_path, backoff=0.01, timeout=(1, 0.3))


def movies(*rows):
    return pd.DataFrame(rows, columns=["movie_id", "title", "year", "imdb_id"]).astype(
        {"imdb_id": object}
    )


def claim(value, rank="normal"):
    return {"mainsnak": {"snaktype": "value", "datavalue": {"value": value}}, "rank": rank}


def film(item, label, year, imdb_id, kind="Q11424"):
    return {
        "id": item,
        "labels": {"en": {"value": label}},
        "aliases": {"en": [{"value": f"{label}: The Film"}]},
        "sitelinks": {"enwiki": {"title": f"{label} ({year} film)"}},
        "claims": {
            "P31": [claim({"id": kind})],
            "P577": [claim({"time": f"+{year}-05-01T00:00:00Z", "precision": 11})],
            "P345": [claim("tt9999999", "deprecated"), claim(imdb_id)],
            "P57": [claim({"id": "Q1"})],
            "P161": [claim({"id": "Q2"}), claim({"id": "Q3"})],
            "P136": [claim({"id": "Q4"})],
            "P2047": [claim({"amount": "+101", "unit": "http://www.wikidata.org/entity/Q7727"})],
        },
    }


def serve(server, films, names, extract=EXTRACT):
    """Both action APIs, with these films and the labels of the items they name."""
    items = {one["id"]: one for one in films}
    items |= {item: {"id": item, "labels": {"en": {"value": name}}} for item, name in names.items()}

    def wikipedia(query):
        if query.get("generator") == "search":
            pages = [
                {"title": one["id"], "index": i, "pageprops": {"wikibase_item": one["id"]}}
                for i, one in enumerate(films, start=1)
            ]
            return {"query": {"pages": pages[::-1]}}
        page = {"title": query["titles"], "extract": extract, "lastrevid": 77}
        return {"query": {"pages": [{**page, "fullurl": "https://wiki.example/Page"}]}}

    def wikidata(query):
        if query.get("list") == "search":
            return {"query": {"search": [{"title": films[0]["id"]}]}}
        return {"entities": {one: items[one] for one in query["ids"].split("|")}}

    server.routes |= {"/wiki": wikipedia, "/data": wikidata}


def nothing_by_id(answers):
    return lambda query: {"query": {"search": []}} if "srsearch" in query else answers(query)


NAMES = {"Q1": "Ada Quill", "Q2": "Bo Tern", "Q3": "Cy Reed", "Q4": "science fiction film"}


def provider(web, server):
    return Wikipedia(web, wikipedia_url=f"{server.url}/wiki", wikidata_url=f"{server.url}/data")


def test_plot_director_cast_and_year_come_with_the_revision_to_credit(web, server):
    wrong = film("Q20", "Lantern Bay", 1950, "tt0000020")
    series = film("Q30", "Lantern Bay", 2003, "tt0000030", kind="Q5398426")
    serve(server, [wrong, series, film("Q10", "Lantern Bay", 2003, "tt0000010")], NAMES)
    (found,) = provider(web, server).find(movies((1, "Lantern Bay", 2003, None)))
    assert (found.match.status, found.match.confidence) == ("verified", 1.0)
    assert found.fields == {
        "imdb_id": "tt0000010",
        "directors": ["Ada Quill"],
        "cast": ["Bo Tern", "Cy Reed"],
        "genres": ["Sci-Fi"],
        "runtime_minutes": 101.0,
        "summary": "A keeper loses his boat. He builds another.",
    }
    assert found.source == "https://wiki.example/Page?oldid=77"
    assert "CC BY-SA" in found.licence
    assert all("mmrec/" in headers["User-Agent"] for _, _, headers in server.asked)


def test_an_imdb_id_in_the_list_is_looked_up_as_such(web, server):
    serve(server, [film("Q10", "Lantern Bay", 2003, "tt0000010")], NAMES)
    (found,) = provider(web, server).find(movies((1, "Whatever", 1999, "tt0000010")))
    assert found.match.reason == "the IMDb id given"
    assert server.asked[0][1]["srsearch"] == "haswbstatement:P345=tt0000010"
    (other,) = provider(web, server).find(movies((2, "Lantern Bay", 2003, "tt0000011")))
    assert other.match.reason == "another IMDb id than the one given"
    server.routes["/data"] = nothing_by_id(server.routes["/data"])
    (found,) = provider(web, server).find(movies((3, "Lantern Bay", 2003, "tt0000012")))
    assert found.title == "Lantern Bay"


def test_another_year_is_rejected_and_gives_no_field(web, server):
    serve(server, [film("Q10", "Lantern Bay", 1950, "tt0000010")], NAMES)
    (found,) = provider(web, server).find(movies((1, "Lantern Bay", 2003, None)))
    assert (found.match.status, found.match.reason) == ("rejected", "another year (1950)")
    assert found.fields == {}


def test_what_is_not_there_is_told(web, server):
    serve(server, [], NAMES)
    (missing,) = provider(web, server).find(movies((1, "Lantern Bay", 2003, None)))
    assert missing == Miss(1, "wikipedia", "no film of that name found")
    serve(server, [film("Q10", "Lantern Bay", 2003, "tt0000010")], NAMES, extract="No sections.")
    (found,) = provider(web, server).find(movies((2, "Lantern Bay", 2004, None)))
    assert "summary" not in found.fields
    server.routes["/wiki"] = {"query": {"pages": [{"title": "without an index"}]}}
    (odd,) = provider(web, server).find(movies((3, "Other", 2003, None)))
    assert "another form" in odd.reason


def test_a_lagging_server_is_asked_again_though_its_status_is_200(web, server):
    serve(server, [film("Q10", "Lantern Bay", 2003, "tt0000010")], NAMES)
    lag = Fault(200, {"error": {"code": "maxlag", "info": "Waiting"}}, {"Retry-After": "0"})
    server.routes["/wiki"] = [lag, server.routes["/wiki"]]
    (found,) = provider(web, server).find(movies((1, "Lantern Bay", 2003, None)))
    assert isinstance(found, Finding)
    server.routes["/wiki"] = lag
    (missing,) = provider(web, server).find(movies((2, "Elsewhere", 2003, None)))
    assert "maxlag" in missing.reason


def test_one_failing_movie_does_not_stop_the_next(web, server):
    serve(server, [film("Q10", "Lantern Bay", 2003, "tt0000010")], NAMES)
    answers = server.routes["/wiki"]
    server.routes["/wiki"] = lambda query: (
        Fault(400) if "Elsewhere" in query.get("gsrsearch", "") else answers(query)
    )
    listed = movies((1, "Elsewhere", 2003, None), (2, "Lantern Bay", 2003, None))
    first, second = provider(web, server).find(listed)
    assert isinstance(first, Miss)
    assert isinstance(second, Finding)


def test_the_plot_ends_where_the_next_section_of_its_rank_begins():
    text = "Intro\n== Story ==\none\n=== a ===\ntwo\n== Reception ==\nthree"
    assert plot_section(text) == "one two"
    assert plot_section("== Film ==\n=== Plot ===\none\n=== Cast ===\ntwo") == "one"
    assert plot_section("== Plot ==\n\n== Cast ==\nx") is None
    assert plot_section("") is None


def test_nothing_is_fetched_twice(web, server, tmp_path):
    server.routes["/a"] = {"n": 1}
    assert web.get(f"{server.url}/a", {"x": "1"}) == {"n": 1}
    assert Web(tmp_path).get(f"{server.url}/a", {"x": "1"}) == {"n": 1}
    assert len(server.asked) == 1
    web.get(f"{server.url}/a", {"x": "2"})
    assert len(server.asked) == 2


def test_a_damaged_copy_is_fetched_anew(web, server, tmp_path):
    server.routes["/a"] = {"n": 1}
    web.get(f"{server.url}/a")
    (kept,) = [path for path in (tmp_path / "web").rglob("*") if path.is_file()]
    kept.write_bytes(b'{"n":')
    assert web.get(f"{server.url}/a") == {"n": 1}


@pytest.mark.parametrize(
    "fault",
    [
        Fault(503),
        Fault(429, headers={"Retry-After": "0"}),
        Fault(429, headers={"Retry-After": formatdate(time.time() - 5, usegmt=True)}),
        Fault(200, {"n": 1}, truncated=True),
        Fault(200, b'{"n": '),
        Fault(200, silent=True),
    ],
)
def test_what_may_pass_is_tried_again(web, server, fault):
    server.routes["/a"] = [fault, {"n": 1}]
    assert web.get(f"{server.url}/a") == {"n": 1}
    assert len(server.asked) == 2


def test_retry_after_is_kept_to(web, server):
    server.routes["/a"] = [Fault(429, headers={"Retry-After": "0.4"}), {"n": 1}]
    start = time.monotonic()
    web.get(f"{server.url}/a")
    assert time.monotonic() - start >= 0.4


def test_a_long_wait_is_told_not_sat_out(web, server):
    server.routes["/a"] = Fault(429, headers={"Retry-After": "3600"})
    with pytest.raises(Unanswered, match="HTTP 429, asks to wait 3600 s"):
        web.get(f"{server.url}/a")
    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [202, 400, 403, 404])
def test_what_will_not_pass_is_asked_once(web, server, status):
    server.routes["/a"] = Fault(status, b"why")
    with pytest.raises(Unanswered, match=f"HTTP {status}") as caught:
        web.get(f"{server.url}/a")
    assert (caught.value.status, caught.value.body) == (status, b"why")
    assert len(server.asked) == 1


def test_failures_are_not_kept(web, server):
    server.routes["/a"] = Fault(404)
    with pytest.raises(Unanswered):
        web.get(f"{server.url}/a")
    server.routes["/a"] = {"n": 1}
    assert web.get(f"{server.url}/a") == {"n": 1}


def test_a_host_that_never_answers_is_given_up(tmp_path, server):
    web = Web(tmp_path, tries=1, timeout=(1, 0.3))
    server.routes["/a"] = Fault(503)
    for number in range(3):
        with pytest.raises(Unanswered, match="HTTP 503"):
            web.get(f"{server.url}/a", {"n": str(number)})
    with pytest.raises(Unanswered, match="not asked again"):
        web.get(f"{server.url}/a", {"n": "4"})
    assert len(server.asked) == 3


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Matrix, The", "The Matrix"),
        ("Amélie", "Amelie"),
        ("Mary & Max", "Mary and Max"),
        ("WALL·E", "Wall-E"),
        ("Ocean's Eleven", "Oceans Eleven"),
        ("A", "a"),
    ],
)
def test_spellings_of_one_title_agree(one, other):
    assert title_key(one) == title_key(other)


def test_titles_in_other_scripts_keep_their_letters():
    assert title_key("千と千尋の神隠し") != title_key("もののけ姫") != ""


@pytest.mark.parametrize(
    ("titles", "year", "status"),
    [
        (["Heat"], 1995, "verified"),
        (["Heat"], 1996, "verified"),
        (["Heat"], 1986, "rejected"),
        (["Heat"], None, "unverified"),
        (["Meat", "Heat"], 1995, "verified"),
        (["Cold"], 1995, "rejected"),
        ([], 1995, "rejected"),
    ],
)
def test_title_and_year_decide(titles, year, status):
    movie = next(movies((1, "Heat", 1995, None)).itertuples())
    assert judge(movie, titles, year).status == status


def test_a_similar_title_is_in_doubt():
    movie = next(movies((1, "The Lighthouse Keepers", 1995, None)).itertuples())
    found = judge(movie, ["The Lighthouse Keeper"], 1995)
    assert (found.status, found.confidence < 0.7) == ("unverified", True)


def test_genres_are_named_as_movielens_names_them():
    labels = ["Biography", "Sci-Fi", "Family", "neo-noir", "Music", "anti-war film", "award"]
    assert movielens_genres(labels) == ["Children's", "Film-Noir", "Musical", "Sci-Fi", "War"]
