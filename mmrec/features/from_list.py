"""Features of an enriched list: the modalities that what was found allows."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pandas as pd

from mmrec.errors import StudyError
from mmrec.features import registry, text
from mmrec.features.cache import dropped
from mmrec.features.graph import meta
from mmrec.features.media import audio, video
from mmrec.features.table import FeatureTable

VIDEO_ENCODERS = ("resnet50", "efficientnet-lite0")
AUDIO_ENCODERS = ("vggish", "log-mel")
MARGIN = 0.1


@dataclass(frozen=True)
class Embedded:
    """What became of a modality.

    Attributes:
        modality: Its name.
        table: The table, or None.
        problem: Why there is no table, or None.
        left_out: Files that could not be used: ``movie_id, file, reason``.
    """

    modality: str
    table: FeatureTable | None = None
    problem: StudyError | None = None
    left_out: pd.DataFrame = field(default_factory=lambda: dropped([]))


def embed(
    movies: pd.DataFrame,
    trailers: Mapping[int, Path],
    *,
    word_vectors: Sequence[str],
    cache: Path,
) -> Iterator[Embedded]:
    """Embeds text and meta and, where trailers were downloaded, video and audio (paper §V.A).

    Args:
        movies: A catalogue's movies.
        trailers: Movie id to file; may be empty.
        word_vectors: As `mmrec.features.graph.meta.embed` takes them.
        cache: The workspace's cache.

    Yields:
        Each modality with its table and the files left out, or the reason why there is no table.

    Raises:
        LocalError: If the disk is full or may not be written.
    """
    ways: dict[str, Callable[[], tuple[FeatureTable, pd.DataFrame]]] = {
        "text": lambda: (text.embed(movies, cache=cache), dropped([])),
        "meta": lambda: (_meta(movies, word_vectors, cache), dropped([])),
    }
    if trailers:
        ways["video"] = partial(_video, trailers, cache)
        ways["audio"] = partial(_audio, trailers, cache)
    for modality, way in ways.items():
        try:
            table, left_out = way()
        except StudyError as error:
            yield Embedded(modality, problem=error)
        else:
            yield Embedded(modality, table, left_out=left_out)


def _meta(movies: pd.DataFrame, word_vectors: Sequence[str], cache: Path) -> FeatureTable:
    table = meta.embed(movies, word_vectors=word_vectors, cache=cache)
    # "unknown" is one of MovieLens' genres; a movie of no other is one that nothing is known of.
    named = movies["genres"].map(lambda genres: bool(set(genres) - {"unknown"}))
    known = set(movies.loc[named, "movie_id"]) | set(table.without("genres").movie_ids)
    if not known:
        raise StudyError(
            f"nothing is known of the {len(movies)} movies: no genre, director, rating or summary",
            where="catalogue",
            remedy="See failures.csv for what the providers said.",
        )
    return table


def _video(trailers: Mapping[int, Path], cache: Path) -> tuple[FeatureTable, pd.DataFrame]:
    encoder = registry.choose(video.ENCODERS, VIDEO_ENCODERS).name
    return video.embed_trailers(trailers, encoder=encoder, margin=MARGIN, cache=cache)


def _audio(trailers: Mapping[int, Path], cache: Path) -> tuple[FeatureTable, pd.DataFrame]:
    encoder = registry.choose(audio.ENCODERS, AUDIO_ENCODERS).name
    return audio.embed_trailers(trailers, encoder=encoder, cache=cache)
