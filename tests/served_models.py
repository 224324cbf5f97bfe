"""A small served model on the hand-made ratings of :mod:`tiny`, for tests of what is made of it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from types import MappingProxyType

import numpy as np
import pandas as pd

from mmrec.features.table import FeatureTable
from mmrec.models.pair_process import PairProcess, PairProcessConfig
from mmrec.recommending import given, learning
from mmrec.recommending.served import Served
from mmrec.recommending.storing import Film, Model
from tests import tiny, training_data

PARTS = {"genres": slice(0, 5), "rating": slice(5, 6)}
N_NEW = 3
NEW = range(tiny.N_MOVIES - N_NEW, tiny.N_MOVIES)
"""Positions of the films that nobody has rated."""
NONE: Mapping[str, Sequence[int]] = MappingProxyType({})
CONFIG = PairProcessConfig(("text", "facts"), choices=2, coordinates=3, max_updates=2, dampings=())
PLAIN = replace(CONFIG, coordinates=0)


def tables(lacking: Mapping[str, Sequence[int]] = NONE) -> dict[str, FeatureTable]:
    """Two tables that hold every film, but for ``lacking``: positions of films by part."""
    ids = tiny.movie_ids()
    rng = np.random.default_rng(5)
    flags = np.ones((len(ids), 2), bool)
    vectors = rng.normal(2, 3, (len(ids), 6)).astype(np.float32)
    vectors[:, :5] = vectors[:, :5] > 2
    for place, (part, columns) in enumerate(PARTS.items()):
        gone = list(lacking.get(part, ()))
        flags[gone, place] = False
        vectors[gone, columns] = 0
    text = tiny.table("text", 4, len(ids))
    kept = np.delete(np.arange(len(ids)), list(lacking.get("text", ())))
    return {
        "text": FeatureTable("text", text.movie_ids[kept], text.vectors[kept], text.provenance),
        "facts": FeatureTable("facts", ids, vectors, {}, PARTS, flags),
    }


def data(*, lacking: Mapping[str, Sequence[int]] = NONE, known_only: bool = False):
    """Ratings of all films but the last three, which are in the catalogue or not."""
    new = tiny.movie_ids()[-N_NEW:]
    ratings = tiny.ratings()
    ratings = ratings[~ratings["movie_id"].isin(new)]
    movies = training_data.MOVIES[:-N_NEW] if known_only else training_data.MOVIES
    return training_data.of(ratings, features=tables(lacking), movies=movies)


@cache
def chosen() -> dict:
    """What a fit chooses, but two updates of the tastes in any case."""
    whole = training_data.usual()
    model = PairProcess(CONFIG).fit(replace(whole, features=tables()), seed=0)
    return {**model.chosen, "updates": 2}


@cache
def served() -> Served:
    """Of all films but the last three, which are in its catalogue unrated."""
    return learning.refit(CONFIG, data(), chosen())


def model() -> Model:
    """The same with films that have titles; the last two have one title, and some no year."""
    made = replace(served(), settings={**served().settings, "popularity": 0.5, "mean_error": 0.35})
    genres = (("Drama",), ("Comedy", "Drama"), ("Action",))
    films = tuple(
        Film(
            int(one),
            int(one),
            f"Film {min(int(one), 116)}",
            1980 + place if place % 7 else None,
            genres[place % 3],
            (f"Director {place % 5}",),
            (f"Star {place % 4}", f"Star {place % 6}"),
        )
        for place, one in enumerate(made.movies)
    )
    facts = {"facts: genres": ("Action", "Comedy", "Crime", "Drama", "War")}
    toy = {"encoder": "toy", "weights": "none", "source": "made by hand"}
    about = {"state": "x", "profile": "toy", "features": {"text": toy, "facts": toy}}
    return Model(made, films, facts, about)


def new_film() -> pd.DataFrame:
    """A drama of which nothing else is known, as a catalogue has it."""
    return given.film({"title": "A new film", "genres": ["Drama"]}, where="test")
