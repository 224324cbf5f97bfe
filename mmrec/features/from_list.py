"""Features of an enriched list: the modalities that what was found allows."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

import pandas as pd

from mmrec.errors import StudyError
from mmrec.features import registry, text
from mmrec.features.graph import meta as graph
from mmrec.features.media import audio, video
from mmrec.features.table import FeatureTable

VIDEO_ENCODERS = ("resnet50", "efficientnet-lite0")
AUDIO_ENCODERS = ("vggish", "log-mel")
MARGIN = 0.1


def embed(
    movies: pd.DataFrame,
    trailers: Mapping[int, Path],
    *,
    word_vectors: Sequence[str],
    cache: Path,
) -> Iterator[tuple[str, FeatureTable | StudyError]]:
    """Embeds text and meta and, where trailers were downloaded, video and audio (paper §V.A).

    Args:
        movies: A catalogue's movies.
        trailers: Movie id to file; may be empty.
        word_vectors: As `mmrec.features.graph.meta.embed` takes them.
        cache: The workspace's cache.

    Yields:
        Modality and its table, or the reason why there is none.
    """
    ways = {
        "text": partial(text.embed, movies, cache=cache),
        "meta": partial(graph.embed, movies, word_vectors=word_vectors, cache=cache),
    }
    if trailers:
        ways["video"] = partial(_video, trailers, cache)
        ways["audio"] = partial(_audio, trailers, cache)
    for modality, way in ways.items():
        try:
            yield modality, way()
        except StudyError as error:
            yield modality, error


def _video(trailers: Mapping[int, Path], cache: Path) -> FeatureTable:
    encoder = registry.choose(video.ENCODERS, VIDEO_ENCODERS).name
    return video.embed_trailers(trailers, encoder=encoder, margin=MARGIN, cache=cache)[0]


def _audio(trailers: Mapping[int, Path], cache: Path) -> FeatureTable:
    encoder = registry.choose(audio.ENCODERS, AUDIO_ENCODERS).name
    return audio.embed_trailers(trailers, encoder=encoder, cache=cache)[0]
