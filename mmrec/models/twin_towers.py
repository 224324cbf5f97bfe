"""Two towers that share what matters: biases apart from taste, identity apart from content.

The network is in :mod:`mmrec.models.twin_towers_network`; here is how it is trained. Every step
plays what the model is for: some users are asked for ratings hidden from them (those of one view),
and a share of the movies, another one each time, is treated as if nobody had rated them. So content
learns to stand alone (:cite:t:`volkovs2017dropoutnet` train with hidden identities as well).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from mmrec.errors import StudyError
from mmrec.models.base import Recommender, TrainingData
from mmrec.models.rating_scale import rmse
from mmrec.models.search import best_of
from mmrec.models.selection import MEASURE, check_validation
from mmrec.models.twin_towers_inputs import Rated, View, content, people, rated, view
from mmrec.models.twin_towers_network import LINEAR, Movies, TowerSettings, TwinTowers, rate


@dataclass(frozen=True)
class TwinTowersConfig:
    """Rating = mean + worth of the movie + bias of the user + the user's taste for its content.

    Attributes:
        content: Names of the feature tables that represent a movie.
        part_width: Length to which the vectors of a part of the content are reduced.
        towers: What the towers are like.
        identity_dropouts: Shares of the movies treated as new in a training step, to choose from.
        user_dropout: Share of the users treated as new in a training step.
        batch_users: Users per step.
        learning_rate: Adam's, of the priors and of what groups of people have in common.
        encoder_learning_rate: Adam's, of the encoder of taste and of the movies' additions.
        ema_decay: Share of itself that the average of the weights keeps at each step.
        epochs: Passes over the training ratings, at most.
        patience: Stop after so many epochs without a better validation RMSE.
    """

    content: tuple[str, ...]
    part_width: int = 64
    towers: TowerSettings = LINEAR
    identity_dropouts: tuple[float, ...] = (0.5, 0.1)
    user_dropout: float = 0.2
    batch_users: int = 256
    learning_rate: float = 0.01
    encoder_learning_rate: float = 0.001
    ema_decay: float = 0.97
    epochs: int = 20
    patience: int = 3

    @property
    def features(self) -> tuple[str, ...]:
        """The tables that represent a movie."""
        return self.content

    def build(self) -> "TwinTowersRecommender":
        """An untrained model."""
        return TwinTowersRecommender(self)


class _Task(NamedTuple):
    """What there is to learn from.

    Attributes:
        content: By part, float32 [m, d_part].
        people: float32 [n_users, d].
        mean: Mean training rating.
        n_movies: m.
        views: What may be seen, view by view.
        queries: The ratings to predict from each view.
        ahead: What may be seen when pairs outside training are predicted.
        batches: Users with about as many ratings as each other, int64 [b] each.
    """

    content: dict[str, Tensor]
    people: Tensor
    mean: float
    n_movies: int
    views: list[View]
    queries: list[Rated]
    ahead: View
    batches: tuple[Tensor, ...]


class _Fitted(NamedTuple):
    """What the towers say of everybody and everything, and how they were trained."""

    users: Tensor
    movies: Movies
    epochs: int
    history: list[dict[str, float]]


class TwinTowersRecommender(Recommender):
    """See :class:`TwinTowersConfig`.

    The validation ratings choose ``identity_dropout`` and the number of ``epochs``; the record
    holds ``history``, one dict per epoch, beside what every tuned model's does.
    """

    def __init__(self, config: TwinTowersConfig):
        self.config = config

    def fit(
        self, data: TrainingData, *, seed: int, chosen: Mapping[str, Any] | None = None
    ) -> Self:
        """Trains with every share of hidden identities, or exactly as chosen."""
        self._users, self._movies = pd.Index(data.users["user_id"]), data.movies
        task = _task(data, self.config)
        if chosen is not None:
            self._fitted = self._train(task, None, seed, **chosen)
            self.chosen, self.record = dict(chosen), {"history": self._fitted.history}
            return self
        check_validation(data.validation)
        choice = best_of(
            lambda settings: self._train(task, data.validation, seed, **settings),
            ({"identity_dropout": share} for share in self.config.identity_dropouts),
            lambda fitted: fitted.history[fitted.epochs - 1][MEASURE],
            measure=MEASURE,
        )
        self._fitted = choice.fitted
        self.chosen = {**choice.settings, "epochs": self._fitted.epochs}
        self.record = {
            MEASURE: choice.score,
            "tuning": choice.tuning,
            "history": self._fitted.history,
        }
        return self

    def predict(self, pairs: pd.DataFrame) -> NDArray[np.float64]:
        """Ratings of pairs ``user_id, movie_id`` [n], float64 [n], not clipped.

        Raises:
            StudyError: A user or a movie was not among those of the training data.
        """
        return self._rate(self._fitted.users, self._fitted.movies, pairs)

    def _rate(self, users: Tensor, movies: Movies, pairs: pd.DataFrame) -> NDArray[np.float64]:
        user, movie = _rows(self._users, pairs["user_id"]), _rows(self._movies, pairs["movie_id"])
        return rate(users, movies, user, movie).numpy().astype(np.float64)

    def _train(
        self,
        task: _Task,
        validation: pd.DataFrame | None,
        seed: int,
        *,
        identity_dropout: float,
        epochs: int | None = None,
    ) -> _Fitted:
        config, generator = self.config, torch.Generator().manual_seed(seed)
        model = TwinTowers(
            task.content, task.people, task.n_movies, task.mean, config.towers, generator
        )
        averaged = AveragedModel(model, avg_fn=_moving_average(config.ema_decay))
        optimiser = _optimiser(model, config)
        history: list[dict[str, float]] = []
        best: _Fitted | None = None
        for epoch in range(1, (epochs or config.epochs) + 1):
            loss = _epoch(model, averaged, optimiser, task, identity_dropout, config.user_dropout)
            history.append({"epoch": epoch, "mse": loss})
            if validation is None and epoch != epochs:
                continue
            users, movies = _everybody(averaged.module, task)
            now = _Fitted(users, movies, epoch, history)
            if validation is None:
                return now
            history[-1][MEASURE] = rmse(self._rate(users, movies, validation), validation["rating"])
            if best is None or history[-1][MEASURE] < history[best.epochs - 1][MEASURE]:
                best = now
            if epoch - best.epochs >= config.patience:
                break
        assert best is not None, "a model is trained for at least one epoch"
        return best


def _task(data: TrainingData, config: TwinTowersConfig) -> _Task:
    users, movies = pd.Index(data.users["user_id"]), data.movies
    last = view(data.views[-1], data.views[-1], users, movies)
    views = [view(seen, seen, users, movies) for seen in data.views[:-1]] or [last]
    ahead = last
    if data.test_views is not None:
        ahead = view(data.views[-1], data.test_views, users, movies)
    queries = [rated(data.train[data.train["view"] == n], users, movies) for n in range(len(views))]
    order = last.profiles.start.diff().argsort(stable=True)
    return _Task(
        content(data, config.content, config.part_width),
        people(data.users),
        float(data.train["rating"].mean()),
        len(movies),
        views,
        queries,
        ahead,
        order.split(config.batch_users),
    )


def _optimiser(model: TwinTowers, config: TwinTowersConfig) -> torch.optim.Adam:
    slow = model.slow()
    names = {id(parameter) for parameter in slow}
    fast = [parameter for parameter in model.parameters() if id(parameter) not in names]
    return torch.optim.Adam(
        [
            {"params": fast, "lr": config.learning_rate},
            {"params": slow, "lr": config.encoder_learning_rate},
        ]
    )


def _moving_average(decay: float) -> Any:
    """An average that forgets its beginnings faster than it will forget later on."""

    def average(kept: Tensor, new: Tensor, steps: int | Tensor) -> Tensor:
        return kept + (new - kept) * max(1 - decay, 5 / (int(steps) + 6))

    return average


def _epoch(
    model: TwinTowers,
    averaged: AveragedModel,
    optimiser: torch.optim.Adam,
    task: _Task,
    identity_dropout: float,
    user_dropout: float,
) -> float:
    """Asks for every training rating once, in random order; returns the mean squared error."""
    generator = model.generator
    number = sum(len(queries.movie) for queries in task.queries)
    steps = [(n, rows) for n in range(len(task.views)) for rows in task.batches]
    model.train()
    total = 0.0
    for at in torch.randperm(len(steps), generator=generator).tolist():
        n, rows = steps[at]
        known = torch.rand(task.n_movies, generator=generator) >= identity_dropout
        met = torch.rand(len(rows), generator=generator) >= user_dropout
        asked, rating, there = task.queries[n].of_users(rows)
        if not there.any():
            continue
        movies = model.movies(task.views[n], known)
        users = model.users(movies, task.views[n], rows, met)
        user = torch.nonzero(there)[:, 0]
        squares = (rate(users, movies, user, asked[there]) - rating[there]) ** 2
        loss = squares.mean() + model.penalty() / number
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        averaged.update_parameters(model)
        total += float(squares.detach().sum())
    return total / number


def _everybody(model: nn.Module, task: _Task) -> tuple[Tensor, Movies]:
    """What the towers say of all users [n_users, 1 + k] and of all movies."""
    assert isinstance(model, TwinTowers)
    model.eval()
    with torch.no_grad():
        movies = model.movies(task.ahead, torch.ones(task.n_movies, dtype=torch.bool))
        users = torch.empty(len(task.people), movies.taste.shape[1])
        for rows in task.batches:
            met = torch.ones(len(rows), dtype=torch.bool)
            users[rows] = model.users(movies, task.ahead, rows, met)
    return users, movies


def _rows(known: pd.Index, wanted: pd.Series) -> Tensor:
    rows = known.get_indexer(pd.Index(wanted))
    if (rows < 0).any():
        raise StudyError(
            f"{wanted.name} {wanted.iloc[int((rows < 0).argmax())]} is unknown to the two towers",
            where="pairs to predict",
            remedy="Fit them on data whose users and movies include all that are asked for.",
        )
    return torch.from_numpy(rows.astype(np.int64))
