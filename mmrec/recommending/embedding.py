"""Embeds films that are not in the model, by the encoders that its own were embedded by."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from mmrec.errors import StudyError
from mmrec.features import text
from mmrec.features.media import audio, video
from mmrec.features.table import FeatureTable
from mmrec.recommending.storing import Model

MARGIN = 0.1
"""Fraction of a trailer that is discarded at each end, as in the study."""


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
        StudyError: A file cannot be read, or an encoder is not available.
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
