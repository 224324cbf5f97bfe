"""Lists that are the same for everybody: by popularity, and by what IMDb's users make of a movie.

A list that knows nothing of its reader is the least that a recommender has to beat
:cite:p:`cremonesi2010performance`. Movies that a user has already rated are left out of his or her
list, so that the lists differ in that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from mmrec.errors import StudyError
from mmrec.models.base import TrainingData
from mmrec.models.lists import Likes, ListModel, Scorer, everyone

COUNTED = ("ratings", "likes")
"""What popularity may be counted in."""


@dataclass(frozen=True)
class MostPopularConfig:
    """Settings of :class:`MostPopular`."""

    @property
    def features(self) -> tuple[str, ...]:
        """No feature table is read."""
        return ()

    def build(self) -> "MostPopular":
        """An unfitted model."""
        return MostPopular()


class MostPopular(ListModel):
    """Most popular movies first, counted in training ratings or in likes as the validation chooses.

    Movies without a training rating have a score of 0, so that new movies are listed at random.
    """

    def options(self, data: TrainingData) -> Mapping[str, Sequence[Any]]:
        """What to count."""
        return {"counted": COUNTED}

    def learn(self, data: TrainingData, settings: Mapping[str, Any], seed: int) -> Scorer:
        """Counts the ratings, or the likes, of each movie."""
        rated = data.train["movie_id"].value_counts()
        return everyone(
            rated if settings["counted"] == "ratings" else Likes.of(data.train).per_movie
        )


@dataclass(frozen=True)
class SortedConfig:
    """Settings of :class:`Sorted`.

    Attributes:
        table: Name of a feature table.
        part: One of its parts, of a single column.
    """

    table: str
    part: str

    @property
    def features(self) -> tuple[str, ...]:
        """The table that is sorted by."""
        return (self.table,)

    def build(self) -> "Sorted":
        """An unfitted model."""
        return Sorted(self)


class Sorted(ListModel):
    """Movies in descending order of one number, such as their IMDb rating or number of votes.

    Nothing is learned from ratings. Movies without the number come last, in random order.
    """

    def __init__(self, config: SortedConfig) -> None:
        """Takes what to sort by."""
        self.config = config

    def options(self, data: TrainingData) -> Mapping[str, Sequence[Any]]:
        """There is nothing to choose."""
        return {}

    def learn(self, data: TrainingData, settings: Mapping[str, Any], seed: int) -> Scorer:
        """Looks the number up.

        Raises:
            StudyError: If the table has no such part, or the part is wider than one column.
        """
        table = data.table(self.config.table)
        columns = table.parts.get(self.config.part, slice(0, 0))
        if columns.stop - columns.start != 1:
            raise StudyError(
                f"{self.config.part!r} is no single column",
                where=f"{self.config.table} features",
                remedy=f"Sort by one of the parts of one column: {', '.join(table.parts)}.",
            )
        known = table.part_present[:, list(table.parts).index(self.config.part)]
        value = table.vectors[known, columns.start].astype(np.float64)
        return everyone(pd.Series(value, table.movie_ids[known]))
