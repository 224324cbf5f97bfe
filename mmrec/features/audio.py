"""Audio vectors: VGGish over the whole sound track, the authors' published ones, or statistics.

Paper, section V.A: VGGish on every second of the trailer's sound, mean over samples, 128 numbers.
VGGish's own windows are 0.96 s long; these are the ones taken here.
"""

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import nn
from torchvggish import torchvggish, vggish_input

from mmrec.data import sources as data_sources
from mmrec.data.catalogue import Catalogue
from mmrec.errors import StudyError
from mmrec.features import extraction, media, weights
from mmrec.features.table import MAGNITUDE_LIMIT, FeatureTable
from mmrec.workspace import Workspace

WIDTH = 128
# The shortest sound that fills one window: 96 frames of 25 ms, 10 ms apart.
_SHORTEST = round(0.975 * media.RATE)
_PUBLISHED_ROWS, _PUBLISHED_USABLE = 1_682, 1_098
# What each source of sound stands in for.
SOURCES = {"trailers": None, "published": None, "demo": "demo trailers for trailers"}


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


@dataclass(frozen=True)
class Encoder:
    """A way from log-mel patches to one vector of 128 numbers.

    Attributes:
        title: The name as a caption writes it.
        recipe: What is computed, in a few words.
        weights: Gives the verified file of weights or raises StudyError; None if none are needed.
        summarise: Maps patches [windows, 96, 64] to [128].
    """

    title: str
    recipe: str
    weights: Callable[[], Path] | None
    summarise: Callable[[np.ndarray], np.ndarray]

    def weights_name(self) -> str:
        """Name of the file of weights, once it is there and verified."""
        return self.weights().name if self.weights else "none"


ENCODERS = {
    "vggish": Encoder(
        title="VGGish",
        recipe="VGGish without its post-processing, mean over windows",
        weights=partial(weights.from_hub, torchvggish.VGGISH_WEIGHTS),
        summarise=_vggish_mean,
    ),
    "log-mel": Encoder(
        title="log-mel statistics",
        recipe="mean and standard deviation of 64 log-mel bands over all frames",
        weights=None,
        summarise=_log_mel_statistics,
    ),
}


def choose_encoder(names: Sequence[str]) -> str:
    """The first encoder of an ordered list whose weights are to be had.

    One logged line says why earlier ones were passed over.

    Raises:
        StudyError: If a name is unknown, or no encoder can be had.
    """
    for name in names:
        _encoder(name)
    return extraction.first_to_be_had("audio encoder", names, lambda n: _encoder(n).weights_name())[
        0
    ]


def _encoder(name: str) -> Encoder:
    if name not in ENCODERS:
        raise extraction.unknown_name("audio encoder", name, list(ENCODERS))
    return ENCODERS[name]


def encode(samples: np.ndarray, encoder: str) -> np.ndarray:
    """The vector of a sound track (paper, section V.A).

    Args:
        samples: float32 [n] at 16 kHz, full scale at 1.
        encoder: A name in :data:`ENCODERS`.

    Returns:
        float32 [128].

    Raises:
        StudyError: If the encoder is unknown or its weights cannot be had.
    """
    return _encoder(encoder).summarise(patches(samples)).astype(np.float32)


def _embed_trailer(path: Path, encoder: str) -> np.ndarray:
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
    chosen = _encoder(encoder)
    file = chosen.weights_name()
    recipe = f"16 kHz mono, log-mel windows of 0.96 s; {chosen.recipe}"
    label = "demo trailers" if source == "demo" else source
    vectors, left_out = extraction.vectors_of(
        trailers,
        partial(_embed_trailer, encoder=encoder),
        recipe=f"{recipe}; {file}",
        cache=cache / "audio",
        label=label,
        n_jobs=n_jobs,
    )
    provenance = {
        "encoder": encoder,
        "weights": file,
        "recipe": recipe,
        "source": f"{label} of {len(vectors):,} movies",
        "stand_in": stand_in(source, encoder),
    }
    table = FeatureTable(
        "audio", np.array(list(vectors)), np.stack(list(vectors.values())), provenance
    )
    return table, left_out


def stand_in(source: str, encoder: str) -> str | None:
    """What a source and an encoder stand in for, as a caption says it, or None."""
    encoders = None if encoder.startswith("vggish") else f"{_encoder(encoder).title} for VGGish"
    return "; ".join(filter(None, [SOURCES[source], encoders])) or None


def import_published(path: Path) -> tuple[FeatureTable, pd.DataFrame]:
    """The authors' own audio vectors, cleaned of the rows that hold none.

    Row i of the file belongs to movie i. Rows without a number, rows whose numbers overflowed
    when they were written, and rows of zeros are left out; each has one reason, the first of
    these that holds.

    Args:
        path: The published ``audio_embeddings.csv``, no header, 1,682 rows of 128 numbers.

    Returns:
        The table ``audio``, encoder ``vggish-published``, and the movies left out:
        ``movie_id, file, reason``.

    Raises:
        StudyError: If the file is not that table, naming the row; or if the usable rows are not
            the 1,098 that the published file has.
    """
    values = _read_numbers(path)
    size = np.abs(values)
    reasons = {
        "no number (NaN)": np.isnan(values).all(axis=1),
        "overflow": (np.isnan(size) | (size > MAGNITUDE_LIMIT)).any(axis=1),
        "all zero": (values == 0).all(axis=1),
    }
    reason = np.select(list(reasons.values()), list(reasons), default="usable")
    usable = np.flatnonzero(reason == "usable")
    if len(usable) != _PUBLISHED_USABLE:
        raise StudyError(
            f"{len(usable):,} usable rows, not {_PUBLISHED_USABLE:,}",
            where=path,
            remedy="Delete the file and fetch the published one again.",
        )
    left_out = [(i + 1, path.name, str(reason[i])) for i in np.flatnonzero(reason != "usable")]
    provenance = {
        "encoder": "vggish-published",
        "weights": "the authors', unpublished",
        "recipe": "the authors' means of VGGish vectors over one-second samples, as published",
        "source": f"published audio vectors of {len(usable):,} movies",
        "stand_in": stand_in("published", "vggish-published"),
    }
    table = FeatureTable("audio", usable + 1, values[usable], provenance)
    return table, extraction.dropped(left_out)


def _read_numbers(path: Path) -> np.ndarray:
    """The file as float64 [1682, 128]."""
    remedy = "Delete the file and fetch the published one again."
    rows = []
    try:
        with path.open(newline="", encoding="utf-8") as file:
            for number, row in enumerate(csv.reader(file), start=1):
                if len(row) != WIDTH:
                    what = f"row {number} has {len(row)} values, not {WIDTH}"
                    raise StudyError(what, where=path, remedy=remedy)
                try:
                    rows.append(np.array(row, dtype=np.float64))
                except ValueError as error:
                    what = f"row {number} holds something other than numbers ({error})"
                    raise StudyError(what, where=path, remedy=remedy) from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise StudyError(f"cannot be read ({error})", where=path, remedy=remedy) from error
    if len(rows) != _PUBLISHED_ROWS:
        what = f"ends at row {len(rows)}, not {_PUBLISHED_ROWS}"
        raise StudyError(what, where=path, remedy=remedy)
    return np.stack(rows)


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
        catalogue: What ``mmrec.data.catalogue.load`` returns.
        workspace: Its cache keeps downloads, demo trailers and vectors.
        sources: Ordered names in :data:`SOURCES`; one source fills the whole table.
        encoders: Ordered names in :data:`ENCODERS`, for sources that are sound.
        demo_movies: How many of the most-rated movies get a demo trailer.
        demo_seconds: Length of a demo trailer.
        n_movies: Only the n most-rated movies; None for all.

    Returns:
        The table ``audio``, and the movies left out: ``movie_id, file, reason``.

    Raises:
        StudyError: If a name is unknown, or no source or encoder of the lists is to be had.
    """
    for name in sources:
        if name not in SOURCES:
            raise extraction.unknown_name("audio source", name, list(SOURCES))
    for name in encoders:
        _encoder(name)
    wanted = extraction.most_rated(catalogue, n_movies)
    ways = {
        "trailers": partial(extraction.own_trailers, wanted),
        "published": partial(_published, workspace),
        "demo": partial(
            extraction.rendered_trailers,
            catalogue,
            workspace,
            n=demo_movies,
            seconds=demo_seconds,
            among=wanted,
        ),
    }
    source, found = extraction.first_to_be_had("audio source", sources, lambda n: ways[n]())
    if source == "published":
        return _only(*import_published(found), wanted)
    return embed_trailers(
        found, encoder=choose_encoder(encoders), cache=workspace.cache, source=source
    )


def _published(workspace: Workspace) -> Path:
    return data_sources.fetch(data_sources.ENHANCED_AUDIO, workspace.cache).path


def _only(
    table: FeatureTable, left_out: pd.DataFrame, movie_ids: Sequence[int]
) -> tuple[FeatureTable, pd.DataFrame]:
    kept = table.movie_ids[np.isin(table.movie_ids, movie_ids)]
    source = f"published audio vectors of {len(kept):,} movies"
    provenance = {**table.provenance, "source": source}
    rows = left_out[left_out["movie_id"].isin(movie_ids)].reset_index(drop=True)
    return FeatureTable("audio", kept, table.matrix(kept)[0], provenance), rows
