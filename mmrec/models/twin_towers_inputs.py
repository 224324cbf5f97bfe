"""What the two towers read: content by parts, people by groups, and ratings view by view."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from mmrec.models.base import TrainingData
from mmrec.models.biases import fit_biases
from mmrec.models.content_kernels import Columns, columns

AGES = (18, 25, 35, 45, 50, 56)
"""Where one age group ends and the next begins, as in MovieLens-1M."""

DAMPING = 5.0
"""Shrinkage of the users' biases that movies' mean ratings are freed from."""

BUMPS = np.linspace(-2.5, 2.5, 11)
"""Centres of the Gaussian bumps that a single number is spread over, in standard deviations."""

BUMP_WIDTH = 0.8


class Rated(NamedTuple):
    """Ratings in the order of their users.

    Attributes:
        start: int64 [n_users + 1]; those of user u are ``start[u]`` to ``start[u + 1]``.
        movie: Positions of the movies, int64 [n].
        rating: float32 [n].
    """

    start: Tensor
    movie: Tensor
    rating: Tensor

    def of_users(self, rows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Movies, ratings and whether there is one, [b, longest] each, of b users."""
        first, number = self.start[rows], self.start[rows + 1] - self.start[rows]
        place = torch.arange(max(int(number.max()), 1))
        there = place < number[:, None]
        at = torch.where(there, first[:, None] + place, 0)
        if not len(self.movie):
            return at, torch.zeros(at.shape), there
        return self.movie[at], self.rating[at] * there, there


class View(NamedTuple):
    """The ratings that may be seen where others are predicted.

    Attributes:
        profiles: The ratings that say what users like.
        number: How many ratings each movie has, float32 [m].
        mean: Their mean, freed from the biases of the users, float32 [m]; zero without any.
    """

    profiles: Rated
    number: Tensor
    mean: Tensor


def rated(ratings: pd.DataFrame, users: pd.Index, movies: pd.Index) -> Rated:
    """Ratings ``user_id, movie_id, rating``, whose ids stand in ``users`` and ``movies``."""
    user = users.get_indexer(pd.Index(ratings["user_id"]))
    movie = movies.get_indexer(pd.Index(ratings["movie_id"]))
    # In the order of the ids, so that nothing depends on the order of the ratings.
    order = np.lexsort([movie, user])
    start = np.concatenate([[0], np.bincount(user, minlength=len(users)).cumsum()])
    rating = ratings["rating"].to_numpy(np.float32)[order]
    return Rated(*map(torch.from_numpy, (start.astype(np.int64), movie[order], rating)))


def view(ratings: pd.DataFrame, profiles: pd.DataFrame, users: pd.Index, movies: pd.Index) -> View:
    """A view in which movies have ``ratings``, and users ``profiles``, as a rule the same."""
    movie = movies.get_indexer(pd.Index(ratings["movie_id"]))
    number = np.bincount(movie, minlength=len(movies))
    total = np.zeros(len(movies), np.float64)
    if len(ratings):
        of_user = fit_biases(ratings, DAMPING)(ratings.assign(movie_id=-1))
        np.add.at(total, movie, ratings["rating"].to_numpy() - of_user)
    mean = total / np.maximum(number, 1)
    return View(
        rated(profiles, users, movies),
        torch.from_numpy(number.astype(np.float32)),
        torch.from_numpy(mean.astype(np.float32)),
    )


def content(data: TrainingData, names: Sequence[str], width: int) -> dict[str, Tensor]:
    """The parts of feature tables, each as rows of mean square length 1, zero where missing.

    A part of more columns than ``width`` is reduced to its leading principal directions over the
    training movies. A single number is put beside eleven Gaussian bumps, so that a linear model can
    follow a curve.

    Returns:
        float32 [m, at most the width] for each part that at least two training movies have.
    """
    trained = np.asarray(data.movies.isin(data.train["movie_id"]))
    return {
        name: torch.from_numpy(_reduced(part, trained, width).astype(np.float32))
        for name, part in columns(data, names).items()
    }


def _reduced(part: Columns, trained: NDArray[np.bool_], width: int) -> NDArray[np.float64]:
    values, known = part.values, part.present[:, None]
    seen = part.present & trained
    if values.shape[1] == 1:
        bumps = np.exp(-(((values - BUMPS) / BUMP_WIDTH) ** 2) / 2)
        bumps = np.where(known, bumps - bumps[seen].mean(axis=0), 0)
        values = np.concatenate([values, bumps / (_length(bumps[seen]) or 1)], axis=1)
    elif values.shape[1] > width:
        values = values @ np.linalg.svd(values[seen], full_matrices=False)[2][:width].T
    return np.asarray(values / (_length(values[seen]) or 1))


def _length(rows: NDArray[np.float64]) -> float:
    return float(np.sqrt((rows**2).sum(axis=1).mean()))


def people(users: pd.DataFrame) -> Tensor:
    """Age group, gender and occupation of users as centred flags, float32 [n_users, d]."""
    groups = pd.DataFrame(
        {
            "age": np.digitize(users["age"], AGES),
            "gender": users["gender"].to_numpy(),
            "occupation": users["occupation"].to_numpy(),
        }
    )
    flags = pd.get_dummies(groups, columns=list(groups)).to_numpy(np.float32)
    return torch.from_numpy(flags - flags.mean(axis=0))
