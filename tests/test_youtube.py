"""Which video is the trailer, by key or by list, and its download through yt-dlp."""

import dataclasses
import errno
import logging
import traceback
import zipfile

import pandas as pd
import pytest
from standin import Fault, StandIn

from mmrec.catalogue import sources
from mmrec.catalogue.locations import Mirror, Upstream, pinned
from mmrec.catalogue.provider import Facts, Miss, Movie
from mmrec.enrichment import trailers
from mmrec.enrichment.providers import youtube
from mmrec.enrichment.providers.youtube import YouTube
from mmrec.enrichment.web import Web
from mmrec.errors import LocalError, StudyError
from mmrec.features.media import demo_trailers

SECRET = "secret-key-of-nobody-0123456789"


@pytest.fixture
def server():
    server = StandIn()
    yield server
    server.close()


@pytest.fixture
def web(tmp_path):
    return Web(tmp_path / "cache", tries=2, backoff=0.01, timeout=(1, 0.3))


@pytest.fixture
def key(monkeypatch):
    monkeypatch.setenv(youtube.KEY, SECRET)


def movies(*rows):
    return [Movie(number, title, year) for number, title, year in rows]


def video(name, title, duration="PT2M10S", channel="Somebody"):
    snippet = {"title": title, "channelTitle": channel}
    return {"id": name, "snippet": snippet, "contentDetails": {"duration": duration}}


def refusal(reason, status=403):
    error = {"code": status, "message": "No.", "errors": [{"domain": "youtube", "reason": reason}]}
    return Fault(status, {"error": error})


def serve(server, videos):
    hits = [{"id": {"kind": "youtube#video", "videoId": one["id"]}} for one in videos]
    server.routes |= {
        "/search": lambda query: {"items": hits},
        "/videos": lambda query: {"items": [v for v in videos if v["id"] in query["id"]]},
    }


LIKELY = video("right-video", "KESTREL (2011) | Official Trailer", channel="Movieclips Trailers")


def test_title_year_duration_and_channel_choose_and_are_told(web, server, key):
    others = [
        video("other-title", "Falcon 2011 Trailer"),
        video("other-year-", "Kestrel (1985) Trailer"),
        video("not-trailer", "Kestrel 2011 movie review"),
        video("whole-film-", "Kestrel 2011 Trailer", "PT1H30M"),
        video("less-likely", "Kestrel trailer", "PT4M"),
    ]
    serve(server, [*others, LIKELY])
    (found,) = YouTube(web, api_url=server.url).find(movies((1, "The Kestrel", 2011)))
    assert found.facts == Facts(trailer_youtube_id="right-video")
    assert found.match.status == "verified"
    assert found.match.reason == (
        "the title agrees; the year agrees; called a trailer; 130 s long; "
        "channel Movieclips Trailers"
    )
    rejected = [youtube.rate(one, Movie(1, "Kestrel", 2011)) for one in others]
    assert [match.reason for _, match in rejected[:4]] == [
        "another title",
        "another year (1985)",
        "not the trailer (review)",
        "5400 s long",
    ]
    assert rejected[4][1].status == "unverified"


@pytest.mark.parametrize(
    ("title", "year", "name"),
    [
        ("1917", 2019, "1917 (2019) Official Trailer"),
        ("Blade Runner 2049", 2017, "BLADE RUNNER 2049 - Official Trailer [2017]"),
        ("Clip", 2012, "Clip Trailer 2012"),
        ("Kestrel", 2011, "Kestrel - Official Trailer (2011)"),
    ],
)
def test_a_title_may_hold_a_year_or_a_suspicious_word(title, year, name):
    movie = Movie(1, title, year)
    assert youtube.rate(video("abcdefghijk", name), movie)[1].status == "verified"


def test_nothing_fitting_gives_no_id(web, server, key):
    serve(server, [video("other-title", "Falcon 2011 Trailer")])
    (found,) = YouTube(web, api_url=server.url).find(movies((1, "Kestrel", 2011)))
    assert (found.match.status, found.facts) == ("rejected", Facts())
    serve(server, [])
    (missed,) = YouTube(web, api_url=server.url).find(movies((1, "Nightjar", 2011)))
    assert missed.reason == "no video found"


def test_a_used_up_quota_stops_the_asking_and_the_next_run_goes_on(web, server, key):
    serve(server, [LIKELY])
    good = server.routes["/search"]
    server.routes["/search"] = [good({}), refusal("quotaExceeded")]
    listed = movies((1, "Kestrel", 2011), (2, "Kestrel", 2010), (3, "Kestrel", 2012))
    first, second, third = YouTube(web, api_url=server.url).find(listed)
    assert first.facts.trailer_youtube_id == "right-video"
    assert "run again tomorrow" in second.reason
    assert third.reason == second.reason
    assert sum(path == "/search" for path, _, _ in server.asked) == 2
    server.routes["/search"] = good
    again = list(YouTube(web, api_url=server.url).find(listed))
    assert not [answer for answer in again if isinstance(answer, Miss)]
    assert sum(path == "/search" for path, _, _ in server.asked) == 4


def test_a_passing_refusal_costs_one_movie(web, server, key):
    serve(server, [LIKELY])
    server.routes["/search"] = [refusal("rateLimitExceeded"), server.routes["/search"]({})]
    first, second = YouTube(web, api_url=server.url).find(
        movies((1, "Kestrel", 2011), (2, "Kestrel", 2012))
    )
    assert "HTTP 403 (rateLimitExceeded)" in first.reason
    assert second.facts.trailer_youtube_id


@pytest.mark.parametrize(
    "answer",
    [
        refusal("keyInvalid", 400),
        refusal("accessNotConfigured"),
        Fault(400, {"error": {"code": 400, "details": [{"reason": "API_KEY_INVALID"}]}}),
    ],
)
def test_a_refused_key_is_one_clear_line(web, server, key, answer):
    server.routes["/search"] = answer
    with pytest.raises(StudyError, match="refuses the key") as caught:
        list(YouTube(web, api_url=server.url).find(movies((1, "Kestrel", 2011))))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "answer",
    [
        {"items": [LIKELY]},
        refusal("quotaExceeded"),
        refusal("keyInvalid", 400),
        Fault(503),
        Fault(302, b"", {"Location": "/elsewhere"}),
        Fault(200, b"{", truncated=True),
        Fault(200, silent=True),
    ],
)
def test_the_key_is_nowhere_but_in_the_header(web, server, key, caplog, capfd, tmp_path, answer):
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="urllib3")  # other packages quieten it
    serve(server, [LIKELY])
    server.routes["/videos"] = answer
    said = []
    try:
        said += map(repr, YouTube(web, api_url=server.url).find(movies((1, "Kestrel", 2011))))
    except StudyError as error:
        said += traceback.format_exception(error)
    headers = [headers for path, _, headers in server.asked if path != "/elsewhere"]
    assert all(one["X-Goog-Api-Key"] == SECRET for one in headers)
    assert "/elsewhere" not in [path for path, _, _ in server.asked]
    said += [str(query) for _, query, _ in server.asked]
    said += [caplog.text, *capfd.readouterr()]
    said += [path.read_text() for path in tmp_path.rglob("*") if path.is_file()]
    said += [str(path) for path in tmp_path.rglob("*")]
    assert len(caplog.text) > 0
    assert SECRET not in "".join(said)


TITLED = """youtubeId,movieId,title
aaaaaaaaaaa,1,"Kestrel, The (2011)"
bbbbbbbbbbb,2,"Hate (Haine, La) (1995)"
ccccccccccc,3,Falcon (1985)
ddddddddddd,4,Undated
"""


def zipped(path, content):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("any-folder/ml-youtube.csv", content)


@pytest.fixture
def lists(tmp_path, monkeypatch):
    """The two published lists, hand-made."""
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    zipped(mirror / "titled.zip", TITLED)
    (mirror / "links.tsv").write_text(
        "movie_id\ttrailer_link\n1\thttps://www.youtube.com/watch?v=newer-link1\n"
    )
    monkeypatch.setenv("MMREC_MIRROR", str(mirror))
    monkeypatch.delenv(youtube.KEY, raising=False)

    def resource(name, path):
        return sources.Resource(name, "a list", "none", (Mirror(path),), pinned(None), "Connect.")

    return resource("titled", "titled.zip"), resource("links", "links.tsv")


def test_without_a_key_the_published_lists_are_joined_by_title_and_year(web, lists):
    listed = movies(
        (7, "The Kestrel", 2011), (8, "La haine", 1995), (9, "Falcon", 2003), (10, "Undated", 1990),
        (11, "Nightjar", 2000),
    )  # fmt: skip
    answers = list(YouTube(web, lists=lists).find(listed))
    ids = [getattr(answer, "facts", Facts()).trailer_youtube_id for answer in answers]
    assert ids == ["newer-link1", "bbbbbbbbbbb", None, "ddddddddddd", None]
    assert [answer.match.status for answer in answers[:4]] == [
        "verified", "verified", "rejected", "unverified",
    ]  # fmt: skip
    assert answers[4].reason == "in none of the published lists"


def test_the_second_list_is_not_needed_the_first_is(web, lists, tmp_path):
    (tmp_path / "mirror" / "links.tsv").unlink()
    (found,) = YouTube(web, lists=lists).find(movies((7, "Kestrel", 2011)))
    assert found.facts.trailer_youtube_id == "aaaaaaaaaaa"
    archive = tmp_path / "mirror" / "titled.zip"
    for damaged in (b"PK\3\4 no", b""):
        archive.write_bytes(damaged)
        (missed,) = YouTube(web, lists=lists).find(movies((7, "Kestrel", 2011)))
        assert "not a list of trailers" in missed.reason
    zipped(archive, "other,columns\n1,2\n")
    (missed,) = YouTube(web, lists=lists).find(movies((7, "Kestrel", 2011)))
    assert "not a list of trailers" in missed.reason
    archive.unlink()
    (missed,) = YouTube(web, lists=lists).find(movies((7, "Kestrel", 2011)))
    assert "not there" in missed.reason


VIDEO = "abcdefghijk"


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    listed = pd.DataFrame({"movie_id": [1], "genres": [["Drama"]]})
    folder = tmp_path_factory.mktemp("clip")
    return demo_trailers.render(listed, folder, seconds=3, n_jobs=1)[1].read_bytes()


@pytest.fixture
def fetch(server, clip, tmp_path):
    server.routes["/watch"] = Fault(200, clip, {"Content-Type": "video/mp4"})

    def fetch(videos, **options):
        address = f"{server.url}/watch?v="
        folder, cache = tmp_path / "trailers", tmp_path / "cache"
        return trailers.download(videos, folder, cache=cache, watch_url=address, **options)

    return fetch


def test_a_trailer_is_downloaded_checked_and_named_by_movie(fetch, server, clip, tmp_path):
    files, failures = fetch({5: VIDEO, 6: VIDEO})
    assert files == {5: tmp_path / "trailers" / "5.mp4", 6: tmp_path / "trailers" / "6.mp4"}
    assert files[5].read_bytes() == clip
    assert failures == []
    asked = len(server.asked)
    assert fetch({5: VIDEO})[0] == {5: files[5]}
    assert len(server.asked) == asked


def test_an_interrupted_download_resumes(fetch, server, clip, tmp_path):
    shelf = tmp_path / "cache" / "trailers"
    shelf.mkdir(parents=True)
    (shelf / f"{VIDEO}.mp4.mp4.part").write_bytes(clip[:5000])
    files, _ = fetch({5: VIDEO})
    assert files[5].read_bytes() == clip
    assert [headers.get("Range") for _, _, headers in server.asked][-1] == "bytes=5000-"


def test_a_spoilt_part_is_found_by_decoding_and_fetched_anew(fetch, server, clip, tmp_path):
    shelf = tmp_path / "cache" / "trailers"
    shelf.mkdir(parents=True)
    (shelf / f"{VIDEO}.mp4.mp4.part").write_bytes(b"x" * 5000)
    files, failures = fetch({5: VIDEO})
    assert files[5].read_bytes() == clip
    assert failures == []
    assert [path.name for path in shelf.iterdir()] == [f"{VIDEO}.mp4"]


def test_a_file_that_stays_damaged_is_no_trailer(fetch, server, clip, tmp_path):
    middle = len(clip) // 2
    spoilt = clip[:middle] + bytes(300) + clip[middle + 300 :]
    server.routes["/watch"] = Fault(200, spoilt, {"Content-Type": "video/mp4"})
    files, failures = fetch({5: VIDEO})
    assert files == {}
    assert failures[0].reason.startswith(f"trailer {VIDEO}: the file is damaged")
    assert list((tmp_path / "cache" / "trailers").iterdir()) == []


def test_failures_are_listed_and_stop_nothing(fetch, server):
    good = server.routes["/watch"]
    server.routes["/watch"] = lambda query: {
        "gone4444444": Fault(404), "forbidden33": Fault(403),
    }.get(query["v"], good)  # fmt: skip
    files, failures = fetch({1: "gone4444444", 2: "forbidden33", 3: "not an id", 4: VIDEO})
    assert list(files) == [4]
    assert [(failure.movie_id, failure.reason) for failure in failures] == [
        (1, "trailer gone4444444: Unable to download webpage: HTTP Error 404: Not Found"),
        (2, "trailer forbidden33: Unable to download webpage: HTTP Error 403: Forbidden"),
        (3, "trailer not an id: not a YouTube id"),
    ]


def test_a_passing_failure_is_tried_again(fetch, server, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)
    server.routes["/watch"] = [Fault(503), Fault(429), server.routes["/watch"]]
    assert list(fetch({5: VIDEO})[0]) == [5]


def test_a_demand_to_sign_in_ends_the_asking(fetch, monkeypatch, tmp_path):
    asked = []

    def download(address, *_):
        asked.append(address)
        raise trailers._Unavailable("Sign in to confirm you're not a bot")

    monkeypatch.setattr(trailers, "_download", download)
    files, failures = fetch({1: "aaaaaaaaaaa", 2: "bbbbbbbbbbb"})
    assert (files, len(asked)) == ({}, 1)
    assert "give cookies" in failures[1].reason


def test_cookies_are_sent_and_their_file_is_left_alone(fetch, server, tmp_path):
    jar = tmp_path / "cookies.txt"
    line = "127.0.0.1\tFALSE\t/\tFALSE\t2000000000\tsession\tcookie-value\n"
    jar.write_text("# Netscape HTTP Cookie File\n" + line)
    before = jar.read_bytes()
    fetch({5: VIDEO}, cookies=jar, rate_limit=50_000_000)
    assert "session=cookie-value" in server.asked[-1][2]["Cookie"]
    assert jar.read_bytes() == before
    with pytest.raises(StudyError, match="cannot be read"):
        fetch({5: VIDEO}, cookies=tmp_path / "none.txt")


def test_youtube_s_own_words_are_kept_short():
    error = Exception(
        "\x1b[0;31mERROR:\x1b[0m [youtube] abcdefghijk: Video unavailable https://x.example/sig=1; "
        "please report this issue"
    )
    assert trailers._in_words(error) == "Video unavailable (address)"


def test_a_file_that_is_not_ours_is_left_alone(fetch, tmp_path, clip):
    """Of the reader's own trailers, none may be lost."""
    folder = tmp_path / "trailers"
    folder.mkdir()
    for name, content in (("5.mp4", b"my own"), ("6.webm", b"my own"), ("7.mp4", clip)):
        (folder / name).write_bytes(content)
    (folder / "8.mp4").symlink_to(tmp_path / "gone.mp4")
    files, failures = fetch({5: VIDEO, 6: VIDEO, 7: VIDEO, 8: VIDEO})
    assert (folder / "5.mp4").read_bytes() == b"my own"
    assert (folder / "6.webm").read_bytes() == b"my own"
    assert (folder / "8.mp4").is_symlink()
    assert list(files) == [6, 7]
    assert [(miss.movie_id, miss.reason) for miss in failures] == [
        (n, f"trailer {VIDEO}: {n}.mp4 is there already and is not ours; it was left")
        for n in (5, 8)
    ]


def test_our_own_file_is_replaced_when_another_trailer_was_found(fetch, tmp_path, clip, server):
    fetch({5: VIDEO})
    other = clip + b"\0"
    server.routes["/watch"] = Fault(200, other, {"Content-Type": "video/mp4"})
    files, failures = fetch({5: "lmnopqrstuv"})
    assert failures == []
    assert files[5].read_bytes() == other


def test_a_trailer_without_end_is_given_up(fetch, server, tmp_path, monkeypatch):
    monkeypatch.setattr(trailers, "LARGEST", 2_000_000)
    server.routes["/watch"] = Fault(200, bytes(20_000_000), {"Content-Type": "video/mp4"})
    files, failures = fetch({5: VIDEO})
    assert files == {}
    assert failures[0].reason == f"trailer {VIDEO}: it has more than 2 MB"
    assert list((tmp_path / "cache" / "trailers").iterdir()) == []
    monkeypatch.setattr(trailers, "LONGEST", -1.0)
    _, failures = fetch({5: VIDEO})
    assert "it takes more than" in failures[0].reason


def test_a_full_disk_is_no_missing_trailer(fetch, monkeypatch):
    real = trailers.yt_dlp.YoutubeDL.extract_info

    def full(self, *arguments, **options):
        def write(*_, **__):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr("yt_dlp.downloader.http.HttpFD.ytdl_open", write, raising=False)
        monkeypatch.setattr("yt_dlp.downloader.common.FileDownloader.sanitize_open", write)
        return real(self, *arguments, **options)

    monkeypatch.setattr("yt_dlp.YoutubeDL.extract_info", full)
    with pytest.raises(LocalError, match="the disk is full"):
        fetch({5: VIDEO})


def test_no_video_found_is_asked_again_another_day(web, server, key):
    serve(server, [])
    for _ in range(2):
        list(YouTube(web, api_url=server.url).find(movies((1, "Nightjar", 2011))))
    assert len(server.asked) == 2
    server.routes["/search"] = b"<html>sign in to this network</html>"
    (missed,) = YouTube(web, api_url=server.url).find(movies((2, "Kestrel", 2011)))
    assert "a broken answer" in missed.reason
    serve(server, [LIKELY])
    (found,) = YouTube(web, api_url=server.url).find(movies((2, "Kestrel", 2011)))
    assert found.facts.trailer_youtube_id == "right-video"


@pytest.mark.parametrize(
    "odd",
    [
        {"id": "right-video", "snippet": {"title": 5, "channelTitle": None}},
        {"id": {}, "snippet": LIKELY["snippet"], "contentDetails": {"duration": {}}},
        video("odd-surrogate", "\ud800 Kestrel 2011 Trailer"),
        "right-video",
    ],
)
def test_an_odd_video_costs_itself_alone_and_is_not_kept(web, server, key, odd):
    serve(server, [LIKELY])
    good = server.routes["/videos"]
    server.routes["/videos"] = [{"items": [odd, LIKELY]}, {"items": [odd]}, good]
    ids = []
    for _ in range(3):
        (answer,) = YouTube(web, api_url=server.url).find(movies((1, "Kestrel", 2011)))
        ids.append(getattr(answer, "facts", Facts()).trailer_youtube_id)
    assert ids == ["right-video", None, "right-video"]


def test_a_page_in_place_of_a_list_is_not_kept(web, server, monkeypatch, tmp_path):
    """A sign-in page has status 200; kept, it would stand for the list for good."""
    monkeypatch.delenv(youtube.KEY, raising=False)
    monkeypatch.delenv("MMREC_MIRROR", raising=False)
    page = b"<html>sign in to this network</html>"
    server.routes |= {"/ml.zip": page, "/links.tsv": page}
    resources = tuple(
        dataclasses.replace(resource, locations=(Upstream(f"{server.url}/{name}"),))
        for resource, name in (
            (youtube.ML_20M_TRAILERS, "ml.zip"),
            (youtube.M3L_TRAILERS, "links.tsv"),
        )
    )
    (missed,) = YouTube(web, lists=resources).find(movies((7, "Kestrel", 2011)))
    assert "not a list of trailers" in missed.reason
    zipped(tmp_path / "titled.zip", TITLED)
    server.routes["/ml.zip"] = (tmp_path / "titled.zip").read_bytes()
    (found,) = YouTube(web, lists=resources).find(movies((7, "Kestrel", 2011)))
    assert found.facts.trailer_youtube_id == "aaaaaaaaaaa"
