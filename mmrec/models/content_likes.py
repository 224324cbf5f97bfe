"""Lists out of content alone: for each user, the likes of movies learned from what the movies are.

Kernel ridge regression of a user's likes, 1 where the user likes the movie and 0 everywhere else,
on the content of the movies :cite:p:`rasmussen2006gaussian`. All parts of the content weigh alike,
and all users share the kernel, so that one matrix is solved for all of them. A new film is scored
like any other. What is trained to rank in this way also learns which content makes a film popular,
and popularity is much of a list.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.kernel_ridge import KernelRidge
from threadpoolctl import threadpool_limits

from mmrec.models.base import TrainingData
from mmrec.models.content_kernels import mean_kernel
from mmrec.models.lists import Factors, Likes, ListModel, Scorer, everyone


@dataclass(frozen=True)
class ContentLikesConfig:
    """Settings of :class:`ContentLikes`.

    Attributes:
        content: Names of the feature tables to learn from.
        strengths: Ridge penalties to choose from.
    """

    content: tuple[str, ...]
    strengths: tuple[float, ...] = (10, 1, 3, 30, 100)

    @property
    def features(self) -> tuple[str, ...]:
        """The tables learned from."""
        return self.content

    def build(self) -> "ContentLikes":
        """An unfitted model."""
        return ContentLikes(self)


class ContentLikes(ListModel):
    """Kernel ridge regression from a movie's content to each user's likes.

    A user without a training rating gets the mean of all users' scores: the films whose content is
    liked most. Movies without any content score 0, as a film that nobody is expected to like.
    """

    def __init__(self, config: ContentLikesConfig) -> None:
        """Takes the settings."""
        self.config = config

    def fit(
        self, data: TrainingData, *, seed: int, chosen: Mapping[str, Any] | None = None
    ) -> Self:
        """Learns from the training likes; see :meth:`ListModel.fit`."""
        self._kernel = mean_kernel(data, self.config.content)
        super().fit(data, seed=seed, chosen=chosen)
        del self._kernel
        return self

    def options(self, data: TrainingData) -> Mapping[str, Sequence[Any]]:
        """The ridge penalty."""
        return {"strength": self.config.strengths}

    def learn(self, data: TrainingData, settings: Mapping[str, Any], seed: int) -> Scorer:
        """Solves for all users at once."""
        likes = Likes.of(data.train)
        at = data.movies.get_indexer(likes.movies)
        ridge = KernelRidge(alpha=settings["strength"], kernel="precomputed")
        with threadpool_limits(1):  # sums of another order round differently
            ridge.fit(self._kernel[np.ix_(at, at)], likes.matrix.T.toarray())
        factors = Factors(likes.users, data.movies, ridge.dual_coef_.T, self._kernel[at])
        average = factors.rows.mean(axis=0) @ factors.columns
        return factors.scorer(everyone(pd.Series(average, data.movies)))
