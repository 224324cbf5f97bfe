"""Likes of new films: a Gaussian process over users and movies, its tastes found in the likes.

The covariance of two scores is that of the users times that of the movies, as in multi-task
Gaussian processes :cite:p:`bonilla2007multitask`. That of the movies is a weighted sum of content
kernels. That of the users comes from the likes themselves: it has their strongest singular vectors
for axes, here called tastes, the first of which is little more than popularity. So the fit falls
into one ridge regression of a movie's worth to each taste on the movie's content, and the stronger
a taste is, the less is it shrunk. Without this, all axes are shrunk alike, and what a user's few
likes add at random weighs as much as what everybody agrees on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh, svd

from mmrec.models.base import TrainingData
from mmrec.models.content import content_blocks
from mmrec.models.content_kernels import columns, kernels

PRESENCE = "presence"
"""Name of the kernel of which parts are known of a movie."""

NARROW = 100
"""Parts of at most so many columns also enter in pairs, by the product of their kernels."""

Kernels = Mapping[str, NDArray[np.float64]]


def content_kernels(data: TrainingData, names: tuple[str, ...]) -> dict[str, NDArray[np.float64]]:
    """Kernels over all movies, each of mean 1 on the diagonal of the training movies.

    Args:
        data: Its movies, training ratings and feature tables.
        names: Feature tables.

    Returns:
        Float64 [m, m] by name: one per part of the tables, linear in it; one of which parts are
        known, :data:`PRESENCE`; and ``"<part> * <part>"`` for pairs of narrow parts.
    """
    trained = data.movies.isin(data.train["movie_id"])
    found = kernels(data, names)
    width = {name: part.values.shape[1] for name, part in columns(data, names).items()}
    blocks = content_blocks(data, names).values()
    known = np.stack([block.present for block in blocks]).astype(np.float64)
    known = np.unique(known, axis=0)
    known -= known[:, trained].mean(axis=1, keepdims=True)
    found[PRESENCE] = known.T @ known
    for one, other in combinations([name for name in width if width[name] <= NARROW], 2):
        found[f"{one} * {other}"] = found[one] * found[other]
    mean = {name: float(np.diag(kernel)[trained].mean()) for name, kernel in found.items()}
    return {name: kernel / mean[name] for name, kernel in found.items() if mean[name] > 0}


def start(found: Kernels) -> dict[str, float]:
    """The same weight for every part, and none for :data:`PRESENCE` and for pairs."""
    single = [name for name in found if name != PRESENCE and " * " not in name]
    return {name: (name in single) / max(len(single), 1) for name in found}


def weighted(found: Kernels, weights: Mapping[str, float], size: int) -> NDArray[np.float64]:
    """The weighted sum of kernels, [size, size]; zeros if there is none."""
    total = np.zeros((size, size))
    for name, weight in weights.items():
        if weight:
            total += weight * found[name]
    return total


@dataclass(frozen=True)
class Tastes:
    """The strongest singular vectors of a matrix of likes.

    Attributes:
        users: Float64 [n, k], orthonormal columns: how much each user shares each taste.
        movies: Float64 [m, k]: what each movie is worth to it.
        strength: Float64 [k]: the squared singular values over their mean.
    """

    users: NDArray[np.float64]
    movies: NDArray[np.float64]
    strength: NDArray[np.float64]

    @classmethod
    def of(cls, likes: NDArray[np.float64], number: int) -> Self:
        """The first tastes of likes [n, m], at most ``number`` of them."""
        left, values, right = svd(likes, full_matrices=False)
        kept = min(number, int((values > 1e-9 * values[0]).sum()))
        # The sign of a singular vector is arbitrary; fix it, for the same digits everywhere.
        sign = np.where(left[:, :kept].sum(axis=0) < 0, -1.0, 1.0)
        return cls(
            left[:, :kept] * sign,
            right[:kept].T * values[:kept] * sign,
            values[:kept] ** 2 / np.mean(values**2) if kept else values[:0],
        )

    def noise(self, noise: float, power: float) -> NDArray[np.float64]:
        """Ridge penalties of the tastes, [k].

        Args:
            noise: That of a taste of mean strength, against a kernel of mean diagonal 1.
            power: 1 shrinks by the strength itself, 0 all tastes alike.
        """
        return np.asarray(noise / self.strength**power)


class Regression:
    """Ridge regression of what movies are worth to tastes on a kernel, all penalties in one go."""

    def __init__(
        self,
        kernel: NDArray[np.floating],
        targets: NDArray[np.floating],
        penalties: NDArray[np.float64],
    ) -> None:
        """Solves.

        Args:
            kernel: [m, m], of the training movies.
            targets: [m, k].
            penalties: One for each of the k targets.
        """
        values, vectors = eigh(kernel, check_finite=False, driver="evd")
        shrunk = 1 / (np.maximum(values, 0)[:, None] + penalties.astype(values.dtype))
        self.weights = vectors @ (shrunk * (vectors.T @ targets))
        self._leverage = (vectors**2) @ shrunk
        self._targets = targets

    def left_out(self) -> NDArray[np.floating]:
        """What each movie is predicted to be worth by all movies but itself, [m, k].

        In closed form :cite:p:`rasmussen2006gaussian`: no regression is solved again.
        """
        return np.asarray(self._targets - self.weights / self._leverage)
