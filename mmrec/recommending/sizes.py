"""How much memory a training takes, told before anything is computed.

Three things are large, one after the other, and the largest decides: what users chose to watch, a
number for each user and film; kernels and covariances, a number for every two films; and how each
film is predicted without its own ratings, a number for each rating and film.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import psutil

from mmrec.errors import StudyError
from mmrec.models.pair_left_out import MOST_RATINGS

_OF_PAIRS = 4
"""Matrices of users times films that are there at once."""

_OF_FILMS, _LEFT = 27, 13
"""Matrices of films times films, one for each block of content not counted: at the most, and while
films are left out."""

_BASE = 0.4e9
"""Bytes that the libraries take."""


@dataclass(frozen=True)
class Size:
    """Of what is learned from.

    Attributes:
        users: Number of users.
        films: Number of films, rated or not.
        ratings: Number of ratings.
        squares: The squares of each user's number of ratings, added up.
        blocks: Blocks of content.
        effects: Columns of what users' traits do.
    """

    users: int
    films: int
    ratings: int
    squares: int
    blocks: int
    effects: int

    @classmethod
    def of(
        cls, ratings: pd.DataFrame, *, users: int, films: int, blocks: int, is_told: bool
    ) -> "Size":
        """The size of ratings with the column ``user_id``.

        Args:
            ratings: The ratings.
            users: Number of users.
            films: Number of films.
            blocks: Blocks of content.
            is_told: Whether age, gender and occupation of users are known.
        """
        each = ratings["user_id"].value_counts().to_numpy(np.int64)
        # Nine coordinates of films, times ten axes of choices and two dozen traits.
        effects = 9 * (10 + 24 * is_told)
        return cls(users, films, len(ratings), int((each**2).sum()), blocks, effects)

    @property
    def memory(self) -> float:
        """Bytes that a training takes, about."""
        share = min(1.0, MOST_RATINGS / max(self.ratings, 1))
        rows = self.ratings * (4 * (self.films + self.effects) + 32 * self.effects)
        inverses = 8.0 * self.squares
        return _BASE + max(
            8.0 * _OF_PAIRS * self.users * self.films,
            8.0 * (_OF_FILMS + self.blocks) * self.films**2 + inverses,
            8.0 * (_LEFT + self.blocks) * self.films**2
            + inverses
            + share * (rows + 32.0 * self.squares),
        )

    def fits(self, trainings: int = 1) -> bool:
        """Whether there is memory enough for so many trainings at the same time."""
        return trainings * self.memory <= _free()

    def check(self) -> None:
        """Sees to it that there is memory enough.

        Raises:
            StudyError: There is not.
        """
        if self.fits():
            return
        raise StudyError(
            f"to learn from {self.ratings:,} ratings of {self.films:,} films by {self.users:,} "
            f"users takes about {self.memory / 1e9:.0f} GB of memory; {_free() / 1e9:.0f} are free",
            where="ratings",
            remedy="Give fewer films, those with the most ratings: memory grows with the square of "
            "their number, and with users times films. Or give fewer users.",
        )


def _free() -> float:
    """Bytes of memory that a process can have now."""
    return float(psutil.virtual_memory().available)
