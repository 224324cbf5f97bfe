"""Splits summaries into sentences by rules."""

import hashlib
from collections.abc import Iterable
from functools import lru_cache

import spacy
from spacy.language import Language


def split(summaries: Iterable[str]) -> list[list[str]]:
    """Cuts each summary into sentences, by rules alone: no trained model is involved.

    >>> split(["Dr. Grant meets Mr. Gennaro. Both survive!", " "])
    [['Dr. Grant meets Mr. Gennaro.', 'Both survive!'], []]
    """
    documents = _sentencizer().pipe(summaries)
    return [
        [stripped for sentence in document.sents if (stripped := sentence.text.strip())]
        for document in documents
    ]


def key(text: str) -> str:
    """The key of a text in a cache: 32 hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


@lru_cache(maxsize=1)
def _sentencizer() -> Language:
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    return nlp
