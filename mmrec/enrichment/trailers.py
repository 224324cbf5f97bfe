"""Downloads trailers through yt-dlp, and checks each by decoding it to its end."""

import errno
import filecmp
import io
import os
import re
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import av
import yt_dlp

from mmrec import progress
from mmrec.catalogue.provider import Miss
from mmrec.enrichment.providers.youtube import WATCH, YouTube
from mmrec.errors import StudyError, is_local, local_error, local_failures
from mmrec.workspace import atomic_path

LARGEST = 500_000_000
"""Bytes of a trailer at most; eight minutes at 480 lines have a tenth of it."""
LONGEST = 2 * 3600.0
"""Seconds that the download of a trailer may take."""

_VIDEO_ID = re.compile(r"[\w-]{11}", re.ASCII)
_SUFFIXES = (".mp4", ".webm", ".mkv")
_FORMAT = "b[height<=480][ext=mp4]/b[ext=mp4]/b[ext=webm]/b[ext=mkv]"  # one file: no ffmpeg needed
_TRIES = 3


class _Silent:
    """Swallows yt-dlp's messages, since they may contain signed addresses."""

    def debug(self, message: str) -> None: ...
    def warning(self, message: str) -> None: ...
    def error(self, message: str) -> None: ...


class _Unavailable(Exception):
    """A video that is not available, with the reason in a line."""


class _Overlong(yt_dlp.utils.YoutubeDLError):  # type: ignore[misc]
    """A video that never ends, such as a live stream."""


class _Limit:
    """Ends a download that is too large or takes too long."""

    def __init__(self) -> None:
        self._end = time.monotonic() + LONGEST

    def __call__(self, status: dict[str, Any]) -> None:
        if (status.get("downloaded_bytes") or 0) > LARGEST:
            raise _Overlong(f"it has more than {LARGEST / 1e6:g} MB")
        if time.monotonic() > self._end:
            raise _Overlong(f"it takes more than {LONGEST / 60:g} minutes")


def download(
    videos: Mapping[int, str],
    folder: Path,
    *,
    cache: Path,
    rate_limit: int | None = None,
    cookies: Path | None = None,
    watch_url: str | None = None,
) -> tuple[dict[int, Path], list[Miss]]:
    """Downloads trailers; each is decoded to the end before it counts.

    A video is fetched once and kept in ``cache/trailers`` by its id; what was interrupted resumes.
    A file in ``folder`` that was not put there by an earlier call is left as it is, and the movie
    has no trailer then.

    Args:
        videos: Movie id to YouTube id.
        folder: Where ``<movie_id>.<suffix>`` appears, as ``MMREC_TRAILERS`` wants it.
        cache: The workspace's cache.
        rate_limit: Bytes per second, at most.
        cookies: A ``cookies.txt`` for when YouTube asks to sign in. It is read, never written.
        watch_url: What a video's id is appended to; ``MMREC_YOUTUBE_URL`` or YouTube's.

    Returns:
        Movie id to file, and the failures with video and reason.

    Raises:
        LocalError: If the disk is full or may not be written.
        StudyError: If the cookies cannot be read.
    """
    watch_url = watch_url or os.environ.get("MMREC_YOUTUBE_URL", WATCH)
    shelf = cache / "trailers"
    for kept in (shelf, folder):
        with local_failures(kept):
            kept.mkdir(parents=True, exist_ok=True)
    jar = _read_cookies(cookies)
    files: dict[int, Path] = {}
    failures: list[Miss] = []
    blocked = None
    for movie_id, video in progress.bar(videos.items(), total=len(videos), label="trailers"):
        try:
            if not _VIDEO_ID.fullmatch(video):
                raise _Unavailable("not a YouTube id")
            path = _on(shelf, video)
            if path is None and blocked:
                raise _Unavailable(blocked)
            path = path or _fetch(video, watch_url, shelf, rate_limit, jar)
            files[movie_id] = _place(path, folder / f"{movie_id}{path.suffix}", shelf)
        except _Unavailable as error:
            failures.append(Miss(movie_id, YouTube.name, f"trailer {video}: {error}"))
            if "not a bot" in str(error):
                blocked = "not tried: YouTube asks to sign in; give cookies, or wait some hours"
    return files, failures


def _read_cookies(path: Path | None) -> str | None:
    try:
        with local_failures(path):
            return None if path is None else Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError(
            "cannot be read", where=path, remedy="Export cookies.txt again, or leave it out."
        ) from error


def _on(shelf: Path, video: str) -> Path | None:
    paths = (shelf / f"{video}{suffix}" for suffix in _SUFFIXES)
    return next((path for path in paths if path.exists()), None)


def _place(path: Path, target: Path, shelf: Path) -> Path:
    """The file under a second name, without a second copy where the file system can."""
    with local_failures(target):
        if target.exists() or target.is_symlink():
            if _same(path, target):
                return target
            if not any(os.path.samefile(target, one) for one in shelf.iterdir() if target.exists()):
                raise _Unavailable(f"{target.name} is there already and is not ours; it was left")
            target.unlink()
        try:
            os.link(path, target)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise
            with atomic_path(target) as part:
                shutil.copyfile(path, part)
    return target


def _same(path: Path, target: Path) -> bool:
    return target.is_file() and filecmp.cmp(path, target, shallow=False)


def _fetch(
    video: str, watch_url: str, shelf: Path, rate_limit: int | None, jar: str | None
) -> Path:
    """Downloads and checks one video; what a stale part has spoilt is fetched once more, anew."""
    for resumed in (True, False):
        path = Path(_download(f"{watch_url}{video}", video, shelf, rate_limit, jar))
        problem = damage(path)
        if problem is None:
            return path.rename(shelf / f"{video}{path.suffix}")
        for rest in shelf.glob(f"{video}.*"):
            rest.unlink()
        if not resumed:
            raise _Unavailable(f"the file is damaged: {problem}")
    raise AssertionError("the second try ends above")


def _download(
    address: str, video: str, shelf: Path, rate_limit: int | None, jar: str | None
) -> str:
    options = {
        "format": _FORMAT,
        "paths": {"home": str(shelf)},
        # With the format in its name, a part is never continued with another format's bytes.
        "outtmpl": f"{video}.%(format_id)s.%(ext)s",
        "ratelimit": rate_limit,
        # In memory, since yt-dlp writes its cookies back.
        "cookiefile": None if jar is None else io.StringIO(jar),
        "socket_timeout": 20,
        "progress_hooks": [_Limit()],
        "retries": 3,
        "retry_sleep_functions": {"http": lambda n: min(2**n, 30)},
        "allowed_extractors": ["youtube", "generic"],
        "noplaylist": True,
        "cachedir": False,
        "quiet": True,
        "noprogress": True,
        "logger": _Silent(),
    }
    for left in reversed(range(_TRIES)):
        try:
            with yt_dlp.YoutubeDL(options) as downloader:
                info = downloader.extract_info(address, download=True)
                return str(info["requested_downloads"][0]["filepath"])
        except _Overlong as error:
            for part in shelf.glob(f"{video}.*"):
                part.unlink()
            raise _Unavailable(str(error)) from None
        except yt_dlp.utils.YoutubeDLError as error:
            cause = _cause(error)
            if isinstance(cause, OSError) and is_local(cause.errno):
                raise local_error(cause.errno, cause.strerror or str(cause), where=shelf) from None
            # The stage that reads a video's page retries nothing by itself.
            if not left or not _may_pass(cause):
                raise _Unavailable(_in_words(error)) from None
            time.sleep(2.0 ** (_TRIES - left - 1) / 2)
        except (LookupError, TypeError) as error:
            raise _Unavailable(f"the page has another form ({error!r})") from None
    raise AssertionError("every try ends above")


def _cause(error: yt_dlp.utils.YoutubeDLError) -> BaseException | None:
    cause: BaseException | None = (getattr(error, "exc_info", None) or (None, None))[1]
    return cause


def _may_pass(cause: BaseException | None) -> bool:
    status = getattr(cause, "status", None)
    if status is not None:
        return bool(status == 429 or status >= 500)
    return isinstance(cause, yt_dlp.networking.exceptions.TransportError)


def _in_words(error: Exception) -> str:
    """yt-dlp's message without colours, addresses and advice on how to report a bug."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error)).removeprefix("ERROR: ")
    text = re.sub(r"^\[[\w:]+\] \S+: ", "", text.replace("’", "'"))
    text = re.split(r"; please report|\. Use --cookies| \(caused by", text)[0]
    return re.sub(r"https?://\S+", "(address)", " ".join(text.split())).strip()


def damage(path: Path) -> str | None:
    """What is wrong with a video file, or None if it decodes from beginning to end."""
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                return "no picture"
            streams = [*container.streams.video, *container.streams.audio]
            for stream in streams:
                stream.codec_context.options = {"err_detect": "explode"}
                stream.codec_context.thread_type = "AUTO"
            frames = container.decode(streams)
            end = max(getattr(frame, "time", None) or 0.0 for frame in frames)
            length = (container.duration or 0) / av.time_base
    except (av.error.FFmpegError, OSError, ValueError) as error:
        return getattr(error, "strerror", None) or "nothing in it can be decoded"
    return f"it ends at {end:.0f} of {length:.0f} s" if end < length - 2 else None
