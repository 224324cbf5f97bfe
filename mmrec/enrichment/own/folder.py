"""Reads a reader's own films: a list, or a folder with a list, files and ratings.

Nothing in it is ever changed.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from mmrec.catalogue.cleaning import title_key
from mmrec.catalogue.movielens import GENRES
from mmrec.catalogue.own import Own
from mmrec.catalogue.provider import VERIFIED, Candidate, Facts, Film, Match, Movie
from mmrec.enrichment import lists
from mmrec.enrichment.lists import Listed, Row
from mmrec.enrichment.own import facts, files, ratings
from mmrec.enrichment.own.names import Names
from mmrec.enrichment.own.ratings import Ratings
from mmrec.errors import StudyError

LIST, RATINGS = "movies.csv", "ratings.csv"
"""Names of the list and of the ratings in a folder."""

_IDENTITY = {"title", "year", "id", "movie_id", "imdb_id"}


@dataclass(frozen=True)
class Folder:
    """A reader's own films.

    Attributes:
        movies: What they are, for the other providers.
        provider: What the folder says of them.
        own: Ids and files.
        ratings: May be none.
        notices: What was left out, and why.
    """

    movies: list[Movie]
    provider: "OwnFiles"
    own: Own
    ratings: Ratings
    notices: list[StudyError]


class OwnFiles:
    """The provider of what a folder says, which counts before all others.

    Args:
        candidates: One for each film that it says anything of.
    """

    name = "own files"

    def __init__(self, candidates: Sequence[Candidate]):
        self._candidates = candidates

    def find(self, movies: Sequence[Movie]) -> Iterator[Candidate]:
        """What the folder says; it says it of these very films, so nothing is to be matched."""
        wanted = {movie.movie_id for movie in movies}
        return (one for one in self._candidates if one.movie_id in wanted)


def read(path: Path, *, before: pd.DataFrame | None = None) -> Folder:
    """Reads a list or a folder.

    Args:
        path: A CSV as `mmrec.enrichment.lists.read` takes it, or a folder with one named
            ``movies.csv``; there, files in ``trailers/``, ``posters/`` and ``synopses/`` are found
            by their names, and ``ratings.csv`` is read.
        before: `Own.films` of an earlier reading. Films that the list gives no numbers keep
            theirs, so that what was computed for a number is still the same film's when the list
            has changed.

    Raises:
        StudyError: If the list or the ratings cannot be used; the message names the row.
        LocalError: If a file may not be read.
    """
    is_folder = path.is_dir()
    listed = path / LIST if is_folder else path
    if is_folder and not listed.exists():
        remedy = f"Write {LIST} with the columns title and year."
        raise StudyError(f"no {LIST} in this folder", where=path, remedy=remedy)
    content = _numbered(lists.read(listed), before)
    rows = content.rows
    names = Names(rows, ids=bool({"id", "movie_id"} & {*content.columns}))
    found = files.match(listed.parent, rows, names, listed=listed, scan=is_folder)
    texts, unread = files.read_synopses(found.files.pop(files.SYNOPSIS))
    told = {row.movie.movie_id: facts.read(row, listed) for row in rows}
    stars = listed.parent / RATINGS
    rated = ratings.read(stars, names) if is_folder and stars.exists() else ratings.none()
    candidates = []
    for row in rows:
        of_row, movie = told[row.movie.movie_id], row.movie
        text = texts.get(movie.movie_id) or _written(of_row.facts)
        film = Film(movie.titles, movie.year, movie.imdb_id, of_row.directors)
        known = replace(of_row.facts, summary=text)
        if known != Facts() or of_row.directors:
            candidates.append(_candidate(movie.movie_id, film, known, listed, row.line))
    notices = [
        *content.notices,
        *(notice for one in told.values() for notice in one.notices),
        *_strange(rows, told, listed),
        *found.notices,
        *unread,
        *rated.notices,
    ]
    movies = [replace(row.movie, genres=told[row.movie.movie_id].facts.genres) for row in rows]
    own = Own(_films(content), rated.ids, _paths(found.files))
    return Folder(movies, OwnFiles(candidates), own, rated, notices)


def _numbered(content: Listed, before: pd.DataFrame | None) -> Listed:
    """The list with the numbers that its films had before."""
    if before is None or "movie_id" in content.columns:
        return content
    has_ids = "id" in content.columns
    numbers = {
        _key(id_, title, year, has_ids): int(number)
        for number, id_, title, year in before[["movie_id", "id", "title", "year"]].itertuples(
            index=False
        )
    }
    following = max(numbers.values(), default=0) + 1
    taken: set[int] = set()
    rows = []
    for row in content.rows:
        number = numbers.get(_key(row.own_id, row.movie.title, row.movie.year, has_ids), 0)
        if not number or number in taken:
            number, following = following, following + 1
        taken.add(number)
        own_id = row.own_id if has_ids else str(number)
        rows.append(row._replace(movie=replace(row.movie, movie_id=number), own_id=own_id))
    return content._replace(rows=sorted(rows, key=lambda row: row.movie.movie_id))


def _key(own_id: str, title: str, year: object, has_ids: bool) -> tuple[str, ...]:
    return (own_id,) if has_ids else (title_key(title), str(year))


def _written(said: Facts) -> str | None:
    """The synopsis in the list, unless the cell names a file."""
    text = said.summary
    is_name = text and text.lower().endswith(files.KINDS[files.SYNOPSIS].suffixes)
    return None if is_name else text


def _candidate(movie_id: int, film: Film, known: Facts, path: Path, line: int) -> Candidate:
    match = Match(VERIFIED, 1.0, "your own")
    source = f"{path.name}, row {line}"
    return Candidate(movie_id, OwnFiles.name, film, known, source, "your own", match)


def _strange(
    rows: Sequence[Row], told: Mapping[int, facts.Told], path: Path
) -> Iterator[StudyError]:
    """One notice for each genre that MovieLens does not have."""
    count = Counter(label for one in told.values() for label in one.strange)
    for label, number in count.items():
        line = next(row.line for row in rows if label in told[row.movie.movie_id].strange)
        where = (
            f"{path}, row {line}" if number == 1 else f"{path}, row {line} and {number - 1} more"
        )
        what = f"genre {label!r} is not known; left out"
        remedy = f"The genres are {', '.join(GENRES[1:])}."
        yield StudyError(what, where=where, remedy=remedy)


def _films(content: Listed) -> pd.DataFrame:
    """Ids, titles, years, and the columns that nothing else keeps."""
    read_elsewhere = {
        *_IDENTITY,
        *files.KINDS,
        *(column for columns in facts.COLUMNS.values() for column in columns),
    }
    others = [name for name in content.columns if name and name not in read_elsewhere]
    table = pd.DataFrame(
        {
            "movie_id": [row.movie.movie_id for row in content.rows],
            "id": [row.own_id for row in content.rows],
            "title": [row.movie.title for row in content.rows],
            "year": pd.array([row.movie.year for row in content.rows], dtype="Int64"),
        }
    )
    return table.assign(**{name: [row.cells[name] for row in content.rows] for name in others})


def _paths(found: Mapping[str, Mapping[int, Path]]) -> pd.DataFrame:
    rows = [
        (movie_id, kind, str(path.resolve()))
        for kind, of_kind in found.items()
        for movie_id, path in of_kind.items()
    ]
    return pd.DataFrame(rows, columns=["movie_id", "kind", "path"])
