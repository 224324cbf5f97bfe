"""What a Gaussian process over pairs believes before it sees ratings: covariances from content."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.linalg import eigh

from mmrec.models.base import TrainingData
from mmrec.models.content_kernels import completed, kernel
from mmrec.models.pair_inference import Floats, Observations
from mmrec.models.pair_learning import Parts

LEVEL = "level"
"""Name of what is the same for all movies: a mean, or a user's own level."""

FEW = 5
"""Added to a movie's number of ratings where it scales what identity may add to content."""


def content_kernels(data: TrainingData, names: Sequence[str], *, filled: bool) -> dict[str, Floats]:
    """A kernel over all movies for each part of the content, float64 [m, m].

    A part that a movie lacks is guessed from its other parts.

    Args:
        data: Its movies, training ratings and feature tables.
        names: Feature tables.
        filled: Whether a movie that lacks a part varies in it as much as other movies do, so that
            predictions are less certain for it. Else it varies as far as the guess does, since more
            would tell the movie from all others.
    """
    found = {}
    for name, part in completed(data, names).items():
        found[name] = kernel(part)
        diagonal = np.diag(found[name]).copy()
        if filled:
            typical = float(diagonal[part.present].mean())
            diagonal[~part.present] = np.maximum(diagonal[~part.present], typical)
        found[name][np.diag_indices_from(found[name])] = diagonal
    return found


def coordinates_of(content: Mapping[str, Floats], n_movies: int, n: int) -> dict[str, Floats]:
    """What users' traits act on: the level of ratings, and principal axes of the content.

    Args:
        content: Kernels.
        n_movies: Number of movies m.
        n: Axes, at most.

    Returns:
        Float64 [m, 1] and, where there is content, [m, n], of mean square length 1.
    """
    found = {LEVEL: np.ones((n_movies, 1))}
    n = min(n, n_movies)
    if not content or not n:
        return found
    whole = sum(content.values(), np.zeros((n_movies, n_movies)))
    values, vectors = eigh(whole, subset_by_index=[n_movies - n, n_movies - 1])
    # The sign of an axis is arbitrary; fixed, so that runs on other machines agree.
    vectors *= np.where(vectors[np.abs(vectors).argmax(axis=0), np.arange(n)] < 0, -1, 1)
    axes = vectors * np.sqrt(np.maximum(values, 0))
    length = float(np.sqrt((axes**2).sum(axis=1).mean()))
    return found | ({"content": axes / length} if length > 1e-9 else {})


def observe(
    data: TrainingData, traits: Mapping[str, Floats], coordinates: Mapping[str, Floats]
) -> Observations:
    """The training ratings, less their mean, with traits of users and coordinates of movies."""
    rating = data.train["rating"].to_numpy(np.float64)
    users = pd.Index(data.users["user_id"])
    nothing = np.zeros((len(users), 0))
    return Observations.of(
        users.get_indexer(pd.Index(data.train["user_id"])).astype(np.intp),
        data.movies.get_indexer(pd.Index(data.train["movie_id"])).astype(np.intp),
        rating - rating.mean(),
        np.concatenate([nothing, *traits.values()], axis=1),
        np.concatenate(list(coordinates.values()), axis=1),
    )


def parts_of(
    seen: Observations,
    content: Mapping[str, Floats],
    traits: Mapping[str, Floats],
    coordinates: Mapping[str, Floats],
    *,
    identity: bool,
) -> Parts:
    """The parts of the covariances, each with a variance to learn.

    Without content a user's tastes for any two movies are independent at first; what ties them
    together is then learned from ratings alone.

    Args:
        seen: The ratings.
        content: Kernels.
        traits: Groups of users' traits.
        coordinates: Groups of movies' coordinates.
        identity: Whether a movie may be worth more than its content says.
    """
    size = len(seen.coordinates)
    shared = dict(content) | {LEVEL: np.ones((size, size))}
    taste = dict(content) | {LEVEL: np.ones((size, size))}
    if identity:
        shared["identity"] = np.diag(_beyond_content(seen))
    if not content:
        taste["movies"] = np.eye(size)
    effects = {
        f"{trait} x {axis}": np.outer(_where(traits, trait), _where(coordinates, axis)).ravel()
        for trait in traits
        for axis in coordinates
    }
    return Parts(shared, taste, effects)


def _where(groups: Mapping[str, Floats], wanted: str) -> Floats:
    """1 in the columns of one of several groups, else 0."""
    return np.concatenate(
        [np.full(group.shape[1], float(name == wanted)) for name, group in groups.items()]
    )


def _beyond_content(seen: Observations) -> Floats:
    """How much, relative to others, a movie may differ from what its content says, [m].

    Falling with the number of ratings: a popular movie tells more of what content is worth than a
    rare one, as it is popular movies that ratings are about. Were all movies to weigh alike, as
    under equal variances, content would be learned for rare movies, which are rated lower.
    """
    number = np.bincount(seen.movie, minlength=len(seen.coordinates)).astype(np.float64)
    typical = float(number[seen.movie].mean())
    return np.where(number > 0, (typical + FEW) / (number + FEW), 1.0)
