"""From feature tables and a split to what the network sees: movies, user profiles, masks.

All of it depends on the split, so none of it can be a feature table: movies are standardised
over the training movies, and a user is the mean of the meta vectors of the movies he or she
rated 4 or more (paper §V.B.2) in the *visible* training ratings. Every quantity is computed once
per user and view, never per rating.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import torch
from scipy import sparse

from mmrec.features.table import FeatureTable
from mmrec.models.training import LIKED, Inputs, Ratings


def standardise(
    table: FeatureTable, movie_ids: Sequence[int], train_movies: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """z-scores a table's columns over the training movies that have them.

    Args:
        table: Features of one modality.
        movie_ids: The m movies wanted.
        train_movies: bool [m], which of them have a training rating.

    Returns:
        float32 [m, d], zero (the training mean) where a part is unknown, and bool [m]: which
        movies have any part of the modality.
    """
    vectors, present = table.matrix(movie_ids)
    scaled = np.zeros_like(vectors)
    for (_, columns), known in zip(table.parts.items(), present.T, strict=True):
        seen = vectors[known & train_movies, columns].astype(np.float64)
        if not len(seen):
            continue
        deviation = seen.std(axis=0)
        deviation[deviation < 1e-6] = 1  # a constant column says nothing: keep it at zero
        scaled[known, columns] = (vectors[known, columns] - seen.mean(axis=0)) / deviation
    return scaled, present.any(axis=1)


def permute(vectors: np.ndarray, present: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The control: gives every movie that has a vector the vector of another one.

    Movies can still be told apart by it, but it knows nothing of them. Presence stays, since
    which movies have a trailer or a summary itself says how popular they are.
    """
    rows = np.flatnonzero(present)
    shuffled = vectors.copy()
    shuffled[rows] = vectors[rng.permutation(rows)]
    return shuffled


def visible(train: pd.DataFrame, masking: float, seed: int) -> np.ndarray:
    """Which training ratings may enter profiles, bool [n]: each is hidden with this chance."""
    rng = np.random.default_rng([seed, 1])
    return rng.random(len(train)) >= masking


def _views(train: pd.DataFrame, shown: np.ndarray):
    """The shown ratings as each view has them: without part 0, 1, …, and in the end all."""
    parts = train["part"].to_numpy()
    for part in range(parts.max() + 1):
        yield train[shown & (parts != part)]
    yield train[shown]


def _matrix(ratings: pd.DataFrame, values, users: pd.Index, movies: pd.Index) -> sparse.csr_array:
    at = users.get_indexer(ratings["user_id"]), movies.get_indexer(ratings["movie_id"])
    return sparse.csr_array((np.asarray(values, np.float32), at), (len(users), len(movies)))


def liked_means(
    train: pd.DataFrame,
    shown: np.ndarray,
    users: pd.Index,
    movies: pd.Index,
    vectors: np.ndarray,
    present: np.ndarray,
) -> np.ndarray:
    """User profiles U_n of the paper, per view.

    Args:
        train: Training ratings with their parts.
        shown: bool [n], which of them may enter profiles.
        users: User ids, in the order of the result.
        movies: Movie ids, in the order of ``vectors``.
        vectors: Meta vectors float32 [m, d].
        present: bool [m]; likes of movies without a vector do not count.

    Returns:
        float32 [n_parts + 1, n_users, d], zero for a user with no visible like.
    """
    views = []
    for ratings in _views(train, shown & (train["rating"] >= LIKED).to_numpy()):
        likes = _matrix(ratings, np.ones(len(ratings)), users, movies) * present
        counts = np.maximum(likes.sum(axis=1), 1)
        views.append((likes @ vectors) / counts[:, None])
    return np.stack(views).astype(np.float32)


def content_inputs(
    train: pd.DataFrame,
    tables: Mapping[str, FeatureTable],
    modalities: Sequence[str],
    users: pd.Index,
    movies: pd.Index,
    *,
    masking: float,
    permuted: bool,
    seed: int,
) -> Inputs:
    """Inputs of the paper's main experiments: movies by their modalities, users by their likes.

    Args:
        train: Training ratings with their parts.
        tables: Feature tables, ``meta`` among them: profiles are made of it in every row.
        modalities: Those that represent a movie.
        users: All user ids.
        movies: All movie ids.
        masking: Share of the ratings hidden from profiles (Table II).
        permuted: Whether to break the link between a movie and its vectors.
        seed: Of mask and permutation.
    """
    train_movies = movies.isin(train["movie_id"])
    ready = {}
    for modality in sorted({*modalities, "meta"}):
        vectors, present = standardise(tables[modality], movies, train_movies)
        if permuted:
            # Its own stream for each modality: rows of different modalities go separate ways.
            rng = np.random.default_rng([seed, 2, *modality.encode()])
            vectors = permute(vectors, present, rng)
        ready[modality] = vectors, present
    shown = visible(train, masking, seed)
    profiles = liked_means(train, shown, users, movies, *ready["meta"])
    return Inputs(
        users=torch.from_numpy(profiles),
        movies={name: torch.from_numpy(ready[name][0])[None] for name in modalities},
        present={name: torch.from_numpy(ready[name][1]) for name in modalities},
    )


def rating_inputs(
    train: pd.DataFrame, users: pd.Index, movies: pd.Index, *, masking: float, seed: int
) -> Inputs:
    """Inputs of the rating-vector experiment (paper §VI.E): rows and columns of the rating matrix.

    In the view of a part its ratings are missing from the user's vector and from the movie's.
    """
    matrices = np.stack(
        [
            _matrix(ratings, ratings["rating"], users, movies).toarray()
            for ratings in _views(train, visible(train, masking, seed))
        ]
    )
    return Inputs(
        users=torch.from_numpy(matrices),
        movies={"ratings": torch.from_numpy(matrices.transpose(0, 2, 1).copy())},
        present={"ratings": torch.ones(len(movies), dtype=torch.bool)},
    )


def positions(ratings: pd.DataFrame, users: pd.Index, movies: pd.Index, full_view: int) -> Ratings:
    """Ratings as row positions; those without a part see the full view."""
    view = ratings["part"] if "part" in ratings else np.full(len(ratings), full_view)
    return Ratings(
        user=torch.from_numpy(users.get_indexer(ratings["user_id"]).astype(np.int64)),
        movie=torch.from_numpy(movies.get_indexer(ratings["movie_id"]).astype(np.int64)),
        rating=torch.from_numpy(ratings["rating"].to_numpy(np.float32)),
        view=torch.from_numpy(np.asarray(view, dtype=np.int64)),
    )
