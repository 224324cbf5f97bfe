"""Answers of web services: asked for with patience, kept for good, and never with a key in sight.

Keys travel in headers, so no address holds one, and neither an error nor the cache does.
"""

import hashlib
import json
import os
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import requests

from mmrec.catalogue import http
from mmrec.workspace import atomic_path, kept

T = TypeVar("T")
CONTACT = "MMREC_CONTACT"
"""Environment variable: an address at which a service can reach who runs this."""

_PASSING = {408, 429, 500, 502, 503, 504}
_LONGEST_WAIT = 60.0
_LARGEST_ANSWER = 20_000_000
_LONGEST_ANSWER = 120.0
# So many requests in a row that a host left unanswered are enough to stop asking it.
_PATIENCE = 3


class Unanswered(Exception):
    """A request without a usable answer, told in one line.

    Attributes:
        status: HTTP status, None where there was no whole answer.
        body: What the service said, for its error codes.
    """

    def __init__(self, what: str, status: int | None = None, body: bytes = b""):
        super().__init__(what)
        self.status, self.body = status, body


class Web:
    """Fetches and keeps answers.

    Failures that may pass (time-outs, broken bodies, 429, 5xx) are tried again, after as long as
    the service asks for or twice as long each time; the loop is our own because urllib3's ``Retry``
    sees neither a body that breaks off nor an error told with status 200, and sits out any
    ``Retry-After`` however long.

    Args:
        cache: The workspace's cache folder; answers are kept in its ``web`` folder, by address.
        tries: How often to ask in all.
        backoff: Seconds before the second try.
        timeout: Seconds to connect, and between two bytes.
        longest: Seconds for a whole answer, at most.
        largest: Bytes of a whole answer, unpacked, at most.
    """

    def __init__(
        self,
        cache: Path,
        *,
        tries: int = 4,
        backoff: float = 1.0,
        timeout: tuple[float, float] = (http.CONNECT_SECONDS, http.READ_SECONDS),
        longest: float = _LONGEST_ANSWER,
        largest: int = _LARGEST_ANSWER,
    ):
        self.cache, self.tries, self.backoff, self.timeout = Path(cache), tries, backoff, timeout
        self.longest, self.largest = longest, largest
        self.session = http.Session()
        contact = os.environ.get(CONTACT, "no contact given")
        self.session.headers["User-Agent"] = f"mmrec/{version('mmrec')} ({contact})"
        self._unanswered: Counter[str] = Counter()

    def get(
        self,
        url: str,
        params: Mapping[str, str] | None = None,
        *,
        read: Callable[[bytes], T] = json.loads,
        keep: Callable[[T], bool] = lambda answer: True,
        headers: Mapping[str, str] | None = None,
        pause: float = 0.0,
    ) -> T:
        """An answer, from the cache if it was ever given.

        Args:
            url: Address without its query.
            params: The query.
            read: Makes sense of the body; a ``ValueError`` or ``RecursionError`` of it means that
                the answer is not what it should be, and it is neither kept nor given.
            keep: Whether an answer may be kept for good. "Nothing found" may not: the service may
                know more tomorrow.
            headers: Sent with this request alone; what is secret belongs here. Such a request
                follows no redirection, which could carry the secret elsewhere.
            pause: Seconds to wait before asking, where the service wants to be asked slowly.

        Raises:
            Unanswered: If there is no usable answer.
            LocalError: If the disk is full or may not be written.
        """
        address = requests.Request("GET", url, params=sorted((params or {}).items())).prepare().url
        assert address is not None
        name = hashlib.sha256(address.encode()).hexdigest()[:32]
        host = urlsplit(url).netloc
        stored = self.cache / "web" / (urlsplit(url).hostname or "unknown") / name[:2] / name
        known = kept(stored, lambda path: read(path.read_bytes()))
        if known is not None:
            return known
        if self._unanswered[host] >= _PATIENCE:
            raise Unanswered(f"{host} has left {_PATIENCE} requests unanswered; not asked again")
        time.sleep(pause)
        body, answer = self._ask(address, host, read, headers)
        self._unanswered[host] = 0
        if keep(answer):
            with atomic_path(stored) as part:
                part.write_bytes(body)
        return answer

    def _ask(
        self,
        address: str,
        host: str,
        read: Callable[[bytes], T],
        headers: Mapping[str, str] | None,
    ) -> tuple[bytes, T]:
        for left in reversed(range(self.tries)):
            wait, status = self.backoff * 2 ** (self.tries - 1 - left), None
            body = bytearray()
            try:
                answer = http.receive(
                    address,
                    body.extend,
                    limit=self.largest,
                    seconds=self.longest,
                    session=self.session,
                    headers=headers,
                    timeout=self.timeout,
                    redirects=not headers,
                )
                status = answer.status_code
                wait = _asked_wait(answer.headers.get("Retry-After")) or wait
                if status == requests.codes.ok:
                    return bytes(body), read(bytes(body))
                if status not in _PASSING:
                    raise Unanswered(f"{host}: HTTP {status}", status, bytes(body))
                problem = f"HTTP {status}"
            except http.Overlong as error:
                # Asked again, it would be as long.
                problem, left = f"an answer without end ({error})", 0
            except requests.RequestException as error:
                problem = _in_words(error)
            except (ValueError, RecursionError) as error:
                problem = f"a broken answer ({' '.join(str(error).split())[:200]})"
            if wait > _LONGEST_WAIT:
                problem += f", asks to wait {wait:.0f} s"
                break
            if not left:
                break
            time.sleep(wait)
        self._unanswered[host] += 1
        raise Unanswered(f"{host}: {problem}", status)


def _asked_wait(header: str | None) -> float | None:
    """Seconds that a ``Retry-After`` asks for, given in seconds or as a date."""
    if not header:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        then = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, (then.replace(tzinfo=then.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _in_words(error: requests.RequestException) -> str:
    """The kind of failure alone: the error's own text holds the address, and its query."""
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the answer broke off"
    return f"no connection ({type(error).__name__})"
