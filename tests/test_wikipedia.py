"""How answers are fetched and kept, and the provider that reads Wikipedia and Wikidata."""

import time
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standin import Fault, StandIn

from mmrec.catalogue.cleaning import genres, title_key
from mmrec.catalogue.matching import assess
from mmrec.catalogue.provider import Candidate, Facts, Miss, Movie
from mmrec.enrichment.providers.wikipedia import Wikipedia, plot_section
from mmrec.enrichment.web import Unanswered, Web

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
    return [Movie(number, title, year, imdb_id=imdb_id) for number, title, year, imdb_id in rows]


def status(movie, found):
    """The state of a match by what the provider itself tells."""
    return assess(movie, found.film)


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
    (movie,) = movies((1, "Lantern Bay", 2003, None))
    (found,) = provider(web, server).find([movie])
    assert (status(movie, found).status, status(movie, found).confidence) == ("verified", 1.0)
    assert (found.film.imdb_id, found.film.directors) == ("tt0000010", ("Ada Quill",))
    assert found.film.namesakes == 0
    assert found.facts == Facts(
        cast=("Bo Tern", "Cy Reed"),
        genres=("Sci-Fi",),
        runtime_minutes=101.0,
        summary="A keeper loses his boat. He builds another.",
    )
    assert found.source == "https://wiki.example/Page?oldid=77"
    assert "CC BY-SA" in found.licence
    assert all("mmrec/" in headers["User-Agent"] for _, _, headers in server.asked)


def test_an_imdb_id_in_the_list_is_looked_up_as_such(web, server):
    serve(server, [film("Q10", "Lantern Bay", 2003, "tt0000010")], NAMES)
    listed = movies((1, "Whatever", 1999, "tt0000010"), (2, "Lantern Bay", 2003, "tt0000011"))
    (found,) = provider(web, server).find(listed[:1])
    assert status(listed[0], found).reason == "the IMDb id given"
    assert server.asked[0][1]["srsearch"] == "haswbstatement:P345=tt0000010"
    (other,) = provider(web, server).find(listed[1:])
    assert status(listed[1], other).reason == "another IMDb id than the one given"
    server.routes["/data"] = nothing_by_id(server.routes["/data"])
    (found,) = provider(web, server).find(movies((3, "Lantern Bay", 2003, "tt0000012")))
    assert found.film.titles[0] == "Lantern Bay"


def test_another_year_is_rejected_and_gives_no_field(web, server):
    serve(server, [film("Q10", "Lantern Bay", 1950, "tt0000010")], NAMES)
    (movie,) = movies((1, "Lantern Bay", 2003, None))
    (found,) = provider(web, server).find([movie])
    assert status(movie, found).reason == "another year than the title's"
    assert found.facts == Facts()


def test_an_original_title_is_a_title(web, server):
    original = film("Q10", "Portrait of a Lady on Fire", 2019, "tt0000010")
    named = {"text": "Portrait de la jeune fille en feu", "language": "fr"}
    original["claims"]["P1476"] = [claim(named)]
    serve(server, [original], NAMES)
    (movie,) = movies((1, "Portrait de la jeune fille en feu", 2019, None))
    (found,) = provider(web, server).find([movie])
    assert status(movie, found).status == "verified"


def test_two_films_of_one_title_and_year_are_in_doubt(web, server):
    twins = [film(f"Q1{n}", "Lantern Bay", 2003, f"tt000001{n}") for n in range(2)]
    serve(server, [*twins, film("Q20", "Lantern Bay", 2004, "tt0000020")], NAMES)
    (movie, given) = movies((1, "Lantern Bay", 2003, None), (2, "Lantern Bay", 2003, "tt0000010"))
    (found,) = provider(web, server).find([movie])
    assert found.film.namesakes == 1, "the third is of the year after"
    assert status(movie, found).reason == "one of 2 films of that title and year"
    (found,) = provider(web, server).find([given])
    assert status(given, found).status == "verified"


def test_one_film_under_two_items_is_in_no_doubt(web, server):
    twins = [film(f"Q1{n}", "Lantern Bay", 2003, "tt0000010") for n in range(2)]
    serve(server, twins, NAMES)
    (movie,) = movies((1, "Lantern Bay", 2003, None))
    (found,) = provider(web, server).find([movie])
    assert status(movie, found).status == "verified"


ODD = {
    "runtime abc": ("P2047", {"amount": "abc", "unit": "http://x/Q7727"}),
    "runtime without unit": ("P2047", {"amount": "+101"}),
    "runtime a list": ("P2047", ["+101"]),
    "director's id a dict": ("P57", {"id": {"id": "Q1"}}),
    "genre a number": ("P136", 4),
    "time without a year": ("P577", {"time": "unknown"}),
    "time a number": ("P577", {"time": 2003}),
    "id a dict": ("P345", {"id": "tt0000010"}),
    "title a dict": ("P1476", {"text": {}}),
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_fact_costs_itself_alone(web, server, name):
    odd = film("Q10", "Lantern Bay", 2003, "tt0000010")
    claim_name, value = ODD[name]
    odd["claims"][claim_name] = [claim(value)]
    serve(server, [odd], NAMES)
    (found,) = provider(web, server).find(movies((1, "Lantern Bay", 2003, None)))
    assert found.facts.summary == "A keeper loses his boat. He builds another."
    assert (found.facts.runtime_minutes is None) == (claim_name == "P2047")


@pytest.mark.parametrize(
    "answer",
    [
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"query": {"pages": [{"index": 1, "pageprops": {"wikibase_item": {}}}]}}',
        '{"query": []}',
        '{"query": {"pages": {"1": 2}}}',
        '{"error": "down"}',
        '{"query": {"pages": [{"index": 1, "pageprops": {"wikibase_item": "\\ud800"}}]}}',
        "<html>sign in to this network</html>",
    ],
)
def test_an_odd_answer_costs_its_movie_alone_and_is_not_kept(tmp_path, server, answer):
    web = Web(tmp_path, tries=1, timeout=(1, 0.3))
    serve(server, [film("Q10", "Lantern Bay", 2003, "tt0000010")], NAMES)
    good = server.routes["/wiki"]
    server.routes["/wiki"] = lambda query: (
        answer.encode() if "Elsewhere" in query.get("gsrsearch", "") else good(query)
    )
    listed = movies((1, "Elsewhere", 2003, None), (2, "Lantern Bay", 2003, None))
    first, second = provider(web, server).find(listed)
    assert isinstance(first, Miss)
    assert "\n" not in first.reason
    assert isinstance(second, Candidate)


def test_nothing_found_is_asked_again_another_day(web, server):
    serve(server, [], NAMES)
    for _ in range(2):
        list(provider(web, server).find(movies((1, "Lantern Bay", 2003, None))))
    server.routes["/wiki"] = {"batchcomplete": True}
    for _ in range(2):
        list(provider(web, server).find(movies((2, "Other Bay", 2003, None))))
    assert sum("Other" in query["gsrsearch"] for _, query, _ in server.asked) == 2


def test_half_a_surrogate_in_a_plot_is_written_all_the_same(web, server):
    serve(server, [film("Q10", "Lantern Bay", 2003, "tt0000010")], NAMES, "== Plot ==\na \ud83d b")
    (found,) = provider(web, server).find(movies((1, "Lantern Bay", 2003, None)))
    assert found.facts.summary == "a \ufffd b"


def test_what_is_not_there_is_told(web, server):
    serve(server, [], NAMES)
    (missing,) = provider(web, server).find(movies((1, "Lantern Bay", 2003, None)))
    assert missing == Miss(1, "wikipedia", "no film of that name found")
    serve(server, [film("Q10", "Lantern Bay", 2003, "tt0000010")], NAMES, extract="No sections.")
    (found,) = provider(web, server).find(movies((2, "Lantern Bay", 2004, None)))
    assert found.facts.summary is None
    server.routes["/wiki"] = {"query": {"pages": [{"title": "without an index"}]}}
    (odd,) = provider(web, server).find(movies((3, "Other", 2003, None)))
    assert "another form" in odd.reason


def test_a_lagging_server_is_asked_again_though_its_status_is_200(web, server):
    serve(server, [film("Q10", "Lantern Bay", 2003, "tt0000010")], NAMES)
    lag = Fault(200, {"error": {"code": "maxlag", "info": "Waiting"}}, {"Retry-After": "0"})
    server.routes["/wiki"] = [lag, server.routes["/wiki"]]
    (found,) = provider(web, server).find(movies((1, "Lantern Bay", 2003, None)))
    assert isinstance(found, Candidate)
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
    assert isinstance(second, Candidate)


def test_the_plot_ends_where_the_next_section_of_its_rank_begins():
    text = "Intro\n== Story ==\none\n=== a ===\ntwo\n== Reception ==\nthree"
    assert plot_section(text) == "one two"
    assert plot_section("== Film ==\n=== Plot ===\none\n=== Cast ===\ntwo") == "one"
    assert plot_section("== Plot ==\n\n== Cast ==\nx") is None
    assert plot_section("") is None
    assert plot_section("== Plot ==\none\n== x\ntwo") == "one == x two"


@pytest.mark.parametrize("line", ["==" + " " * 200_000, "=" * 200_000, "== " * 70_000])
def test_headings_are_read_in_time_with_their_length_alone(line):
    began = time.monotonic()
    plot_section(f"== Plot ==\none\n{line}\n{line} x\n")
    assert time.monotonic() - began < 1


@given(st.text(alphabet=" =\nPlotx", max_size=60))
def test_any_text_has_a_plot_or_none(text):
    found = plot_section(text)
    assert found is None or (found == " ".join(found.split()) and found)


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


def test_genres_are_named_as_movielens_names_them():
    labels = ["Biography", "Sci-Fi", "Family", "neo-noir", "Music", "anti-war film", "award"]
    assert genres(labels) == ("Children's", "Film-Noir", "Musical", "Sci-Fi", "War")
