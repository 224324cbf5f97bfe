"""Folds: which ratings are tested. Five published warm ones, and cold ones over films and users.

A warm test part holds other ratings of the movies and users in training. In a cold fold a fifth
of the *films* is new (``item1`` … ``item5``; one film's twins under two ids stay together), a
fifth of the users (``user1`` …), or both (``both1`` …): no rating of theirs is in training. For a
learning curve, ``shown`` ratings of each new film or user are given back to the training part.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from mmrec.catalogue.movielens import FOLDS as WARM
from mmrec.catalogue.movielens import fold_masks
from mmrec.errors import StudyError

TRACKS = {"item": ("film_id",), "user": ("user_id",), "both": ("film_id", "user_id")}
"""What is new in each kind of cold fold."""

COLD = tuple(f"{track}{number}" for track in TRACKS for number in range(1, 6))
FOLDS = (*WARM, *COLD)

VALIDATION_SHARE = 0.1
"""Share of the other ratings, films or users that is held out to select by."""

SUPPORT = 50
"""Ratings of a new film or user that a learning curve can show; those beyond them are tested."""


@dataclass(frozen=True)
class Roles:
    """What each rating is for, bool [n] over the ratings; a rating may have no role.

    Attributes:
        train: Learned from.
        validation: Selects epochs and settings.
        test: Tested.
        cold_movies: Ids of the movies that are new, None in folds without such; lists are made
            of them alone.
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    cold_movies: np.ndarray | None = None


def track_of(fold: str) -> str:
    """``"warm"``, or what is new in the fold: ``"item"``, ``"user"``, ``"both"``."""
    return "warm" if fold in WARM else fold[:-1]


def divide(
    ratings: pd.DataFrame, films: pd.Series, *, fold: str, seed: int, shown: int | None = None
) -> Roles:
    """Gives every rating its role.

    Args:
        ratings: The catalogue's ratings, all or those of some users.
        films: ``film_id`` by ``movie_id``.
        fold: One of :data:`FOLDS`.
        seed: Of the validation part. The test part does not depend on it.
        shown: Ratings of each new film or user that are in training (0 … :data:`SUPPORT`); then
            only those beyond the support are tested, the same for every number. None: no
            support is set apart, and all their ratings are tested.

    Raises:
        StudyError: If the fold is unknown, or the number of shown ratings is out of range or
            asked of a fold in which not exactly one side is new, or if a role is left empty, as
            learning curves of few users leave them.
    """
    if fold not in FOLDS:
        raise StudyError(
            f"unknown fold {fold!r}", where="folds", remedy=f"Choose from {', '.join(FOLDS)}."
        )
    if shown is not None and (track_of(fold) not in ("item", "user") or not 0 <= shown <= SUPPORT):
        raise StudyError(
            f"{shown} ratings cannot be shown in fold {fold}",
            where="folds",
            remedy=f"Show 0 to {SUPPORT} ratings in a fold of new films or of new users.",
        )
    rng = np.random.default_rng([seed, len(ratings)])
    if fold in WARM:
        test = fold_masks(ratings)[fold]
        rest = np.flatnonzero(~test)
        validation = np.zeros(len(ratings), bool)
        validation[rng.permutation(rest)[: round(VALIDATION_SHARE * len(rest))]] = True
        return _checked(Roles(~test & ~validation, validation, test), fold)

    keys = ratings.assign(film_id=ratings["movie_id"].map(films))
    new = {key: _fifth(keys[key], fold) for key in TRACKS[track_of(fold)]}
    held = {key: _held_out(keys[key], new[key], rng) for key in new}
    is_new, is_held = (np.stack([keys[key].isin(some[key]) for key in new]) for some in (new, held))
    test = is_new.all(axis=0)
    train = ~is_new.any(axis=0) & ~is_held.any(axis=0)
    validation = ~is_new.any(axis=0) & is_held.any(axis=0)
    if shown is not None:
        (key,) = new
        rank = _ranks(keys[key], fold)
        train |= (test | validation) & (rank < shown)
        test, validation = test & (rank >= SUPPORT), validation & (rank >= SUPPORT)
    cold = films.index[films.isin(new["film_id"])].to_numpy() if "film_id" in new else None
    return _checked(Roles(train, validation, test, cold), fold)


def _checked(roles: Roles, fold: str) -> Roles:
    empty = [role for role in ("train", "validation", "test") if not getattr(roles, role).any()]
    if empty:
        raise StudyError(
            f"fold {fold} has no {' and no '.join(empty)} ratings",
            where="folds",
            remedy="Take more users (n_users), or leave the learning curve out.",
        )
    return roles


def _fifth(keys: pd.Series, fold: str) -> np.ndarray:
    """The films or users that are new in a fold: random fifths, the same for every seed."""
    order = np.random.default_rng([*keys.name.encode()]).permutation(np.sort(keys.unique()))
    return order[int(fold[-1]) - 1 :: 5]


def _held_out(keys: pd.Series, new: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    rest = np.setdiff1d(keys.unique(), new)
    return rng.permutation(rest)[: round(VALIDATION_SHARE * len(rest))]


def _ranks(keys: pd.Series, fold: str) -> np.ndarray:
    """Place of every rating in a random order of its film's or user's ratings, from 0."""
    drawn = pd.Series(np.random.default_rng([*fold.encode()]).random(len(keys)), keys.index)
    return drawn.groupby(keys).rank(method="first").to_numpy() - 1
