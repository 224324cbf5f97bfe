"""A training loop with the structure of the published one, in this project's network."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from mmrec.models.base import LIKED
from mmrec.models.inputs import Inputs, Ratings
from mmrec.models.siamese_network import SiameseNetwork
from mmrec.models.training import PUBLISHED


class OneRatingAtATime(Dataset):
    """One item per rating: its user's vector, its movie's vectors and presence, the rating."""

    def __init__(self, inputs: Inputs, ratings: Ratings):
        self.inputs, self.ratings = inputs, ratings

    def __len__(self) -> int:
        return len(self.ratings)

    def __getitem__(self, row: int) -> tuple[Tensor, dict[str, Tensor], dict[str, Tensor], Tensor]:
        movie = self.ratings.movie[row]
        return (
            self.inputs.users[0, self.ratings.user[row]],
            {name: vectors[0, movie] for name, vectors in self.inputs.movies.items()},
            {name: flags[movie] for name, flags in self.inputs.present.items()},
            self.ratings.rating[row],
        )


def published_losses(
    model: SiameseNetwork,
    users: Tensor,
    movies: Mapping[str, Tensor],
    present: Mapping[str, Tensor],
    rating: Tensor,
) -> tuple[Tensor, Tensor]:
    """Squared error and cosine loss of a stacked batch: one encoding per rating and side."""
    every = torch.arange(len(rating))
    at = {name: torch.where(flags, every, len(every)) for name, flags in present.items()}
    user_codes, movie_codes = model.encode_users(users), model.encode_movies(movies, at)
    target = torch.where(rating >= LIKED, 1.0, -1.0)
    return (
        functional.mse_loss(model.rate(*model.halves(user_codes, movie_codes)), rating),
        functional.cosine_embedding_loss(user_codes, movie_codes, target),
    )


def network(inputs: Inputs) -> SiameseNetwork:
    """An untrained network for these inputs."""
    widths = {modality: vectors.shape[-1] for modality, vectors in inputs.movies.items()}
    return SiameseNetwork(widths, inputs.users.shape[-1])


def published_loop(
    inputs: Inputs, ratings: Ratings, batch_size: int, steps: int
) -> Callable[[], None]:
    """So many steps of a training loop with the published structure, ready to be run again."""
    slice_ = ratings.take(torch.arange(min(steps * batch_size, len(ratings))))
    loader = DataLoader(OneRatingAtATime(inputs, slice_), batch_size=batch_size, shuffle=True)
    model = network(inputs)
    optimizer = torch.optim.Adam(model.parameters(), lr=PUBLISHED.learning_rate)

    def run() -> None:
        for batch in loader:
            optimizer.zero_grad()
            sum(published_losses(model, *batch)).backward()
            optimizer.step()

    return run
