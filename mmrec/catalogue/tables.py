"""The catalogue: one clean table of movies with the origin of every enriched field, and ratings.

Paper §III. `mmrec.catalogue.build` makes the study's, ``mmrec enrich`` that of a reader's list.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from mmrec.errors import StudyError, local_failures
from mmrec.workspace import Workspace, atomic_path

MOVIE_COLUMNS = {
    "movie_id": "int64",
    "title": "object",
    "year": "Int64",
    "genres": "object",
    "film_id": "int64",
    "imdb_id": "object",
    "match_status": "object",
    "match_reason": "object",
    "summary": "object",
    "summary_source": "object",
    "directors": "object",
    "directors_source": "object",
    "cast": "object",
    "cast_source": "object",
    "imdb_rating": "float64",
    "imdb_votes": "float64",
    "imdb_rating_source": "object",
    "runtime_minutes": "float64",
    "trailer_youtube_id": "object",
    "poster": "object",
}
"""The columns of `Catalogue.movies` and their types; what is not known is None or NaN."""

REJECTED_COLUMNS = ["movie_id", "title", "year", "provider", "imdb_id", "reason"]
"""The columns of `Catalogue.rejected`."""

_TABLES = ("movies", "ratings", "users", "rejected")
_LIST_FIELDS = ("genres", "directors", "cast")


@dataclass(frozen=True)
class Catalogue:
    """Everything that later stages know of movies, ratings and users.

    Attributes:
        movies: One row per movie id, ascending, with the columns :data:`MOVIE_COLUMNS`. ``genres``,
            ``directors`` and ``cast`` are lists of names; ``film_id`` is the smallest movie id of
            the same film; ``…_source`` names the provider of the field before it; ``poster`` is
            the name of a file.
        ratings: ``user_id, movie_id, rating, timestamp`` in the order of ``u.data``; the index
            ``row`` is the position there, which the folds are made by.
        users: ``user_id, age, gender, occupation, zip_code``.
        rejected: One row per rejected match, with the columns :data:`REJECTED_COLUMNS`.
        sources: Resource name → which location served it, its digest and licence, and why the
            locations before it did not serve.
    """

    movies: pd.DataFrame
    ratings: pd.DataFrame
    users: pd.DataFrame
    rejected: pd.DataFrame
    sources: dict[str, dict[str, object]]

    def most_rated(self, n: int | None = None) -> list[int]:
        """Ids of the n movies with the most ratings (by default of all), most rated first.

        Ties go to the smaller id.
        """
        counts = self.ratings["movie_id"].value_counts()
        counts = counts.reindex(sorted(self.movies["movie_id"]), fill_value=0)
        order = counts.sort_values(ascending=False, kind="stable").index[:n]
        return [int(movie_id) for movie_id in order]


def movies_table(rows: Iterable[Mapping[str, object]]) -> pd.DataFrame:
    """A table with the columns :data:`MOVIE_COLUMNS`; values that the rows lack are unknown.

    Args:
        rows: One mapping per movie. Without a ``film_id``, each movie is a film of its own.
    """
    table = pd.DataFrame.from_records(list(rows)).reindex(columns=list(MOVIE_COLUMNS))
    table["film_id"] = table["film_id"].fillna(table["movie_id"])
    for name, kind in MOVIE_COLUMNS.items():
        if kind == "object":
            known = [value if isinstance(value, str | list) else None for value in table[name]]
            table[name] = pd.Series(known, table.index, dtype=object)
    return table.astype(MOVIE_COLUMNS)


def save(catalogue: Catalogue, workspace: Workspace) -> None:
    """Writes a catalogue to ``workspace.catalogue``, for :func:`load`."""
    for name in _TABLES:
        with atomic_path(workspace.catalogue / f"{name}.parquet") as part:
            getattr(catalogue, name).to_parquet(part)
    with atomic_path(workspace.catalogue / "sources.json") as part:
        record = json.dumps(catalogue.sources, indent=1, ensure_ascii=False)
        part.write_text(record + "\n", encoding="utf-8")


def load(workspace: Workspace) -> Catalogue:
    """Reads what :func:`save` wrote.

    Raises:
        StudyError: If there is no catalogue, or a file of it is damaged.
        LocalError: If a file of it may not be read.
    """
    folder = workspace.catalogue
    remedy = "Run notebook 01 (dataset enrichment) with this profile first."
    tables = {}
    path = folder
    try:
        with local_failures(folder):
            for name in _TABLES:
                path = folder / f"{name}.parquet"
                tables[name] = pd.read_parquet(path)
            path = folder / "sources.json"
            record = json.loads(path.read_text(encoding="utf-8"))
            for name in _LIST_FIELDS:
                tables["movies"][name] = tables["movies"][name].map(list)
    except FileNotFoundError as error:
        raise StudyError("there is no catalogue yet", where=folder, remedy=remedy) from error
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        what = f"a damaged catalogue ({' '.join(str(error).split())[:200]})"
        remedy = "Delete the file, and run notebook 01 (dataset enrichment) again."
        raise StudyError(what, where=path, remedy=remedy) from error
    return Catalogue(**tables, sources=record)
