"""Servers that never end: every answer has a largest size and a latest moment."""

import contextlib
import gzip
import http.server
import threading
import time

import pytest
import requests

from mmrec.catalogue import http as bounded
from mmrec.catalogue import locations, sources
from mmrec.catalogue.locations import Upstream, pinned
from mmrec.enrichment.web import Unanswered, Web
from mmrec.errors import StudyError

MB = 1_000_000
# No attack sends more, whatever the client does.
MOST, LONGEST = 30 * MB, 5.0


class Attacker(http.server.BaseHTTPRequestHandler):
    """Plays the attack that the path names."""

    def do_HEAD(self):
        self.send_response(200)
        self.end_headers()

    def do_GET(self):
        attack = self.path.strip("/").split("?")[0].split(".")[0]
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            getattr(self, f"send_{attack}")()

    def _head(self, *headers, status=200):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()

    def send_endless(self):
        self._head()
        for _ in range(MOST // 65_536):
            self.wfile.write(bytes(65_536))

    def send_redirect(self):
        self._head(("Location", "/good"), status=302)
        for _ in range(MOST // 65_536):
            self.wfile.write(bytes(65_536))

    def send_circle(self):
        self._head(("Location", "/circle"), ("Content-Length", "0"), status=302)

    def send_bomb(self):
        body = gzip.compress(bytes(200 * MB), 9)
        self._head(("Content-Encoding", "gzip"), ("Content-Length", str(len(body))))
        self.wfile.write(body)

    def send_loris(self):
        self._head(("Content-Length", "100000"))
        self._drip()

    def send_headers(self):
        self.wfile.write(b"HTTP/1.1 200 OK\r\n")
        self._drip(b"X-Padding: x\r\n")

    def _drip(self, drop=b" "):
        end = time.monotonic() + LONGEST
        while time.monotonic() < end:
            self.wfile.write(drop)
            threading.Event().wait(0.05)

    def send_good(self):
        self._head(("Content-Length", "2"))
        self.wfile.write(b"{}")

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def url():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Attacker)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


ATTACKS = ["endless", "bomb", "loris", "headers"]


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_answer_without_end_is_given_up(attack, url):
    received, began = [], time.monotonic()
    with pytest.raises(bounded.Overlong):
        bounded.receive(
            f"{url}/{attack}", lambda chunk: received.append(len(chunk)), limit=MB, seconds=1.0
        )
    assert sum(received) <= MB
    assert time.monotonic() - began < 3


def test_the_body_of_a_redirection_is_not_read(url):
    body = bytearray()
    bounded.receive(f"{url}/redirect", body.extend, limit=MB, seconds=5)
    assert bytes(body) == b"{}"
    answer = bounded.receive(f"{url}/circle", limit=MB, seconds=5, redirects=False)
    assert answer.status_code == 302
    with pytest.raises(requests.TooManyRedirects):
        bounded.receive(f"{url}/circle", limit=MB, seconds=5)


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_service_without_end_costs_its_answer_and_is_not_kept(attack, url, tmp_path):
    web = Web(tmp_path, backoff=0, longest=1.0, largest=MB)
    with pytest.raises(Unanswered, match="an answer without end"):
        web.get(f"{url}/{attack}", {"q": "secret"})
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    assert web.get(f"{url}/good") == {}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_download_without_end_is_no_source(attack, url, tmp_path, monkeypatch):
    monkeypatch.setattr(locations, "LARGEST_FILE", MB)
    monkeypatch.setattr(locations, "LONGEST_DOWNLOAD", 1.0)
    monkeypatch.setattr("pooch.core.time.sleep", lambda seconds: None)
    locations._unreachable.cache_clear()
    thing = sources.Resource(
        name="thing",
        what="a file",
        licence="none",
        locations=(Upstream(f"{url}/{attack}.txt"),),
        verify=pinned(None),
        remedy="Do something.",
    )
    with pytest.raises(StudyError, match="the download broke off"):
        sources.fetch(thing, tmp_path)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
