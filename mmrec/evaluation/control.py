"""The control of every model that reads content: features that belong to other movies."""

from dataclasses import replace

import numpy as np

from mmrec.features.table import FeatureTable


def permuted(table: FeatureTable, name: str, *, seed: int) -> FeatureTable:
    """Deals a table's vectors anew among the movies with the same parts present.

    Movies can still be told apart by their vectors, but the vectors are those of other movies.
    What stays with its movie is which parts are known at all: that alone says how popular a movie
    is, and a control that moved it along would take it for content.

    A movie that shares its pattern of parts with no other keeps its vector.

    Args:
        table: Features of one modality.
        name: The table's name; every name and seed has a permutation of its own, so that rows of
            different tables part company.
        seed: Of the permutation.

    Returns:
        A table with the same movies, parts and presence, whole vectors permuted.
    """
    rng = np.random.default_rng([seed, 2, *name.encode()])
    patterns = np.unique(table.part_present, axis=0, return_inverse=True)[1]
    giver = np.arange(len(table.movie_ids))
    for pattern in np.unique(patterns):
        rows = np.flatnonzero(patterns == pattern)
        giver[rows] = rng.permutation(rows)
    return replace(table, vectors=table.vectors[giver])
