"""What is known of users beside how they rate: who they are, and what they chose to watch."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.linalg import eigh

from mmrec.models.base import TrainingData

Floats = NDArray[np.float64]

FEW = 20
"""Ratings at which half of what a user's choices say is believed."""


def traits_of(data: TrainingData, *, demographic: bool, n: int) -> dict[str, Floats]:
    """Groups of users' traits by name, each float64 [n_users, columns] of mean square length 1.

    Args:
        data: Its users, movies and training ratings.
        demographic: Whether to read age, gender and occupation.
        n: Axes of users' choices, at most; 0 leaves them out.
    """
    users = pd.Index(data.users["user_id"])
    found = demographics(data.users) if demographic else {}
    watched = choices(
        users.get_indexer(pd.Index(data.train["user_id"])).astype(np.intp),
        data.movies.get_indexer(pd.Index(data.train["movie_id"])).astype(np.intp),
        (len(users), len(data.movies)),
        n,
    )
    return found | ({"choices": watched} if watched.shape[1] else {})


def demographics(users: pd.DataFrame) -> dict[str, Floats]:
    """Age and its square, gender, and occupation, each group of mean square length 1.

    Args:
        users: ``age, gender, occupation`` of every user.

    Returns:
        Float64 [n_users, columns] by group; a group in which all users are alike is left out.
    """
    age = _standard(users["age"].to_numpy(np.float64))
    female = _standard(np.asarray(users["gender"] == "F", np.float64))
    occupation = pd.get_dummies(users["occupation"], dtype=np.float64).to_numpy()
    groups = {
        "age": np.column_stack([age, _standard(age**2)]),
        "gender": female[:, None],
        "occupation": occupation - occupation.mean(axis=0),
    }
    return _scaled(groups)


def choices(
    user: NDArray[np.intp], movie: NDArray[np.intp], shape: tuple[int, int], n: int
) -> Floats:
    """The directions in which users' choices of movies differ most, whatever they rated them.

    Each user's movies, as a vector of length 1 in which popular movies count less, is centred and
    projected on the ``n`` first principal axes. A user of few ratings is drawn to the centre, and
    one of none is in it.

    Args:
        user: Position of each rating's user, int [n_ratings].
        movie: Position of its movie, int [n_ratings].
        shape: Numbers of users and of movies.
        n: Axes, at most; movies that were rated limit them.

    Returns:
        Float64 [n_users, at most n], of mean square length 1.
    """
    watched = np.zeros(shape)
    watched[user, movie] = 1
    number, popularity = watched.sum(axis=1), watched.sum(axis=0)
    scaled = watched / np.sqrt(np.maximum(number, 1))[:, None] / np.sqrt(np.maximum(popularity, 1))
    some = number > 0
    centred = np.where(some[:, None], scaled - scaled[some].mean(axis=0), 0)
    gram = centred.T @ centred
    n = min(n, int((popularity > 0).sum()))
    if not n:
        return np.zeros((shape[0], 0))
    axes = eigh(gram, subset_by_index=[len(gram) - n, len(gram) - 1])[1]
    # The sign of an axis is arbitrary; fixed, so that runs on other machines agree.
    axes *= np.where(axes[np.abs(axes).argmax(axis=0), np.arange(n)] < 0, -1, 1)
    found = centred @ axes * (number / (number + FEW))[:, None]
    return _scaled({"choices": found}).get("choices", np.zeros((shape[0], 0)))


def _standard(values: Floats) -> Floats:
    deviation = float(values.std())
    return np.asarray((values - values.mean()) / (deviation if deviation > 1e-9 else 1.0))


def _scaled(groups: dict[str, Floats]) -> dict[str, Floats]:
    length = {name: float(np.sqrt((part**2).sum(axis=1).mean())) for name, part in groups.items()}
    return {name: part / length[name] for name, part in groups.items() if length[name] > 1e-9}
