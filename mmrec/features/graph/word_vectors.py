"""300-d word vectors, a named choice: one of word2vec's family (paper §V.A.4)."""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import spacy

from mmrec.catalogue import sources
from mmrec.catalogue.locations import Absent, check_reachable
from mmrec.errors import StudyError
from mmrec.features import text
from mmrec.features.registry import Registry
from mmrec.workspace import atomic_path

WIDTH = 300

_WORD = re.compile(r"[^\W_]+(?:[.'’-][^\W_]+)*")
_CORPUS_TRAINING = {
    "vector_size": WIDTH,
    "window": 5,
    "min_count": 2,
    "sg": 1,
    "epochs": 20,
    "seed": 0,
    "workers": 1,  # more would make the result depend on how threads interleave
}


@dataclass(frozen=True)
class WordVectors:
    """Vectors of words under a name.

    Attributes:
        name: ``en_core_web_md``, ``word2vec-google-news-300`` or ``corpus``.
        weights: Where they come from, in a line.
        find: A word's vector (float32 [300]), or None for a word that has none.
        stand_in: What they stand in for, or None.
    """

    name: str
    weights: str
    find: Callable[[str], np.ndarray | None]
    stand_in: str | None = None

    def known(self, phrase: str) -> list[np.ndarray | None]:
        """Vectors of the phrase's words, in order, None for each word that has none.

        A word is looked up as written, then in lower case.
        """
        return [self._either(word) for word in words(phrase)]

    def mean(self, phrase: str) -> np.ndarray | None:
        """Mean vector (float32 [300]) of the phrase's known words, or None if there is none."""
        found = [vector for vector in self.known(phrase) if vector is not None]
        return np.mean(found, axis=0, dtype=np.float32) if found else None

    def unknown_share(self, phrases: Iterable[str]) -> float:
        """Share of the phrases' words, repetitions counted, that have no vector."""
        found = [vector is not None for phrase in phrases for vector in self.known(phrase)]
        return 1 - float(np.mean(found)) if found else 0.0

    def _either(self, word: str) -> np.ndarray | None:
        vector = self.find(word)
        return self.find(word.lower()) if vector is None else vector


def words(phrase: str) -> list[str]:
    """The words of a phrase, without punctuation."""
    return _WORD.findall(phrase)


def choose(names: Sequence[str], summaries: Sequence[str], cache: Path) -> WordVectors:
    """Takes the first available of an ordered list of word vectors.

    Args:
        names: Of :class:`WordVectors`, in order of preference.
        summaries: What ``corpus`` is trained on.
        cache: The workspace's cache, for downloads and trained vectors.

    Raises:
        StudyError: If a name is unknown, or none of them is available. Why earlier names were
            passed over is logged in one line.
    """
    loaders = {
        "en_core_web_md": lambda: _spacy_md(cache),
        "word2vec-google-news-300": _google_news,
        "corpus": lambda: _corpus(summaries, cache),
    }
    return Registry("word vectors", loaders).first(names, lambda load: load())[1]


def _spacy_md(cache: Path) -> WordVectors:
    served = sources.fetch(sources.WORD_VECTORS_MD, cache)
    try:
        # The vectors lie in the vocabulary: no component of the pipeline is needed.
        components = [
            "tok2vec",
            "tagger",
            "parser",
            "senter",
            "attribute_ruler",
            "lemmatizer",
            "ner",
        ]
        vocabulary = spacy.load(served.path, exclude=components).vocab
    except (OSError, ValueError) as error:
        raise StudyError(
            f"not a spaCy model ({error})",
            where=served.path,
            remedy="Delete this folder and run again, or name other word vectors.",
        ) from error
    vectors = vocabulary.vectors

    def find(word: str) -> np.ndarray | None:
        row = vectors.key2row.get(vocabulary.strings[word], -1)
        return None if row < 0 else vectors.data[row]

    return WordVectors("en_core_web_md", f"sha256 {served.digest[:16]}", find)


def _google_news() -> WordVectors:
    # gensim downloads 1.7 GB once, into $GENSIM_DATA_DIR or ~/gensim-data.
    import gensim.downloader

    name = "word2vec-google-news-300"
    try:
        if not (Path(gensim.downloader.BASE_DIR) / name).exists():
            check_reachable(gensim.downloader.DATA_LIST_URL)
        vectors = gensim.downloader.load(name)
    except (Absent, OSError, ValueError, AssertionError) as error:
        raise StudyError(
            f"is not available ({error})",
            where=name,
            remedy="Connect (1.7 GB), or name other word vectors.",
        ) from error
    return _from_gensim(name, f"gensim-data {name}", vectors)


def _corpus(summaries: Sequence[str], cache: Path) -> WordVectors:
    sentences = [
        [word.lower() for word in words(sentence)]
        for of_one in text.sentences(summaries)
        for sentence in of_one
    ]
    state = json.dumps([_CORPUS_TRAINING, sentences]).encode()
    digest = hashlib.sha256(state).hexdigest()[:16]
    stored = cache / "word_vectors" / f"corpus-{digest}.kv"
    if not stored.exists():
        _train(sentences, stored)
    from gensim.models import KeyedVectors

    return _from_gensim(
        "corpus",
        f"gensim Word2Vec on {len(sentences):,} sentences, {digest}",
        KeyedVectors.load(str(stored)),
        stand_in="word vectors trained on the summaries for pre-trained ones",
    )


def _train(sentences: list[list[str]], stored: Path) -> None:
    from gensim.models import Word2Vec

    try:
        trained = Word2Vec(sentences, **_CORPUS_TRAINING)
    except RuntimeError as error:
        raise StudyError(
            f"too few words to train on ({error})",
            where=f"{len(sentences)} sentences",
            remedy="Name other word vectors, or include more movies.",
        ) from error
    with atomic_path(stored) as part:
        trained.wv.save(str(part), sep_limit=2**62)  # one file, whatever the size


def _from_gensim(name: str, weights: str, vectors, stand_in: str | None = None) -> WordVectors:
    def find(word: str) -> np.ndarray | None:
        return vectors.get_vector(word) if word in vectors else None

    return WordVectors(name, weights, find, stand_in)
