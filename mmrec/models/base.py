"""What every model has in common: what it is fitted on, and what it can be asked."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from mmrec.errors import StudyError
from mmrec.features.table import FeatureTable

LIKED = 4
"""Ratings from here on count as liked (R > 3 in the paper, §V.B)."""

LIST_LENGTH = 20
"""Entries of a list of recommendations unless asked for otherwise."""

LEVELS = (0.5, 0.8, 0.95)
"""Probabilities of the intervals that a prediction with a standard deviation is given."""

USERS_PER_CHUNK = 64


@dataclass(frozen=True)
class TrainingData:
    """All that a model may see of a fold, under any protocol.

    Attributes:
        train: ``user_id, movie_id, rating, view``: the ratings to learn from; ``view`` says which
            of the views each of them may see (cross-fitting).
        validation: ``user_id, movie_id, rating``: for the choice of settings and epochs; empty in
            a refit.
        views: For each view the ratings that may enter the inputs (user vectors, rating vectors).
            The last one, all of them, serves the pairs outside training.
        test_views: As published: the ratings that user vectors of pairs outside training are made
            of, in the place of the last view; None under every other protocol.
        users: ``user_id, age, gender, occupation`` of every user.
        movies: Ids of all movies, those without a training rating included.
        features: Feature tables by name, at least those that the model's settings name.
    """

    train: pd.DataFrame
    validation: pd.DataFrame
    views: tuple[pd.DataFrame, ...]
    users: pd.DataFrame
    movies: pd.Index
    test_views: pd.DataFrame | None = None
    features: Mapping[str, FeatureTable] = field(default_factory=dict)

    def table(self, name: str) -> FeatureTable:
        """The feature table of this name.

        Raises:
            StudyError: There is none; the message lists those there are.
        """
        if name not in self.features:
            raise StudyError(
                f"there are no {name!r} features",
                where="training data",
                remedy=f"There are: {', '.join(self.features) or 'none'}; its notebook makes them.",
            )
        return self.features[name]


class Config(Protocol):
    """Settings of a model: a frozen dataclass of numbers, strings, flags and tuples of them.

    Its fields describe the model in full, so that they name its results.
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the feature tables that the model reads."""

    def build(self) -> "Recommender":
        """An unfitted model with these settings."""


class Recommender(ABC):
    """A model: fitted on training data, asked for ratings or for lists.

    Attributes:
        predicts_ratings: Whether :meth:`predict` gives ratings; models of likes only rank.
        chosen: After :meth:`fit`, the settings that the validation ratings chose. Given to a second
            fit, they are taken as they are and nothing is chosen again (a refit).
        record: After :meth:`fit`, what a table may want to know of it: ``validation_rmse``,
            ``tuning`` (each setting tried with its validation score), ``history``, ...
        reach: For each level of :data:`LEVELS`, how many standard deviations the interval of that
            probability extends on either side of a prediction; by default those of a Gaussian.
    """

    predicts_ratings: ClassVar[bool] = True
    chosen: dict[str, Any]
    record: dict[str, Any]
    reach: tuple[float, ...] = tuple(float(norm.ppf((1 + level) / 2)) for level in LEVELS)

    @abstractmethod
    def fit(
        self, data: TrainingData, *, seed: int, chosen: Mapping[str, Any] | None = None
    ) -> Self:
        """Learns from the training ratings, chooses by the validation ratings.

        Args:
            data: What may be seen.
            seed: Random seed of the model.
            chosen: Settings to take without choosing, from an earlier fit's :attr:`chosen`.

        Returns:
            The model itself.
        """

    def predict(self, pairs: pd.DataFrame) -> NDArray[np.float64]:
        """Ratings of pairs, not clipped.

        Args:
            pairs: ``user_id, movie_id`` [n].

        Returns:
            float64 [n], finite, for users and movies of the training data, with or without a
            training rating.

        Raises:
            StudyError: The model only ranks, or it cannot tell of an id that was not in the data.
        """
        raise StudyError(
            "this model ranks movies and predicts no ratings",
            where=type(self).__name__,
            remedy="Ask it for lists, or take a model that predicts ratings.",
        )

    def predictive_sd(self, pairs: pd.DataFrame) -> NDArray[np.float64] | None:
        """How far the ratings of pairs may be from :meth:`predict`.

        Args:
            pairs: ``user_id, movie_id`` [n].

        Returns:
            Standard deviations in stars, the noise of a single rating included, float64 [n]; None
            from a model that does not tell.
        """
        return None

    def score(self, users: Sequence[int], movies: Sequence[int]) -> NDArray[np.float64]:
        """What lists are sorted by, float64 [n_users, n_movies]; by default predicted ratings."""
        ids = [list(users), list(movies)]
        grid = pd.MultiIndex.from_product(ids, names=["user_id", "movie_id"])
        return self.predict(grid.to_frame(index=False)).reshape(len(users), len(movies))

    def recommend(
        self,
        users: Sequence[int],
        candidates: Sequence[int],
        seen: pd.DataFrame,
        k: int = LIST_LENGTH,
    ) -> pd.DataFrame:
        """The k candidates with the highest scores for each user, without those already rated.

        Equal scores are put in an order drawn per user from the user's id: the ids of
        MovieLens-100K begin with the popular movies, so that the order of ids would favour a model
        that says the same of every movie.

        Args:
            users: Ids of the users who get a list.
            candidates: Ids of the movies that may be listed.
            seen: ``user_id, movie_id``; these pairs are not listed.
            k: Length of a list; it is shorter where fewer candidates are left.

        Returns:
            ``user_id, rank, movie_id``, ranks from 1, users in the order given.

        Raises:
            StudyError: A score is not a number.
        """
        known, offered = pd.Index(users), pd.Index(candidates).unique().sort_values()
        at = (
            known.get_indexer(pd.Index(seen["user_id"])),
            offered.get_indexer(pd.Index(seen["movie_id"])),
        )
        hidden = np.zeros((len(known), len(offered)), bool)
        inside = (at[0] >= 0) & (at[1] >= 0)
        hidden[at[0][inside], at[1][inside]] = True
        lists = []
        for start in range(0, len(known), USERS_PER_CHUNK):
            some = known[start : start + USERS_PER_CHUNK]
            scores = np.asarray(self.score(some.tolist(), offered.tolist()), np.float64)
            if np.isnan(scores).any():
                raise StudyError(
                    f"{np.isnan(scores).sum()} of {scores.size} scores are not a number",
                    where=type(self).__name__,
                    remedy="A model must score every pair of a user and a candidate.",
                )
            for user, row, skip in zip(some, scores, hidden[start:], strict=False):
                shuffled = np.random.default_rng([4, user]).permutation(len(offered))
                shuffled = shuffled[~skip[shuffled]]
                best = shuffled[np.argsort(-row[shuffled], kind="stable")[:k]]
                ranks = np.arange(1, len(best) + 1)
                lists.append(
                    pd.DataFrame({"user_id": user, "rank": ranks, "movie_id": offered[best]})
                )
        return pd.concat(lists, ignore_index=True)
