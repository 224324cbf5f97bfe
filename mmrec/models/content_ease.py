"""One model of lists for known and for new films: content first, EASE on what it leaves over.

Content says what each user would like of a film that nobody has rated
(:mod:`mmrec.models.taste_process`). EASE then learns, from who likes what, how far the likes of
each known film differ from that :cite:p:`steck2019embarrassingly`. A film without ratings has the
content's score, one with many is scored by its ratings, and the penalty of EASE decides in between.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from mmrec.models import taste_process
from mmrec.models.base import TrainingData
from mmrec.models.list_gain import ndcg_share
from mmrec.models.lists import Factors, Likes, ListModel, Scorer, everyone
from mmrec.models.taste_process import Regression, Tastes

GROUPS = 4
"""Lists of the films left out are made of a random quarter at a time, about as long as a test's."""


@dataclass(frozen=True)
class ContentEaseConfig:
    """Settings of :class:`ContentEase`.

    Attributes:
        content: Names of the feature tables to learn from.
        noises: Ridge penalties of the content to choose from, for a taste of mean strength.
        regularisations: L2 penalties of EASE to choose from; no choice in folds of new films.
        shares: How much of the content's score EASE starts from, 0 to 1, to choose from; no
            choice in folds of new films.
        rated: What a rating that is no like counts as, against 1.5 of a like: being watched is
            a weaker sign of interest.
        power: How much more a strong taste is trusted than a weak one.
        tastes: Number of tastes.
        step: Gain in NDCG, relative, that a kernel's weight must bring to be changed.
        films: Films at most, drawn at random, by which the weights of the kernels are chosen.
    """

    content: tuple[str, ...]
    noises: tuple[float, ...] = (60, 40, 90)
    regularisations: tuple[float, ...] = (700, 300, 500, 1000, 1500)
    shares: tuple[float, ...] = (0.5, 0, 0.25, 1)
    rated: float = 0.5
    power: float = 0.75
    tastes: int = 48
    step: float = 0.01
    films: int = 1000

    @property
    def features(self) -> tuple[str, ...]:
        """The tables learned from."""
        return self.content

    def build(self) -> "ContentEase":
        """An unfitted model."""
        return ContentEase(self)


class ContentEase(ListModel):
    """EASE on the difference between the likes and what content makes of them.

    The weights of the content's kernels are chosen by lists of training films, each scored as if
    nobody had rated it; the other settings by the validation lists. A user without a training
    rating gets the mean of all users' scores.
    """

    def __init__(self, config: ContentEaseConfig) -> None:
        """Takes the settings."""
        self.config = config

    def fit(
        self, data: TrainingData, *, seed: int, chosen: Mapping[str, Any] | None = None
    ) -> Self:
        """Learns from the training likes; see :meth:`ListModel.fit`.

        The weights of the kernels are part of what is chosen.
        """
        # Sums of another order round differently.
        with threadpool_limits(1):
            self._likes = Likes.of(data.train)
            self._kernels = taste_process.content_kernels(data, self.config.content)
            self._signal = self._signals(data.train)
            self._tastes = Tastes.of(self._signal, self.config.tastes)
            self._trained = data.movies.get_indexer(self._likes.movies)
            weights = dict(chosen["weights"]) if chosen else self._weigh()
            self._kernel = taste_process.weighted(self._kernels, weights, len(data.movies))
            self._solved: dict[float, tuple[NDArray[np.float64], NDArray[np.float64]]] = {}
            super().fit(data, seed=seed, chosen=chosen)
        self.chosen["weights"] = weights
        for name in ("likes", "kernels", "kernel", "signal", "tastes", "trained", "solved"):
            delattr(self, f"_{name}")
        return self

    def options(self, data: TrainingData) -> Mapping[str, Sequence[Any]]:
        """Penalty of the content, and where known films are tested what concerns EASE."""
        config = self.config
        warm = data.validation["movie_id"].isin(data.train["movie_id"]).any()
        return {
            "noise": config.noises,
            "regularisation": config.regularisations if warm else config.regularisations[:1],
            "share": config.shares if warm else config.shares[:1],
        }

    def learn(self, data: TrainingData, settings: Mapping[str, Any], seed: int) -> Scorer:
        """EASE towards the likes less what content says of them, in closed form.

        With inputs X, targets T and P the inverse of X'X plus the penalty, the weights without a
        constraint are B = P X'T; a multiple of P's column is taken from each of B's so that its
        diagonal is zero.
        """
        share, rows = settings["share"], self._signal
        worth, left_out = self._content(settings["noise"])
        gram = rows.T @ rows
        inverse = np.linalg.inv(gram + settings["regularisation"] * np.eye(len(gram)))
        between = inverse @ (gram - share * (rows.T @ self._tastes.users) @ left_out.T)
        between -= inverse * (np.diag(between) / np.diag(inverse))
        # Of a film without a rating, everything is content; so a share of none leaves it all.
        worth = worth.copy()
        worth[self._trained] = share * left_out
        own = np.zeros((len(gram), len(data.movies)))
        own[:, self._trained] = between
        factors = Factors(
            self._likes.users,
            data.movies,
            np.hstack([self._tastes.users, rows]),
            np.vstack([worth.T, own]),
        )
        average = factors.rows.mean(axis=0) @ factors.columns
        return factors.scorer(everyone(pd.Series(average, data.movies)))

    def _content(self, noise: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """What content says all movies, and the training movies left out, are worth to tastes."""
        if noise not in self._solved:
            tastes, at = self._tastes, self._trained
            penalties = tastes.noise(noise, self.config.power)
            solved = Regression(self._kernel[np.ix_(at, at)], tastes.movies, penalties)
            worth = np.asarray(self._kernel[:, at] @ solved.weights, np.float64)
            self._solved[noise] = worth, np.asarray(solved.left_out(), np.float64)
        return self._solved[noise]

    def _signals(self, train: pd.DataFrame) -> NDArray[np.float64]:
        """Likes and, worth less, all that is rated: float64 [n, m]."""
        likes = self._likes
        signal = likes.matrix.toarray()
        user = likes.users.get_indexer(pd.Index(train["user_id"]))
        movie = likes.movies.get_indexer(pd.Index(train["movie_id"]))
        signal[user, movie] += self.config.rated
        return signal

    def _weigh(self) -> dict[str, float]:
        """Coordinate search, once through the kernels, by lists of training films left out.

        A weight replaces the one in place only where it gains more than chance easily would.
        """
        weights = taste_process.start(self._kernels)
        unit = max(weights.values(), default=0.0)
        score = self._left_out_score()
        best = score(weights)
        for name, weight in list(weights.items()):
            for factor in (0, 3) if weight else (0.3, 1):
                changed = {**weights, name: factor * unit}
                found = score(changed)
                if found > best * (1 + self.config.step):
                    best, weights = found, changed
        return weights

    def _left_out_score(self) -> "_LeftOutScore":
        rng = np.random.default_rng(0)
        drawn = rng.permutation(len(self._trained))[: self.config.films]
        return _LeftOutScore(
            {
                name: kernel[np.ix_(self._trained[drawn], self._trained[drawn])].astype(np.float32)
                for name, kernel in self._kernels.items()
            },
            self._tastes,
            drawn,
            self._tastes.noise(self.config.noises[0], self.config.power),
            self._likes.matrix.toarray()[:, drawn] > 0,
        )


@dataclass(frozen=True)
class _LeftOutScore:
    """NDCG@10 of lists of training films, each scored by the others.

    Attributes:
        kernels: Float32 [m, m] each, over the m films drawn: single precision takes half the time.
        tastes: All tastes.
        drawn: The films' places among the training movies, in random order.
        penalties: The tastes' ridge penalties.
        liked: bool [n, m].
    """

    kernels: Mapping[str, NDArray[np.float32]]
    tastes: Tastes
    drawn: NDArray[np.int64]
    penalties: NDArray[np.float64]
    liked: NDArray[np.bool_]

    def __call__(self, weights: Mapping[str, float]) -> float:
        """Mean over users and groups, of the users who like a film of the group."""
        size = len(self.drawn)
        kernel = np.zeros((size, size), np.float32)
        for name, weight in weights.items():
            if weight:
                kernel += np.float32(weight) * self.kernels[name]
        targets = self.tastes.movies[self.drawn].astype(np.float32)
        worth = Regression(kernel, targets, self.penalties).left_out()
        scores = self.tastes.users @ worth.T
        found = [
            _ndcg(scores[:, some], self.liked[:, some])
            for some in np.array_split(np.arange(size), GROUPS)
            if self.liked[:, some].any()
        ]
        return float(np.mean(found)) if found else 0.0


def _ndcg(scores: NDArray[np.floating], liked: NDArray[np.bool_]) -> float:
    """Mean NDCG@10 of the users with a like, all of the films being listed."""
    some = liked.any(axis=1)
    order = np.argsort(-scores[some], axis=1, kind="stable")[:, :10]
    hits = np.take_along_axis(liked[some], order, axis=1)
    rank = np.where(hits, np.arange(1, order.shape[1] + 1), np.inf)
    n_relevant = np.broadcast_to(liked[some].sum(axis=1, keepdims=True), rank.shape)
    return float(ndcg_share(rank, n_relevant).sum(axis=1).mean())
