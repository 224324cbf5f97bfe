"""Trailers from YouTube: which video, by the Data API or by published lists, and its download.

The key of the Data API is read from ``YOUTUBE_API_KEY`` and travels in a header; with none, the
lists that two projects published for MovieLens-20M are joined by title and year. By default a key
is good for 100 searches a day.
"""

import io
import json
import os
import re
import shutil
import time
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import av
import pandas as pd
import yt_dlp

from mmrec import progress
from mmrec.catalogue import matching, movielens, sources
from mmrec.catalogue.finding import Finding, Match, Miss, judge, title_key
from mmrec.catalogue.locations import Mirror, Upstream, pinned
from mmrec.enrichment.web import Unanswered, Web
from mmrec.errors import StudyError

KEY = "YOUTUBE_API_KEY"
"""Environment variable that holds the key of the Data API."""
LICENCE = "a video's id; the video belongs to its owner"

_WATCH = "https://www.youtube.com/watch?v="
_VIDEO_ID = re.compile(r"[\w-]{11}")
_QUOTA = {"quotaExceeded", "dailyLimitExceeded"}
_KEY_REFUSED = {"keyInvalid", "keyExpired", "accessNotConfigured", "API_KEY_INVALID", "forbidden"}
_SECONDS = (20, 480)
_USUAL_SECONDS = (60, 200)
_CHANNELS = re.compile(
    r"movieclips|trailers?\b|warner|universal|paramount|sony pictures|20th century|disney|a24|"
    r"lionsgate|criterion|studiocanal|miramax|focus features|searchlight|netflix|mgm\b",
    re.IGNORECASE,
)
_NOT_THE_TRAILER = re.compile(
    r"\b(?:fan.?made|fan trailer|reaction|review|parody|spoof|honest|breakdown|explained|re-?cut|"
    r"gameplay|soundtrack|full movie|scene|clip|concept|behind the scenes|interview|lego)\b",
    re.IGNORECASE,
)

ML_20M_TRAILERS = sources.Resource(
    name="ml-20m-trailers",
    what="YouTube ids of 25,623 trailers, by title and year",
    licence="GroupLens: research use with citation, no redistribution",
    locations=(
        Mirror("ml-20m-youtube.zip"),
        Upstream("https://files.grouplens.org/datasets/movielens/ml-20m-youtube.zip"),
    ),
    verify=pinned(None),
    remedy=f"Connect to the network, put it into MMREC_MIRROR, or set {KEY}.",
)
M3L_TRAILERS = sources.Resource(
    name="m3l-trailers",
    what="the trailers that the M3L project downloaded in 2024, by MovieLens-20M id",
    licence="no licence stated: no redistribution",
    locations=(
        Mirror("m3l/REPRO_trailer_links.tsv"),
        Upstream(
            "https://raw.githubusercontent.com/giuspillo/M3L_10M_20M"
            "/413380be183ca169a9306ee7e280a053da8e3cb5"
            "/1_download_raw/download_trailers/REPRO_trailer_links.tsv"
        ),
    ),
    verify=pinned(None),
    remedy="Connect to the network, or put it into MMREC_MIRROR.",
)


class YouTube:
    """The provider.

    Args:
        web: How to ask.
        api_url: The Data API; ``MMREC_YOUTUBE_API_URL`` or Google's.
        lists: The published lists: with titles, and with newer links.
    """

    name = "youtube"

    def __init__(
        self,
        web: Web,
        *,
        api_url: str | None = None,
        lists: tuple[sources.Resource, sources.Resource] = (ML_20M_TRAILERS, M3L_TRAILERS),
    ):
        self._web, self._lists = web, lists
        self._api = api_url or os.environ.get(
            "MMREC_YOUTUBE_API_URL", "https://www.googleapis.com/youtube/v3"
        )

    def find(self, movies: pd.DataFrame) -> Iterator[Finding | Miss]:
        """Chooses a trailer per movie; no video is fetched.

        Raises:
            StudyError: If YouTube refuses the key.
        """
        return self._search_all(movies) if os.environ.get(KEY) else self._look_up_all(movies)

    def _search_all(self, movies: pd.DataFrame) -> Iterator[Finding | Miss]:
        exhausted = None
        for movie in movies.itertuples():
            if exhausted:
                yield Miss(movie.movie_id, self.name, exhausted)
                continue
            try:
                yield self._search(movie)
            except Unanswered as error:
                reasons = _reasons(error.body)
                if error.status in (400, 401, 403) and reasons & _KEY_REFUSED:
                    raise StudyError(
                        f"YouTube refuses the key ({', '.join(sorted(reasons))})",
                        where=KEY,
                        remedy="Check the key and that the YouTube Data API is on, or unset it.",
                    ) from None
                if reasons & _QUOTA:
                    exhausted = "the day's quota is used up; run again tomorrow"
                said = f" ({', '.join(sorted(reasons))})" if reasons else ""
                yield Miss(movie.movie_id, self.name, exhausted or f"{error}{said}")
            except (KeyError, IndexError, TypeError, AttributeError) as error:
                yield Miss(movie.movie_id, self.name, f"an answer of another form ({error!r})")

    def _search(self, movie) -> Finding | Miss:
        query = f"{movie.title} {movie.year} official trailer"
        hits = self._ask("search", part="snippet", type="video", maxResults="10", q=query)
        ids = [hit["id"]["videoId"] for hit in hits["items"]]
        if not ids:
            return Miss(movie.movie_id, self.name, "no video found")
        videos = self._ask("videos", part="snippet,contentDetails", id=",".join(ids))["items"]
        rated = [(*rate(video, movie), video) for video in videos]
        # The first of the best: YouTube lists the likelier one first.
        _, match, video = max(rated, key=lambda one: one[0])
        return self._finding(movie, video["id"], video["snippet"]["title"], None, match)

    def _ask(self, method: str, **params: str) -> dict:
        return self._web.get(
            f"{self._api}/{method}", params, headers={"X-Goog-Api-Key": os.environ[KEY]}
        )

    def _look_up_all(self, movies: pd.DataFrame) -> Iterator[Finding | Miss]:
        try:
            known = self._published()
        except StudyError as error:
            for movie_id in movies["movie_id"]:
                yield Miss(movie_id, self.name, str(error))
            return
        for movie in movies.itertuples():
            entries = known.get(title_key(movie.title), [])
            judged = [
                (judge(movie, [title], year), title, year, video) for title, year, video in entries
            ]
            if not judged:
                yield Miss(movie.movie_id, self.name, "in none of the published lists")
                continue
            match, title, year, video = max(judged, key=lambda one: one[0].confidence)
            yield self._finding(movie, video, title, year, match)

    def _published(self) -> dict[str, list[tuple[str, int | None, str]]]:
        """Title key → title, year and video id of each entry of the lists, newer links first."""
        titled = sources.fetch(self._lists[0], self._web.cache)
        linked = sources.fetch_if_there(self._lists[1], self._web.cache)
        try:
            with zipfile.ZipFile(titled.path) as archive:
                (name,) = (name for name in archive.namelist() if name.endswith("ml-youtube.csv"))
                table = pd.read_csv(archive.open(name), dtype=str).dropna()
            table = table.set_index("movieId")[["title", "youtubeId"]]
            if linked.path is not None:
                links = pd.read_csv(linked.path, sep="\t", dtype=str).dropna()
                ids = links.set_index("movie_id")["trailer_link"].str.extract(r"v=([\w-]{11})")[0]
                table["youtubeId"] = ids.reindex(table.index).fillna(table["youtubeId"])
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise StudyError(
                f"not a list of trailers ({error})",
                where=titled.resource,
                remedy="Delete the copy and run again; if it persists, the list has changed.",
            ) from error
        known: dict[str, list] = {}
        for raw, video in table.itertuples(index=False):
            title, alternate, year = movielens.split_title(raw)
            for name in filter(None, (title, alternate)):
                known.setdefault(title_key(name), []).append((name, year, video))
        return known

    def _finding(self, movie, video: str, title: str, year: int | None, match: Match) -> Finding:
        fields = {"trailer_youtube_id": video} if match.status != matching.REJECTED else {}
        address = f"{_WATCH}{video}"
        return Finding(movie.movie_id, self.name, title, year, match, address, LICENCE, fields)


def rate(video: dict, movie) -> tuple[int, Match]:
    """How likely a video is the movie's trailer.

    Args:
        video: An item of the API's ``videos.list`` with ``snippet`` and ``contentDetails``.
        movie: Row of the movies asked for.

    Returns:
        Points, for choosing among videos, and the judgement with its reasons.
    """
    title, channel = video["snippet"]["title"], video["snippet"]["channelTitle"]
    seconds = _seconds(video["contentDetails"]["duration"])
    words, wanted = title_key(title).split(), title_key(movie.title).split()
    # What is left beside the film's own name, which may hold a year or a word like "clip" itself.
    rest = [word for word in words if word not in wanted]
    years = [int(word) for word in rest if re.fullmatch(r"(?:19|20)\d\d", word)]
    year_agrees = any(abs(year - movie.year) <= matching.YEARS_APART for year in years)
    unlike = _NOT_THE_TRAILER.search(" ".join(rest))
    objections = {
        "another title": not set(wanted) <= set(words),
        f"another year ({', '.join(map(str, years))})": bool(years) and not year_agrees,
        f"not the trailer ({unlike and unlike[0]})": unlike is not None,
        f"{seconds} s long": not _SECONDS[0] <= seconds <= _SECONDS[1],
    }
    against = [reason for reason, holds in objections.items() if holds]
    if against:
        return -len(against), Match(matching.REJECTED, 0.0, "; ".join(against))
    points = {
        "the year agrees": 3 * year_agrees,
        "called a trailer": 2 * ("trailer" in rest),
        f"{seconds} s long": _USUAL_SECONDS[0] <= seconds <= _USUAL_SECONDS[1],
        f"channel {channel}": bool(_CHANNELS.search(channel)),
    }
    score = sum(points.values())
    reasons = ["the title agrees", *(reason for reason, value in points.items() if value)]
    status = matching.VERIFIED if year_agrees and "trailer" in rest else matching.UNVERIFIED
    return score, Match(status, round((score + 1) / 8, 2), "; ".join(reasons))


def _seconds(duration: str) -> int:
    """``"PT2M31S"`` is 151."""
    found = re.fullmatch(r"P(?:(\d+)D)?T?(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?", duration)
    parts = found.groups(default="0") if found else ["0"] * 4
    return sum(int(part) * unit for part, unit in zip(parts, (86400, 3600, 60, 1), strict=True))


def _reasons(body: bytes) -> set[str]:
    """The error codes in an answer of Google's, in either of their two forms."""
    try:
        error = json.loads(body)["error"]
        parts = [*error.get("errors", []), *error.get("details", [])]
        return {part["reason"] for part in parts if "reason" in part}
    except (ValueError, KeyError, TypeError, AttributeError):
        return set()


_SUFFIXES = (".mp4", ".webm", ".mkv")
_FORMAT = "b[height<=480][ext=mp4]/b[ext=mp4]/b[ext=webm]/b[ext=mkv]"  # one file: no ffmpeg needed
_TRIES = 3


class _Silent:
    """Takes what yt-dlp has to say, which may hold signed addresses, and says nothing."""

    def debug(self, message: str) -> None: ...
    def warning(self, message: str) -> None: ...
    def error(self, message: str) -> None: ...


class _Unavailable(Exception):
    """A video that cannot be had, with the reason in a line."""


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

    Args:
        videos: Movie id to YouTube id.
        folder: Where ``<movie_id>.<suffix>`` appears, as ``MMREC_TRAILERS`` wants it.
        cache: The workspace's cache.
        rate_limit: Bytes per second, at most.
        cookies: A ``cookies.txt`` for when YouTube asks to sign in. It is read, never written.
        watch_url: What a video's id is appended to; ``MMREC_YOUTUBE_URL`` or YouTube's.

    Returns:
        Movie id to file, and the failures with video and reason.
    """
    watch_url = watch_url or os.environ.get("MMREC_YOUTUBE_URL", _WATCH)
    shelf = cache / "trailers"
    for kept in (shelf, folder):
        kept.mkdir(parents=True, exist_ok=True)
    jar = _read_cookies(cookies)
    files, failures, blocked = {}, [], None
    for movie_id, video in progress.bar(videos.items(), total=len(videos), label="trailers"):
        try:
            if not _VIDEO_ID.fullmatch(video):
                raise _Unavailable("not a YouTube id")
            path = _on(shelf, video)
            if path is None and blocked:
                raise _Unavailable(blocked)
            path = path or _fetch(video, watch_url, shelf, rate_limit, jar)
            files[movie_id] = _place(path, folder / f"{movie_id}{path.suffix}")
        except _Unavailable as error:
            failures.append(Miss(movie_id, YouTube.name, f"trailer {video}: {error}"))
            if "not a bot" in str(error):
                blocked = "not tried: YouTube asks to sign in; give cookies, or wait some hours"
    return files, failures


def _read_cookies(path: Path | None) -> str | None:
    try:
        return None if path is None else Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError(
            "cannot be read", where=path, remedy="Export cookies.txt again, or leave it out."
        ) from error


def _on(shelf: Path, video: str) -> Path | None:
    paths = (shelf / f"{video}{suffix}" for suffix in _SUFFIXES)
    return next((path for path in paths if path.exists()), None)


def _place(path: Path, target: Path) -> Path:
    """The file under a second name, without a second copy where the file system can."""
    target.unlink(missing_ok=True)
    try:
        os.link(path, target)
    except OSError:
        shutil.copyfile(path, target)
    return target


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
                return info["requested_downloads"][0]["filepath"]
        except yt_dlp.utils.YoutubeDLError as error:
            # The stage that reads a video's page retries nothing by itself.
            if not left or not _may_pass(error):
                raise _Unavailable(_in_words(error)) from None
            time.sleep(2.0 ** (_TRIES - left - 1) / 2)


def _may_pass(error: yt_dlp.utils.YoutubeDLError) -> bool:
    cause = (getattr(error, "exc_info", None) or (None, None))[1]
    status = getattr(cause, "status", None)
    if status is not None:
        return status == 429 or status >= 500
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
                stream.thread_type = "AUTO"
            end = max(frame.time or 0.0 for frame in container.decode(streams))
            length = (container.duration or 0) / av.time_base
    except (av.error.FFmpegError, OSError, ValueError) as error:
        return getattr(error, "strerror", None) or "nothing in it can be decoded"
    return f"it ends at {end:.0f} of {length:.0f} s" if end < length - 2 else None
