"""Reads a list of movies: a CSV with a title and a year per row, and whatever else is known."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from mmrec.catalogue import movielens
from mmrec.catalogue.provider import Movie
from mmrec.errors import StudyError, local_failures

YEARS = (1888, 2100)
"""The years a film can be of."""

_NEEDED = ("title", "year")
_YEAR = re.compile(r"\d{4}", re.ASCII)
_ID = re.compile(r"[1-9]\d{0,8}", re.ASCII)
_CALL = re.compile(r"\S\([^()]*\)\s*$")
_IMDB_ID = re.compile(r"tt\d{7,10}", re.ASCII)


class Row(NamedTuple):
    """A movie of a list.

    Attributes:
        line: Of the file, where the row ends.
        movie: What the row says of its identity.
        own_id: What the reader calls the movie: the cell ``id``, else ``movie_id``, else its number
            in the list.
        cells: All cells by column, in lower case; what is not there is empty.
    """

    line: int
    movie: Movie
    own_id: str
    cells: dict[str, str]


class Listed(NamedTuple):
    """A list of movies.

    Attributes:
        rows: By ascending movie ids.
        columns: As the first row names them, in lower case.
        notices: Rows that repeat an earlier one and are left out.
    """

    rows: list[Row]
    columns: list[str]
    notices: list[StudyError]


def read(path: Path) -> Listed:
    """Reads a CSV of movies.

    Args:
        path: A CSV in UTF-8 with the columns ``title`` and ``year``, and, if there is more to go
            by, ``id`` (any text), ``movie_id`` (a number; else the movies are numbered from 1) and
            ``imdb_id``. Other columns are handed on as they are.

    Raises:
        StudyError: If the file or a row of it cannot be used; the message names the line.
        LocalError: If the file may not be read.
    """
    path = Path(path)
    found: dict[int, Row] = {}
    known: dict[str, int] = {}
    lines: dict[tuple[str, ...], int] = {}
    columns: list[str] = []
    notices = []
    for line, cells in rows(path, needed=_NEEDED):
        where = f"{path}, row {line}"
        columns, content = list(cells), tuple(cells.values())
        if content in lines:
            what = f"the same as row {lines[content]}, and left out"
            notices.append(StudyError(what, where=where, remedy="Drop one of the two."))
            continue
        lines[content] = line
        movie = _movie(cells, where, number=len(found) + 1)
        own_id = cells.get("id") or str(movie.movie_id)
        for name, again in (("movie id", movie.movie_id in found), ("id", own_id in known)):
            if again:
                said = movie.movie_id if name == "movie id" else repr(own_id)
                raise StudyError(
                    f"{name} {said} occurs twice",
                    where=where,
                    remedy="Give each row its own id, or leave the column out.",
                )
        found[movie.movie_id] = Row(line, movie, own_id, cells)
        known[own_id] = line
    if not found:
        raise StudyError("there are no movies in it", where=path, remedy="Write one movie per row.")
    return Listed([found[movie_id] for movie_id in sorted(found)], columns, notices)


def rows(path: Path, *, needed: Sequence[str] = ()) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a CSV in UTF-8 whose first row names the columns.

    Args:
        path: The file.
        needed: Columns that have to be there.

    Yields:
        The line that a row ends in, and its cells, trimmed, by column in lower case.

    Raises:
        StudyError: If the file or a row of it cannot be read; the message names the line.
        LocalError: If the file may not be read.
    """
    reader = csv.reader(io.StringIO(_text(path), newline=""), strict=True)
    columns: list[str] = []
    try:
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if not columns:
                columns = [name.strip().lower() for name in cells]
                _check_columns(columns, needed, path)
                continue
            if len(cells) > len(columns):
                raise StudyError(
                    f"{len(cells)} fields where the first row names {len(columns)} columns",
                    where=f"{path}, row {reader.line_num}",
                    remedy="Put a title that holds a comma into quotes.",
                )
            # A row may end early; what it lacks is empty.
            padded = [*cells, *[""] * (len(columns) - len(cells))]
            yield reader.line_num, dict(zip(columns, map(str.strip, padded), strict=True))
    except csv.Error as error:
        raise StudyError(
            f"not a CSV ({error})",
            where=f"{path}, row {reader.line_num}",
            remedy='Check the quotes: each " that opens has to close, one inside is written "".',
        ) from error
    if not columns:
        raise StudyError(
            "the file is empty", where=path, remedy="Write the columns' names into the first row."
        )


def _text(path: Path) -> str:
    if path.is_dir():
        raise StudyError("a folder, not a list", where=path, remedy="Name a CSV file.")
    try:
        with local_failures(path):
            content = path.read_bytes()
    except FileNotFoundError as error:
        raise StudyError("no such file", where=path, remedy="Check its name.") from error
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise StudyError(
            f"not in UTF-8 (byte 0x{content[error.start]:02x})",
            where=f"{path}, row {content[: error.start].count(10) + 1}",
            remedy="Save the list as CSV (UTF-8).",
        ) from error


def _check_columns(columns: list[str], needed: Sequence[str], path: Path) -> None:
    twice = next((name for name in columns if name and columns.count(name) > 1), None)
    if twice:
        raise StudyError(
            f"two columns are named {twice!r}", where=path, remedy="Rename or drop one of them."
        )
    missing = next((name for name in needed if name not in columns), None)
    if missing:
        raise StudyError(
            f"no column {missing!r}",
            where=path,
            remedy=f"The first row names the columns, with commas between: it says "
            f"{', '.join(columns)!r}.",
        )


def _movie(row: dict[str, str], where: str, number: int) -> Movie:
    def refuse(what: str, remedy: str) -> StudyError:
        return StudyError(what, where=where, remedy=remedy)

    year = row["year"].removesuffix(".0")
    movie_id, imdb_id = row.get("movie_id") or str(number), row.get("imdb_id")
    if not row["title"]:
        raise refuse("the title is missing", "Fill it in, or drop the row.")
    if not _YEAR.fullmatch(year) or not YEARS[0] <= int(year) <= YEARS[1]:
        raise refuse(
            f"{row['year']!r} is not a year", f"Give four digits, {YEARS[0]} to {YEARS[1]}."
        )
    if not _ID.fullmatch(movie_id):
        raise refuse(f"{movie_id!r} is not a movie id", "Ids are whole numbers above 0.")
    if imdb_id and not _IMDB_ID.fullmatch(imdb_id):
        raise refuse(
            f"{imdb_id!r} is not an IMDb id", "Write tt and its digits, or leave it empty."
        )
    title, *others = _titles(row["title"])
    return Movie(int(movie_id), title, int(year), tuple(others), imdb_id or None)


def _titles(raw: str) -> list[str]:
    """The title, then what it may be taken apart into.

    Parentheses can hold another name, as MovieLens has it, or be a part of the title.

    >>> _titles("Haine, La")
    ['La Haine']
    >>> _titles("Birdman or (The Unexpected Virtue of Ignorance)")[0]
    'Birdman or (The Unexpected Virtue of Ignorance)'
    >>> _titles("Hate (Haine, La) (1995)")
    ['Hate (La Haine)', 'Hate', 'La Haine']
    >>> _titles("f(x)")
    ['f(x)']
    """
    if _CALL.search(raw):
        return [raw]
    title, alternate, _ = movielens.split_title(raw)
    return [title] if alternate is None else [f"{title} ({alternate})", title, alternate]
