"""Word vectors of 300 numbers, chosen by name from word2vec's family (paper §V.A.4)."""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import spacy
from numpy.typing import NDArray

from mmrec import provenance
from mmrec.catalogue import sources
from mmrec.catalogue.locations import Upstream, pinned
from mmrec.errors import StudyError
from mmrec.features import sentences
from mmrec.features.registry import Registry
from mmrec.workspace import cached

WIDTH = 300


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


_GOOGLE_NEWS_MD5 = "a5e5354d40acb95f9ec66d5977d140ef"  # what gensim-data publishes
GOOGLE_NEWS = sources.Resource(
    name="word2vec-google-news-300",
    what="word2vec on Google News: 3,000,000 × 300 word vectors (1.7 GB)",
    licence="none stated: no redistribution",
    locations=(
        Upstream(
            "https://github.com/piskvorky/gensim-data/releases/download/word2vec-google-news-300"
            "/word2vec-google-news-300.gz",
            known_hash=f"md5:{_GOOGLE_NEWS_MD5}",
        ),
    ),
    verify=pinned(_GOOGLE_NEWS_MD5, of=_md5),
    remedy="Connect (1.7 GB), or name other word vectors.",
)
"""The vectors themselves. gensim's own downloader is not used: it runs code that it downloads."""

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
    find: Callable[[str], NDArray[np.float32] | None]
    stand_in: str | None = None

    def known(self, phrase: str) -> list[NDArray[np.float32] | None]:
        """Vectors of the phrase's words, in order, None for each word that has none.

        A word is looked up as written, then in lower case.
        """
        return [self._either(word) for word in words(phrase)]

    def mean(self, phrase: str) -> NDArray[np.float32] | None:
        """Mean vector (float32 [300]) of the phrase's known words, or None if there is none."""
        found = [vector for vector in self.known(phrase) if vector is not None]
        return np.mean(found, axis=0, dtype=np.float32) if found else None

    def unknown_share(self, phrases: Iterable[str]) -> float:
        """Share of the phrases' words, repetitions counted, that have no vector."""
        found = [vector is not None for phrase in phrases for vector in self.known(phrase)]
        return 1 - float(np.mean(found)) if found else 0.0

    def _either(self, word: str) -> NDArray[np.float32] | None:
        vector = self.find(word)
        return self.find(word.lower()) if vector is None else vector


def words(phrase: str) -> list[str]:
    """The words of a phrase, without punctuation."""
    return _WORD.findall(phrase)


def choose(names: Sequence[str], summaries: Sequence[str], cache: Path) -> WordVectors:
    """Takes the first of an ordered list of word vectors that is available.

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
        GOOGLE_NEWS.name: lambda: _google_news(cache),
        "corpus": lambda: _corpus(summaries, cache),
    }
    return Registry("word vectors", loaders).first(names, lambda load: load())[1]


def _spacy_md(cache: Path) -> WordVectors:
    served = sources.fetch(sources.WORD_VECTORS_MD, cache)
    assert served.path is not None
    assert served.digest is not None
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

    def find(word: str) -> NDArray[np.float32] | None:
        row = vectors.key2row.get(vocabulary.strings[word], -1)
        return None if row < 0 else vectors.data[row]

    return WordVectors("en_core_web_md", f"sha256 {served.digest[:16]}", find)


def _google_news(cache: Path) -> WordVectors:
    from gensim.models import KeyedVectors

    served = sources.fetch(GOOGLE_NEWS, cache)
    try:
        vectors = KeyedVectors.load_word2vec_format(str(served.path), binary=True)
    except (OSError, EOFError, ValueError) as error:
        raise StudyError(
            f"no word vectors ({error})",
            where=served.place,
            remedy="Delete the copy and run again, or name other word vectors.",
        ) from error
    name = GOOGLE_NEWS.name
    return _from_rows(name, f"md5 {served.digest}", vectors.key_to_index, vectors.vectors)


def _corpus(summaries: Sequence[str], cache: Path) -> WordVectors:
    cut = [
        [word.lower() for word in words(sentence)]
        for of_one in sentences.split(summaries)
        for sentence in of_one
    ]
    digest = provenance.digest([provenance.code_digest(__name__), _CORPUS_TRAINING, cut])
    known, vectors = cached(
        cache / "word_vectors" / f"corpus-{digest}.npz",
        lambda: _train(cut),
        read=_read,
        write=lambda trained, part: np.savez(part, words=trained[0], vectors=trained[1]),
    )
    return _from_rows(
        "corpus",
        f"gensim Word2Vec on {len(cut):,} sentences, {digest}",
        {word: row for row, word in enumerate(known.tolist())},
        vectors,
        stand_in="word vectors trained on the summaries for pre-trained ones",
    )


def _train(cut: list[list[str]]) -> tuple[NDArray[np.str_], NDArray[np.float32]]:
    from gensim.models import Word2Vec

    try:
        trained = Word2Vec(cut, **_CORPUS_TRAINING)
    except RuntimeError as error:
        raise StudyError(
            f"too few words to train on ({error})",
            where=f"{len(cut)} sentences",
            remedy="Name other word vectors, or include more movies.",
        ) from error
    return np.array(trained.wv.index_to_key), trained.wv.vectors


def _read(stored: Path) -> tuple[NDArray[np.str_], NDArray[np.float32]]:
    with np.load(stored, allow_pickle=False) as file:
        known, vectors = file["words"], file["vectors"]
    if vectors.shape != (len(known), WIDTH) or not np.isfinite(vectors).all():
        raise ValueError(f"{vectors.shape} vectors for {len(known)} words")
    return known, vectors


def _from_rows(
    name: str,
    weights: str,
    row_of: Mapping[str, int],
    vectors: NDArray[np.float32],
    stand_in: str | None = None,
) -> WordVectors:
    def find(word: str) -> NDArray[np.float32] | None:
        row = row_of.get(word)
        return None if row is None else vectors[row]

    return WordVectors(name, weights, find, stand_in)
