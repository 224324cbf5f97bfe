"""A second, independent scrape of IMDb for MovieLens-100K (the ``movielens-details`` project)."""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from mmrec.catalogue import cleaning, sources
from mmrec.catalogue.provider import FILM, Candidate, Facts, Film, Movie
from mmrec.errors import StudyError, local_failures

# What stands in the field "year" when the match is no film of its own.
_NOT_A_FILM = ("Video Game", "Episode aired", "TV Series", "TV Mini Series", "TV Special")


class Details:
    """The provider.

    Args:
        path: ``movielens100k_details.json``.
    """

    name = "details"

    def __init__(self, path: Path):
        self._path = Path(path)

    def find(self, movies: Sequence[Movie]) -> Iterator[Candidate]:
        """The film that its search found for each movie.

        Raises:
            StudyError: As :func:`read`.
        """
        table = read(self._path)
        wanted = table[table.index.isin([movie.movie_id for movie in movies])]
        source, licence = sources.MOVIE_DETAILS.what, sources.MOVIE_DETAILS.licence
        for row in wanted.dropna(subset=["imdb_id"]).reset_index().to_dict("records"):
            film = Film(
                year=row["year"],
                imdb_id=row["imdb_id"],
                directors=tuple(row["directors"]),
                kind=row["kind"],
            )
            facts = Facts(
                summary=row["summary"],
                cast=tuple(row["cast"]),
                runtime_minutes=row["runtime_minutes"],
                imdb_rating=row["imdb_rating"],
                imdb_votes=row["imdb_votes"],
            )
            yield Candidate(row["movie_id"], self.name, film, facts, source, licence)


def read(path: Path) -> pd.DataFrame:
    """Reads the details JSON.

    Returns:
        One row per movie, indexed by ``movie_id``; ``year`` is float, NaN where unknown.

    Raises:
        StudyError: If the file is no JSON list of movies.
    """
    try:
        with local_failures(path):
            records = json.loads(Path(path).read_text(encoding="utf-8"))
        rows = [_row(record) for record in records]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise StudyError(
            f"not the details file ({type(error).__name__}: {error})",
            where=path,
            remedy="Get the file again.",
        ) from error
    return pd.DataFrame(rows).set_index("movie_id").sort_index()


def _row(record: dict[str, Any]) -> dict[str, object]:
    year = re.fullmatch(r"(\d{4})(\.0)?", str(record["year"]))
    other = [kind for kind in _NOT_A_FILM if str(record["year"]).startswith(kind)]
    return {
        "movie_id": record["movie_id"],
        "imdb_id": cleaning.imdb_id(record["movie_url"]),
        "year": float(year[1]) if year else float("nan"),
        "kind": other[0] if other else FILM,
        "directors": cleaning.names(record["director"]),
        "cast": cleaning.names(record["cast"]),
        "summary": cleaning.plot(record["description"]),
        "imdb_rating": float("nan") if record["rating"] is None else float(record["rating"]),
        "imdb_votes": cleaning.votes(record["num_review"]),
        "runtime_minutes": cleaning.minutes(record["movie_length"]),
    }
