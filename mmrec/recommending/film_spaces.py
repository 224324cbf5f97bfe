"""Films as points of several spaces: one for each kind of content, and one of people's tastes.

Vectors are those that the process over pairs compares: columns are centred, those that are no flags
are brought to one scale, and parts of a table count alike, however many columns they have. Nearness
is the cosine in the whole space.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mmrec.catalogue.tables import Catalogue
from mmrec.features.table import FeatureTable, load_tables
from mmrec.models.base import TrainingData
from mmrec.models.content_kernels import columns
from mmrec.recommending.covariances import Floats
from mmrec.recommending.served import TASTE, Positions
from mmrec.recommending.storing import Model
from mmrec.workspace import Workspace

TABLES = {
    "text": "text",
    "pictures": "video",
    "sound": "audio",
    "facts": "facts-unrated",
    "encyclopedia": "meta-freebase",
}
"""Feature table behind each space of content. IMDb's rating is no content, and in none of them."""

TASTES = "taste"
"""The space of people's tastes."""


@dataclass(frozen=True)
class Vectors:
    """Some films as points of a space.

    Attributes:
        films: Positions of the n films in the list that was asked about, ascending.
        values: Float64 [n, d].
        source: What the vectors were made of, in words.
    """

    films: Positions
    values: Floats
    source: str


def of_content(
    catalogue: Catalogue, movie_ids: NDArray[np.int64], workspace: Workspace
) -> dict[str, Vectors]:
    """Every space whose feature table is there.

    Args:
        catalogue: Its rated movies decide how columns are centred and scaled.
        movie_ids: The films asked about.
        workspace: Where the tables are.

    Returns:
        By name, the films that have every part of the table; none is placed by a guess at what it
        lacks. A space that none has is left out.

    Raises:
        StudyError: A table is damaged.
    """
    there = {
        name: table
        for name, table in TABLES.items()
        if (workspace.features / f"{table}.parquet").exists()
    }
    tables = load_tables(workspace.features, there.values())
    found = {name: _scaled(catalogue, movie_ids, tables[table]) for name, table in there.items()}
    return {name: vectors for name, vectors in found.items() if len(vectors.films)}


def of_tastes(model: Model, movie_ids: NDArray[np.int64]) -> Vectors:
    """The films as people's tastes tell them apart, which is what the ratings have taught.

    The dot product of two vectors is the covariance between what one person thinks of two films,
    beyond what everybody thinks of them. Vectors are centred, as those of content are: otherwise
    how high a person rates in general would make all films alike.

    Args:
        model: A fitted process.
        movie_ids: The films asked about; those that the model lacks are left out.
    """
    at = model.served.positions(movie_ids)
    films = np.flatnonzero(at >= 0)
    covariance = model.served.covariances[TASTE].between(at[films], at[films])
    values, axes = np.linalg.eigh((covariance + covariance.T) / 2)
    vectors = axes * np.sqrt(np.maximum(values, 0))
    vectors = vectors - vectors.mean(axis=0)
    number = f"{len(model.served.value):,}"
    return Vectors(films, vectors, f"the covariance learned from {number} ratings")


def nearest(values: Floats, k: int) -> tuple[Positions, Floats]:
    """Positions of each point's nearest other points by cosine, the nearest first, and the cosines.

    Args:
        values: Float [n, d].
        k: Neighbours wanted, fewer than n.

    Returns:
        Both [n, k]. Of points that are equally near, the earlier one comes first.
    """
    cosine = unit(values) @ unit(values).T
    np.fill_diagonal(cosine, -np.inf)
    found = np.argsort(-cosine, axis=1, kind="stable")[:, :k]
    return found, np.take_along_axis(cosine, found, axis=1)


def unit(values: Floats) -> Floats:
    """Vectors of length 1; zeros stay zeros."""
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    return np.asarray(values / np.where(lengths > 0, lengths, 1))


def _scaled(catalogue: Catalogue, movie_ids: NDArray[np.int64], table: FeatureTable) -> Vectors:
    """The films that have all of a table, as the process sees them."""
    name = table.modality
    ratings, ids = catalogue.ratings, pd.Index(catalogue.movies["movie_id"])
    data = TrainingData(ratings, ratings[:0], (), catalogue.users, ids, features={name: table})
    found = list(columns(data, (name,)).values())
    at = ids.get_indexer(pd.Index(movie_ids))
    source = str(table.provenance.get("source", name))
    if not found:
        return Vectors(np.empty(0, np.intp), np.empty((0, 0)), source)
    films = np.flatnonzero(np.all([part.present[at] for part in found], axis=0) & (at >= 0))
    values = np.concatenate([part.values[at[films]] for part in found], axis=1)
    return Vectors(films, values, source)
