"""The network's inputs: vectors of users and movies in every view, and ratings by row position.

A *view* is one version of the input vectors, made of some of the training ratings. Under
cross-fitting the training ratings are divided into parts, and each part has a view that was made
without it: so no rating is learned from vectors that contain it. The last view serves all pairs
that are not trained on. See :mod:`mmrec.models.user_vectors` for how vectors are made.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional


def scale(views: Tensor) -> Tensor:
    """Centres the known numbers of vectors made of ratings, and scales them to a variance of 1.

    Zero stands for an unknown number (a movie not rated, a user without a like) and stays zero.

    Args:
        views: [n_views, n, d]. Each column's mean over its known numbers, and one scale for all
            columns, are those of the last view.

    Returns:
        Vectors of the same shape and number format.
    """
    full = views[-1].float()
    known = full != 0
    mean = full.sum(dim=0) / known.sum(dim=0).clamp(min=1)
    spread = torch.where(known, full - mean, 0).square().mean().sqrt().clamp(min=1e-6)
    return torch.where(views != 0, (views - mean) / spread, 0).to(views.dtype)


@dataclass(frozen=True)
class Inputs:
    """What the network sees of users and movies, in every view.

    Attributes:
        users: float32 [n_views, n_users, d_user].
        movies: Modality -> float32 [n_views or 1, n_movies, d]; 1 if all views are alike.
        present: Modality -> bool [n_movies], which movies have it; always in main memory, where
            batches are drawn.
        rated: Modalities made of ratings, in which a zero is an unknown number.
    """

    users: Tensor
    movies: Mapping[str, Tensor]
    present: Mapping[str, Tensor]
    rated: frozenset[str] = frozenset()

    @property
    def full(self) -> int:
        """Number of the last view, which serves the pairs that are not trained on."""
        return len(self.users) - 1

    @property
    def device(self) -> torch.device:
        """The device that holds the vectors; the network is trained there."""
        return self.users.device

    def to(self, device: torch.device, dtype: torch.dtype) -> "Inputs":
        """A copy on another device and in another number format.

        The network computes in the format of its inputs, see :meth:`computing`.
        """
        return replace(
            self,
            users=self.users.to(device, dtype),
            movies={name: vectors.to(device, dtype) for name, vectors in self.movies.items()},
        )

    def scaled(self) -> "Inputs":
        """A copy in which vectors made of ratings are scaled, see :func:`scale`.

        Features are standardised beforehand.
        """
        movies = {
            name: scale(vectors) if name in self.rated else vectors
            for name, vectors in self.movies.items()
        }
        return replace(self, users=scale(self.users), movies=movies)

    def computing(self) -> torch.autocast:
        """A context in which the network computes in the number format of the vectors."""
        narrow = self.users.dtype == torch.bfloat16
        return torch.autocast(self.device.type, torch.bfloat16, enabled=narrow)

    def users_of(self, view: int, rows: Tensor) -> Tensor:
        """User vectors [n, d_user] as one view shows them."""
        return self.users[view].index_select(0, rows.to(self.device))

    def movies_of(self, view: int, rows: Tensor) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Arguments of the network's ``encode_movies``, as one view shows them.

        Only the features of movies that have them are passed on: the others need no encoding.
        """
        features, at = {}, {}
        for modality, vectors in self.movies.items():
            known = self.present[modality][rows]
            shown = padded(rows[known])
            features[modality] = vectors[min(view, len(vectors) - 1)].index_select(
                0, shown.to(self.device)
            )
            places = torch.where(known, known.cumsum(dim=0) - 1, shown.shape[0])
            at[modality] = places.to(self.device)
        return features, at


@dataclass(frozen=True)
class Ratings:
    """Ratings by row position, in main memory, where batches are drawn.

    Attributes:
        user: int64 [n].
        movie: int64 [n].
        rating: float32 [n].
        view: int64 [n], which view of the inputs each rating is learned from.
    """

    user: Tensor
    movie: Tensor
    rating: Tensor
    view: Tensor

    def __len__(self) -> int:
        return len(self.user)

    def take(self, rows: Tensor) -> "Ratings":
        """The ratings at these positions."""
        return Ratings(self.user[rows], self.movie[rows], self.rating[rows], self.view[rows])


def padded(rows: Tensor, multiple: int = 128) -> Tensor:
    """Appends zeros to row numbers until their count is a multiple of a number.

    For every new shape of a matrix the processor's library compiles a kernel, which takes longer
    than to compute a few rows that nobody reads.
    """
    return functional.pad(rows, (0, -len(rows) % multiple))
