"""Content of movies as models read it: feature tables, standardised or part by part."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmrec.features.table import FeatureTable
from mmrec.models.base import TrainingData


class Block(NamedTuple):
    """Vectors of all movies.

    Attributes:
        vectors: float32 [m, d].
        present: bool [m], which of the movies have a vector.
    """

    vectors: NDArray[np.float32]
    present: NDArray[np.bool_]


def moments(seen: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation of each column, float64 [d] each.

    The deviation of a constant column is given as 1: centred, such a column is zero wherever it
    was seen, and there is nothing to scale it by.

    Args:
        seen: Vectors [n, d], n at least 1.
    """
    exact = seen.astype(np.float64)
    deviation = exact.std(axis=0)
    deviation[deviation < 1e-6] = 1
    return exact.mean(axis=0), deviation


def standardise(
    table: FeatureTable, movie_ids: Sequence[int], train_movies: NDArray[np.bool_]
) -> Block:
    """z-scores a table's columns over the training movies that have them.

    Args:
        table: Features of one modality.
        movie_ids: The m movies wanted.
        train_movies: bool [m], which of them have a training rating.

    Returns:
        Vectors [m, d], zero (the training mean) where a part is unknown, and which movies have
        any part of the modality.
    """
    vectors, present = table.matrix(movie_ids)
    scaled = np.zeros_like(vectors)
    for columns, known in zip(table.parts.values(), present.T, strict=True):
        seen = vectors[known & train_movies, columns]
        if len(seen):
            mean, deviation = moments(seen)
            scaled[known, columns] = (vectors[known, columns] - mean) / deviation
    return Block(scaled, np.asarray(present.any(axis=1)))


def movie_vectors(data: TrainingData, names: Iterable[str]) -> dict[str, Block]:
    """Feature tables by name, each standardised over the movies with a training rating."""
    train_movies = data.movies.isin(data.train["movie_id"])
    movies = data.movies.tolist()
    return {name: standardise(data.table(name), movies, train_movies) for name in names}


def content_blocks(data: TrainingData, names: Iterable[str]) -> dict[str, Block]:
    """The parts of feature tables one by one, as they are; named ``"<table>: <part>"``."""
    blocks = {}
    for name in names:
        table = data.table(name)
        vectors, present = table.matrix(data.movies.tolist())
        for (part, columns), known in zip(table.parts.items(), present.T, strict=True):
            blocks[f"{name}: {part}"] = Block(vectors[:, columns], known)
    return blocks
