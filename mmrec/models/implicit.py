"""Collaborative filtering on likes by LensKit: EASE, iALS, BPR and LightGCN.

All of them learn from who likes what, and from nothing else :cite:p:`ekstrand2020lenskit`. A movie
without a training like is unknown to them: all such movies stand at the end of a list in random
order, so that a list of new films is a random one. A user without a training like gets the most
liked movies.
"""

import warnings
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from lenskit.als import ImplicitMFScorer
from lenskit.data import Dataset, Vocabulary, from_interactions_df
from lenskit.flexmf import FlexMFImplicitScorer
from lenskit.knn import EASEScorer
from lenskit.training import TrainingOptions
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from mmrec.models.base import TrainingData
from mmrec.models.lists import Factors, Likes, ListModel, Scorer, everyone


@dataclass(frozen=True)
class _Config:
    """Settings of a model of likes: lists of the values that the validation may choose from."""

    @property
    def features(self) -> tuple[str, ...]:
        """No feature table is read."""
        return ()


class _FactorModel(ListModel):
    """A model that comes down to :class:`Factors`."""

    def learn(self, data: TrainingData, settings: Mapping[str, Any], seed: int) -> Scorer:
        """Fits the rows and the columns to the training likes."""
        likes = Likes.of(data.train)
        # Sums of another order round differently.
        with threadpool_limits(1):
            factors = self.factors(likes, settings, seed)
        return factors.scorer(everyone(likes.per_movie))

    @abstractmethod
    def factors(self, likes: Likes, settings: Mapping[str, Any], seed: int) -> Factors:
        """Fits the model with these settings."""


def _dataset(likes: Likes) -> Dataset:
    return from_interactions_df(likes.pairs)


def _ids(vocabulary: Vocabulary | None) -> pd.Index:
    assert vocabulary is not None  # it is, before training alone
    return pd.Index(vocabulary.ids())


def _float64(matrix: Any) -> NDArray[np.float64]:
    return np.asarray(matrix, np.float64)


@dataclass(frozen=True)
class EaseConfig(_Config):
    """Settings of :class:`Ease`.

    Attributes:
        regularisations: Strengths of the L2 penalty to choose from.
    """

    regularisations: tuple[float, ...] = (100, 200, 300, 500, 700, 1000, 1500)

    def build(self) -> "Ease":
        """An unfitted model."""
        return Ease(self)


class Ease(_FactorModel):
    """EASE: every movie's likes as a linear function of the likes of all others, in closed form.

    The weights minimise the squared error of the matrix of likes under an L2 penalty, with a zero
    diagonal so that no movie explains itself :cite:p:`steck2019embarrassingly`.
    """

    def __init__(self, config: EaseConfig) -> None:
        """Takes the settings."""
        self.config = config

    def options(self, data: TrainingData) -> Mapping[str, Sequence[Any]]:
        """Strengths of the penalty."""
        return {"regularisation": self.config.regularisations}

    def factors(self, likes: Likes, settings: Mapping[str, Any], seed: int) -> Factors:
        """The users' likes, and the weights between movies."""
        scorer = EASEScorer(regularization=settings["regularisation"])
        scorer.train(_dataset(likes), TrainingOptions(device="cpu"))
        movies = _ids(scorer.items)
        known = np.asarray(likes.matrix.sum(axis=1)).ravel() > 0
        rows = likes.matrix[known][:, likes.movies.get_indexer(movies)].toarray()
        return Factors(likes.users[known], movies, rows, _float64(scorer.weights))


@dataclass(frozen=True)
class ImplicitFactorsConfig(_Config):
    """Settings of :class:`ImplicitFactors`.

    Attributes:
        factors: Numbers of latent factors to choose from.
        weights: Additional weights of a like, beside the 1 of every pair, to choose from.
        regularisations: Strengths of the factors' L2 penalty to choose from.
        epochs: Sweeps of alternating least squares.
    """

    factors: tuple[int, ...] = (32, 16, 64)
    weights: tuple[float, ...] = (2, 1, 5, 10)
    regularisations: tuple[float, ...] = (20, 5, 10, 50)
    epochs: int = 10

    def build(self) -> "ImplicitFactors":
        """An unfitted model."""
        return ImplicitFactors(self)


class ImplicitFactors(_FactorModel):
    """iALS: matrix factorisation of likes, with weak confidence in what is not liked.

    Every pair of a user and a movie is a target, 1 where there is a like and 0 elsewhere, and likes
    weigh more. Solved by alternating least squares :cite:p:`hu2008collaborative`.
    """

    def __init__(self, config: ImplicitFactorsConfig) -> None:
        """Takes the settings."""
        self.config = config

    def options(self, data: TrainingData) -> Mapping[str, Sequence[Any]]:
        """Penalty, weight of a like, and number of factors, chosen in this order."""
        return {
            "regularisation": self.config.regularisations,
            "weight": self.config.weights,
            "factors": self.config.factors,
        }

    def factors(self, likes: Likes, settings: Mapping[str, Any], seed: int) -> Factors:
        """The users' and the movies' factors."""
        scorer = ImplicitMFScorer(
            embedding_size=settings["factors"],
            regularization=settings["regularisation"],
            weight=settings["weight"],
            epochs=self.config.epochs,
        )
        scorer.train(_dataset(likes), TrainingOptions(rng=seed, device="cpu"))
        rows, columns = scorer.user_embeddings, scorer.item_embeddings
        return Factors(_ids(scorer.users), _ids(scorer.items), _float64(rows), _float64(columns.T))


@dataclass(frozen=True)
class PairwiseConfig(_Config):
    """Settings of :class:`Pairwise`.

    Attributes:
        layers: Times that vectors are passed between users and movies (LightGCN); 0 is plain
            matrix factorisation (BPR).
        decays: Weight decays (AdamW) to choose from.
        factors: Length of a vector.
        epochs: Passes over the likes.
        learning_rate: Of AdamW.
        batch_size: Likes per optimiser step.
    """

    layers: int
    decays: tuple[float, ...]
    factors: int = 32
    epochs: int = 40
    learning_rate: float = 0.02
    batch_size: int = 4096

    def build(self) -> "Pairwise":
        """An unfitted model."""
        return Pairwise(self)


BPR = PairwiseConfig(layers=0, decays=(1.0, 0.3, 2.0, 4.0))
"""Matrix factorisation under the BPR loss :cite:p:`rendle2009bpr`."""

LIGHTGCN = PairwiseConfig(layers=3, decays=(0.1, 0.03, 0.3))
"""A graph convolution without weights, under the BPR loss :cite:p:`he2020lightgcn`."""


class Pairwise(_FactorModel):
    """Matrix factorisation that learns to score a like above a movie drawn at random.

    With layers, a user's vector is first averaged with those of the movies he or she likes, and a
    movie's with those of the users who like it, again and again.
    """

    def __init__(self, config: PairwiseConfig) -> None:
        """Takes the settings."""
        self.config = config

    def options(self, data: TrainingData) -> Mapping[str, Sequence[Any]]:
        """Weight decays."""
        return {"decay": self.config.decays}

    def factors(self, likes: Likes, settings: Mapping[str, Any], seed: int) -> Factors:
        """The users' and the movies' vectors; there are no biases."""
        scorer = FlexMFImplicitScorer(
            preset="lightgcn" if self.config.layers else "bpr",
            convolution_layers=self.config.layers,
            embedding_size=self.config.factors,
            regularization=settings["decay"],
            epochs=self.config.epochs,
            learning_rate=self.config.learning_rate,
            batch_size=self.config.batch_size,
        )
        # Compiling needs a compiler on the reader's machine, and takes longer than it saves.
        options = TrainingOptions(rng=seed, device="cpu", environment={"LK_TORCH_COMPILE": "0"})
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Sparse")
            scorer.train(_dataset(likes), options)
        model = scorer.model
        if model.u_layers is not None and model.i_layers is not None:
            # Of what the layers have passed on, the model uses the mean.
            rows, columns = model.u_layers.mean(dim=0), model.i_layers.mean(dim=0)
        else:
            rows, columns = model.u_embed.weight, model.i_embed.weight
        users, movies = _ids(scorer.users), _ids(scorer.items)
        return Factors(users, movies, _float64(rows.detach()), _float64(columns.T.detach()))
