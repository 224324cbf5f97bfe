"""The enrichment that the paper's authors published: IMDb text and facts, and trailer ids.

Paper §III. The file contains the IMDb id that a title search found, unchecked, but not the matched
title or year; the catalogue decides whether the match is the right film.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from mmrec.catalogue import cleaning, sources
from mmrec.catalogue.provider import UNVERIFIED, Candidate, Facts, Film, Match, Movie
from mmrec.errors import StudyError, local_failures

_COLUMNS = (
    "movie id",
    "IMDb URL",
    "Summary",
    "Cast",
    "Director",
    "Rating",
    "Runtime",
    "No. of ratings",
    "YT-Trailer ID",
)


class Published:
    """The provider.

    Args:
        path: ``items.csv``.
    """

    name = "published"

    def __init__(self, path: Path):
        self._path = Path(path)

    def find(self, movies: Sequence[Movie]) -> Iterator[Candidate]:
        """The film with its facts and, found by another search, the trailer.

        Raises:
            StudyError: As :func:`read`.
        """
        table = read(self._path)
        trailer = Match(UNVERIFIED, 0.5, "the first hit of a search, taken unseen")
        wanted = table[table.index.isin([movie.movie_id for movie in movies])]
        source, licence = sources.ENHANCED_ITEMS.what, sources.ENHANCED_ITEMS.licence
        for row in wanted.reset_index().to_dict("records"):
            movie_id = row["movie_id"]
            if row["imdb_id"]:
                film = Film(imdb_id=row["imdb_id"], directors=tuple(row["directors"]))
                facts = Facts(
                    summary=row["summary"],
                    cast=tuple(row["cast"]),
                    runtime_minutes=row["runtime_minutes"],
                    imdb_rating=row["imdb_rating"],
                    imdb_votes=row["imdb_votes"],
                )
                yield Candidate(movie_id, self.name, film, facts, source, licence)
            if row["trailer_youtube_id"]:
                facts = Facts(trailer_youtube_id=row["trailer_youtube_id"])
                yield Candidate(movie_id, self.name, Film(), facts, source, licence, trailer)


def read(path: Path) -> pd.DataFrame:
    """Reads ``items.csv``.

    Returns:
        One row per movie with an IMDb match or a trailer id, indexed by ``movie_id``.

    Raises:
        StudyError: If the file is no CSV or lacks a column.
    """
    try:
        with local_failures(path):
            table = pd.read_csv(path, usecols=list(_COLUMNS), dtype=object).set_index("movie id")
    except (ValueError, OSError) as error:
        raise StudyError(
            f"not the published enrichment ({error})", where=path, remedy="Get the file again."
        ) from error
    frame = pd.DataFrame(index=table.index.astype(int).rename("movie_id"))
    frame["imdb_id"] = table["IMDb URL"].map(cleaning.imdb_id).to_numpy()
    frame["directors"] = [cleaning.names([name]) for name in table["Director"]]
    frame["cast"] = [cleaning.names(str(cast).split("|")) for cast in table["Cast"]]
    frame["summary"] = table["Summary"].map(cleaning.plot).to_numpy()
    frame["imdb_rating"] = table["Rating"].astype(float).to_numpy()
    frame["imdb_votes"] = table["No. of ratings"].map(cleaning.votes).to_numpy(float)
    frame["runtime_minutes"] = table["Runtime"].astype(float).to_numpy()
    frame["trailer_youtube_id"] = table["YT-Trailer ID"].map(_video_id).to_numpy()
    return frame[frame["imdb_id"].notna() | frame["trailer_youtube_id"].notna()]


def _video_id(value: object) -> str | None:
    found = re.fullmatch(r"[\w-]{11}", cleaning.known(value) or "")
    return found[0] if found else None
