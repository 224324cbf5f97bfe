"""The facts that a row of a reader's list states about a film, besides title and year."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from mmrec.catalogue import cleaning
from mmrec.catalogue.movielens import GENRES
from mmrec.catalogue.provider import Facts
from mmrec.enrichment.lists import Row
from mmrec.errors import StudyError

COLUMNS = {
    "genres": ("genres", "genre"),
    "directors": ("directors", "director"),
    "cast": ("cast", "actors"),
    "summary": ("synopsis", "summary", "plot", "description"),
    "runtime_minutes": ("runtime_minutes", "runtime"),
    "imdb_rating": ("imdb_rating",),
    "imdb_votes": ("imdb_votes",),
    "trailer_youtube_id": ("trailer_youtube_id",),
}
"""Fact → the columns that it is read from: the first one that holds anything."""

_NUMBERS = {"runtime_minutes": (1, 6000), "imdb_rating": (1, 10), "imdb_votes": (1, 1e9)}
_VIDEO_ID = re.compile(r"[\w-]{11}", re.ASCII)


class Told(NamedTuple):
    """What a row tells.

    Attributes:
        facts: Its facts; the genres are MovieLens'.
        directors: Names.
        notices: Cells that cannot be used, and are left out.
        strange: Genres that MovieLens does not have.
    """

    facts: Facts
    directors: tuple[str, ...]
    notices: list[StudyError]
    strange: list[str]


def read(row: Row, path: Path) -> Told:
    """Reads the facts of a row.

    Several names are separated by ``|`` or ``;``, genres also by commas.

    Args:
        row: Of `mmrec.enrichment.lists.read`.
        path: The list, for messages.
    """
    said = {name: _first(row.cells, columns) for name, columns in COLUMNS.items()}
    notices: list[StudyError] = []
    numbers: dict[str, float | None] = {}
    for name, (least, most) in _NUMBERS.items():
        value = cleaning.number(said[name].removesuffix(" min"))
        numbers[name] = value if value is not None and least <= value <= most else None
        if said[name] and numbers[name] is None:
            notices.append(_notice(row, path, f"{name} {said[name]!r} is not {least} to {most:g}"))
    video = said["trailer_youtube_id"] or None
    if video and not _VIDEO_ID.fullmatch(video):
        notices.append(_notice(row, path, f"{video!r} is not a YouTube id"))
        video = None
    labels = _parts(said["genres"], r"[|;,]")
    genres = [(label, cleaning.genres([label])) for label in labels if label.lower() != "unknown"]
    named = {name for _, names in genres for name in names}
    facts = Facts(
        summary=said["summary"] or None,
        cast=_parts(said["cast"], r"[|;]"),
        genres=tuple(name for name in GENRES if name in named),
        runtime_minutes=numbers["runtime_minutes"],
        imdb_rating=numbers["imdb_rating"],
        imdb_votes=numbers["imdb_votes"],
        trailer_youtube_id=video,
    )
    strange = [label for label, names in genres if not names]
    return Told(facts, _parts(said["directors"], r"[|;]"), notices, strange)


def _first(cells: Mapping[str, str], columns: Sequence[str]) -> str:
    return next((cells[name] for name in columns if cells.get(name)), "")


def _parts(cell: str, separators: str) -> tuple[str, ...]:
    parts = (part.strip() for part in re.split(separators, cell))
    return tuple(dict.fromkeys(part for part in parts if part))


def _notice(row: Row, path: Path, what: str) -> StudyError:
    return StudyError(
        f"{what}; left out", where=f"{path}, row {row.line}", remedy="Correct the cell."
    )
