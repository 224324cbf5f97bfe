"""Sentence-BERT: vectors of sentences, independent of the other sentences in a batch."""

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mmrec.errors import StudyError
from mmrec.features.threads import one_thread

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

_BATCH_SENTENCES, _BATCH_TOKENS = 32, 64


def encode(sentences: Sequence[str], folder: Path) -> NDArray[np.float32]:
    """Encodes sentences in batches of equal token count, float32 [n, d].

    Nothing is padded that way: it is faster, and a vector does not depend, even in its last bit,
    on which other sentences happened to be encoded with it. For the same reason a very small
    batch, for which matrix products add up in another order, is filled with copies.

    Args:
        sentences: The n sentences.
        folder: Of a sentence-transformers model.

    Raises:
        StudyError: If the folder holds no such model.
    """
    model = load(folder)
    by_length: dict[int, list[int]] = defaultdict(list)
    for row, tokens in enumerate(model.tokenizer(list(sentences))["input_ids"]):
        by_length[len(tokens)].append(row)
    vectors: dict[int, NDArray[np.float32]] = {}
    with one_thread():
        for length, rows in by_length.items():
            for start in range(0, len(rows), _BATCH_SENTENCES):
                some = rows[start : start + _BATCH_SENTENCES]
                batch = [sentences[row] for row in some]
                batch += batch[:1] * (_BATCH_TOKENS // length - len(batch))
                encoded = model.encode(batch, batch_size=len(batch), show_progress_bar=False)
                vectors.update(zip(some, encoded[: len(some)], strict=True))
    return np.stack([vectors[row] for row in range(len(sentences))])


@lru_cache(maxsize=1)
def load(folder: Path) -> "SentenceTransformer":
    """The model in a folder, on the processor; kept for the next call.

    Raises:
        StudyError: If the folder holds no sentence-transformers model.
    """
    # Seconds to import: only when there is something to encode.
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # it would draw in the notebook
    try:
        return SentenceTransformer(str(folder), device="cpu")
    except (OSError, ValueError, KeyError) as error:
        raise StudyError(
            f"not a sentence-transformers model ({str(error).strip().splitlines()[0]})",
            where=folder,
            remedy="Name another encoder, or get this one again.",
        ) from error
