"""Facts of the catalogue in columns: genres, director, cast, year, rating.

The paper reads directors and genres as words (§V.A.4), and leaves the cast out. Here each fact is a
column of its own, so that a model can learn its weight. This is the fairest comparison for learned
embeddings.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mmrec.catalogue.movielens import GENRES
from mmrec.features.absent import nothing
from mmrec.features.table import FeatureTable

MIN_FILMS = 3
"""Number of films that must share a fact; a fact of one film would only identify the film."""

NO_RATING = "no film has an IMDb rating"
"""Why there is no table ``imdb`` of a reader's own films."""


def encode(movies: pd.DataFrame, *, min_films: int = MIN_FILMS) -> FeatureTable:
    """One column per fact.

    Args:
        movies: The catalogue's movies.
        min_films: Facts that fewer films share are left out. Films are counted, not movie ids,
            since some films have two ids.

    Returns:
        Modality ``facts`` with the parts ``genres`` (19 flags), ``directors``, ``cast`` and
        ``years`` (each year and each decade), flags all of them, and ``rating`` (the crowd's
        mean rating / 10). A part that no movie has a column of is left out.
    """
    film = movies["film_id"].to_numpy()
    years = [years_of(year) for year in movies["year"].to_list()]
    rating = movies["imdb_rating"].to_numpy(np.float32, na_value=np.nan)[:, None] / 10
    genres = flags_of(movies["genres"], GENRES)
    blocks: dict[str, tuple[NDArray[np.float32], NDArray[np.bool_]]] = {
        "genres": (genres, np.asarray(genres.any(axis=1), bool)),
        "directors": _shared(movies["directors"], film, min_films),
        "cast": _shared(movies["cast"], film, min_films),
        "years": _shared(years, film, min_films),
        "rating": (np.nan_to_num(rating), np.isfinite(rating[:, 0])),
    }
    blocks = {name: block for name, block in blocks.items() if block[1].any() and block[0].size}
    ends = np.cumsum([columns.shape[1] for columns, _ in blocks.values()])
    return FeatureTable(
        "facts",
        movies["movie_id"].to_numpy(),
        np.concatenate([columns for columns, _ in blocks.values()], axis=1),
        {
            "encoder": "one-hot",
            "weights": None,
            "recipe": f"a column per fact that at least {min_films} films share",
            "source": f"the catalogue's facts on {len(movies):,} movies",
            "stand_in": None,
        },
        {
            name: slice(int(end) - columns.shape[1], int(end))
            for (name, (columns, _)), end in zip(blocks.items(), ends, strict=True)
        },
        np.stack([present for _, present in blocks.values()], axis=1),
    )


def apart(table: FeatureTable, *names: str) -> dict[str, FeatureTable]:
    """Some parts of a table as separate tables, by name; missing parts are left out."""
    there = [name for name in names if name in table.parts]
    return {name: table.without(*({*table.parts} - {name})) for name in there}


def imdb(movies: pd.DataFrame) -> FeatureTable:
    """The opinion of IMDb's users on a movie; none of it is known before the release.

    Args:
        movies: The catalogue's movies.

    Returns:
        Modality ``imdb`` with the parts ``rating`` (mean rating / 10) and ``votes`` (decimal
        logarithm of their number, which spans five orders of magnitude). Movies with neither are
        left out.
    """
    rating, votes = (
        movies[name].to_numpy(np.float64, na_value=np.nan) for name in ("imdb_rating", "imdb_votes")
    )
    known = np.stack([np.isfinite(rating), np.isfinite(votes) & (votes >= 1)], axis=1)
    values = np.stack([rating / 10, np.log10(np.maximum(votes, 1))], axis=1)
    rows = known.any(axis=1)
    return FeatureTable(
        "imdb",
        movies["movie_id"].to_numpy()[rows],
        np.where(known, values, 0)[rows],
        {
            "encoder": "none",
            "weights": None,
            "recipe": "mean rating / 10; log10 of the number of votes",
            "source": f"the catalogue's IMDb ratings of {rows.sum():,} movies",
            "stand_in": None,
        },
        {"rating": slice(0, 1), "votes": slice(1, 2)},
        known[rows],
    )


def imdb_of_own(movies: pd.DataFrame) -> FeatureTable:
    """As :func:`imdb`, for films of a reader's own: it says so if none has a rating."""
    if movies["imdb_rating"].isna().all():
        return nothing("imdb", NO_RATING)
    return imdb(movies)


def years_of(year: Any) -> list[str]:
    """A year as facts, itself and its decade; none if it is not known."""
    return [] if pd.isna(year) else [f"{int(year)}", f"{int(year) // 10}0s"]


def names_shared(
    stated: Iterable[Sequence[str]], film: NDArray[np.int64], min_films: int = MIN_FILMS
) -> list[str]:
    """The facts that enough films share, sorted, one per column."""
    lists = [sorted(set(facts)) for facts in stated]
    frame = pd.DataFrame({"fact": lists, "film": film}).explode("fact")
    films = frame.dropna().drop_duplicates().groupby("fact").size()
    return sorted(films.index[films >= min_films])


def flags_of(stated: Iterable[Sequence[str]], names: Sequence[str]) -> NDArray[np.float32]:
    """A column for each of some facts, 1 where a movie has it, float32 [n, len(names)]."""
    at = {name: column for column, name in enumerate(names)}
    of_movies = list(stated)
    flags = np.zeros((len(of_movies), len(at)), np.float32)
    for row, facts in enumerate(of_movies):
        flags[row, [at[fact] for fact in facts if fact in at]] = 1
    return flags


def _shared(
    facts: Iterable[Sequence[str]], film: NDArray[np.int64], min_films: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Flags of the facts that enough films share, and which movies have any fact stated."""
    of_movies = list(facts)
    present = np.array([len(own) > 0 for own in of_movies], bool)
    return flags_of(of_movies, names_shared(of_movies, film, min_films)), present
