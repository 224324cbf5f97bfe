"""Kernel ridge regression on content: what a film is worth to everybody, and to each user.

Three layers, fitted one after the other, each to what those before it leave over:

1. the users' biases (:mod:`mmrec.models.biases`);
2. what a movie is worth to everybody: a function of its content, learned from the movies' mean
   ratings, and for movies with training ratings what these say beyond it;
3. each user's own taste: a function of the content, learned from his or her ratings alone.

Both functions are kernel ridge regressions, which are means of Gaussian processes
:cite:p:`rasmussen2006gaussian`, with one kernel: the mean of those of all parts of the content. The
second layer costs a matrix of movies by movies, and the third, per user, one of the movies that he
or she has rated. A Gaussian process over pairs would fit all layers at once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import solve
from sklearn.kernel_ridge import KernelRidge
from threadpoolctl import threadpool_limits

from mmrec.models.base import TrainingData
from mmrec.models.biases import fit_biases
from mmrec.models.content_kernels import mean_kernel
from mmrec.models.content_ridge import movie_means
from mmrec.models.search import Choice
from mmrec.models.selection import Predictor, Settings, TunedRecommender, choose_in_turn


@dataclass(frozen=True)
class ContentKernelRidgeConfig:
    """Rating = the user's bias + what the movie is worth to everybody + what to this user.

    Attributes:
        content: Names of the feature tables to learn from.
        crowd_strengths: Ridge penalties on what a movie is worth to everybody, to choose from.
        user_strengths: Ridge penalties on a user's own taste, to choose from.
        damping: Shrinkage of the biases, as a number of ratings at the mean.
    """

    content: tuple[str, ...]
    crowd_strengths: tuple[float, ...] = (100, 30, 10, 300)
    user_strengths: tuple[float, ...] = (5, 2, 1, 10, 20)
    damping: float = 5

    @property
    def features(self) -> tuple[str, ...]:
        """The tables learned from."""
        return self.content

    def build(self) -> "ContentKernelRidge":
        """An unfitted model."""
        return ContentKernelRidge(self)


class ContentKernelRidge(TunedRecommender):
    """See :class:`ContentKernelRidgeConfig`; nothing is random.

    The validation ratings choose the two strengths. A user without a training rating has neither
    bias nor taste.
    """

    def __init__(self, config: ContentKernelRidgeConfig):
        self.config = config

    def _choose(
        self, data: TrainingData, *, seed: int, chosen: Mapping[str, Any] | None
    ) -> Choice[Predictor]:
        del seed  # nothing is random
        kernel = mean_kernel(data, self.config.content)
        options: dict[str, tuple[float, ...]] = {
            "crowd_strength": self.config.crowd_strengths,
            "user_strength": self.config.user_strengths,
        }

        def fit(settings: Settings) -> Predictor:
            return _fit(
                data,
                kernel,
                settings["crowd_strength"],
                settings["user_strength"],
                self.config.damping,
            )

        with threadpool_limits(1):  # sums of another order round differently
            return choose_in_turn(fit, options, data.validation, chosen=chosen)


def _fit(
    data: TrainingData,
    kernel: NDArray[np.float64],
    crowd_strength: float,
    user_strength: float,
    damping: float,
) -> Predictor:
    biases = fit_biases(data.train, damping)

    def of_user(pairs: pd.DataFrame) -> NDArray[np.float64]:
        """Mean rating + user's bias: what the biases say of a movie that nobody has rated."""
        return biases(pairs.assign(movie_id=-1))

    left = data.train["rating"].to_numpy() - of_user(data.train)
    rated, mean, number = movie_means(data, left)
    centre = float(np.average(mean, weights=number))
    crowd = KernelRidge(alpha=crowd_strength, kernel="precomputed")
    crowd.fit(kernel[np.ix_(rated, rated)], mean - centre, sample_weight=number)
    worth = centre + kernel[:, rated] @ crowd.dual_coef_
    worth[rated] += number / (number + damping) * (mean - worth[rated])

    users = pd.Index(np.sort(data.train["user_id"].unique()))
    user = users.get_indexer(pd.Index(data.train["user_id"]))
    movie = data.movies.get_indexer(pd.Index(data.train["movie_id"]))
    tastes = _tastes(user, movie, left - worth[movie], kernel, user_strength)

    def predict(pairs: pd.DataFrame) -> NDArray[np.float64]:
        known, row = np.unique(users.get_indexer(pd.Index(pairs["user_id"])), return_inverse=True)
        column = data.movies.get_indexer(pd.Index(pairs["movie_id"]))
        taste = (tastes[known] @ kernel)[row, column]
        # A movie that is not in the data has no content, and is worth what movies are on the whole.
        own = np.where(column < 0, centre, worth[column] + taste)
        return of_user(pairs) + own

    return predict


def _tastes(
    user: NDArray[np.intp],
    movie: NDArray[np.intp],
    left: NDArray[np.float64],
    kernel: NDArray[np.float64],
    strength: float,
) -> sparse.csr_array:
    """Coefficients of the users' own kernel ridge regressions.

    Args:
        user: Position of each rating's user, int [n].
        movie: Position of its movie, int [n].
        left: What is left of the rating, float64 [n].
        kernel: Float64 [m, m].
        strength: Ridge penalty.

    Returns:
        Float64 [n_users + 1, m]; the last row, of zeros, is anyone unknown. Times the kernel, it
        gives each user's taste for each movie.
    """
    # In the order of the ids, so that nothing depends on the order of the ratings.
    order = np.lexsort([movie, user])
    coefficients = np.zeros(len(user))
    for rows in np.split(order, np.flatnonzero(np.diff(user[order])) + 1):
        own = kernel[np.ix_(movie[rows], movie[rows])]
        own[np.diag_indices(len(rows))] += strength
        coefficients[rows] = solve(own, left[rows], assume_a="pos")
    entries = sparse.coo_array(
        (coefficients, (user, movie)), shape=(int(user.max()) + 2, len(kernel))
    )
    return sparse.csr_array(entries)
