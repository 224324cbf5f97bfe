"""What experiments read of the catalogue and of the features."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from mmrec.errors import StudyError
from mmrec.features.table import FeatureTable


@dataclass(frozen=True)
class Data:
    """Ratings, users, movies and their features.

    Attributes:
        ratings: The catalogue's ratings, in the order of the data set.
        users: ``user_id, age, gender, occupation`` of every user.
        movies: Ids of all movies.
        films: ``film_id`` by ``movie_id``: some films are listed under two ids.
        tables: Feature tables by name.
    """

    ratings: pd.DataFrame
    users: pd.DataFrame
    movies: pd.Index
    films: pd.Series
    tables: Mapping[str, FeatureTable]

    def table(self, name: str) -> FeatureTable:
        """The feature table of this name.

        Raises:
            StudyError: There is none; the message lists those there are.
        """
        if name not in self.tables:
            raise StudyError(
                f"there are no {name!r} features",
                where="experiment",
                remedy=f"There are: {', '.join(self.tables) or 'none'}; its notebook makes them.",
            )
        return self.tables[name]

    def sources(self, names: Iterable[str]) -> dict[str, str]:
        """What the named tables were made from, encoders and stand-ins included."""
        told = {}
        for name in names:
            provenance = self.table(name).provenance
            stand_in = f" ({provenance['stand_in']})" if provenance.get("stand_in") else ""
            told[name] = f"{provenance['source']}, {provenance['encoder']}{stand_in}"
        return told
