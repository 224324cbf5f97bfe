"""Ratings in the form that LensKit's models take."""

import pandas as pd
from lenskit.data import Dataset, from_interactions_df


def dataset(ratings: pd.DataFrame) -> Dataset:
    """LensKit's data set of ``user_id, movie_id, rating``; it calls movies items."""
    named = ratings[["user_id", "movie_id", "rating"]].rename(columns={"movie_id": "item_id"})
    return from_interactions_df(named)
