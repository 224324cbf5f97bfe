"""Films that are not in the model: what is known of them, in the model's own terms.

A block of content is compared only where the film's vector was made as the model's were. What
cannot be compared is unknown: the prediction says nothing of it, and is less certain.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mmrec.errors import StudyError
from mmrec.features import text
from mmrec.features.graph import facts
from mmrec.features.media import audio, video
from mmrec.features.table import FeatureTable
from mmrec.recommending import vocabulary
from mmrec.recommending.blocks import vectors_of
from mmrec.recommending.storing import Model, films_of

Vectors = tuple[NDArray[np.float32], NDArray[np.bool_]]

MARGIN = 0.1
"""Fraction of a trailer that is discarded at each end, as in the study."""

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
        known: By block, how many of the films it is known of.
        unknown: Why a table is known of none of them, by table.
    """

    model: Model
    places: list[int]
    known: Mapping[str, int]
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
    vectors: dict[str, Vectors] = vocabulary.vectors_of(movies, model.facts)
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
        {name: int(there[name][1].sum()) if name in there else 0 for name in model.served.blocks},
        unknown,
    )


def _rating(movies: pd.DataFrame, name: str) -> dict[str, Vectors]:
    """The crowd's mean rating, which a table of facts may hold."""
    rating = movies["imdb_rating"].to_numpy(np.float32, na_value=np.nan)[:, None] / 10
    known = np.isfinite(rating[:, 0])
    return {f"{name}: rating": (np.nan_to_num(rating), known)}


def embed(
    model: Model,
    movies: pd.DataFrame,
    *,
    trailers: Mapping[int, Path],
    posters: Mapping[int, Path],
    cache: Path,
) -> dict[str, FeatureTable]:
    """Embeds films with the encoders that a model's own were embedded with.

    Args:
        model: The model.
        movies: The films, with the columns of a catalogue's movies.
        trailers: Movie id to file; a trailer is taken before a poster.
        posters: Movie id to file.
        cache: The workspace's cache.

    Returns:
        Tables by name, of what is given and the model can compare.

    Raises:
        StudyError: A file cannot be used, or an encoder is not available.
    """
    made = model.about["features"]
    found: dict[str, FeatureTable] = {}
    if "text" in made and not text.with_summary(movies).empty:
        found["text"] = text.embed(movies, encoder=str(made["text"]["encoder"]), cache=cache)
    still = {movie_id: path for movie_id, path in posters.items() if movie_id not in trailers}
    encoder = str(made.get("video", {}).get("encoder"))
    if encoder in video.ENCODERS:
        trailer = partial(
            video.embed_trailers, encoder=encoder, margin=MARGIN, cache=cache, n_jobs=1
        )
        poster = partial(video.embed_posters, encoder=encoder, cache=cache, n_jobs=1)
        parts = [_read(trailer, trailers), _read(poster, still)]
        if some := [part for part in parts if part is not None]:
            found["video"] = _joined(some)
    encoder = str(made.get("audio", {}).get("encoder"))
    if encoder in audio.ENCODERS:
        way = partial(audio.embed_trailers, encoder=encoder, cache=cache, n_jobs=1)
        sound = _read(way, trailers)
        if sound is not None:
            found["audio"] = sound
    return found


def _read(
    way: Callable[[Mapping[int, Path]], tuple[FeatureTable, pd.DataFrame]],
    files: Mapping[int, Path],
) -> FeatureTable | None:
    """The table of some files, every one of which has to be read."""
    if not files:
        return None
    for path in files.values():
        if path.is_file() and not path.stat().st_size:
            raise StudyError("is empty (0 bytes)", where=path, remedy="Get the file again.")
    try:
        table, left_out = way(files)
    except StudyError as error:
        if len(files) > 1:
            raise
        (path,) = files.values()
        # Of a single file the remedy says what is wrong with it.
        raise StudyError(
            error.remedy, where=path, remedy="Get it again or leave it out."
        ) from error
    for row in left_out.itertuples():
        raise StudyError(str(row.reason), where=row.file, remedy="Get it again or leave it out.")
    return table


def _joined(parts: list[FeatureTable]) -> FeatureTable:
    return replace(
        parts[0],
        movie_ids=np.concatenate([part.movie_ids for part in parts]),
        vectors=np.concatenate([part.vectors for part in parts]),
        part_present=np.concatenate([part.part_present for part in parts]),
    )
