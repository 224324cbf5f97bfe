"""Features of a reader's own catalogue: the modalities that its facts and files allow.

The tables have the names, the encoders and the columns of the study's, so that whatever reads the
study's features reads these.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from mmrec.catalogue.own import Own
from mmrec.errors import StudyError
from mmrec.features import text
from mmrec.features.absent import REASON, nothing
from mmrec.features.cache import dropped
from mmrec.features.graph import facts, meta
from mmrec.features.media import audio, video
from mmrec.features.table import FeatureTable

Made = tuple[FeatureTable, pd.DataFrame]

_NOT_EXPECTED = {text.NO_SYNOPSIS, facts.NO_RATING, video.NO_FILE, audio.NO_FILE}
"""Reasons that are not problems: there was no input for the table."""
_REMEDIES = {"meta": "See failures.csv for what the providers said."}


@dataclass(frozen=True)
class Choices:
    """The encoders to use; of each list, the first that is available.

    Attributes:
        text: A model of sentence-transformers.
        video: Names in `mmrec.features.media.video.ENCODERS`.
        audio: Names in `mmrec.features.media.audio.ENCODERS`.
        word_vectors: As `mmrec.features.graph.meta.embed` takes them.
        margin: Fraction of a trailer discarded at each end.
    """

    text: str = "all-MiniLM-L6-v2"
    video: tuple[str, ...] = ("resnet50", "efficientnet-lite0")
    audio: tuple[str, ...] = ("vggish", "log-mel")
    word_vectors: tuple[str, ...] = ("en_core_web_md", "corpus")
    margin: float = 0.1


@dataclass(frozen=True)
class Embedded:
    """The outcome for one table.

    Attributes:
        name: Of the table.
        table: The table, or None.
        problem: Why there is no table, or None.
        left_out: Files that could not be used: ``movie_id, file, reason``.
        expected: Whether there was any input for it.
    """

    name: str
    table: FeatureTable | None = None
    problem: StudyError | None = None
    left_out: pd.DataFrame = field(default_factory=lambda: dropped([]))
    expected: bool = True


TABLES = ("text", "meta", "facts", "facts-unrated", "imdb", "video", "audio")
"""Names of the tables, in the order in which they are computed."""


def embed(movies: pd.DataFrame, own: Own, *, choices: Choices, cache: Path) -> Iterator[Embedded]:
    """Embeds what is known of the films, and their files (paper §V.A).

    Args:
        movies: A catalogue's movies.
        own: Its files.
        choices: What to embed with.
        cache: The workspace's cache: a vector is kept as soon as it is computed.

    Yields:
        Each of :data:`TABLES` with the files left out, or the reason why there is no table.

    Raises:
        LocalError: If the disk is full or may not be written.
    """
    as_facts = facts.encode(movies)
    ways: dict[str, Callable[[], Made]] = {
        "text": lambda: _whole(_text(movies, choices.text, cache)),
        "meta": lambda: _whole(meta.of_own(movies, word_vectors=choices.word_vectors, cache=cache)),
        "facts": lambda: _whole(as_facts),
        "facts-unrated": lambda: _whole(as_facts.without(*({"rating"} & {*as_facts.parts}))),
        "imdb": lambda: _whole(facts.imdb_of_own(movies)),
        "video": lambda: video.of_own(
            own, encoders=choices.video, margin=choices.margin, cache=cache
        ),
        "audio": lambda: audio.of_own(own, encoders=choices.audio, cache=cache),
    }
    for name, way in ways.items():
        try:
            table, left_out = way()
        except StudyError as problem:
            yield Embedded(name, None, problem)
            continue
        if len(table.movie_ids):
            yield Embedded(name, table, None, left_out)
        else:
            yield _none(name, str(table.provenance[REASON]), left_out)


def _none(name: str, why: str, left_out: pd.DataFrame) -> Embedded:
    """Why there is no table; unusable files are reported one by one elsewhere."""
    expected = why not in _NOT_EXPECTED
    remedy = _REMEDIES.get(name, "Get them again.") if expected else "None is needed."
    problem = StudyError(why, where=f"{name} features", remedy=remedy)
    return Embedded(name, None, problem, left_out, expected)


def _text(movies: pd.DataFrame, encoder: str, cache: Path) -> FeatureTable:
    if text.with_summary(movies).empty:
        return nothing("text", text.NO_SYNOPSIS)
    return text.embed(movies, encoder=encoder, cache=cache)


def _whole(table: FeatureTable) -> Made:
    return table, dropped([])
