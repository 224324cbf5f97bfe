"""What the network sees of users and movies: vectors made of the ratings that a view shows.

A user is represented by the mean of the vectors of the movies that he or she liked (paper §V.B.2)
or, in the experiment of §VI.E, by his or her row of the rating matrix. Both depend on the fold and
the protocol, so neither can be a feature table. They are computed once per user and view.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from mmrec.models.base import LIKED, TrainingData
from mmrec.models.content import Block, movie_vectors
from mmrec.models.inputs import Inputs, Ratings


def rating_matrix(
    ratings: pd.DataFrame, values: ArrayLike, users: pd.Index, movies: pd.Index
) -> sparse.csr_array:
    """Values [n] of n ratings in a matrix, float32 [n_users, n_movies]."""
    user = users.get_indexer(pd.Index(ratings["user_id"]))
    movie = movies.get_indexer(pd.Index(ratings["movie_id"]))
    at = user, movie
    return sparse.csr_array((np.asarray(values, np.float32), at), (len(users), len(movies)))


def liked_means(
    views: Sequence[pd.DataFrame], users: pd.Index, movies: pd.Index, block: Block
) -> NDArray[np.float32]:
    """The paper's user vectors U_n in every view: means over the movies that a user liked.

    Args:
        views: For each view the ratings that it shows.
        users: User ids, in the order of the result.
        movies: Movie ids, in the order of the block.
        block: Vectors [m, d]; likes of movies without a vector do not count.

    Returns:
        float32 [n_views, n_users, d], zero for a user with no like in the view.
    """
    means = []
    for ratings in views:
        liked = ratings[ratings["rating"] >= LIKED]
        likes = rating_matrix(liked, np.ones(len(liked)), users, movies) * block.present
        counts = np.maximum(likes.sum(axis=1), 1)
        means.append((likes @ block.vectors) / counts[:, None])
    return np.stack(means).astype(np.float32)


def content_inputs(
    data: TrainingData, modalities: Sequence[str], user_vectors_from: str = "meta"
) -> Inputs:
    """Inputs of the paper's main experiments: movies by their modalities, users by their likes.

    Args:
        data: What may be seen.
        modalities: Names of the feature tables that represent a movie.
        user_vectors_from: Name of the feature table that user vectors are made of.
    """
    ready = movie_vectors(data, sorted({*modalities, user_vectors_from}))
    views = [*data.views, *([] if data.test_views is None else [data.test_views])]
    users = pd.Index(data.users["user_id"])
    means = liked_means(views, users, data.movies, ready[user_vectors_from])
    return Inputs(
        users=torch.from_numpy(means),
        movies={name: torch.from_numpy(ready[name].vectors)[None] for name in modalities},
        present={name: torch.from_numpy(ready[name].present) for name in modalities},
    )


def rating_inputs(data: TrainingData) -> Inputs:
    """Inputs of the rating-vector experiment (paper §VI.E): rows and columns of the rating matrix.

    The view of a part contains none of its ratings, neither in users' vectors nor in movies'.
    """
    users = pd.Index(data.users["user_id"])
    matrices = np.stack(
        [rating_matrix(view, view["rating"], users, data.movies).toarray() for view in data.views]
    )
    return Inputs(
        users=torch.from_numpy(matrices),
        movies={"ratings": torch.from_numpy(matrices.transpose(0, 2, 1).copy())},
        present={"ratings": torch.ones(len(data.movies), dtype=torch.bool)},
        rated=frozenset({"ratings"}),
    )


def positions(ratings: pd.DataFrame, users: pd.Index, movies: pd.Index, full_view: int) -> Ratings:
    """Ratings as row positions.

    Args:
        ratings: ``user_id, movie_id, rating``, and ``view`` if they are trained on.
        users: All user ids.
        movies: All movie ids.
        full_view: The view of ratings that are not trained on.
    """
    view = ratings["view"] if "view" in ratings else np.full(len(ratings), full_view)
    return Ratings(
        user=torch.from_numpy(users.get_indexer(pd.Index(ratings["user_id"])).astype(np.int64)),
        movie=torch.from_numpy(movies.get_indexer(pd.Index(ratings["movie_id"])).astype(np.int64)),
        rating=torch.from_numpy(ratings["rating"].to_numpy(np.float32)),
        view=torch.from_numpy(np.asarray(view, dtype=np.int64)),
    )
