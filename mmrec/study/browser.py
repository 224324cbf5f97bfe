"""Chromium without a window, controlled by the DevTools protocol through a pair of pipes."""

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import Any

from mmrec.errors import StudyError

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
)
_OFFLINE = ("--host-resolver-rules=MAP * ~NOTFOUND", "--remote-debugging-pipe")
_PATIENCE = 120.0
_ENDED = "it ended before it answered"
# The protocol is spoken on the descriptors 3 and 4, which Python's own start of a process may use.
_LAUNCH = """
import os, sys
commands, replies = int(sys.argv[1]), int(sys.argv[2])
os.dup2(commands, 3)
os.dup2(replies, 4)
os.execvp(sys.argv[3], sys.argv[3:])
"""

Message = dict[str, Any]


def program() -> str | None:
    """A browser of this machine, or None."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


class Browser:
    """A running Chromium that cannot reach the network; leaving the ``with`` block ends it.

    Raises:
        StudyError: If no browser is installed, or it does not answer.
    """

    def __init__(self) -> None:
        found = program()
        if found is None:
            raise StudyError(
                f"none of {', '.join(PROGRAMS)} is installed",
                where="$PATH",
                remedy="Install one, e.g. apt install chromium.",
            )
        self._program = found
        self._folder = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        theirs_in, ours_out = (_high(end) for end in os.pipe())
        ours_in, theirs_out = (_high(end) for end in os.pipe())
        options = [*OPTIONS, *_OFFLINE, f"--user-data-dir={self._folder.name}", "about:blank"]
        self._process = subprocess.Popen(
            [sys.executable, "-c", _LAUNCH, str(theirs_in), str(theirs_out), found, *options],
            pass_fds=(theirs_in, theirs_out),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._out, self._in = ours_out, ours_in
        self._number, self._buffer = 0, b""
        self._waiting: deque[Message] = deque()

    def __enter__(self) -> "Browser":
        """The browser itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Ends the browser and deletes its temporary files."""
        os.close(self._out)  # it ends when nobody can command it any more
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._in)
        self._folder.cleanup()

    def tab(self) -> "Tab":
        """A new, empty tab."""
        target = self.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        attached = self.call("Target.attachToTarget", {"targetId": target, "flatten": True})
        return Tab(self, target, attached["sessionId"])

    def call(self, method: str, params: Message | None = None, session: str = "") -> Message:
        """The reply to a command; events that arrive before it are kept for `event`."""
        self._number += 1
        message: Message = {"id": self._number, "method": method, "params": params or {}}
        if session:
            message["sessionId"] = session
        try:
            _write(self._out, json.dumps(message).encode() + b"\0")
        except BrokenPipeError as error:
            raise self._lost(_ENDED) from error
        while True:
            reply = self._receive(_PATIENCE)
            if reply.get("id") == self._number:
                if "error" in reply:
                    raise StudyError(
                        reply["error"]["message"], where=method, remedy="Try a newer Chromium."
                    )
                result: Message = reply["result"]
                return result
            self._waiting.append(reply)

    def event(self) -> Message:
        """The next event, in the order in which they came."""
        return self._waiting.popleft() if self._waiting else self._receive(_PATIENCE)

    def _receive(self, patience: float) -> Message:
        end = time.monotonic() + patience
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._in], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                raise self._lost(f"no answer within {patience:.0f} s")
            part = os.read(self._in, 1 << 20)
            if not part:
                raise self._lost(_ENDED)
            self._buffer += part
        first, _, self._buffer = self._buffer.partition(b"\0")
        message: Message = json.loads(first)
        return message

    def _lost(self, what: str) -> StudyError:
        return StudyError(what, where=self._program, remedy="Run it by hand to see what it lacks.")


class Tab:
    """One tab of a browser: the page, and what happened while it loaded.

    Attributes:
        errors: Uncaught exceptions of scripts, and errors on the console.
        requests: Requested addresses, except files of this machine.
    """

    def __init__(self, browser: Browser, target: str, session: str) -> None:
        self._browser, self._target, self._session = browser, target, session
        self.errors: list[str] = []
        self.requests: list[str] = []
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, params: Message | None = None) -> Message:
        """The reply to a command of this tab."""
        return self._browser.call(method, params, self._session)

    def shape(self, width: int, height: int, theme: str) -> None:
        """Sets the window in CSS pixels, and the theme: ``light`` or ``dark``."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.call("Emulation.setDeviceMetricsOverride", size)
        feature = {"name": "prefers-color-scheme", "value": theme}
        self.call("Emulation.setEmulatedMedia", {"features": [feature]})
        chosen = (
            f'localStorage.setItem("mode", "{theme}"); localStorage.setItem("theme", "{theme}")'
        )
        self.call("Page.addScriptToEvaluateOnNewDocument", {"source": chosen})

    def open(self, page: Path) -> None:
        """Opens a file, and waits until it and all that it shows have loaded."""
        self.call("Page.navigate", {"url": page.resolve().as_uri()})
        while self._take(self._browser.event()) != "Page.loadEventFired":
            pass

    def evaluate(self, script: str) -> Any:
        """The value of a JavaScript expression in the page; a promise is awaited.

        Raises:
            StudyError: If the script throws.
        """
        asked = {"expression": script, "awaitPromise": True, "returnByValue": True}
        done = self.call("Runtime.evaluate", asked)
        if "exceptionDetails" in done:
            raise StudyError(
                _said(done["exceptionDetails"]), where="page", remedy="Look at the script."
            )
        while self._browser._waiting:
            self._take(self._browser._waiting.popleft())
        return done["result"].get("value")

    def picture(self) -> bytes:
        """The whole page as PNG."""
        taken = self.call("Page.captureScreenshot", {"captureBeyondViewport": True})
        return base64.b64decode(taken["data"])

    def close(self) -> None:
        """Closes the tab."""
        self._browser.call("Target.closeTarget", {"targetId": self._target})

    def _take(self, event: Message) -> str:
        """Records an event of this tab, and returns its name."""
        if event.get("sessionId") != self._session:
            return ""
        method, told = str(event.get("method")), event.get("params", {})
        if method == "Runtime.exceptionThrown":
            self.errors.append(_said(told["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled" and told["type"] in ("error", "assert"):
            parts = [str(part.get("value", part.get("description"))) for part in told["args"]]
            self.errors.append(" ".join(parts))
        elif method == "Log.entryAdded" and told["entry"]["level"] == "error":
            self.errors.append(f"{told['entry']['text']} {told['entry'].get('url', '')}".strip())
        elif method == "Network.requestWillBeSent":
            address = told["request"]["url"]
            if not address.startswith(("file:", "data:", "blob:", "about:")):
                self.requests.append(address)
        return method


def _high(end: int) -> int:
    """The same end of a pipe under a number that cannot be 3 or 4."""
    high = fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(end)
    return high


def _write(end: int, data: bytes) -> None:
    while data:
        data = data[os.write(end, data) :]


def _said(details: Message) -> str:
    """The first line of an exception."""
    text = details.get("exception", {}).get("description") or details["text"]
    return str(text).splitlines()[0]
