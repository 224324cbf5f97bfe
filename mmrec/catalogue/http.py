"""HTTP with limits: a body of bounded size, received within a bounded time.

The time-outs of `requests` bound only the wait for the next bytes: a server that sends one byte now
and then keeps a client waiting for ever, and a few kilobytes of gzip can unpack to gigabytes.
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urljoin

import requests

CONNECT_SECONDS, READ_SECONDS = 5.0, 60.0

_CHUNK = 16_384
_REDIRECTIONS = 10


class Session(requests.Session):
    """A session that follows no redirection by itself, since that would read the whole body."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """None for every answer; `receive` follows redirections."""
        return None


class Overlong(requests.RequestException):
    """An answer that was too large or took too long."""


def receive(
    url: str,
    sink: Callable[[bytes], object] = lambda chunk: None,
    *,
    limit: int,
    seconds: float,
    session: Session | None = None,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    timeout: tuple[float, float] = (CONNECT_SECONDS, READ_SECONDS),
    redirects: bool = True,
) -> requests.Response:
    """Passes the body of an answer on as it comes, whatever its status.

    Args:
        url: The address with its query.
        sink: Called with every chunk of the body, unpacked.
        limit: Bytes of the unpacked body at most.
        seconds: From the request to the last byte at most.
        session: With its own headers; by default a new one.
        method: ``"GET"`` or ``"HEAD"``.
        headers: Sent with this request alone.
        timeout: Seconds to connect, and between two bytes.
        redirects: Whether to follow redirections.

    Returns:
        The answer's status and headers; its body has gone to ``sink``.

    Raises:
        requests.RequestException: If there is no whole answer; `Overlong` past a limit.
        Exception: What ``sink`` raises.
    """
    end = time.monotonic() + seconds
    given_up = threading.Event()

    def work() -> requests.Response:
        client, address = session or Session(), url
        for _ in range(_REDIRECTIONS):
            with client.request(
                method, address, headers=headers, timeout=timeout, stream=True
            ) as answer:
                if redirects and answer.is_redirect:
                    address = urljoin(address, answer.headers["location"])
                    continue
                _pass_on(answer, sink, limit, given_up)
                return answer
        raise requests.TooManyRedirects(f"{_REDIRECTIONS} redirections")

    return _within(work, end, given_up)


def _pass_on(
    answer: requests.Response,
    sink: Callable[[bytes], object],
    limit: int,
    given_up: threading.Event,
) -> None:
    total = 0
    for chunk in answer.iter_content(_CHUNK):
        total += len(chunk)
        if given_up.is_set():
            return
        if total > limit:
            raise Overlong(f"more than {limit / 1e6:g} MB")
        sink(chunk)


def _within(
    work: Callable[[], requests.Response], end: float, given_up: threading.Event
) -> requests.Response:
    """Waits for work in another thread, which can be abandoned: a blocked read cannot be ended.

    The thread ends with its next byte, its next time-out, or the process.
    """
    outcome: dict[str, Any] = {}

    def run() -> None:
        try:
            outcome["answer"] = work()
        except BaseException as error:
            outcome["error"] = error

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(max(0.0, end - time.monotonic()))
    if thread.is_alive():
        given_up.set()
        raise Overlong("not finished in time")
    if "error" in outcome:
        raise outcome["error"]
    answer: requests.Response = outcome["answer"]
    return answer
