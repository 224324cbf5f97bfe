"""Films that are not in the model: what is known of them, in the model's own terms.

A block of content is compared only where the film's vector was made as the model's were. What
cannot be compared is guessed from what can, as far as it can be guessed, and the prediction is less
certain.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from mmrec.features.graph import facts
from mmrec.features.table import FeatureTable
from mmrec.recommending import vocabulary
from mmrec.recommending.blocks import Vectors, vectors_of
from mmrec.recommending.storing import Model, films_of

NOTHING = "nothing is given"
"""Why a table is not known of a film of which nothing was said."""

MADE_BY = ("encoder", "weights")
"""What two tables must agree in for their vectors to be compared."""


@dataclass(frozen=True)
class Added:
    """A model with new films.

    Attributes:
        model: The model; the new films are its last, in the order of the table.
        places: Their positions.
        known: By block, of how many of the films it is known and tells something.
        unfamiliar: Blocks of facts that are stated, but of no film one that the model knows.
        unknown: Why a table is known of none of them, by table.
    """

    model: Model
    places: list[int]
    known: Mapping[str, int]
    unfamiliar: Sequence[str]
    unknown: Mapping[str, str]


def added(model: Model, movies: pd.DataFrame, tables: Mapping[str, FeatureTable]) -> Added:
    """A model with films that nobody has rated.

    Args:
        model: The model.
        movies: The films, with the columns of a catalogue's movies. Of them come the facts.
        tables: Feature tables of what was embedded, by name: text, video, audio, …

    Raises:
        StudyError: A table has another width than the model's.
    """
    ids = movies["movie_id"].astype(int).tolist()
    given = dict(tables)
    if "imdb" in model.about["features"]:
        given["imdb"] = facts.imdb(movies)
    unknown: dict[str, str] = {}
    stated = vocabulary.vectors_of(movies, model.facts)
    vectors: dict[str, Vectors] = dict(stated)
    for name, made in model.about["features"].items():
        if name in vocabulary.TABLES:
            vectors |= _rating(movies, name)
            continue
        table = given.get(name)
        if table is None or not len(table.movie_ids):
            unknown[name] = NOTHING
        elif any(table.provenance.get(key) != made.get(key) for key in MADE_BY):
            theirs, ours = (
                f"{one.get('encoder')} ({one.get('weights')})" for one in (made, table.provenance)
            )
            unknown[name] = f"the model's vectors are of {theirs}, and these of {ours}"
    for name, block in model.served.blocks.items():
        table_name = name.split(": ", 1)[0]
        if table_name not in unknown and table_name not in vocabulary.TABLES:
            vectors[name] = vectors_of(given, ids, name, block.columns.shape[1])
    there = {name: found for name, found in vectors.items() if name in model.served.blocks}
    # Of a fact that no film of the model has, there is no column: a row of zeros stands for it.
    telling = {
        name: present & flags.any(axis=1) if name in stated else present
        for name, (flags, present) in there.items()
    }
    served = model.served.added(there, len(movies))
    films = films_of(movies)
    first = len(model.films)
    numbered = tuple(
        # Ids of other catalogues mean other films: these are told apart by negative ones.
        replace(film, movie_id=-number, film_id=-number)
        for number, film in enumerate(films, start=1)
    )
    return Added(
        replace(model, served=served, films=(*model.films, *numbered)),
        list(range(first, first + len(films))),
        {name: int(telling[name].sum()) if name in telling else 0 for name in model.served.blocks},
        [name for name in there if there[name][1].any() and not telling[name].any()],
        unknown,
    )


def _rating(movies: pd.DataFrame, name: str) -> dict[str, Vectors]:
    """The crowd's mean rating, which a table of facts may hold."""
    rating = movies["imdb_rating"].to_numpy(np.float32, na_value=np.nan)[:, None] / 10
    known = np.isfinite(rating[:, 0])
    return {f"{name}: rating": (np.nan_to_num(rating), known)}
