"""What the benchmark of training trains on: MovieLens-100K and four modalities, or their like."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd
import torch

from mmrec.catalogue import movielens
from mmrec.catalogue import tables as catalogue
from mmrec.features.table import FeatureTable, load_tables
from mmrec.models.base import TrainingData
from mmrec.models.inputs import Inputs, Ratings
from mmrec.models.user_vectors import content_inputs, positions
from mmrec.workspace import Workspace

WIDTHS = {"video": 1280, "audio": 128, "text": 384, "meta": 1220}
N_RATINGS = 80_000
N_PARTS = 5


def real_data(workspace: Workspace) -> TrainingData:
    """Ratings outside u1's test part, and the feature tables of a workspace."""
    parts = catalogue.load(workspace)
    base = parts.ratings[~movielens.fold_masks(parts.ratings)["u1"]]
    movies = pd.Index(parts.movies["movie_id"])
    return cross_fitted(base, parts.users, movies, load_tables(workspace.features, WIDTHS))


def random_data(
    widths: Mapping[str, int] = WIDTHS,
    size: tuple[int, int] = (movielens.N_USERS, movielens.N_MOVIES),
    n: int = N_RATINGS,
) -> TrainingData:
    """The same at random: distinct pairs with a long tail, ratings with tastes in them.

    One movie in twenty lacks a modality.

    Args:
        widths: Length of each modality's vectors.
        size: Numbers of users and movies.
        n: Number of ratings.
    """
    rng = np.random.default_rng(0)
    activity, popularity = rng.lognormal(0, 1.0, size[0]), rng.lognormal(0, 1.6, size[1])
    # The first n arrivals at these rates: a draw without replacement by weight.
    arrival = rng.exponential(size=size) / np.outer(activity, popularity)
    user, movie = np.divmod(rng.permutation(np.argpartition(arrival, n, axis=None)[:n]), size[1])
    taste = rng.normal(0, 0.5, size[0])[user] + rng.normal(0, 0.5, size[1])[movie]
    rating = np.clip(np.round(3.5 + taste + rng.normal(0, 0.9, n)), 1, 5)
    users, movies = (np.arange(1, count + 1) for count in size)
    features = {}
    for modality, width in widths.items():
        known = movies[rng.random(len(movies)) < 0.95]
        vectors = rng.standard_normal((len(known), width), np.float32)
        features[modality] = FeatureTable(modality, known, vectors, {"source": "random"})
    return cross_fitted(
        pd.DataFrame({"user_id": users[user], "movie_id": movies[movie], "rating": rating}),
        pd.DataFrame({"user_id": users}),
        pd.Index(movies),
        features,
    )


def cross_fitted(
    ratings: pd.DataFrame,
    users: pd.DataFrame,
    movies: pd.Index,
    features: Mapping[str, FeatureTable],
) -> TrainingData:
    """Training data in five parts, each with a view from which it is hidden."""
    part = np.random.default_rng(0).integers(N_PARTS, size=len(ratings))
    train = ratings[["user_id", "movie_id", "rating"]].reset_index(drop=True).assign(view=part)
    views = (*(train[part != view] for view in range(N_PARTS)), train)
    return TrainingData(train, train.iloc[:0], views, users, movies, features=features)


def as_tensors(data: TrainingData) -> tuple[Inputs, Ratings]:
    """What :func:`mmrec.models.training.fit` takes, as the model itself makes it."""
    inputs = content_inputs(data, tuple(data.features), "meta")
    users = pd.Index(data.users["user_id"])
    return inputs, positions(data.train, users, data.movies, inputs.full)


def shared(inputs: Inputs, ratings: Ratings) -> tuple[Inputs, Ratings]:
    """The same with one view, in which every target is part of its own input, as published."""
    return (
        replace(inputs, users=inputs.users[inputs.full :]),
        replace(ratings, view=torch.zeros_like(ratings.view)),
    )
