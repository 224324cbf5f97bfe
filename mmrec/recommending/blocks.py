"""Blocks of content that a new film can be compared in: what builds a row of a kernel.

:func:`mmrec.models.pair_priors.content_kernels` compares the films of a catalogue with each other,
and guesses what they lack. A served model also compares films that were not in it, so it keeps how
each block was centred and scaled, the columns of the films it was learned from, and what a guess is
made of.
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
from mmrec.models.content_kernels import columns, guess, kernel

Floats = NDArray[np.float64]

Vectors = tuple[NDArray[np.float32], NDArray[np.bool_]]
"""Of n films in a block, [n, d], and which of them have it, [n]."""


class Placed(NamedTuple):
    """Some films in a block, and how alike they are to those of a model.

    Attributes:
        columns: float32 [n, d], as those of the :class:`Block`.
        present: bool [n], which of the films have the block.
        across: The kernel with the films of the model, float64 [n, m].
        among: The kernel of the films with each other, float64 [n, n].
    """

    columns: NDArray[np.float32]
    present: NDArray[np.bool_]
    across: Floats
    among: Floats


@dataclass(frozen=True)
class Block:
    """One part of a feature table over the films of a model.

    A film that lacks the part has a guess instead, from its other parts, as
    :func:`mmrec.models.content_kernels.completed` makes it. It is linear in how alike the film is
    to those that have the part and a rating, so that one product guesses a film that is new.

    Attributes:
        columns: float32 [m, d], centred and scaled. Of a film that lacks the part the guess: zeros
            if there is nothing to guess from, and always where the part is a single number.
        present: bool [m], which films have it, as opposed to a guess.
        centre: Float64 [d], subtracted from a vector.
        scale: Float64 [d], divides it then.
        typical: What the variance of a film that lacks the part is at least: the mean of those that
            have it.
        taught_by: int [k], positions of the films that a guess is learned from; none where the part
            is not guessed.
        weights: float32 [k, d]. How alike a film is to those films by its other parts, times these,
            is the guess.
    """

    columns: NDArray[np.float32]
    present: NDArray[np.bool_]
    centre: Floats
    scale: Floats
    typical: float
    taught_by: NDArray[np.intp]
    weights: NDArray[np.float32]

    def is_guessed(self, film: int) -> bool:
        """Whether a film has a guess in place of the part."""
        return not self.present[film] and bool(self.columns[film].any())

    def scaled(self, vectors: NDArray[np.floating], present: NDArray[np.bool_]) -> Vectors:
        """Vectors [n, d] of other films as columns of this block, zeros where absent."""
        centred = (np.asarray(vectors, np.float64) - self.centre) / self.scale
        return np.where(present[:, None], centred, 0).astype(np.float32), present

    def across(self, columns: NDArray[np.float32], present: NDArray[np.bool_]) -> Floats:
        """The kernel of some films, given by their columns, with those of the model, [n, m]."""
        return self._kernel(columns, present, self.columns, self.present)

    def among(self, columns: NDArray[np.float32], present: NDArray[np.bool_]) -> Floats:
        """The kernel of some films with each other, [n, n]; the diagonal is their variance."""
        exact = columns.astype(np.float64)
        found = self._kernel(exact, present, exact, present)
        own = found.diagonal()
        found[np.diag_indices_from(found)] = np.where(present, own, np.maximum(own, self.typical))
        return found

    def of(self, films: NDArray[np.intp]) -> Floats:
        """The kernel of some films of the model with all, [k, m]; the diagonal is not raised."""
        return self.across(self.columns[films], self.present[films])

    @staticmethod
    def _kernel(
        one: NDArray[np.floating],
        has_one: NDArray[np.bool_],
        other: NDArray[np.floating],
        has_other: NDArray[np.bool_],
    ) -> Floats:
        found = np.asarray(one @ other.T, np.float64)
        if one.shape[1] == 1:  # as in mmrec.models.content_kernels.kernel
            apart = np.asarray(one, np.float64) - np.asarray(other, np.float64).T
            found += np.outer(has_one, has_other) * np.exp(-(apart**2) / 2)
        return found

    def joined(self, placed: Placed) -> "Block":
        """The block over more films."""
        return replace(
            self,
            columns=np.concatenate([self.columns, placed.columns]),
            present=np.concatenate([self.present, placed.present]),
        )


def blocks_of(data: TrainingData, names: Sequence[str]) -> dict[str, Block]:
    """The blocks behind :func:`mmrec.models.pair_priors.content_kernels`, by the same names."""
    trained = data.movies.isin(data.train["movie_id"])
    parts = columns(data, names)
    vectors = content_blocks(data, names)
    size = len(data.movies)
    whole = np.asarray(sum((kernel(part) for part in parts.values()), np.zeros((size, size))))
    found = {}
    for name, (values, present) in parts.items():
        learned = np.flatnonzero(present & trained)
        seen = vectors[name].vectors[learned]
        centre, scale = moments(seen)
        if np.isin(seen, (0, 1)).all():
            scale = np.ones_like(scale)
        squares = (((seen - centre) / scale) ** 2).sum(axis=1)
        scale = scale * (float(np.sqrt(squares.mean())) or 1.0)
        own = kernel(parts[name])
        if values.shape[1] == 1 or len(parts) == 1:
            learned = learned[:0]
        others = (whole - own) / max(len(parts) - 1, 1)
        # The guess at films that are alike to one of the films learned from each, and to no other.
        weights = guess(np.eye(len(learned)), others[np.ix_(learned, learned)], values[learned])
        lacking = np.flatnonzero(~present)
        values[lacking] = others[np.ix_(lacking, learned)] @ weights
        found[name] = Block(
            values.astype(np.float32),
            present,
            centre,
            scale,
            float(own.diagonal()[present].mean()),
            learned,
            weights.astype(np.float32),
        )
    return found


def placed(
    blocks: Mapping[str, Block], vectors: Mapping[str, Vectors], number: int
) -> dict[str, Placed]:
    """Films that are not in a model in each of its blocks, guessed where they lack one.

    Args:
        blocks: Of the model.
        vectors: By block, what is known of the films.
        number: How many films there are.
    """
    given, across = {}, {}
    for name, block in blocks.items():
        nothing = np.zeros((number, len(block.centre)), np.float32), np.zeros(number, bool)
        given[name] = block.scaled(*vectors.get(name, nothing))
        across[name] = block.across(*given[name])
    # A guess is not learned from guesses.
    whole = np.asarray(sum(across[name] * block.present for name, block in blocks.items()))
    found = {}
    for name, block in blocks.items():
        values, present = given[name]
        lacking = np.flatnonzero(~present)
        if len(lacking) and len(block.taught_by):
            # These films are alike to none in the block itself.
            others = whole[np.ix_(lacking, block.taught_by)] / (len(blocks) - 1)
            values[lacking] = others.astype(np.float32) @ block.weights
            across[name][lacking] = block.across(values[lacking], present[lacking])
        found[name] = Placed(values, present, across[name], block.among(values, present))
    return found


def vectors_of(
    tables: Mapping[str, FeatureTable], movie_ids: Sequence[int], name: str, width: int
) -> Vectors:
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
