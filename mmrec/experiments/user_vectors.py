"""From feature tables and a split to what a model sees: movies and user profiles.

All of it depends on the split, so none of it can be a feature table: movies are standardised
over the training movies, and a user is the mean of the meta vectors of the movies he or she
rated 4 or more (paper §V.B.2) among the ratings that the split lets it see. Every quantity is
computed once per user and view, never per rating.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import torch
from scipy import sparse

from mmrec.evaluation.protocols import Split
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


def permute(present: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The control: whose vector each movie gets, row numbers [m].

    Vectors are dealt among the movies that have one. Movies can still be told apart by it, but
    it knows nothing of them. Presence stays, since which movies have a trailer or a summary
    itself says how popular they are.
    """
    rows, given = np.flatnonzero(present), np.arange(len(present))
    given[rows] = rng.permutation(rows)
    return given


def _matrix(ratings: pd.DataFrame, values, users: pd.Index, movies: pd.Index) -> sparse.csr_array:
    at = users.get_indexer(ratings["user_id"]), movies.get_indexer(ratings["movie_id"])
    return sparse.csr_array((np.asarray(values, np.float32), at), (len(users), len(movies)))


def _stream(modality: str, seed: int) -> np.random.Generator:
    """Random numbers of a modality's own: rows of different modalities go separate ways."""
    return np.random.default_rng([seed, 2, *modality.encode()])


def liked_means(
    views: Sequence[pd.DataFrame],
    users: pd.Index,
    movies: pd.Index,
    vectors: np.ndarray,
    present: np.ndarray,
) -> np.ndarray:
    """User profiles U_n of the paper, per view.

    Args:
        views: Ratings that each view's profiles may be made of.
        users: User ids, in the order of the result.
        movies: Movie ids, in the order of ``vectors``.
        vectors: Meta vectors float32 [m, d].
        present: bool [m]; likes of movies without a vector do not count.

    Returns:
        float32 [n_views, n_users, d], zero for a user with no like in the view.
    """
    profiles = []
    for ratings in views:
        liked = ratings[ratings["rating"] >= LIKED]
        likes = _matrix(liked, np.ones(len(liked)), users, movies) * present
        counts = np.maximum(likes.sum(axis=1), 1)
        profiles.append((likes @ vectors) / counts[:, None])
    return np.stack(profiles).astype(np.float32)


def movie_vectors(
    train: pd.DataFrame,
    tables: Mapping[str, FeatureTable],
    movies: pd.Index,
    *,
    permuted: bool,
    seed: int,
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Modality -> standardised vectors [m, d] and presence [m], permuted for the control.

    Args:
        train: Training ratings; columns are standardised over their movies.
        tables: Modality -> feature table.
        movies: All movie ids.
        permuted: Whether to break the link between a movie and its vectors.
        seed: Of the permutation.
    """
    train_movies = movies.isin(train["movie_id"])
    ready = {}
    for modality, table in tables.items():
        vectors, present = standardise(table, movies, train_movies)
        if permuted:
            vectors = vectors[permute(present, _stream(modality, seed))]
        ready[modality] = vectors, present
    return ready


def content_blocks(
    tables: Mapping[str, FeatureTable], movies: pd.Index, *, permuted: bool, seed: int
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The parts of feature tables one by one: matrix [m, d] as it is, and presence [m].

    Args:
        tables: Feature tables by name.
        movies: All movie ids.
        permuted: Whether to break the link between a movie and its vectors.
        seed: Of the permutation.
    """
    blocks = {}
    for name, table in tables.items():
        vectors, present = table.matrix(movies)
        if permuted:
            rows = permute(present.any(axis=1), _stream(name, seed))
            vectors, present = vectors[rows], present[rows]
        for (part, columns), flags in zip(table.parts.items(), present.T, strict=True):
            blocks[f"{name}: {part}"] = vectors[:, columns], flags
    return blocks


def content_inputs(
    split: Split,
    tables: Mapping[str, FeatureTable],
    modalities: Sequence[str],
    users: pd.Index,
    movies: pd.Index,
    *,
    profiles: str = "meta",
    permuted: bool = False,
    seed: int,
) -> Inputs:
    """Inputs of the paper's main experiments: movies by their modalities, users by their likes.

    Args:
        split: The division of the ratings.
        tables: Feature tables by modality.
        modalities: Those that represent a movie.
        users: All user ids.
        movies: All movie ids.
        profiles: The modality that users' profiles are made of.
        permuted: Whether to break the link between a movie and its vectors.
        seed: Of the permutation.
    """
    wanted = {name: tables[name] for name in sorted({*modalities, profiles})}
    ready = movie_vectors(split.train, wanted, movies, permuted=permuted, seed=seed)
    views = [*split.views, *([] if split.test_profiles is None else [split.test_profiles])]
    means = liked_means(views, users, movies, *ready[profiles])
    return Inputs(
        users=torch.from_numpy(means),
        movies={name: torch.from_numpy(ready[name][0])[None] for name in modalities},
        present={name: torch.from_numpy(ready[name][1]) for name in modalities},
    )


def rating_inputs(split: Split, users: pd.Index, movies: pd.Index) -> Inputs:
    """Inputs of the rating-vector experiment (paper §VI.E): rows and columns of the rating matrix.

    In the view of a part its ratings are missing from the user's vector and from the movie's.
    """
    matrices = np.stack(
        [_matrix(view, view["rating"], users, movies).toarray() for view in split.views]
    )
    return Inputs(
        users=torch.from_numpy(matrices),
        movies={"ratings": torch.from_numpy(matrices.transpose(0, 2, 1).copy())},
        present={"ratings": torch.ones(len(movies), dtype=torch.bool)},
        rated=frozenset({"ratings"}),
    )


def positions(ratings: pd.DataFrame, users: pd.Index, movies: pd.Index, full_view: int) -> Ratings:
    """Ratings as row positions; those outside training see the full view."""
    view = ratings["view"] if "view" in ratings else np.full(len(ratings), full_view)
    return Ratings(
        user=torch.from_numpy(users.get_indexer(ratings["user_id"]).astype(np.int64)),
        movie=torch.from_numpy(movies.get_indexer(ratings["movie_id"]).astype(np.int64)),
        rating=torch.from_numpy(ratings["rating"].to_numpy(np.float32)),
        view=torch.from_numpy(np.asarray(view, dtype=np.int64)),
    )
