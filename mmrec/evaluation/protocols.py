"""Protocols: who may see which ratings. They know ratings and nothing of models.

*Clean* is the study's main protocol. The training ratings are divided at random into parts: a
rating of one part is learned from user profiles that the *other* parts make (cross-fitting), so
that no target is hidden in its own input. Validation ratings select, and test ratings are sealed:
a model gets the bare pairs, and only :mod:`mmrec.evaluation.metrics` opens the ratings.

*As published* does what the paper's code does, one switch per point, so that the price of each
can be told. The batches, larger there, are a setting of the training.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mmrec.evaluation import folds

N_PARTS = 5
RATING = ["user_id", "movie_id", "rating"]


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
        train: ``user_id, movie_id, rating, view``: what is learned from, and which of the views
            each rating may see.
        validation: ``user_id, movie_id, rating``: they choose epochs and settings; none are left
            where they have joined the training.
        test: The sealed test part.
        views: For each view the ratings that may enter the inputs, all from ``train``. The last
            one, all of them, serves the pairs outside training.
        test_profiles: As published: what the profiles of pairs outside training are made of, in
            the place of the last view. None under clean.
        cold_movies: Ids of the movies that are new in this fold; None if none are meant to be.
    """

    train: pd.DataFrame
    validation: pd.DataFrame
    test: SealedTest
    views: tuple[pd.DataFrame, ...]
    test_profiles: pd.DataFrame | None = None
    cold_movies: np.ndarray | None = None


@dataclass(frozen=True)
class Protocol:
    """Three switches; as they stand, the clean protocol.

    Attributes:
        target_hidden: Cross-fitting. Else the rating to be learned is in its own profile.
        test_built_profiles: Profiles of the test pairs are made of the test ratings themselves.
        selected_on_test: The test part takes the validation's place, which joins the training.
    """

    target_hidden: bool = True
    test_built_profiles: bool = False
    selected_on_test: bool = False

    def split(
        self,
        ratings: pd.DataFrame,
        films: pd.Series,
        *,
        fold: str,
        seed: int,
        masking: float = 0.0,
        support_size: int | None = None,
        joined: bool = False,
    ) -> Split:
        """Divides the ratings.

        Args:
            ratings: The catalogue's ratings, all or those of some users.
            films: ``film_id`` by ``movie_id``.
            fold: One of :data:`mmrec.evaluation.folds.FOLDS`.
            seed: Of the validation part, the parts and the mask.
            masking: Share of the ratings hidden from the views (Table II); all are learned from.
            support_size: Ratings given back of each new film or user, see
                :func:`mmrec.evaluation.folds.divide`.
            joined: Whether the validation ratings join the training, once they have chosen.
        """
        roles = folds.divide(ratings, films, fold=fold, seed=seed, support_size=support_size)
        learned = roles.train | (roles.validation & (self.selected_on_test | joined))
        train = ratings.loc[learned, RATING].reset_index(drop=True)
        # Parts are drawn without regard to the rating: a balanced number of likes in each would
        # tell from the visible likes how many are hidden.
        rng = np.random.default_rng([seed, len(train)])
        train["view"] = rng.integers(N_PARTS, size=len(train)) if self.target_hidden else 0
        # A rating is hidden or not whatever the level and the protocol: masks are nested.
        kept = np.random.default_rng([seed, 1]).random(len(ratings)) >= masking
        shown_train = train[kept[learned]]
        views = [shown_train[shown_train["view"] != part] for part in range(N_PARTS)]
        return Split(
            train,
            ratings.loc[
                roles.test if self.selected_on_test else roles.validation & ~learned, RATING
            ],
            SealedTest(ratings[roles.test]),
            (*(views if self.target_hidden else ()), shown_train),
            ratings.loc[roles.test & kept, RATING] if self.test_built_profiles else None,
            roles.cold_movies,
        )


PROTOCOLS = {
    "clean": Protocol(),
    "as_published": Protocol(target_hidden=False, test_built_profiles=True, selected_on_test=True),
    # Between the two, one switch after the other turned back.
    "training_profiles": Protocol(target_hidden=False, selected_on_test=True),
    "hidden_target": Protocol(selected_on_test=True),
}


def sealed_test(
    ratings: pd.DataFrame, films: pd.Series, *, fold: str, support_size: int | None = None
) -> SealedTest:
    """The sealed test part of a fold: the same under every protocol and for every seed."""
    return SealedTest(
        ratings[folds.divide(ratings, films, fold=fold, seed=0, support_size=support_size).test]
    )
