"""The network's inputs: vectors of users and movies in every view, and ratings by row position.

Nothing here knows how ratings were split. A rating carries a *view*: which version of the input
vectors it may see. Cross-fitting gives each part of the training ratings a view from which they
are hidden; see :mod:`mmrec.models.user_vectors`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional


def scale(views: Tensor) -> Tensor:
    """Centres the known numbers of vectors made of ratings, and gives the whole a variance of 1.

    Zero stands for the unknown, a movie not rated or a user without a like, and stays zero.

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
        present: Modality -> bool [n_movies]; with the processor, as batches are drawn there.
        rated: Modalities made of ratings, in which a zero is an unknown number.
    """

    users: Tensor
    movies: Mapping[str, Tensor]
    present: Mapping[str, Tensor]
    rated: frozenset[str] = frozenset()

    @property
    def full(self) -> int:
        """The view of all training ratings: for pairs that are not in training."""
        return len(self.users) - 1

    @property
    def device(self) -> torch.device:
        """Where the vectors are, and the network is trained."""
        return self.users.device

    def to(self, device: torch.device, dtype: torch.dtype) -> "Inputs":
        """The same elsewhere, in another number format; the network computes in it (autocast)."""
        return replace(
            self,
            users=self.users.to(device, dtype),
            movies={name: vectors.to(device, dtype) for name, vectors in self.movies.items()},
        )

    def scaled(self) -> "Inputs":
        """The same with :func:`scale` applied to what is made of ratings: features are already."""
        movies = {
            name: scale(vectors) if name in self.rated else vectors
            for name, vectors in self.movies.items()
        }
        return replace(self, users=scale(self.users), movies=movies)

    def computing(self) -> torch.autocast:
        """The context in which the network computes in the vectors' number format."""
        narrow = self.users.dtype == torch.bfloat16
        return torch.autocast(self.device.type, torch.bfloat16, enabled=narrow)

    def users_of(self, view: int, rows: Tensor) -> Tensor:
        """User vectors [n, d_user] as one view shows them."""
        return self.users[view].index_select(0, rows.to(self.device))

    def movies_of(self, view: int, rows: Tensor) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Arguments of the network's ``encode_movies``, as one view shows them.

        Features of the movies that have them: one without is not encoded in vain.
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
    """Ratings by row position: ``user``, ``movie`` int64 [n], ``rating`` float32 [n].

    ``view`` int64 [n] says which view of the inputs each of them may see. They stay with the
    processor, which draws the batches; a batch follows the inputs to their device.
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
    """Rows, and as many zeros behind them as make their number a multiple of this.

    Every new matrix shape costs the CPU a newly compiled kernel, which takes longer than the few
    rows that nobody reads.
    """
    return functional.pad(rows, (0, -len(rows) % multiple))
