"""Fits the Gaussian process over pairs that is served: on every rating there is.

What the fit of :mod:`mmrec.models.pair_process` leaves does for the films of its catalogue. Here
is kept besides how both covariances over films came about, so that others can be added.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.linalg import solve
from threadpoolctl import threadpool_limits

from mmrec.models.base import TrainingData
from mmrec.models.pair_inference import Posterior, Shared, infer
from mmrec.models.pair_learning import STRIDE, ascent, updated
from mmrec.models.pair_prediction import Fitted
from mmrec.models.pair_process import PairProcess, PairProcessConfig, prepared
from mmrec.recommending import lists
from mmrec.recommending.blocks import blocks_of
from mmrec.recommending.covariances import Covariance, step
from mmrec.recommending.served import EVERYBODY, TASTE, Served

HELD_OUT = 0.1
"""Share of the ratings that choose: half of it ratings of known films, half films as a whole."""


@dataclass(frozen=True)
class Divided:
    """Ratings that are learned from, and those that choose.

    Attributes:
        train: ``user_id, movie_id, rating``.
        validation: The same columns.
    """

    train: pd.DataFrame
    validation: pd.DataFrame


def divide(ratings: pd.DataFrame, films: pd.Series) -> Divided:
    """Holds out ratings of known films, and films as a whole: the model is asked for both.

    Args:
        ratings: ``user_id, movie_id, rating``.
        films: ``film_id`` by ``movie_id``.
    """
    rng = np.random.default_rng([0, len(ratings)])
    film = ratings["movie_id"].map(films)
    order = rng.permutation(np.sort(film.unique()))
    total = film.value_counts()[order].to_numpy().cumsum()
    new = film.isin(order[total <= HELD_OUT / 2 * len(ratings)]).to_numpy()
    known = rng.permutation(np.flatnonzero(~new))
    held = new.copy()
    held[known[: max(1, round(HELD_OUT / 2 * len(ratings)))]] = True
    return Divided(ratings[~held], ratings[held])


def fit(
    ratings: pd.DataFrame,
    users: pd.DataFrame,
    films: pd.Series,
    data: TrainingData,
    content: tuple[str, ...],
) -> Served:
    """Chooses on held-out ratings, then learns from all of them with what was chosen.

    Args:
        ratings: ``user_id, movie_id, rating``; enough of them to hold some out.
        users: ``user_id, age, gender, occupation``; without the last three, or where one of them
            is missing, nothing is known of users but their ratings.
        films: ``film_id`` by ``movie_id``.
        data: Its movies and feature tables; its ratings are not looked at.
        content: Names of the feature tables to learn from.
    """
    # What a visitor thinks of films that nobody has rated is not told from a few ratings, and what
    # a user does could not be taken out again with his or her ratings: it is the same for all.
    config = PairProcessConfig(content, demographics=is_told(users), dampings=())
    divided = divide(ratings, films)
    first = _training(data, users, divided.train, divided.validation)
    model = PairProcess(config).fit(first, seed=0)
    chosen, record = dict(model.chosen), dict(model.record)
    whole = _training(data, users, ratings, ratings.iloc[:0])
    held = divided.validation[~divided.validation["movie_id"].isin(divided.train["movie_id"])]
    movies = data.movies.tolist()
    measured = {
        "validation_rmse": record["validation_rmse"],
        "mean_error": mean_error(
            held["movie_id"].to_numpy(), (held["rating"] - model.predict(held)).to_numpy()
        ),
        "popularity": lists.best_popularity(
            lambda some: model.score(some, movies), divided.train, divided.validation, data.movies
        ),
    }
    with threadpool_limits(1):  # sums of another order round differently
        served = refit(config, whole, chosen)
    return replace(served, settings={**served.settings, **measured})


def mean_error(movie: NDArray[np.int64], residual: NDArray[np.float64]) -> float:
    """How far off predictions of a film are that nobody has rated, all of its raters together.

    What the errors of two ratings of one film have in common: the root of their covariance, over
    all pairs. The process itself expects less of a film's ratings than they turn out to have.

    Args:
        movie: Film of each rating, [n].
        residual: Rating less prediction, [n].

    Returns:
        In stars; 0 if no film has two ratings, or its errors have nothing in common.
    """
    errors = pd.DataFrame({"total": residual, "squares": residual**2, "number": 1.0})
    total, squares, number = errors.groupby(movie).sum().to_numpy().T
    pairs = float((number * (number - 1)).sum())
    if not pairs:
        return 0.0
    return float(np.sqrt(max((total**2 - squares).sum() / pairs, 0.0)))


def refit(config: PairProcessConfig, data: TrainingData, chosen: Mapping[str, Any]) -> Served:
    """Learns from the training ratings with what an earlier fit chose.

    Does as :meth:`PairProcess.fit` does with ``chosen``, and keeps what that does not.

    Args:
        config: Settings of the process; ``identity`` must be on.
        data: Users, movies, training ratings and feature tables.
        chosen: An earlier fit's :attr:`~mmrec.models.base.Recommender.chosen`.
    """
    seen, parts, kernels, axes = prepared(config, data)
    prior = parts.covariances(chosen["variances"])
    posterior = infer(seen, prior)
    change = np.zeros_like(prior.taste)
    for _ in range(chosen["updates"]):
        change = step(prior.taste, change, ascent(posterior), STRIDE)
        posterior = updated(posterior)
    m = len(data.movies)
    fitted = Fitted.of(
        posterior,
        pd.Index(data.users["user_id"]),
        data.movies,
        float(data.train["rating"].mean()),
    )
    weights = np.zeros(m)
    np.add.at(weights, seen.movie, posterior.coefficients)
    return Served(
        users=fitted.users,
        movies=fitted.movies,
        mean=fitted.mean[0],
        noise=fitted.noise[0],
        user=seen.user,
        movie=seen.movie,
        value=seen.value,
        traits=seen.traits,
        coordinates=seen.coordinates,
        shared=fitted.shared + chosen["unrated"] * fitted.without_rating,
        shared_weights=weights,
        effects=posterior.effects,
        coefficients=posterior.coefficients,
        precision=_precision(posterior),
        covariances={
            EVERYBODY: Covariance(
                prior.shared, -posterior.statistics.shared_spread, posterior.joint[:m, :m]
            ),
            TASTE: Covariance(prior.taste, change, posterior.covariances.taste),
        },
        crossed=solve(prior.shared, posterior.joint[:m, m:], assume_a="pos"),
        cross=posterior.joint[:m, m:],
        inner=posterior.joint[m:, m:],
        axes=_axes(kernels, axes),
        blocks=blocks_of(data, config.content),
        settings={
            "variances": dict(chosen["variances"]),
            "reach": list(chosen["reach"]),
            "unrated": chosen["unrated"],
        },
    )


def _precision(posterior: Posterior) -> NDArray[np.float64]:
    """How surely each rating is foretold by all others, a user's own and everybody's, [n].

    One over the variance: the diagonal of the inverse of the covariance of a user's ratings, as
    those of others leave it.
    """
    seen = posterior.observations
    shared = Shared(seen, posterior.joint, len(posterior.shared))
    found = np.empty(len(seen.value))
    for rows, own in zip(seen.by_user(), posterior.inverses, strict=True):
        among = shared.between(int(seen.user[rows.start]), seen.movie[rows])
        found[rows] = own.diagonal() - ((own @ among) * own).sum(axis=1)
    return found


def _axes(kernels: Mapping[str, NDArray[np.float64]], axes: Mapping[str, Any]) -> Any:
    """What a film's rows of the kernels, added up, are multiplied by for its coordinates, [m, p].

    The axes are eigenvectors of the kernels' sum, which a new film is placed on by its own row
    (Nyström's extension); the axes stay as they are.
    """
    content = axes.get("content")
    if content is None:
        return np.zeros((len(axes["level"]), 0))
    whole = sum(kernels.values(), np.zeros((len(content), len(content))))
    # whole @ axis is its eigenvalue times axis.
    values = (content * (whole @ content)).sum(axis=0) / (content**2).sum(axis=0)
    return content / np.where(values > 1e-9, values, np.inf)


def _training(
    data: TrainingData, users: pd.DataFrame, train: pd.DataFrame, validation: pd.DataFrame
) -> TrainingData:
    columns = ["user_id", "movie_id", "rating"]
    return replace(
        data,
        train=train[columns].assign(view=0).reset_index(drop=True),
        validation=validation[columns],
        views=(train[columns],),
        users=users,
    )


def is_told(users: pd.DataFrame) -> bool:
    """Whether age, gender and occupation of all users are known."""
    wanted = ["age", "gender", "occupation"]
    return set(wanted) <= set(users) and bool(users[wanted].notna().all().all())
