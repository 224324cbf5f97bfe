"""The four trivial predictors that every table is held against."""

from functools import partial

import numpy as np
import pandas as pd

from mmrec.models.selection import Predictor, choose

DAMPINGS = (0, 1, 2, 5, 10, 20)
"""Shrinkages tried for the biases: as many imagined ratings at the mean per user and movie."""


def global_mean(train: pd.DataFrame, pairs: pd.DataFrame) -> np.ndarray:
    """The mean training rating for every pair."""
    return np.full(len(pairs), train["rating"].mean())


def user_mean(train: pd.DataFrame, pairs: pd.DataFrame) -> np.ndarray:
    """The user's mean training rating; the global mean for a user without any."""
    return _mean_of("user_id", train, pairs)


def movie_mean(train: pd.DataFrame, pairs: pd.DataFrame) -> np.ndarray:
    """The movie's mean training rating; the global mean for a movie without any."""
    return _mean_of("movie_id", train, pairs)


def _mean_of(key: str, train: pd.DataFrame, pairs: pd.DataFrame) -> np.ndarray:
    means = train.groupby(key)["rating"].mean()
    return pairs[key].map(means).fillna(train["rating"].mean()).to_numpy()


def biases(
    train: pd.DataFrame, pairs: pd.DataFrame, damping: float, sweeps: int = 10
) -> np.ndarray:
    """Global mean + movie bias + user bias, by alternating least squares.

    Args:
        train: ``user_id, movie_id, rating``.
        pairs: ``user_id, movie_id``.
        damping: Shrinkage of both biases towards zero, as a number of ratings.
        sweeps: Alternations between movies and users.
    """
    mean = train["rating"].mean()
    users, movies = pd.Index(train["user_id"].unique()), pd.Index(train["movie_id"].unique())
    user, movie = users.get_indexer(train["user_id"]), movies.get_indexer(train["movie_id"])
    residual = train["rating"].to_numpy() - mean
    of_user, of_movie = np.zeros(len(users)), np.zeros(len(movies))
    per_user, per_movie = np.bincount(user) + damping, np.bincount(movie) + damping
    for _ in range(sweeps):
        of_movie = np.bincount(movie, residual - of_user[user]) / per_movie
        of_user = np.bincount(user, residual - of_movie[movie]) / per_user
    known_user, known_movie = pd.Series(of_user, users), pd.Series(of_movie, movies)
    return (
        mean
        + pairs["user_id"].map(known_user).fillna(0).to_numpy()
        + pairs["movie_id"].map(known_movie).fillna(0).to_numpy()
    )


def user_movie_bias(train: pd.DataFrame, validation: pd.DataFrame) -> tuple[Predictor, dict]:
    """:func:`biases` with the shrinkage out of :data:`DAMPINGS` that suits the validation best.

    Returns:
        The predictor of pairs, and the record of :func:`mmrec.models.selection.choose`.
    """
    tried = (({"damping": value}, partial(biases, train, damping=value)) for value in DAMPINGS)
    return choose(tried, validation)
