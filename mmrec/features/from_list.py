"""Features of a catalogue of a reader's own: the modalities that its facts and files allow.

The tables have the names, the encoders and the columns of the study's, so that whatever reads the
study's features reads these.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import joblib
import pandas as pd

from mmrec.catalogue.own import POSTER, TRAILER, Own
from mmrec.errors import StudyError
from mmrec.features import registry, text
from mmrec.features.cache import STAND_INS, dropped
from mmrec.features.graph import facts, meta
from mmrec.features.media import audio, video
from mmrec.features.media.merging import Filled, Source, merge
from mmrec.features.table import FeatureTable

FEW = 8
"""Files that are embedded here: to start other processes would take longer."""

Files = Mapping[int, Path]
Made = tuple[FeatureTable, pd.DataFrame]


@dataclass(frozen=True)
class Choices:
    """What to embed with; of each, the first that is available.

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
    """What became of a table.

    Attributes:
        name: Of the table.
        table: The table, or None.
        problem: Why there is no table, or None.
        left_out: Files that could not be used: ``movie_id, file, reason``.
        expected: Whether there was anything to make it of.
    """

    name: str
    table: FeatureTable | None = None
    problem: StudyError | None = None
    left_out: pd.DataFrame = field(default_factory=lambda: dropped([]))
    expected: bool = True


TABLES = ("text", "meta", "facts", "facts-unrated", "imdb", "video", "audio")
"""Names of the tables, in the order in which they are made."""


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
    trailers, posters = own.paths(TRAILER), own.paths(POSTER)
    as_facts = facts.encode(movies)
    told = not text.with_summary(movies).empty
    ways: dict[str, tuple[bool, Callable[[list[pd.DataFrame]], Made]]] = {
        "text": (told, lambda _: _whole(text.embed(movies, encoder=choices.text, cache=cache))),
        "meta": (True, lambda _: _whole(_meta(movies, choices.word_vectors, cache))),
        "facts": (True, lambda _: _whole(as_facts)),
        "facts-unrated": (
            True,
            lambda _: _whole(as_facts.without(*({"rating"} & {*as_facts.parts}))),
        ),
        "imdb": (bool(movies["imdb_rating"].notna().any()), lambda _: _whole(facts.imdb(movies))),
        "video": (
            bool(trailers or posters),
            lambda lost: _video(movies, trailers, posters, choices, cache, lost),
        ),
        "audio": (bool(trailers), lambda lost: _audio(trailers, choices, cache, lost)),
    }
    for name, (expected, way) in ways.items():
        lost: list[pd.DataFrame] = []
        try:
            table, left_out = way(lost) if expected else _nothing(name)
        except StudyError as problem:
            yield Embedded(name, None, _said(name, problem, lost), _joined(lost), expected)
        else:
            yield Embedded(name, table, None, _joined([left_out, *lost]), expected)


def _said(name: str, problem: StudyError, lost: Sequence[pd.DataFrame]) -> StudyError:
    """Why there is no table; where files are to blame, they are told one by one elsewhere."""
    if not lost:
        return problem
    what = f"none of the {sum(map(len, lost))} files could be used"
    return StudyError(what, where=f"{name} features", remedy="Get them again.")


def _nothing(name: str) -> Made:
    needed = {
        "text": "no film has a synopsis",
        "imdb": "no film has an IMDb rating",
        "video": "no film has a trailer or a poster",
        "audio": "no film has a trailer",
    }
    raise StudyError(needed[name], where=f"{name} features", remedy="None is needed.")


def _whole(table: FeatureTable) -> Made:
    return table, dropped([])


def _meta(movies: pd.DataFrame, word_vectors: Sequence[str], cache: Path) -> FeatureTable:
    table = meta.embed(movies, word_vectors=word_vectors, cache=cache)
    # "unknown" is one of MovieLens' genres; a movie of no other is one that nothing is known of.
    named = movies["genres"].map(lambda genres: bool(set(genres) - {"unknown"}))
    known = set(movies.loc[named, "movie_id"]) | set(table.without("genres").movie_ids)
    if not known:
        raise StudyError(
            f"nothing is known of the {len(movies)} movies: no genre, director, rating or summary",
            where="catalogue",
            remedy="See failures.csv for what the providers said.",
        )
    return table


def _video(
    movies: pd.DataFrame,
    trailers: Files,
    posters: Files,
    choices: Choices,
    cache: Path,
    lost: list[pd.DataFrame],
) -> Made:
    """A trailer's vector, or else the poster's."""
    encoder = registry.choose(video.ENCODERS, choices.video)
    ways: dict[str, tuple[Files, Callable[[Files], Made]]] = {
        "trailers": (
            trailers,
            partial(video.embed_trailers, encoder=encoder.name, margin=choices.margin, cache=cache),
        ),
        "posters": (posters, partial(video.embed_posters, encoder=encoder.name, cache=cache)),
    }

    def source(name: str) -> Source:
        files, way = ways[name]
        stand_ins = (STAND_INS[name], encoder.instead_of(video.THE_PAPERS))
        phrases = tuple(phrase for phrase in stand_ins if phrase)
        return Source(lambda _: Filled(*_told(way, files, lost), name, phrases))

    given = [name for name, (files, _) in ways.items() if files]
    known = {name: source(name) for name in given}
    return merge("video", known, given, movies["movie_id"].tolist())


def _audio(trailers: Files, choices: Choices, cache: Path, lost: list[pd.DataFrame]) -> Made:
    encoder = registry.choose(audio.ENCODERS, choices.audio)
    return _told(partial(audio.embed_trailers, encoder=encoder.name, cache=cache), trailers, lost)


def _told(embed: Callable[[Files], Made], files: Files, lost: list[pd.DataFrame]) -> Made:
    """Embeds files; if not one can be used, ``lost`` says what is wrong with each."""
    few = joblib.parallel_config("sequential") if len(files) <= FEW else nullcontext()
    with few:
        try:
            return embed(files)
        except StudyError:
            rows = []
            for movie_id, path in files.items():
                try:
                    embed({movie_id: path})
                except StudyError as error:
                    # Of one file it says what is wrong with it in the place of a remedy.
                    rows.append((movie_id, path.name, error.remedy))
            lost.append(dropped(rows))
            raise


def _joined(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    some = [part for part in parts if len(part)]
    return pd.concat(some, ignore_index=True).drop_duplicates() if some else dropped([])
