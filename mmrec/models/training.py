"""Training of the Siamese network (paper §VI.A): every distinct user and movie encoded once a step.

Nothing here knows how ratings were split. A rating carries a *view*: which version of the
input vectors it may see. Cross-fitting gives each part of the training ratings a view from
which they are hidden; see :mod:`mmrec.experiments.user_vectors`.
"""

import copy
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from mmrec.errors import StudyError
from mmrec.models.siamese import SiameseRecommender

LIKED = 4
"""Ratings from here on count as liked (R > 3 in the paper)."""


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
        """What :meth:`~mmrec.models.siamese.SiameseRecommender.encode_movies` takes, in one view.

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


@dataclass(frozen=True)
class TrainingSettings:
    """How to train; the defaults are the reference run's.

    Attributes:
        epochs: At most this many (the paper: 200).
        patience: Stop after so many epochs without a better validation RMSE.
        batch_size: Ratings a step, at most; a step never mixes views.
        learning_rate: Adam's (the paper: 0.001).
        weight_decay: Decoupled weight decay (the paper: none).
        cosine_weight: Weight of the cosine embedding loss beside the squared error's 1.
        input_dropout: Share of the users' and movies' input numbers hidden in training.
        variance_preserving_init: Initial weights that keep the signals' variance from layer to
            layer, in place of PyTorch's default.
        scale_user_vectors: Whether vectors made of ratings, users' profiles and rating vectors, are
            centred and brought to a variance of 1, as features are beforehand.
        ema_decay: The model is the exponential moving average of the weights, which keeps this
            share of itself at each step; 0 takes the weights as they are.
    """

    epochs: int = 40
    patience: int = 8
    batch_size: int = 4096
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    cosine_weight: float = 1.0
    input_dropout: float = 0.0
    variance_preserving_init: bool = False
    scale_user_vectors: bool = False
    ema_decay: float = 0.0


@dataclass(frozen=True)
class Fit:
    """A trained model and how it got there.

    Attributes:
        model: The weights of the epoch with the best validation RMSE.
        inputs: What it was trained on, scaled if the settings say so.
        history: One dict per epoch: ``epoch``, ``loss``, ``mse``, ``cosine``, ``validation_rmse``.
        best_epoch: 1-based.
        seconds: Time spent.
    """

    model: SiameseRecommender
    inputs: Inputs
    history: list[dict]
    best_epoch: int
    seconds: float


def batches(
    ratings: Ratings, size: int, generator: torch.Generator
) -> Iterator[tuple[int, Tensor]]:
    """A random order of batches of one epoch, each ``(view, rows)`` and within one view.

    Views are random parts of the ratings, so such a batch is as random as any; but every user
    has one vector in it, which halves the encoders' work.
    """
    order = torch.randperm(len(ratings), generator=generator)
    found = []
    for view in ratings.view.unique().tolist():
        rows = order[ratings.view[order] == view]
        found += [(view, batch) for batch in rows.chunk(math.ceil(len(rows) / size))]
    for at in torch.randperm(len(found), generator=generator).tolist():
        yield found[at]


def padded(rows: Tensor, multiple: int = 128) -> Tensor:
    """Rows, and as many zeros behind them as make their number a multiple of this.

    Every new matrix shape costs the CPU a newly compiled kernel, which takes longer than the few
    rows that nobody reads.
    """
    return functional.pad(rows, (0, -len(rows) % multiple))


def losses(
    model: SiameseRecommender, inputs: Inputs, batch: Ratings, view: int
) -> tuple[Tensor, Tensor]:
    """The paper's two losses (equations 2 and 3), averaged over the batch.

    Returns:
        Mean squared error, and cosine embedding loss of S_U and S_I with target +1 for liked.
    """
    (users, user), (movies, movie) = (
        rows.unique(return_inverse=True) for rows in (batch.user, batch.movie)
    )
    users = model.encode_users(inputs.users_of(view, padded(users)))
    movies = model.encode_movies(*inputs.movies_of(view, padded(movies)))
    user, movie, rating = (part.to(inputs.device) for part in (user, movie, batch.rating))
    of_users, of_movies = model.halves(users, movies)
    # index_select, not []: copying rows, and adding up their gradients, is several times faster.
    predicted = model.rate(of_users.index_select(0, user), of_movies.index_select(0, movie))
    # Cosines of all users and movies are one product: cheaper than one by one for the pairs.
    cosines = functional.linear(*(functional.normalize(codes.float()) for codes in (users, movies)))
    cosine = cosines.flatten().index_select(0, user * movies.shape[0] + movie).float()
    away = torch.where(rating >= LIKED, 1 - cosine, cosine.clamp(min=0))
    return functional.mse_loss(predicted, rating), away.mean()


def predictor(model: SiameseRecommender, inputs: Inputs) -> Callable[[Tensor, Tensor], Tensor]:
    """Encodes every user and movie once, as the full view shows them.

    Returns:
        From row positions of users and movies [n] to their raw ratings, float32 [n]; for pairs
        that are not in training.
    """
    model.eval()
    every = torch.arange(len(next(iter(inputs.present.values()))))
    with torch.no_grad(), inputs.computing():
        users = model.encode_users(inputs.users[inputs.full])
        movies = model.encode_movies(*inputs.movies_of(inputs.full, every))
    with torch.no_grad():
        # In float32: between 2 and 4, bfloat16 knows ratings in steps of 1/64 alone.
        of_users, of_movies = model.halves(users.float(), movies.float())

    @torch.no_grad()
    def predict(user: Tensor, movie: Tensor) -> Tensor:
        user, movie = user.to(inputs.device), movie.to(inputs.device)
        return model.rate(of_users.index_select(0, user), of_movies.index_select(0, movie)).cpu()

    return predict


def rmse(prediction: Tensor, rating: Tensor) -> float:
    """Root mean square error of predictions clipped to the scale 1-5."""
    return functional.mse_loss(prediction.clamp(1, 5), rating).sqrt().item()


def _initial_model(
    inputs: Inputs, train: Ratings, settings: TrainingSettings
) -> SiameseRecommender:
    model = SiameseRecommender(
        {modality: vectors.shape[-1] for modality, vectors in inputs.movies.items()},
        inputs.users.shape[-1],
        settings.input_dropout,
    )
    if settings.variance_preserving_init:
        model.variance_preserving_init()
    # Start at the mean rating, not at zero: the first epochs are not spent on finding it.
    with torch.no_grad():
        model.rating_predictor[-1].bias.fill_(train.rating.mean())
    return model.to(inputs.device)


def fit(
    inputs: Inputs, train: Ratings, validation: Ratings, settings: TrainingSettings, seed: int
) -> Fit:
    """Trains a network and keeps the epoch with the best validation RMSE.

    Without validation ratings there is nothing to choose by: the last epoch is kept.

    Args:
        inputs: Vectors of users and movies; the training takes place on their device.
        train: Training ratings.
        validation: Held-out training ratings, in no view; they choose the epoch.
        settings: Epochs, batch size and the optimiser's settings.
        seed: Of the initial weights and of the order of batches.

    Raises:
        StudyError: If no epoch ends in a finite error.
    """
    started = time.perf_counter()
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    if settings.scale_user_vectors:
        inputs = inputs.scaled()
    model = _initial_model(inputs, train, settings)
    optimizer = torch.optim.AdamW(
        model.parameters(),
        lr=settings.learning_rate,
        weight_decay=settings.weight_decay,
        fused=True,
    )
    averaged = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(settings.ema_decay))
    history, best, best_epoch, best_state = [], math.inf, 0, None
    for epoch in range(1, settings.epochs + 1):
        model.train()
        sums = torch.zeros(2, device=inputs.device)
        for view, rows in batches(train, settings.batch_size, generator):
            with inputs.computing():
                squared, cosine = losses(model, inputs, train.take(rows), view)
            optimizer.zero_grad()
            (squared + settings.cosine_weight * cosine).backward()
            optimizer.step()
            averaged.update_parameters(model)
            sums += torch.stack([squared, cosine]).detach() * len(rows)
        mse, cosine = (sums / len(train)).tolist()
        prediction = predictor(averaged.module, inputs)(validation.user, validation.movie)
        score = rmse(prediction, validation.rating)  # no number if there are none
        history.append(
            {
                "epoch": epoch,
                "loss": mse + settings.cosine_weight * cosine,
                "mse": mse,
                "cosine": cosine,
                "validation_rmse": score,
            }
        )
        if score < best or (not len(validation) and math.isfinite(mse)):
            best, best_epoch = score, epoch
            best_state = copy.deepcopy(averaged.module.state_dict())
        elif epoch - best_epoch >= settings.patience:
            break
    if best_state is None:
        raise StudyError(
            "no epoch of the training ended in a finite error",
            where=settings,
            remedy="Lower learning_rate, and give at least one epoch and one validation rating.",
        )
    model = averaged.module
    model.load_state_dict(best_state)
    return Fit(model, inputs, history, best_epoch, time.perf_counter() - started)
