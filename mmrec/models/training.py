"""Training of the Siamese network (paper §VI.A): every distinct user and movie encoded once a step.

Nothing here knows how ratings were split; see :mod:`mmrec.models.inputs` for what a view is.
"""

import copy
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from mmrec.errors import StudyError
from mmrec.models.base import LIKED
from mmrec.models.inputs import Inputs, Ratings, padded
from mmrec.models.rating_scale import rmse
from mmrec.models.siamese_network import SiameseNetwork


@dataclass(frozen=True)
class TrainingSettings:
    """How to train; the defaults are the training as published, see :data:`PUBLISHED`.

    Attributes:
        epochs: Passes over the training ratings, at most.
        patience: Stop after so many epochs without a better validation RMSE.
        batch_size: Ratings per step, at most; a step never mixes views.
        learning_rate: Adam's.
        weight_decay: Decoupled weight decay.
        cosine_weight: Weight of the cosine embedding loss; that of the squared error is 1.
        input_dropout: Share of the users' and movies' input numbers hidden in training.
        variance_preserving_init: Whether the initial weights keep the signals' variance from layer
            to layer, in place of PyTorch's default.
        scale_user_vectors: Whether vectors made of ratings (user vectors and rating vectors) are
            centred and brought to a variance of 1, as features are beforehand.
        ema_decay: Share of itself that the exponential moving average of the weights keeps at each
            step; the model is that average. With 0 it has the latest weights.
    """

    epochs: int = 200
    patience: int = 20
    batch_size: int = 40_000
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    cosine_weight: float = 1.0
    input_dropout: float = 0.0
    variance_preserving_init: bool = False
    scale_user_vectors: bool = False
    ema_decay: float = 0.0


PUBLISHED = TrainingSettings()
"""The paper's training: Adam at 0.001, 200 epochs, batches of 40,000 ratings, both losses weighted
alike. The patience is this study's own."""

REFERENCE = TrainingSettings(
    epochs=25,
    patience=3,
    batch_size=4096,
    cosine_weight=0.1,
    variance_preserving_init=True,
    scale_user_vectors=True,
    ema_decay=0.98,
)
"""The training of the networks on content in the reference run, tuned on validation ratings."""

DENOISING = replace(REFERENCE, epochs=60, patience=60, weight_decay=1.0, input_dropout=0.5)
"""The training on rating vectors in the reference run: half of the known ratings are hidden at
every step, and there is no early stopping."""


@dataclass(frozen=True)
class Fit:
    """A trained model and how it got there.

    Attributes:
        model: The network with the weights of the epoch with the lowest validation RMSE.
        inputs: The inputs it was trained on, scaled if the settings say so.
        history: One dict per epoch: ``epoch``, ``loss``, ``mse``, ``cosine``, ``validation_rmse``.
        best_epoch: Number of the epoch whose weights were kept, counted from 1.
    """

    model: SiameseNetwork
    inputs: Inputs
    history: list[dict[str, float]]
    best_epoch: int


def batches(
    ratings: Ratings, size: int, generator: torch.Generator
) -> Iterator[tuple[int, Tensor]]:
    """The batches of one epoch in random order, each as ``(view, rows)``.

    All ratings of a batch share one view. The parts behind the views are random, so these batches
    are random as well; and since every user has a single vector in a batch, the encoders have half
    the work.
    """
    order = torch.randperm(len(ratings), generator=generator)
    found = []
    for view in ratings.view.unique().tolist():
        rows = order[ratings.view[order] == view]
        found += [(view, batch) for batch in rows.chunk(math.ceil(len(rows) / size))]
    for at in torch.randperm(len(found), generator=generator).tolist():
        yield found[at]


def losses(
    model: SiameseNetwork, inputs: Inputs, batch: Ratings, view: int
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


def predictor(model: SiameseNetwork, inputs: Inputs) -> Callable[[Tensor, Tensor], Tensor]:
    """Encodes every user and movie once, as the last view shows them.

    Returns:
        A function from row positions of users and movies, int64 [n] each, to unclipped ratings,
        float32 [n]. It is meant for pairs that were not trained on.
    """
    model.eval()
    every = torch.arange(len(next(iter(inputs.present.values()))))
    with torch.no_grad(), inputs.computing():
        users = model.encode_users(inputs.users[inputs.full])
        movies = model.encode_movies(*inputs.movies_of(inputs.full, every))
    with torch.no_grad():
        # In float32: between 2 and 4, bfloat16 only has numbers in steps of 1/64.
        of_users, of_movies = model.halves(users.float(), movies.float())

    @torch.no_grad()
    def predict(user: Tensor, movie: Tensor) -> Tensor:
        user, movie = user.to(inputs.device), movie.to(inputs.device)
        return model.rate(of_users.index_select(0, user), of_movies.index_select(0, movie)).cpu()

    return predict


def _initial_model(inputs: Inputs, train: Ratings, settings: TrainingSettings) -> SiameseNetwork:
    model = SiameseNetwork(
        {modality: vectors.shape[-1] for modality, vectors in inputs.movies.items()},
        inputs.users.shape[-1],
        settings.input_dropout,
    )
    if settings.variance_preserving_init:
        model.variance_preserving_init()
    model.start_at(train.rating.mean())
    return model.to(inputs.device)


def _network(averaged: AveragedModel) -> SiameseNetwork:
    assert isinstance(averaged.module, SiameseNetwork)
    return averaged.module


def fit(
    inputs: Inputs, train: Ratings, validation: Ratings, settings: TrainingSettings, seed: int
) -> Fit:
    """Trains a network and keeps the epoch with the best validation RMSE.

    Without validation ratings there is nothing to choose by: the last epoch is kept.

    Args:
        inputs: Vectors of users and movies; the training takes place on their device.
        train: Training ratings.
        validation: Ratings that are held out of training and of every view; they choose the epoch.
        settings: Epochs, batch size and the optimiser's settings.
        seed: Random seed of the initial weights, the order of batches and the hidden inputs.

    Raises:
        StudyError: No epoch ended in a finite error.
    """
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
        prediction = predictor(_network(averaged), inputs)(validation.user, validation.movie)
        score = rmse(prediction.numpy(), validation.rating.numpy())  # NaN if there are none
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
            best_state = copy.deepcopy(_network(averaged).state_dict())
        elif epoch - best_epoch >= settings.patience:
            break
    if best_state is None:
        raise StudyError(
            "no epoch of the training ended in a finite error",
            where=settings,
            remedy="Lower learning_rate, and give at least one epoch and one validation rating.",
        )
    model = _network(averaged)
    model.load_state_dict(best_state)
    return Fit(model, inputs, history, best_epoch)
