"""A local HTTP server that answers as the services' documentation says, faults included."""

import http.server
import json
import threading
from collections.abc import Callable
from contextlib import suppress
from urllib.parse import parse_qs, urlsplit


class StandIn:
    """Serves ``routes``: path → a function from the query to a body, or to a fault.

    A body is bytes, text, or an object sent as JSON; a fault is a :class:`Fault`. A list is served
    one after the other, its last again and again.
    """

    def __init__(self):
        self.routes: dict[str, object] = {}
        self.asked: list[tuple[str, dict, dict]] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_HEAD(self):
                self.do_GET()

            def do_GET(self):
                parts = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                if self.command == "GET":
                    outer.asked.append((parts.path, query, dict(self.headers)))
                answer = outer.routes.get(parts.path, Fault(404))
                if isinstance(answer, list):
                    answer = answer.pop(0) if len(answer) > 1 else answer[0]
                if isinstance(answer, Callable):
                    answer = answer(query)
                outer._send(self, answer if isinstance(answer, Fault) else Fault(200, answer))

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        self.released = threading.Event()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def _send(self, request, answer: "Fault") -> None:
        if answer.silent:
            self.released.wait(5)
            return
        body = answer.body
        if not isinstance(body, bytes):
            body = (body if isinstance(body, str) else json.dumps(body)).encode()
        start = 0
        wanted = request.headers.get("Range")
        if wanted and answer.status == 200:
            start = int(wanted.removeprefix("bytes=").split("-")[0])
        request.send_response(206 if start else answer.status)
        if start:
            request.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
        for name, value in {"Content-Length": str(len(body) - start), **answer.headers}.items():
            request.send_header(name, value)
        request.end_headers()
        with suppress(ConnectionError):  # who has read enough may hang up
            if request.command == "GET":
                request.wfile.write(body[start : len(body) // 2 if answer.truncated else None])

    def close(self) -> None:
        self.released.set()
        self.server.shutdown()
        self.server.server_close()


class Fault:
    """An answer with a status, headers, and what goes wrong on the way."""

    def __init__(self, status, body=b"", headers=None, *, truncated=False, silent=False):
        self.status, self.body, self.headers = status, body, headers or {}
        self.truncated, self.silent = truncated, silent
