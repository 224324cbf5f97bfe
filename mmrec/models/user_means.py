"""Each user's mean rating, as an input of other models."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray


@dataclass(frozen=True)
class UserMeans:
    """Mean training ratings.

    Attributes:
        overall: Of everybody, in stars.
        own: By user id.
    """

    overall: float
    own: pd.Series

    @classmethod
    def of(cls, train: pd.DataFrame) -> Self:
        """The means of ``user_id, movie_id, rating``."""
        return cls(float(train["rating"].mean()), train.groupby("user_id")["rating"].mean())

    def of_pairs(self, pairs: pd.DataFrame) -> NDArray[np.float64]:
        """The user's mean for pairs outside training, float64 [n]; that of everybody for the new.

        Args:
            pairs: ``user_id, movie_id`` [n].
        """
        means = pairs["user_id"].map(self.own).fillna(self.overall)
        return np.asarray(means.to_numpy(np.float64))

    def of_others(self, train: pd.DataFrame) -> NDArray[np.float64]:
        """For each training rating the mean of the user's *other* ones, float64 [n].

        With a rating in its own input, a model would trust the mean too much. A user's only rating
        gets the mean of everybody.

        >>> train = pd.DataFrame({"user_id": [1, 1, 1, 2], "rating": [1, 2, 6, 3]})
        >>> UserMeans.of(train).of_others(train).tolist()
        [4.0, 3.5, 1.5, 3.0]

        Args:
            train: ``user_id, rating`` [n], those that the means are of.
        """
        ratings = train.groupby("user_id")["rating"]
        others = ratings.transform("size").to_numpy() - 1
        total = ratings.transform("sum").to_numpy(np.float64) - train["rating"].to_numpy()
        return np.where(others > 0, total / np.maximum(others, 1), self.overall)
