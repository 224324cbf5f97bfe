"""Folds: which ratings are tested. Five published warm ones, and cold ones over films and users.

A warm test part holds other ratings of the movies and users in training. In a cold fold a fifth
of the *films* is new (``item1`` … ``item5``; two movie ids of one film stay together), a fifth of
the users (``user1`` …), or both (``both1`` …): none of their ratings is in training. For a learning
curve, a support of a few ratings of each new film or user is given back to the training part.

Every fold has a second drawing (``check-u1``, ``check-item1`` …), made in the same way from other
random numbers: a model that was developed on the first is tried on the second once, at the end.

All folds depend on MovieLens alone: on its ratings, their order, and its titles.
"""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mmrec.catalogue.movielens import FOLDS as WARM
from mmrec.catalogue.movielens import fold_masks
from mmrec.errors import StudyError

SCENARIOS = {
    "warm": (),
    "item": ("film_id",),
    "user": ("user_id",),
    "both": ("film_id", "user_id"),
}
"""What is new in the test part of each kind of fold."""

N_FOLDS = 5
"""Folds of each kind."""


@dataclass(frozen=True)
class Fold:
    """One division of the ratings into those that are tested and the others.

    Attributes:
        name: As users write it, such as ``"u1"`` or ``"item3"``.
        scenario: One of :data:`SCENARIOS`.
        number: From 1 to :data:`N_FOLDS`.
        check: Whether it is of the second drawing.
    """

    name: str
    scenario: str
    number: int
    check: bool = False

    @property
    def new(self) -> tuple[str, ...]:
        """The keys (``film_id``, ``user_id``) of what is new in the test part."""
        return SCENARIOS[self.scenario]

    @property
    def has_support(self) -> bool:
        """Whether ratings can be given back: exactly one side must be new."""
        return len(self.new) == 1


FOLDS = {
    **{name: Fold(name, "warm", number) for number, name in enumerate(WARM, start=1)},
    **{
        f"{scenario}{number}": Fold(f"{scenario}{number}", scenario, number)
        for scenario, new in SCENARIOS.items()
        if new
        for number in range(1, N_FOLDS + 1)
    },
}
FOLDS |= {
    f"check-{name}": replace(fold, name=f"check-{name}", check=True) for name, fold in FOLDS.items()
}
"""All folds by name."""

VALIDATION_SHARE = 0.1
"""Share of the other ratings, films or users that is held out to select by."""

MAX_SUPPORT = 50
"""Largest support of a new film or user. Only ratings beyond so many are tested in a learning
curve, so that every support size is tested on the same ratings."""

_CHECK = b"check"
"""Enters the random seeds of the second drawing."""

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Roles:
    """What each rating is for, bool [n] over the ratings; a rating may have no role.

    Attributes:
        train: Learned from.
        validation: Selects epochs and settings.
        test: Tested.
        cold_movies: Ids of the movies that are new, None in folds without new movies; lists are
            made of them alone.
    """

    train: Flags
    validation: Flags
    test: Flags
    cold_movies: NDArray[np.int64] | None = None


def fold_of(name: str) -> Fold:
    """The fold of that name.

    Raises:
        StudyError: There is none; the message lists those there are.
    """
    if name not in FOLDS:
        raise StudyError(
            f"unknown fold {name!r}", where="folds", remedy=f"Choose from {', '.join(FOLDS)}."
        )
    return FOLDS[name]


def scenario_of(name: str) -> str:
    """What is new in a fold's test part: ``"warm"`` (nothing), ``"item"``, ``"user"``, ``"both"``.

    >>> scenario_of("both2")
    'both'
    """
    return fold_of(name).scenario


def divide(
    ratings: pd.DataFrame,
    films: pd.Series,
    *,
    fold: str,
    seed: int,
    support_size: int | None = None,
) -> Roles:
    """Gives every rating its role.

    Args:
        ratings: The catalogue's ratings, all or those of some users.
        films: ``film_id`` by ``movie_id``.
        fold: Name in :data:`FOLDS`.
        seed: Of the validation part. The test part does not depend on it.
        support_size: Ratings of each new film or user that are in training, from 0 to
            :data:`MAX_SUPPORT`. The test part then consists of the ratings beyond the largest
            support, whatever the size. None: no support is set apart and all ratings of the new
            are tested.

    Raises:
        StudyError: The fold is unknown; the support size is out of range, or there is no support
            in this fold; or a role is left empty, as in learning curves of few users.
    """
    chosen = fold_of(fold)
    if support_size is not None and not (chosen.has_support and 0 <= support_size <= MAX_SUPPORT):
        raise StudyError(
            f"{support_size} ratings cannot be given back in fold {fold}",
            where="folds",
            remedy=f"Give back 0 to {MAX_SUPPORT} ratings in a fold of new films or of new users.",
        )
    rng = np.random.default_rng([seed, len(ratings)])
    if not chosen.new:
        test_ratings = _redrawn(chosen, ratings) if chosen.check else fold_masks(ratings)[fold]
        return _checked(_warm_roles(test_ratings, rng), fold)
    keys = ratings.assign(film_id=ratings["movie_id"].map(films))
    new = {key: _fifth(keys[key], chosen) for key in chosen.new}
    held = {key: _held_out(keys[key], new[key], rng) for key in new}
    is_new, is_held = (np.stack([keys[key].isin(some[key]) for key in new]) for some in (new, held))
    known, held_out = ~np.any(is_new, axis=0), np.any(is_held, axis=0)
    test: Flags = np.all(is_new, axis=0)
    train, validation = known & ~held_out, known & held_out
    if support_size is not None:
        (key,) = new
        rank = _ranks(keys[key], fold)
        train |= (test | validation) & (rank < support_size)
        test, validation = test & (rank >= MAX_SUPPORT), validation & (rank >= MAX_SUPPORT)
    cold = films.index[films.isin(new["film_id"])].to_numpy() if "film_id" in new else None
    return _checked(Roles(train, validation, test, cold), fold)


def _warm_roles(test: Flags, rng: np.random.Generator) -> Roles:
    rest = np.flatnonzero(~test)
    validation = np.zeros(len(test), bool)
    validation[rng.permutation(rest)[: round(VALIDATION_SHARE * len(rest))]] = True
    return Roles(~test & ~validation, validation, test)


def _checked(roles: Roles, fold: str) -> Roles:
    empty = [role for role in ("train", "validation", "test") if not getattr(roles, role).any()]
    if empty:
        raise StudyError(
            f"fold {fold} has no {' and no '.join(empty)} ratings",
            where="folds",
            remedy="Take more users (n_users), or leave the learning curve out.",
        )
    return roles


def _redrawn(fold: Fold, ratings: pd.DataFrame) -> Flags:
    """The test ratings of a warm fold of the second drawing: a random fifth of all, bool [n]."""
    order = np.random.default_rng([*_CHECK, len(ratings)]).permutation(len(ratings))
    test = np.zeros(len(ratings), bool)
    test[order[fold.number - 1 :: N_FOLDS]] = True
    return test


def _fifth(keys: pd.Series, fold: Fold) -> NDArray[np.int64]:
    """The films or users that are new in a fold: random fifths, the same for every seed."""
    seed = [*str(keys.name).encode(), *(_CHECK if fold.check else ())]
    order = np.random.default_rng(seed).permutation(np.sort(keys.unique()))
    return order[fold.number - 1 :: N_FOLDS]


def _held_out(
    keys: pd.Series, new: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.int64]:
    rest = np.setdiff1d(keys.unique(), new)
    return rng.permutation(rest)[: round(VALIDATION_SHARE * len(rest))]


def _ranks(keys: pd.Series, fold: str) -> NDArray[np.float64]:
    """Place of every rating in a random order of its film's or user's ratings, from 0."""
    drawn = pd.Series(np.random.default_rng([*fold.encode()]).random(len(keys)), keys.index)
    return np.asarray(drawn.groupby(keys).rank(method="first"), np.float64) - 1
