"""A second, independent scrape of IMDb for MovieLens-100K (the ``movielens-details`` project)."""

import json
import re
from pathlib import Path

import pandas as pd

from mmrec.catalogue import cleaning
from mmrec.errors import StudyError

# What stands in the field "year" when the match is no film of its own.
_NOT_A_FILM = ("Video Game", "Episode aired", "TV Series", "TV Mini Series", "TV Special")


def read(path: Path) -> pd.DataFrame:
    """Reads the details JSON.

    Returns:
        One row per movie, indexed by ``movie_id``; ``year`` is float, NaN where unknown.

    Raises:
        StudyError: If the file is no JSON list of movies.
    """
    try:
        records = json.loads(Path(path).read_text(encoding="utf-8"))
        rows = [_row(record) for record in records]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StudyError(
            f"not the details file ({type(error).__name__}: {error})",
            where=path,
            remedy="Get the file again.",
        ) from error
    return pd.DataFrame(rows).set_index("movie_id").sort_index()


def _row(record: dict) -> dict:
    year = re.fullmatch(r"(\d{4})(\.0)?", str(record["year"]))
    other = [kind for kind in _NOT_A_FILM if str(record["year"]).startswith(kind)]
    return {
        "movie_id": record["movie_id"],
        "imdb_id": cleaning.imdb_id(record["movie_url"]),
        "year": float(year[1]) if year else float("nan"),
        "kind": other[0] if other else "film",
        "directors": cleaning.names(record["director"]),
        "cast": cleaning.names(record["cast"]),
        "summary": cleaning.plot(record["description"]),
        "imdb_rating": float("nan") if record["rating"] is None else float(record["rating"]),
        "imdb_votes": cleaning.votes(record["num_review"]),
        "runtime_minutes": cleaning.minutes(record["movie_length"]),
    }
