"""What the models of lists share: they learn from likes, and validation lists choose for them.

A model of lists gives scores that order movies and are no ratings. Its settings are chosen by the
lists that it makes for the users of the validation part, the way the test lists are scored.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from mmrec.errors import StudyError
from mmrec.models.base import LIKED, Recommender, TrainingData
from mmrec.models.list_gain import LISTED, ndcg_share
from mmrec.models.search import search

MEASURE = "validation_ndcg_10"
"""What settings are chosen by: the mean NDCG at rank 10 of the validation users' lists."""


class Scorer(Protocol):
    """The scores of movies for users, float64 [n_users, n_movies], for any ids."""

    def __call__(self, users: Sequence[int], movies: Sequence[int], /) -> NDArray[np.float64]:
        """Scores that lists are sorted by."""


@dataclass(frozen=True)
class Likes:
    """The likes among the training ratings.

    Attributes:
        users: Ids of the users with a training rating, ascending.
        movies: Ids of the movies with a training rating, ascending.
        matrix: Float64 [n_users, n_movies], 1 where the user likes the movie and 0 elsewhere.
    """

    users: pd.Index
    movies: pd.Index
    matrix: sparse.csr_array

    @classmethod
    def of(cls, train: pd.DataFrame) -> Self:
        """Counts ratings from :data:`mmrec.models.base.LIKED` on as likes (paper, §V.B).

        Args:
            train: ``user_id, movie_id, rating``, in any order.
        """
        users, movies = (
            pd.Index(np.sort(train[key].unique()), name=key) for key in ("user_id", "movie_id")
        )
        liked = train[train["rating"] >= LIKED]
        user, movie = (ids.get_indexer(pd.Index(liked[ids.name])) for ids in (users, movies))
        entries = sparse.coo_array(
            (np.ones(len(liked)), (user, movie)), shape=(len(users), len(movies))
        )
        return cls(users, movies, sparse.csr_array(entries))

    @property
    def per_movie(self) -> pd.Series:
        """Number of likes by movie id."""
        return pd.Series(np.asarray(self.matrix.sum(axis=0)).ravel(), self.movies)

    @property
    def pairs(self) -> pd.DataFrame:
        """The likes as ``user_id, item_id``, ordered: what LensKit's models are trained on."""
        user, movie = self.matrix.nonzero()
        return pd.DataFrame({"user_id": self.users[user], "item_id": self.movies[movie]})


@dataclass(frozen=True)
class Factors:
    """Scores as the product of a row for each user and a column for each movie.

    Attributes:
        users: Ids of n users.
        movies: Ids of m movies.
        rows: Float64 [n, k].
        columns: Float64 [k, m].
    """

    users: pd.Index
    movies: pd.Index
    rows: NDArray[np.float64]
    columns: NDArray[np.float64]

    def scorer(self, strangers: Scorer) -> Scorer:
        """Scores for any ids: unknown movies come last, unknown users get what ``strangers`` says.

        Args:
            strangers: Scores for users without a row.
        """

        def score(users: Sequence[int], movies: Sequence[int], /) -> NDArray[np.float64]:
            user = self.users.get_indexer(pd.Index(users))
            movie = self.movies.get_indexer(pd.Index(movies))
            known = movie >= 0
            found = np.empty((len(user), len(movie)))
            found[:, known] = self.rows[user] @ self.columns[:, movie[known]]
            found[:, ~known] = found[:, known].min(axis=1, initial=0, keepdims=True) - 1
            return np.where(user[:, None] < 0, strangers(users, movies), found)

        return score


class ListModel(Recommender):
    """A recommender that only ranks.

    A subclass says which settings it has and how it learns with some of them; the choice by
    validation lists is made here.
    """

    predicts_ratings: ClassVar[bool] = False

    @abstractmethod
    def options(self, data: TrainingData) -> Mapping[str, Sequence[Any]]:
        """The values to try of each setting; none where there is nothing to choose."""

    @abstractmethod
    def learn(self, data: TrainingData, settings: Mapping[str, Any], seed: int) -> Scorer:
        """Fits the model with these settings to the training ratings."""

    def fit(
        self, data: TrainingData, *, seed: int, chosen: Mapping[str, Any] | None = None
    ) -> Self:
        """Learns from the training likes, and chooses by the lists of the validation users.

        Raises:
            StudyError: If there is something to choose and no validation like to choose by.
        """
        if chosen is not None:
            self.chosen, self.record = dict(chosen), {}
            self._scorer = self.learn(data, self.chosen, seed)
            return self
        found = search(
            lambda settings: self.learn(data, settings, seed),
            self.options(data),
            lambda scorer: validation_ndcg(scorer, data),
            measure=MEASURE,
            largest=True,
        )
        self._scorer, self.chosen = found.fitted, found.settings
        self.record = {"tuning": found.tuning, MEASURE: found.score}
        return self

    def score(self, users: Sequence[int], movies: Sequence[int]) -> NDArray[np.float64]:
        """What lists are sorted by, float64 [n_users, n_movies]; no ratings."""
        return self._scorer(users, movies)


class _Fitted(Recommender):
    """A scorer that makes lists before its model is settled."""

    predicts_ratings: ClassVar[bool] = False

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer

    def fit(
        self, data: TrainingData, *, seed: int, chosen: Mapping[str, Any] | None = None
    ) -> Self:
        return self

    def score(self, users: Sequence[int], movies: Sequence[int]) -> NDArray[np.float64]:
        return self._scorer(users, movies)


def validation_ndcg(scorer: Scorer, data: TrainingData) -> float:
    """Mean NDCG@10 of lists made for the validation users; a hit is a validation like.

    Where every movie of the validation part is new, the new movies are ranked among themselves, as
    the test's are; otherwise all movies with a training or validation rating are, without those
    that the user has rated in training. Ids are counted, and no films: a model does not know which
    two ids are one film.

    Args:
        scorer: What sorts the lists.
        data: Training and validation ratings.

    Raises:
        StudyError: If the validation part has no like.
    """
    liked = data.validation[data.validation["rating"] >= LIKED]
    if liked.empty:
        raise StudyError(
            "there is no like among the validation ratings to choose the settings by",
            where="validation ratings",
            remedy="Give validation ratings, or the settings that an earlier fit has chosen.",
        )
    offered = pd.Index(data.validation["movie_id"].unique())
    trained = pd.Index(data.train["movie_id"].unique())
    candidates = offered if not offered.isin(trained).any() else offered.union(trained)
    users = pd.Index(liked["user_id"].unique()).sort_values()
    lists = _Fitted(scorer).recommend(users.tolist(), candidates.tolist(), data.train, LISTED)
    found = liked[["user_id", "movie_id"]].merge(lists, on=["user_id", "movie_id"], how="left")
    rank = found["rank"].fillna(np.inf).to_numpy(np.float64)
    n_relevant = found.groupby("user_id")["movie_id"].transform("size").to_numpy(np.int64)
    return float(ndcg_share(rank, n_relevant).sum() / len(users))


def everyone(values: pd.Series) -> Scorer:
    """The same scores for every user.

    Args:
        values: Scores by movie id; movies without one come after all others.
    """
    last = float(values.min()) - 1 if len(values) else 0.0

    def score(users: Sequence[int], movies: Sequence[int], /) -> NDArray[np.float64]:
        return np.tile(
            values.reindex(list(movies)).fillna(last).to_numpy(np.float64), (len(users), 1)
        )

    return score
