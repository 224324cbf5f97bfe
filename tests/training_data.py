"""Training data on the hand-made ratings of :mod:`tiny`, for tests of models by themselves."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from mmrec.features.table import FeatureTable
from mmrec.models.base import TrainingData
from tests import tiny

N_PARTS = 3
PEOPLE = pd.DataFrame(
    {
        "user_id": np.arange(1, tiny.N_USERS + 1),
        "age": np.arange(tiny.N_USERS) + 15,
        "gender": ["F", "M"] * (tiny.N_USERS // 2),
        "occupation": ["artist", "doctor", "lawyer"] * (tiny.N_USERS // 3),
    }
)
MOVIES = pd.Index(tiny.movie_ids())


def tables() -> dict[str, FeatureTable]:
    """Two feature tables, in which some movies are missing."""
    return {
        "text": tiny.table("text", 8, 36),
        "meta": tiny.table("meta", 12, 33, parts=tiny.META_PARTS),
    }


def of(
    train: pd.DataFrame,
    validation: pd.DataFrame | None = None,
    features: Mapping[str, FeatureTable] | None = None,
    **changes: object,
) -> TrainingData:
    """Training data of these ratings, cross-fitted in three parts."""
    part = np.arange(len(train)) % N_PARTS
    train = train.reset_index(drop=True).assign(view=part)
    return TrainingData(
        **{
            "train": train,
            "validation": train.iloc[:0] if validation is None else validation,
            "views": (*(train[part != view] for view in range(N_PARTS)), train),
            "users": PEOPLE,
            "movies": MOVIES,
            "features": tables() if features is None else features,
            **changes,
        }
    )


def usual() -> TrainingData:
    """All ratings but the last 80 to learn from, and these to choose by."""
    ratings = tiny.ratings()
    return of(ratings.iloc[:-80], ratings.iloc[-80:])


def every_pair() -> pd.DataFrame:
    """All users by all movies."""
    users, movies = PEOPLE["user_id"], MOVIES
    return pd.MultiIndex.from_product([users, movies], names=["user_id", "movie_id"]).to_frame(
        index=False
    )
