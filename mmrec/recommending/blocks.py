"""Blocks of content that a new film can be compared in: what builds a row of a kernel.

:func:`mmrec.models.content_kernels.kernels` compares the films of a catalogue with each other. A
served model also compares films that were not in it, so it keeps how each block was centred and
scaled, and the columns of the films it was learned from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mmrec.errors import StudyError
from mmrec.features.table import FeatureTable
from mmrec.models.base import TrainingData
from mmrec.models.content import content_blocks, moments

Floats = NDArray[np.float64]


class Rows(NamedTuple):
    """A kernel between some films and those of a model.

    Attributes:
        values: Float64 [n, m]; zeros where either film lacks the block.
        own: Float64 [n], of each film with itself; what is typical where the film lacks it.
        between: Float64 [n, n], of the films with each other.
    """

    values: Floats
    own: Floats
    between: Floats


@dataclass(frozen=True)
class Block:
    """One part of a feature table over the films of a model.

    Attributes:
        columns: float32 [m, d], centred and scaled, zeros where a film lacks the part.
        present: bool [m], which films have it.
        centre: Float64 [d], subtracted from a vector.
        scale: Float64 [d], divides it then.
        typical: Variance of a film that lacks the part: the mean of those that have it.
    """

    columns: NDArray[np.float32]
    present: NDArray[np.bool_]
    centre: Floats
    scale: Floats
    typical: float

    def scaled(
        self, vectors: NDArray[np.floating], present: NDArray[np.bool_]
    ) -> NDArray[np.float32]:
        """Vectors [n, d] of other films as columns of this block, zeros where absent."""
        centred = (np.asarray(vectors, np.float64) - self.centre) / self.scale
        return np.where(present[:, None], centred, 0).astype(np.float32)

    def rows(self, columns: NDArray[np.float32], present: NDArray[np.bool_]) -> Rows:
        """The kernel of some films, given as :meth:`scaled` gives them, with those of the model."""
        theirs = columns.astype(np.float64)
        between = self._kernel(theirs, present, theirs, present)
        values = self._kernel(theirs, present, self.columns, self.present)
        diagonal = np.where(present, np.diag(between), self.typical)
        between[np.diag_indices_from(between)] = diagonal
        return Rows(values, diagonal, between)

    def among(self, films: NDArray[np.intp]) -> Floats:
        """The kernel of some films of the model with all, [k, m]; zeros where either lacks it."""
        return self._kernel(self.columns[films], self.present[films], self.columns, self.present)

    @staticmethod
    def _kernel(
        one: NDArray[np.floating],
        has_one: NDArray[np.bool_],
        other: NDArray[np.floating],
        has_other: NDArray[np.bool_],
    ) -> Floats:
        found = np.asarray(one.astype(other.dtype, copy=False) @ other.T, np.float64)
        if one.shape[1] == 1:  # as in mmrec.models.content_kernels.kernels
            apart = np.asarray(one, np.float64) - np.asarray(other, np.float64).T
            found += np.outer(has_one, has_other) * np.exp(-(apart**2) / 2)
        return found

    def joined(self, columns: NDArray[np.float32], present: NDArray[np.bool_]) -> "Block":
        """The block over more films."""
        return replace(
            self,
            columns=np.concatenate([self.columns, columns]),
            present=np.concatenate([self.present, present]),
        )


def blocks_of(data: TrainingData, names: Sequence[str]) -> dict[str, Block]:
    """The blocks behind :func:`mmrec.models.content_kernels.kernels`, by the same names."""
    trained = data.movies.isin(data.train["movie_id"])
    found = {}
    for name, (vectors, present) in content_blocks(data, names).items():
        seen = vectors[present & trained]
        if len(seen) < 2:
            continue
        centre, scale = moments(seen)
        if np.isin(seen, (0, 1)).all():
            scale = np.ones_like(scale)
        squares = (((seen - centre) / scale) ** 2).sum(axis=1)
        scale = scale * (float(np.sqrt(squares.mean())) or 1.0)
        columns = np.where(present[:, None], (vectors - centre) / scale, 0)
        diagonal = (columns**2).sum(axis=1)
        if columns.shape[1] == 1:
            diagonal = diagonal + present
        typical = float(diagonal[diagonal > 0].mean()) if (diagonal > 0).any() else 0.0
        found[name] = Block(columns.astype(np.float32), present, centre, scale, typical)
    return found


def vectors_of(
    tables: Mapping[str, FeatureTable], movie_ids: Sequence[int], name: str, width: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Vectors [n, width] of a block by its name, and which films have it.

    Raises:
        StudyError: The part has another width than in the model.
    """
    nothing = np.zeros((len(movie_ids), width), np.float32), np.zeros(len(movie_ids), bool)
    table_name, part = name.split(": ", 1)
    table = tables.get(table_name)
    if table is None or part not in table.parts:
        return nothing
    columns = table.parts[part]
    if columns.stop - columns.start != width:
        raise StudyError(
            f"has {columns.stop - columns.start} columns where the model has {width}",
            where=f"{name} of the new films",
            remedy="Embed the films with the encoder that the model was trained with.",
        )
    vectors, present = table.matrix(movie_ids)
    return vectors[:, columns], present[:, list(table.parts).index(part)]
