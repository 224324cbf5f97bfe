"""The Siamese network as a recommender, whatever its inputs are made of."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Self

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor

from mmrec import hardware
from mmrec.errors import StudyError
from mmrec.models import training
from mmrec.models.base import Recommender, TrainingData
from mmrec.models.inputs import Inputs
from mmrec.models.selection import check_validation
from mmrec.models.training import TrainingSettings
from mmrec.models.user_vectors import positions


class NetworkRecommender(Recommender):
    """Trains the network; the validation ratings choose the number of ``epochs``.

    It trains on a GPU if there is one and in the device's fast number format, see
    :mod:`mmrec.hardware`. The record of a fit holds ``best_epoch``, ``epochs`` (those trained),
    ``history`` (one dict per epoch, see :class:`~mmrec.models.training.Fit`) and, unless the
    epochs were given, ``validation_rmse``.

    Args:
        inputs: Makes the vectors of users and movies from the data.
        settings: How to train.
    """

    def __init__(self, inputs: Callable[[TrainingData], Inputs], settings: TrainingSettings):
        self.inputs, self.settings = inputs, settings

    def fit(
        self, data: TrainingData, *, seed: int, chosen: Mapping[str, Any] | None = None
    ) -> Self:
        """Trains; with ``chosen``, for exactly as many epochs and without validation."""
        settings, validation = self.settings, data.validation
        if chosen is None:
            check_validation(validation)
        else:
            settings, validation = replace(settings, epochs=chosen["epochs"]), validation.iloc[:0]
        self._users, self._movies = pd.Index(data.users["user_id"]), data.movies
        device = hardware.device()
        inputs = self.inputs(data).to(device, hardware.fast_dtype(device))
        train, held_out = (
            positions(part, self._users, self._movies, inputs.full)
            for part in (data.train, validation)
        )
        fitted = training.fit(inputs, train, held_out, settings, seed)
        self._rate = training.predictor(fitted.model, fitted.inputs)
        self.chosen = {"epochs": fitted.best_epoch}
        self.record = {
            "best_epoch": fitted.best_epoch,
            "epochs": len(fitted.history),
            "history": fitted.history,
        }
        if chosen is None:
            best = fitted.history[fitted.best_epoch - 1]
            self.record["validation_rmse"] = best["validation_rmse"]
        return self

    def predict(self, pairs: pd.DataFrame) -> NDArray[np.float64]:
        """Ratings of pairs ``user_id, movie_id`` [n], float64 [n], not clipped.

        Raises:
            StudyError: A user or a movie was not among those of the training data.
        """
        user = _rows(self._users, pairs["user_id"])
        movie = _rows(self._movies, pairs["movie_id"])
        return self._rate(user, movie).numpy().astype(np.float64)


def _rows(known: pd.Index, wanted: pd.Series) -> Tensor:
    rows = known.get_indexer(pd.Index(wanted))
    if (rows < 0).any():
        raise StudyError(
            f"{wanted.name} {wanted.iloc[int((rows < 0).argmax())]} is unknown to the network",
            where="pairs to predict",
            remedy="Fit it on data whose users and movies include all that are asked for.",
        )
    return torch.from_numpy(rows.astype(np.int64))
