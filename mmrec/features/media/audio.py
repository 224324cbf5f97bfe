"""Audio vectors: VGGish over the whole sound track, the authors' published ones, or statistics.

Paper, section V.A: VGGish on every second of the trailer's sound, mean over samples, 128 numbers.
VGGish's own windows are 0.96 s long; these are the ones taken here.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torchvggish.torchvggish import VGGISH_WEIGHTS

from mmrec import provenance
from mmrec.catalogue import own as own_films
from mmrec.catalogue.own import Own
from mmrec.catalogue.tables import Catalogue
from mmrec.errors import StudyError
from mmrec.features import cache as file_cache
from mmrec.features import published, registry
from mmrec.features.absent import nothing
from mmrec.features.media import decoding, sound, trailers, weights
from mmrec.features.media.merging import Filled, Source, merge
from mmrec.features.media.own_files import embedded
from mmrec.features.media.sound import Encoder
from mmrec.features.table import FeatureTable
from mmrec.workspace import Workspace

THE_PAPERS = "VGGish"
_VGGISH = weights.Download(
    VGGISH_WEIGHTS, sha256="10086976245803799d9194e9a73d9b6c1549c71d1b80106f5cade5608a561f4b"
)
WEIGHTS = {"vggish": _VGGISH}
"""Files of weights by encoder; the others need none."""
NO_FILE = "no film has a trailer"
"""Why there is no audio table of a reader's own films."""

ENCODERS = registry.by_name(
    "audio encoder",
    Encoder(
        "vggish",
        THE_PAPERS,
        _VGGISH.path,
        recipe="VGGish without its post-processing, mean over windows",
        summarise=sound.vggish_mean,
    ),
    Encoder(
        "log-mel",
        "log-mel statistics",
        None,
        recipe="mean and standard deviation of 64 log-mel bands over all frames",
        summarise=sound.log_mel_statistics,
    ),
)


def _embed_trailer(path: Path, encoder: Encoder) -> NDArray[np.float32]:
    samples = decoding.waveform(path)
    if not samples.any():
        raise StudyError(
            "its audio is silent throughout", where=path, remedy="Take another trailer."
        )
    return sound.encode(samples, encoder)


def embed_trailers(
    files: Mapping[int, Path],
    *,
    encoder: str,
    cache: Path,
    source: str = "trailers",
    n_jobs: int = -1,
) -> tuple[FeatureTable, pd.DataFrame]:
    """One vector per trailer, from its whole sound track (paper, section V.A).

    Args:
        files: Movie id to video or sound file.
        encoder: A name in :data:`ENCODERS`.
        cache: Folder shared by all profiles; vectors are kept in its ``audio`` folder.
        source: ``"trailers"`` or ``"demo"``, for the provenance.
        n_jobs: Parallel processes, as joblib counts them.

    Returns:
        The table ``audio``, and the trailers left out: ``movie_id, file, reason``.

    Raises:
        StudyError: If the weights are not available, or no trailer can be read.
    """
    chosen = ENCODERS[encoder]
    return file_cache.embed(
        files,
        partial(_embed_trailer, encoder=chosen),
        modality="audio",
        cache=cache,
        source=source,
        encoder=encoder,
        weights=chosen.weights_name(),
        recipe=f"mean of the channels at 16 kHz, log-mel windows of 0.96 s; {chosen.recipe}",
        code=provenance.code_digest(sound.__name__, decoding.__name__),
        instead=chosen.instead_of(THE_PAPERS),
        n_jobs=n_jobs,
    )


def of_own(ours: Own, *, encoders: Sequence[str], cache: Path) -> tuple[FeatureTable, pd.DataFrame]:
    """The audio table of a reader's own films: the sound of their trailers.

    Args:
        ours: The reader's files.
        encoders: Ordered names in :data:`ENCODERS`; the first that is available.
        cache: The workspace's cache.

    Returns:
        The table ``audio``, of no film if there is no trailer, or none that can be used; and the
        trailers left out: ``movie_id, file, reason``.

    Raises:
        StudyError: If a name is unknown, or no encoder of the list is available.
    """
    files = ours.paths(own_films.TRAILER)
    if not files:
        return nothing("audio", NO_FILE), file_cache.dropped([])
    encoder = registry.choose(ENCODERS, encoders)
    return embedded("audio", partial(embed_trailers, encoder=encoder.name, cache=cache), files)


def build(
    catalogue: Catalogue,
    workspace: Workspace,
    *,
    sources: Sequence[str],
    encoders: Sequence[str],
    demo_movies: int,
    demo_seconds: float,
    n_movies: int | None = None,
) -> tuple[FeatureTable, pd.DataFrame]:
    """The audio table: each movie's vector from the first source that has it.

    Sources are put together as `mmrec.features.media.merging.merge` says. The published vectors
    are those of an encoder of their own: they hold negative numbers, which VGGish as implemented
    here never gives, so they share no table with vectors of trailers. Of films of a reader's own,
    the trailers are the reader's, whatever the sources: see :func:`of_own`.

    Args:
        catalogue: What ``mmrec.catalogue.tables.load`` returns.
        workspace: Its cache keeps downloads, demo trailers and vectors.
        sources: Ordered names out of ``trailers``, ``published`` and ``demo``.
        encoders: Ordered names in :data:`ENCODERS`, for sources that are sound; the first that is
            available.
        demo_movies: How many of the most-rated movies get a demo trailer.
        demo_seconds: Length of a demo trailer.
        n_movies: Only the n most-rated movies; None for all.

    Returns:
        The table ``audio``, and the movies left out: ``movie_id, file, reason``.

    Raises:
        StudyError: If a name is unknown, or no source or encoder of the lists is available.
    """
    ours = own_films.load(workspace)
    if ours is not None:
        return of_own(ours, encoders=encoders, cache=workspace.cache)
    for name in encoders:
        ENCODERS[name]  # an unknown name is reported even where no sound is to be encoded
    cache, movies = workspace.cache, catalogue.movies

    def filled(files: Mapping[int, Path], source: str, what: str) -> Filled:
        # Only now: its weights need not be downloaded where the published file serves.
        chosen = registry.choose(ENCODERS, encoders)
        made = embed_trailers(files, encoder=chosen.name, cache=cache, source=source)
        phrases = (file_cache.STAND_INS[source], chosen.instead_of(THE_PAPERS))
        return Filled(*made, what, tuple(phrase for phrase in phrases if phrase))

    def own(movie_ids: Sequence[int]) -> Filled:
        return filled(trailers.own(trailers.of(movies, movie_ids)), "trailers", "trailers")

    def demo(movie_ids: Sequence[int]) -> Filled:
        chosen_movies = trailers.of(movies, movie_ids[:demo_movies])
        files = trailers.rendered(chosen_movies, cache=cache, seconds=demo_seconds)
        return filled(files, "demo", "demo trailers")

    def authors(movie_ids: Sequence[int]) -> Filled:
        table, left_out = published.audio(cache, movie_ids)
        return Filled(table, left_out, "published audio vectors", ())

    known = {
        "trailers": Source(own),
        "published": Source(authors),
        "demo": Source(demo, placeholder=True),
    }
    return merge("audio", known, sources, catalogue.most_rated(n_movies))
