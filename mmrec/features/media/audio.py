"""Audio vectors: VGGish over the whole sound track, the authors' published ones, or statistics.

Paper, section V.A: VGGish on every second of the trailer's sound, mean over samples, 128 numbers.
VGGish's own windows are 0.96 s long; these are the ones taken here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn
from torchvggish import torchvggish, vggish_input

from mmrec.catalogue import sources as data_sources
from mmrec.catalogue.tables import Catalogue
from mmrec.errors import StudyError
from mmrec.features import cache as extraction
from mmrec.features import published, registry
from mmrec.features.media import decoding as media
from mmrec.features.media import weights
from mmrec.features.table import FeatureTable
from mmrec.workspace import Workspace

# The shortest sound that fills one window: 96 frames of 25 ms, 10 ms apart.
_SHORTEST = round(0.975 * media.RATE)


def patches(samples: np.ndarray) -> np.ndarray:
    """VGGish's input: log-mel patches of consecutive windows of 0.96 s.

    Args:
        samples: float32 [n] at 16 kHz, full scale at 1; less than one window is padded with
            silence, and what remains after the last whole window is left out.

    Returns:
        float32 [windows, 96 frames of 10 ms, 64 mel bands from 125 Hz to 7.5 kHz], natural
        logarithm of the magnitude plus 0.01.
    """
    padded = np.pad(samples, (0, max(0, _SHORTEST - len(samples))))
    return vggish_input.waveform_to_examples(padded, media.RATE, return_tensor=False).astype(
        np.float32
    )


@lru_cache(maxsize=1)
def _vggish() -> nn.Module:
    network = torchvggish._vgg(postprocess=False)
    path = weights.from_hub(torchvggish.VGGISH_WEIGHTS)
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return network.eval()


def _vggish_mean(windows: np.ndarray) -> np.ndarray:
    with torch.inference_mode():
        batches = torch.from_numpy(windows)[:, None].split(32)
        return torch.cat([_vggish()(batch) for batch in batches]).mean(0).numpy()


def _log_mel_statistics(windows: np.ndarray) -> np.ndarray:
    bands = windows.reshape(-1, windows.shape[-1]).astype(np.float64)
    return np.concatenate([bands.mean(axis=0), bands.std(axis=0)])


@dataclass(frozen=True, eq=False)
class Encoder(registry.Encoder):
    """A way from log-mel patches to one vector of 128 numbers.

    Attributes:
        recipe: What is computed, in a few words.
        summarise: Maps patches [windows, 96, 64] to [128].
    """

    recipe: str
    summarise: Callable[[np.ndarray], np.ndarray]


ENCODERS = registry.by_name(
    "audio encoder",
    Encoder(
        "vggish",
        "VGGish",
        partial(weights.from_hub, torchvggish.VGGISH_WEIGHTS),
        recipe="VGGish without its post-processing, mean over windows",
        summarise=_vggish_mean,
    ),
    Encoder(
        "log-mel",
        "log-mel statistics",
        None,
        recipe="mean and standard deviation of 64 log-mel bands over all frames",
        summarise=_log_mel_statistics,
    ),
)


def encode(samples: np.ndarray, encoder: Encoder) -> np.ndarray:
    """The vector of a sound track (paper, section V.A).

    Args:
        samples: float32 [n] at 16 kHz, full scale at 1.
        encoder: An entry of :data:`ENCODERS`, or one of the reader's own.

    Returns:
        float32 [128].

    Raises:
        StudyError: If the encoder's weights cannot be had.
    """
    return encoder.summarise(patches(samples)).astype(np.float32)


def _embed_trailer(path: Path, encoder: Encoder) -> np.ndarray:
    samples = media.waveform(path)
    if not samples.any():
        raise StudyError(
            "its audio is silent throughout", where=path, remedy="Take another trailer."
        )
    return encode(samples, encoder)


def embed_trailers(
    trailers: Mapping[int, Path],
    *,
    encoder: str,
    cache: Path,
    source: str = "trailers",
    n_jobs: int = -1,
) -> tuple[FeatureTable, pd.DataFrame]:
    """One vector per trailer, from its whole sound track (paper, section V.A).

    Args:
        trailers: Movie id to video or sound file.
        encoder: A name in :data:`ENCODERS`.
        cache: Folder shared by all profiles; vectors are kept in its ``audio`` folder.
        source: ``"trailers"`` or ``"demo"``, for the provenance.
        n_jobs: Parallel processes, as joblib counts them.

    Returns:
        The table ``audio``, and the trailers left out: ``movie_id, file, reason``.

    Raises:
        StudyError: If the weights cannot be had, or no trailer can be read.
    """
    chosen = ENCODERS[encoder]
    return extraction.embed(
        trailers,
        partial(_embed_trailer, encoder=chosen),
        modality="audio",
        cache=cache,
        source=source,
        encoder=encoder,
        weights=chosen.weights_name(),
        recipe=f"mean of the channels at 16 kHz, log-mel windows of 0.96 s; {chosen.recipe}",
        instead=None if encoder == "vggish" else f"{chosen.title} for VGGish",
        n_jobs=n_jobs,
    )


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
    """The audio table from the first source, and for sound the first encoder, to be had.

    Args:
        catalogue: What ``mmrec.catalogue.tables.load`` returns.
        workspace: Its cache keeps downloads, demo trailers and vectors.
        sources: Ordered names out of ``trailers``, ``published`` and ``demo``; one source fills
            the whole table.
        encoders: Ordered names in :data:`ENCODERS`, for sources that are sound.
        demo_movies: How many of the most-rated movies get a demo trailer.
        demo_seconds: Length of a demo trailer.
        n_movies: Only the n most-rated movies; None for all.

    Returns:
        The table ``audio``, and the movies left out: ``movie_id, file, reason``.

    Raises:
        StudyError: If a name is unknown, or no source or encoder of the lists is to be had.
    """
    wanted = extraction.most_rated(catalogue, n_movies)
    demo = {"demo_movies": demo_movies, "demo_seconds": demo_seconds}
    ways = {
        **extraction.trailer_sources(catalogue, workspace, wanted, **demo),
        "published": lambda: (
            data_sources.fetch(published.FILES["audio"].resource, workspace.cache).path
        ),
    }
    source, found = registry.Registry("audio source", ways).first(sources, lambda way: way())
    if source == "published":
        return _only(*published.read("audio", found), wanted)
    encoder = registry.choose(ENCODERS, encoders).name
    return embed_trailers(found, encoder=encoder, cache=workspace.cache, source=source)


def _only(
    table: FeatureTable, left_out: pd.DataFrame, movie_ids: Sequence[int]
) -> tuple[FeatureTable, pd.DataFrame]:
    kept = table.movie_ids[np.isin(table.movie_ids, movie_ids)]
    source = f"published audio vectors of {len(kept):,} movies"
    provenance = {**table.provenance, "source": source}
    rows = left_out[left_out["movie_id"].isin(movie_ids)].reset_index(drop=True)
    return FeatureTable("audio", kept, table.matrix(kept)[0], provenance), rows
