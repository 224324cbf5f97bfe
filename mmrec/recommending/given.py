"""What people give: a file of their ratings, and what is known of a new film."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from mmrec.catalogue import cleaning, movielens
from mmrec.catalogue.tables import movies_table
from mmrec.enrichment.lists import YEARS, rows
from mmrec.enrichment.own.files import KINDS, SYNOPSIS
from mmrec.errors import StudyError, local_failures
from mmrec.models.rating_scale import HIGHEST, LOWEST
from mmrec.recommending.titles import Titles, shown

TITLE, RATING = ("title", "name"), ("rating", "stars")
"""Columns of a file of ratings by the names that they may have."""


LIKE, DISLIKE = 5.0, 1.0
"""Stars that a like and a dislike count as, where somebody says no more: the ends of the scale."""


@dataclass(frozen=True)
class Given:
    """Ratings of a person.

    Attributes:
        ratings: By position of the film, in the order given.
        left_out: What was passed over, each in one line.
    """

    ratings: Mapping[int, float]
    left_out: Sequence[str] = ()


def read_ratings(path: Path, titles: Titles) -> Given:
    """Reads a CSV of ratings.

    Films that the model does not know are passed over; everything else that is wrong is told.

    Args:
        path: A CSV in UTF-8 with the columns ``title`` and ``rating``, 1 to 5, and perhaps
            ``year``.
        titles: The films that may be rated.

    Raises:
        StudyError: The file or a row of it cannot be used, or no film of it is known.
        LocalError: The file may not be read.
    """
    ratings: dict[int, float] = {}
    unknown: list[tuple[str, int | None]] = []
    again = 0
    for line, row in rows(path):
        where = f"{path}, row {line}"
        title, rating = _cell(row, TITLE, path), _cell(row, RATING, path)
        if not title:
            raise StudyError("the title is missing", where=where, remedy="Fill it in.")
        value, year = stars(rating, where=where), _year(row.get("year", ""), where)
        place = titles.find_quietly(title, year)
        if place is None:
            unknown.append((title, year))
            continue
        again += place in ratings
        ratings[place] = value
    if not ratings:
        none = f"of its {_films(len(unknown))} none can be told by its title"
        raise StudyError(
            none if unknown else "no ratings in it",
            where=path,
            remedy="Give one film per row, its title as MovieLens or IMDb writes it.",
        )
    more = ", …" if len(unknown) > 1 else ""
    left_out = []
    if unknown:
        left_out.append(f"{_films(len(unknown))} left out: {titles.refused(*unknown[0])}{more}")
    if again:
        left_out.append(f"{again:,} ratings are of a film rated before; the last one counts")
    return Given(ratings, left_out)


def said(
    likes: Iterable[str],
    dislikes: Iterable[str],
    titles: Titles,
    *,
    like: float = LIKE,
    dislike: float = DISLIKE,
) -> Given:
    """Films that somebody likes or dislikes, as ratings.

    Args:
        likes: Titles.
        dislikes: Titles.
        titles: The films that may be named.
        like: Stars that a like counts as.
        dislike: Stars that a dislike counts as.

    Raises:
        StudyError: A title means no film, or several, or the same film is liked and disliked.
    """
    found: dict[int, float] = {}
    for option, value, some in (("--like", like, likes), ("--dislike", dislike, dislikes)):
        for title in some:
            place = titles.find(title, where=option)
            if found.get(place, value) != value:
                raise StudyError(
                    f"{shown(title)} is both liked and disliked", where=option, remedy="Drop one."
                )
            found[place] = value
    return Given(found)


def stars(said: str, *, where: str) -> float:
    """A rating.

    Raises:
        StudyError: It is no number from 1 to 5.
    """
    try:
        value = float(said)
    except ValueError:
        value = float("nan")
    if not LOWEST <= value <= HIGHEST:
        raise StudyError(
            f"rating {shown(said)} is outside {LOWEST:g}-{HIGHEST:g}",
            where=where,
            remedy="Give stars from 1 to 5, such as 4 or 3.5; a scale to 10 is halved.",
        )
    return value


FIELDS = ("title", "year", "genres", "directors", "cast", "synopsis", "imdb_rating", "imdb_votes")
"""What may be known of a new film."""

FACTS = {"genre": "genres", "director": "directors", "actors": "cast", "summary": "synopsis"}
"""Other names of these."""

_FILES = ("poster", "trailer")
_LISTS = ("genres", "directors", "cast")
_NUMBERS = ("year", "imdb_rating", "imdb_votes")

_LARGEST = 1_000_000


def read_film(path: Path) -> dict[str, Any]:
    """Reads what is known of a film: the first row of a CSV, or a JSON object.

    Several names are parted by ``|`` in a CSV and make a list in JSON.

    Returns:
        Values by the names of :data:`FIELDS`, the synopsis read if it names a file, and
        ``poster`` and ``trailer``: paths. Files are taken from the file's folder.

    Raises:
        StudyError: The file cannot be read, holds more than one film, names a field that is not
            known or one twice, or gives a field what it cannot be.
        LocalError: The file may not be read.
    """
    if path.suffix.lower() == ".json":
        given = _json(path)
    else:
        films = [row for _, row in rows(path, needed=["title"])]
        if len(films) != 1:
            raise StudyError(
                f"{len(films)} films in it",
                where=path,
                remedy="Give one; for more, mmrec enrich makes a catalogue.",
            )
        given = list(films[0].items())
    known: dict[str, Any] = {}
    for name, value in given:
        if value in (None, ""):
            continue
        field = FACTS.get(name, name)
        _check_field(field, value, path)
        if field in known:
            raise StudyError(f"{field} is given twice", where=path, remedy="Drop one of the two.")
        known[field] = value
    for name in _FILES:
        if name in known:
            known[name] = path.parent / known[name]
    if "synopsis" in known:
        known["synopsis"] = synopsis(known["synopsis"], folder=path.parent)
    return known


def _check_field(name: str, value: Any, path: Path) -> None:
    """Refuses a field that is not known, and a value of a type that it cannot have."""
    if name not in (*FIELDS, *_FILES):
        raise StudyError(
            f"{shown(name)} is nothing that is asked for",
            where=path,
            remedy=f"Name what is known {', '.join((*FIELDS, *_FILES))}.",
        )
    wanted, right = "a text", isinstance(value, str)
    if name in _NUMBERS:
        wanted, right = "a number", right or type(value) in (int, float)
    elif name in _LISTS:
        texts = isinstance(value, list) and all(isinstance(one, str) for one in value)
        wanted, right = "a text or a list of texts", right or texts
    if not right:
        raise StudyError(
            f"{name} is not {wanted}", where=path, remedy="Correct it, or leave it out."
        )


def check_media(path: Path) -> None:
    """Sees to it that a poster or a trailer is there, before libraries are loaded to read it.

    Raises:
        StudyError: It is no file, or an empty one.
    """
    if not os.path.isfile(path):
        raise StudyError("there is no such file", where=path, remedy="Correct its name.")
    if not path.stat().st_size:
        raise StudyError("is empty (0 bytes)", where=path, remedy="Get the file again.")


def film(known: Mapping[str, Any], *, where: str) -> pd.DataFrame:
    """A new film as a catalogue has it, one row with the id 1.

    Args:
        known: Values by the names of :data:`FIELDS`; lists, or texts parted by ``|``.
        where: What they were given by, for messages.

    Raises:
        StudyError: A value cannot be used.
    """
    title = cleaning.text(known.get("title"))
    if title is None:
        raise StudyError("the title is missing", where=where, remedy="Give the film a title.")
    genres = _list(known.get("genres"), extra=",")
    named = cleaning.genres(genres)
    for genre in genres:
        if not cleaning.genres([genre]):
            raise StudyError(
                f"{shown(genre)} is no genre that the model knows",
                where=where,
                remedy=f"There are: {', '.join(movielens.GENRES[1:])}.",
            )
    rating = _number(known, "imdb_rating", (1, 10), where)
    votes = _number(known, "imdb_votes", (1, 1e9), where)
    return movies_table(
        [
            {
                "movie_id": 1,
                "title": title,
                "year": _year("" if known.get("year") is None else str(known["year"]), where),
                "genres": list(named),
                "directors": _list(known.get("directors")),
                "cast": _list(known.get("cast")),
                "summary": cleaning.text(known.get("synopsis")),
                "summary_source": "own",
                "imdb_rating": rating,
                "imdb_votes": votes,
            }
        ]
    )


def synopsis(given: str, *, folder: Path = Path()) -> str:
    """A synopsis, or that in a file of this name.

    Args:
        given: The text, or the name.
        folder: Where the file may be; by default the folder that the command runs in.

    Raises:
        StudyError: The text ends as the name of a file does and there is none, or the file is not
            text in UTF-8, is empty, or is larger than any synopsis.
        LocalError: The file may not be read.
    """
    path = folder / given
    if not os.path.isfile(path):  # which a text that is too long for a name is not either
        if given.lower().endswith(KINDS[SYNOPSIS].suffixes):
            raise StudyError(
                f"there is no such file in {folder.resolve()}",
                where=f"synopsis {shown(given)}",
                remedy="Correct its name, or give the text itself.",
            )
        return given
    remedy = "Save it as text in UTF-8."
    with local_failures(path):
        content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig").strip() if len(content) <= _LARGEST else "\0"
    except UnicodeDecodeError as error:
        raise StudyError("is not text in UTF-8", where=path, remedy=remedy) from error
    if not text or "\0" in text:
        raise StudyError("is empty or no synopsis", where=path, remedy=remedy)
    return text


def years(said: str) -> tuple[int | None, int | None]:
    """A span of years: ``1990-1995``, ``1990-``, ``-1960`` or ``1994``.

    Raises:
        StudyError: It is none.
    """
    first, dash, last = said.partition("-")
    try:
        ends = [int(end) if end.strip() else None for end in (first, last if dash else first)]
    except ValueError:
        ends = [None, None]
    first_year, last_year = ends
    backwards = first_year is not None and last_year is not None and first_year > last_year
    if ends == [None, None] or backwards:
        raise StudyError(
            f"{shown(said)} are no years", where="--years", remedy="Write 1990-1995, 1990- or 1994."
        )
    return first_year, last_year


def _films(number: int) -> str:
    return "1 film" if number == 1 else f"{number:,} films"


def _json(path: Path) -> list[tuple[str, Any]]:
    """Names and values of an object, which may name something twice."""
    try:
        with local_failures(path):
            text = path.read_text(encoding="utf-8-sig")
        given = json.loads(text, object_pairs_hook=tuple)  # lists stay lists
    except FileNotFoundError as error:
        raise StudyError("no such file", where=path, remedy="Check its name.") from error
    except (ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())[:120]
        raise StudyError(f"not JSON ({reason})", where=path, remedy="Correct it.") from error
    if not isinstance(given, tuple):
        raise StudyError(
            "holds no film", where=path, remedy='Write an object: {"title": "…", "year": 1999}.'
        )
    return [(name.lower(), value) for name, value in given]


def _cell(row: Mapping[str, str], names: Sequence[str], path: Path) -> str:
    for name in names:
        if name in row:
            return row[name]
    raise StudyError(
        f"no column {names[0]!r}",
        where=path,
        remedy=f"The first row names the columns: title, rating and perhaps year; it says "
        f"{', '.join(row)!r}.",
    )


def _year(said: str, where: str) -> int | None:
    text = said.strip().removesuffix(".0")
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or not YEARS[0] <= int(text[:9]) <= YEARS[1]:
        raise StudyError(
            f"{shown(said)} is not a year",
            where=where,
            remedy=f"Give four digits, {YEARS[0]} to {YEARS[1]}.",
        )
    return int(text)


def _list(value: Any, extra: str = "") -> list[str]:
    parts = value if isinstance(value, list | tuple) else [value]
    names = [str(part) for part in parts if part is not None]
    for separator in ("|", ";", *extra):
        names = [name for part in names for name in part.split(separator)]
    return list(dict.fromkeys(name.strip() for name in names if name.strip()))


def _number(
    known: Mapping[str, Any], name: str, bounds: tuple[float, float], where: str
) -> float | None:
    value = known.get(name)
    if value is None:
        return None
    number = cleaning.number(value)
    if number is None or not bounds[0] <= number <= bounds[1]:
        raise StudyError(
            f"{name} {shown(str(value))} is not {bounds[0]} to {bounds[1]:g}",
            where=where,
            remedy="Correct it, or leave it out.",
        )
    return number
