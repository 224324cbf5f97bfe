"""Trailers from YouTube: which video, by the Data API or by published lists.

The key of the Data API is read from ``YOUTUBE_API_KEY`` and travels in a header; with none, the
lists that two projects published for MovieLens-20M are joined by title and year. By default a key
is good for 100 searches a day. `mmrec.enrichment.trailers` downloads the videos.
"""

import json
import os
import re
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from mmrec.catalogue import cleaning, movielens, sources
from mmrec.catalogue.cleaning import title_key, words_key
from mmrec.catalogue.locations import Mirror, Upstream, blob_digest
from mmrec.catalogue.matching import YEARS_APART, assess
from mmrec.catalogue.provider import (
    REJECTED,
    UNVERIFIED,
    VERIFIED,
    Candidate,
    Facts,
    Film,
    Match,
    Miss,
    Movie,
)
from mmrec.enrichment.asking import Answer, Options, one_by_one
from mmrec.enrichment.web import Unanswered, Web
from mmrec.errors import StudyError, local_failures

KEY = "YOUTUBE_API_KEY"
"""Environment variable that holds the key of the Data API."""
LICENCE = "a video's id; the video belongs to its owner"

WATCH = "https://www.youtube.com/watch?v="
"""A video's page, to which its id is appended."""

_DURATION = re.compile(r"P(?:(\d{1,4})D)?T?(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,6})S)?")
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


def provider(web: Web, options: Options) -> "YouTube":
    """The provider, at Google's address."""
    return YouTube(web)


def read_titled(path: Path) -> pd.DataFrame:
    """Reads the list of trailers with titles: ``title, youtubeId`` by the later MovieLens id.

    Raises:
        StudyError: If it is no such list.
    """
    try:
        with local_failures(path), zipfile.ZipFile(path) as archive:
            (name,) = (name for name in archive.namelist() if name.endswith("ml-youtube.csv"))
            table = pd.read_csv(archive.open(name), dtype=str).dropna()
        return table.set_index("movieId")[["title", "youtubeId"]]
    except (OSError, ValueError, LookupError, RuntimeError, zipfile.BadZipFile) as error:
        raise _no_list(path, error) from error


def read_links(path: Path) -> pd.Series:
    """Reads the list of newer links: the video's id by the later MovieLens id.

    Raises:
        StudyError: If it is no such list.
    """
    try:
        with local_failures(path):
            links = pd.read_csv(path, sep="\t", dtype=str).dropna()
        return links.set_index("movie_id")["trailer_link"].str.extract(r"v=([\w-]{11})")[0]
    except (OSError, ValueError, LookupError) as error:
        raise _no_list(path, error) from error


def _no_list(path: Path, error: Exception) -> StudyError:
    said = " ".join(str(error).split())[:200]
    remedy = "Run again; if it persists, the list has changed."
    return StudyError(f"not a list of trailers ({said})", where=path.name, remedy=remedy)


def _verify_titled(path: Path) -> str:
    read_titled(path)
    return blob_digest(path)


def _verify_links(path: Path) -> str:
    read_links(path)
    return blob_digest(path)


ML_20M_TRAILERS = sources.Resource(
    name="ml-20m-trailers",
    what="YouTube ids of 25,623 trailers, by title and year",
    licence="GroupLens: research use with citation, no redistribution",
    locations=(
        Mirror("ml-20m-youtube.zip"),
        Upstream("https://files.grouplens.org/datasets/movielens/ml-20m-youtube.zip"),
    ),
    verify=_verify_titled,
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
    verify=_verify_links,
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

    def find(self, movies: Sequence[Movie]) -> Iterator[Answer]:
        """Chooses a trailer per movie; no video is fetched.

        Raises:
            StudyError: If YouTube refuses the key.
        """
        return self._search_all(movies) if os.environ.get(KEY) else self._look_up_all(movies)

    def _search_all(self, movies: Sequence[Movie]) -> Iterator[Answer]:
        exhausted: list[str] = []

        def look_up(movie: Movie) -> Iterator[Answer]:
            if exhausted:
                yield Miss(movie.movie_id, self.name, exhausted[0])
                return
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
                said = f"{error} ({', '.join(sorted(reasons))})" if reasons else str(error)
                if reasons & _QUOTA:
                    said = "the day's quota is used up; run again tomorrow"
                    exhausted.append(said)
                yield Miss(movie.movie_id, self.name, said)

        return one_by_one(self.name, movies, look_up)

    def _search(self, movie: Movie) -> Answer:
        query = f"{movie.title} {movie.year} official trailer"
        hits = self._ask("search", _is_hit, part="snippet", type="video", maxResults="10", q=query)
        ids = ",".join(hit["id"]["videoId"] for hit in hits)
        videos = (
            self._ask("videos", _is_video, part="snippet,contentDetails", id=ids) if ids else []
        )
        if not videos:
            return Miss(movie.movie_id, self.name, "no video found")
        rated = [(*rate(video, movie), video) for video in videos]
        # The first of the best: YouTube lists the likelier one first.
        _, match, video = max(rated, key=lambda one: one[0])
        return self._candidate(movie, video["id"], video["snippet"]["title"], None, match)

    def _ask(
        self, method: str, is_one: Callable[[Any], bool], **params: str
    ) -> list[dict[str, Any]]:
        """The items of an answer that are what they should be; kept only if all of them are."""
        answer = self._web.get(
            f"{self._api}/{method}",
            params,
            read=_read,
            keep=lambda items: bool(items) and all(map(is_one, items)),
            headers={"X-Goog-Api-Key": os.environ[KEY]},
        )
        return [item for item in answer if is_one(item)]

    def _look_up_all(self, movies: Sequence[Movie]) -> Iterator[Answer]:
        try:
            known = self._published()
        except StudyError as error:
            for movie in movies:
                yield Miss(movie.movie_id, self.name, str(error))
            return
        for movie in movies:
            keys = {title_key(title) for title in movie.titles}
            entries = [entry for key in sorted(keys) for entry in known.get(key, [])]
            if not entries:
                yield Miss(movie.movie_id, self.name, "in none of the published lists")
                continue
            matches = [assess(movie, Film((title,), year)) for title, year, _ in entries]
            best = max(range(len(entries)), key=lambda number: matches[number].confidence)
            title, year, video = entries[best]
            yield self._candidate(movie, video, title, year, matches[best])

    def _published(self) -> dict[str, list[tuple[str, int | None, str]]]:
        """Title key → title, year and video id of each entry of the lists, newer links first."""
        titled = sources.fetch(self._lists[0], self._web.cache)
        linked = sources.fetch_if_there(self._lists[1], self._web.cache)
        table = read_titled(titled.path or Path())
        if linked.path is not None:
            newer = read_links(linked.path)
            newer = newer[~newer.index.duplicated()]
            table["youtubeId"] = newer.reindex(table.index).fillna(table["youtubeId"])
        known: dict[str, list[tuple[str, int | None, str]]] = {}
        for raw, video in table.itertuples(index=False):
            title, alternate, year = movielens.split_title(raw)
            for name in filter(None, (title, alternate)):
                known.setdefault(title_key(name), []).append((name, year, video))
        return known

    def _candidate(
        self, movie: Movie, video: str, title: str, year: int | None, match: Match
    ) -> Candidate:
        """A trailer is its own match: it neither supports nor contradicts other providers."""
        facts = Facts(trailer_youtube_id=video if match.status != REJECTED else None)
        film, address = Film((title,), year), f"{WATCH}{video}"
        return Candidate(movie.movie_id, self.name, film, facts, address, LICENCE, match)


def rate(video: dict[str, Any], movie: Movie) -> tuple[int, Match]:
    """How likely a video is the movie's trailer.

    Args:
        video: An item of the API's ``videos.list`` with ``snippet`` and ``contentDetails``.
        movie: Row of the movies asked for.

    Returns:
        Points, for choosing among videos, and the judgement with its reasons.
    """
    title, channel = video["snippet"]["title"], video["snippet"]["channelTitle"]
    seconds = _seconds(video["contentDetails"]["duration"])
    words, wanted = words_key(title).split(), title_key(movie.title).split()
    # What is left beside the film's own name, which may hold a year or a word like "clip" itself.
    rest = [word for word in words if word not in wanted]
    years = [int(word) for word in rest if re.fullmatch(r"(?:19|20)\d\d", word)]
    year_agrees = movie.year is not None and any(
        abs(year - movie.year) <= YEARS_APART for year in years
    )
    unlike = _NOT_THE_TRAILER.search(" ".join(rest))
    objections = {
        "another title": not set(wanted) <= set(words),
        f"another year ({', '.join(map(str, years))})": bool(years) and not year_agrees,
        f"not the trailer ({unlike and unlike[0]})": unlike is not None,
        f"{seconds} s long": not _SECONDS[0] <= seconds <= _SECONDS[1],
    }
    against = [reason for reason, holds in objections.items() if holds]
    if against:
        return -len(against), Match(REJECTED, 0.0, "; ".join(against))
    points = {
        "the year agrees": 3 * year_agrees,
        "called a trailer": 2 * ("trailer" in rest),
        f"{seconds} s long": _USUAL_SECONDS[0] <= seconds <= _USUAL_SECONDS[1],
        f"channel {channel}": bool(_CHANNELS.search(channel)),
    }
    score = sum(points.values())
    reasons = ["the title agrees", *(reason for reason, value in points.items() if value)]
    status = VERIFIED if year_agrees and "trailer" in rest else UNVERIFIED
    return score, Match(status, round((score + 1) / 8, 2), "; ".join(reasons))


def _read(body: bytes) -> list[Any]:
    answer = json.loads(body)
    if not isinstance(answer, dict) or not isinstance(answer.get("items"), list):
        raise ValueError("no list of items")
    return list(answer["items"])


def _is_hit(item: Any) -> bool:
    return _has_texts(item, ("id", "videoId"))


def _is_video(item: Any) -> bool:
    return _has_texts(
        item,
        ("id",),
        ("snippet", "title"),
        ("snippet", "channelTitle"),
        ("contentDetails", "duration"),
    )


def _has_texts(item: Any, *paths: tuple[str, ...]) -> bool:
    for path in paths:
        value = item
        for name in path:
            value = value.get(name) if isinstance(value, dict) else None
        if cleaning.text(value) != value or not value:
            return False
    return True


def _seconds(duration: str) -> int:
    """``"PT2M31S"`` is 151."""
    found = _DURATION.fullmatch(duration)
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
