"""Which fact each column of a table of facts stands for, so that a new film's facts find theirs.

The table itself does not say; see :func:`mmrec.features.graph.facts.encode`, which makes a column
of each fact that enough films share, in the order of their names.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mmrec.catalogue.movielens import GENRES
from mmrec.errors import StudyError
from mmrec.features.graph.facts import flags_of, names_shared, years_of
from mmrec.features.table import FeatureTable

TABLES = ("facts", "facts-unrated")
"""Tables of the catalogue's facts, by name."""

FLAGS = ("genres", "directors", "cast", "years")
"""Parts of a table of facts whose columns are flags of named facts."""


def names_of(movies: pd.DataFrame, table: FeatureTable, name: str) -> dict[str, tuple[str, ...]]:
    """Names of the columns of a table's flags, by block.

    Args:
        movies: The catalogue that the table was made from, all of it or some of its movies.
        table: A feature table; one that is not of the catalogue's facts names nothing.
        name: Of the table.

    Raises:
        StudyError: The table was made from another catalogue.
    """
    found: dict[str, tuple[str, ...]] = {}
    if name not in TABLES:
        return found
    movies = movies[movies["movie_id"].isin(table.movie_ids)]  # a profile may embed some only
    for part in (part for part in table.parts if part in FLAGS):
        stated = _stated(movies, part)
        names = GENRES if part == "genres" else names_shared(stated, movies["film_id"].to_numpy())
        flags = flags_of(stated, names)
        vectors = table.matrix(movies["movie_id"].to_numpy())[0][:, table.parts[part]]
        if flags.shape != vectors.shape or not np.array_equal(flags, vectors):
            raise StudyError(
                f"its {part} are not those of the catalogue",
                where=f"{name} features",
                remedy="Make the features again: the catalogue has changed since.",
            )
        found[f"{name}: {part}"] = tuple(names)
    return found


def vectors_of(
    movies: pd.DataFrame, names: Mapping[str, Sequence[str]]
) -> dict[str, tuple[NDArray[np.float32], NDArray[np.bool_]]]:
    """Vectors of films' facts by block, and of which films any such fact is stated.

    Args:
        movies: A catalogue's movies, of other films.
        names: What :func:`names_of` gave.
    """
    found = {}
    for block, columns in names.items():
        stated = _stated(movies, block.split(": ", 1)[1])
        flags = flags_of(stated, columns)
        # "unknown" is one of MovieLens' genres, and a fact there; of others it says nothing.
        known = flags.any(axis=1) if columns == GENRES else np.array([bool(one) for one in stated])
        found[block] = flags, np.asarray(known, bool)
    return found


def _stated(movies: pd.DataFrame, part: str) -> list[list[str]]:
    if part == "years":
        return [years_of(year) for year in movies["year"]]
    return [list(names) for names in movies[part]]
