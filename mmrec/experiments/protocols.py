"""Protocols: who may see which ratings. They know ratings and nothing of models.

*Clean* is the study's main protocol. The training part of a fold is divided at random into
training and validation ratings, and the training ratings into parts: a rating of one part is
learned from user profiles that the *other* parts make (cross-fitting), so that no target is
hidden in its own input. Test ratings are sealed: a model gets the bare pairs, and only
:mod:`mmrec.experiments.metrics` opens the ratings.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mmrec.data.movielens import fold_masks

VALIDATION_SHARE = 0.1
N_PARTS = 5


class SealedTest:
    """Test pairs in the open, their ratings under a seal.

    Attributes:
        pairs: ``user_id, movie_id``, in the order of the data set.
    """

    def __init__(self, ratings: pd.DataFrame):
        self.pairs = ratings[["user_id", "movie_id"]].reset_index(drop=True)
        self.__ratings = ratings["rating"].to_numpy(np.float64)

    def open(self) -> np.ndarray:
        """The ratings, float64 [n], in the order of ``pairs``; for scoring and nothing else."""
        return self.__ratings.copy()


@dataclass(frozen=True)
class Split:
    """One division of the ratings.

    Attributes:
        train: ``user_id, movie_id, rating, part``; the part is 0 … ``n_parts`` - 1.
        validation: ``user_id, movie_id, rating``: they choose epochs and settings, and enter no
            profile.
        test: The sealed test part.
    """

    train: pd.DataFrame
    validation: pd.DataFrame
    test: SealedTest


def clean(ratings: pd.DataFrame, *, fold: str, seed: int) -> Split:
    """The clean protocol on one of the published folds.

    Args:
        ratings: The catalogue's ratings, all or those of some users.
        fold: ``"u1"`` … ``"u5"``.
        seed: Of the validation set and of the parts.
    """
    in_test = fold_masks(ratings)[fold]
    columns = ["user_id", "movie_id", "rating"]
    base = ratings.loc[~in_test, columns].reset_index(drop=True)
    rng = np.random.default_rng([seed, len(base)])
    validation = np.zeros(len(base), bool)
    validation[rng.permutation(len(base))[: round(VALIDATION_SHARE * len(base))]] = True
    train = base[~validation].reset_index(drop=True)
    # Parts are drawn without regard to the rating: a balanced number of likes in each would tell
    # from the visible likes how many are hidden.
    train["part"] = rng.integers(N_PARTS, size=len(train))
    return Split(train, base[validation].reset_index(drop=True), SealedTest(ratings[in_test]))


PROTOCOLS = {"clean": clean}
