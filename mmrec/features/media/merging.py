"""Merges several sources of media into one table, movie by movie, in the order of a list."""

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from mmrec.errors import StudyError
from mmrec.features.cache import dropped
from mmrec.features.registry import Registry
from mmrec.features.table import FeatureTable

LOW_COVERAGE = 0.5
"""Share of the movies below which a warning about a table's coverage is given."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Filled:
    """The result of a source.

    Attributes:
        table: Vectors of the movies it has.
        left_out: The movies whose file it could not use: ``movie_id, file, reason``.
        what: What it consists of, such as "posters".
        stand_ins: What its vectors stand in for, a phrase each, such as "posters for trailers".
    """

    table: FeatureTable
    left_out: pd.DataFrame
    what: str
    stand_ins: tuple[str, ...]


@dataclass(frozen=True)
class Source:
    """A source of media.

    Attributes:
        fill: Gives what the source has of these movies, or raises StudyError if it has nothing.
        placeholder: Whether it is artificial, and is used only if no other source is available.
    """

    fill: Callable[[Sequence[int]], Filled]
    placeholder: bool = False


def merge(
    modality: str, sources: Mapping[str, Source], names: Sequence[str], movie_ids: Sequence[int]
) -> tuple[FeatureTable, pd.DataFrame]:
    """Takes each movie's vector from the first source that has it.

    Two rules keep the table meaningful. A table holds the vectors of one encoder, since those of
    two cannot be compared: where sources differ in it, the encoder that covers most movies is
    taken (in doubt the one that comes first) and the other sources are passed over. And a
    placeholder, such as rendered trailers, fills nothing once a real source serves: a model could
    tell real from rendered instead of film from film. Whatever is passed over, and a coverage
    below :data:`LOW_COVERAGE`, is warned of in one line each.

    Args:
        modality: Name of the table.
        sources: What there is to choose from, by name.
        names: In order of preference.
        movie_ids: The movies wanted.

    Returns:
        The table, whose provenance says how many movies each source gave and stands in for; and
        the movies left out, ``movie_id, file, reason``. A file that could not be used is listed
        even where another source gave the movie's vector.

    Raises:
        StudyError: If a name is unknown, which is told before anything is tried, or no source
            has anything.
    """
    kind = f"{modality} source"
    registry = Registry(kind, dict(sources))
    taken: dict[str, Filled] = {}
    refusals = []
    for name, source in [(name, registry[name]) for name in names]:
        if source.placeholder and taken:
            continue
        try:
            taken[name] = source.fill(movie_ids)
        except StudyError as error:
            refusals.append(f"{name}: {error.what}")
    if not taken:
        raise registry.none_available(refusals)
    if refusals:
        logger.warning("%s: %s (not available: %s)", kind, " + ".join(taken), "; ".join(refusals))
    taken = _of_one_encoder(kind, taken)
    table, left_out = _merged(list(taken.values()))
    if len(table.movie_ids) < LOW_COVERAGE * len(movie_ids):
        n, of = len(table.movie_ids), len(movie_ids)
        logger.warning("%s: only %s of %s movies have a vector", kind, f"{n:,}", f"{of:,}")
    return table, left_out


def _of_one_encoder(kind: str, taken: dict[str, Filled]) -> dict[str, Filled]:
    covered: dict[tuple[object, ...], set[int]] = {}
    for filled in taken.values():
        covered.setdefault(_space(filled), set()).update(filled.table.movie_ids.tolist())
    best = max(covered, key=lambda space: len(covered[space]))  # of equals the first
    for filled in taken.values():
        if _space(filled) != best:
            logger.warning(
                "%s: %s of %s movies passed over: vectors by %s cannot be compared with those by "
                "%s, which cover %s movies; name one of the two in the profile to choose",
                kind,
                filled.what,
                f"{len(filled.table.movie_ids):,}",
                filled.table.provenance["encoder"],
                best[0],
                f"{len(covered[best]):,}",
            )
    return {name: filled for name, filled in taken.items() if _space(filled) == best}


def _space(filled: Filled) -> tuple[object, ...]:
    """The properties in which two vectors must agree to be comparable."""
    provenance = filled.table.provenance
    return provenance["encoder"], provenance["weights"], filled.table.width


def _merged(taken: Sequence[Filled]) -> tuple[FeatureTable, pd.DataFrame]:
    said, stand_ins = [], Counter[str]()
    ids = np.zeros(0, np.int64)
    vectors = np.zeros((0, taken[0].table.width), np.float32)
    for filled in taken:
        new = ~np.isin(filled.table.movie_ids, ids)
        if new.any():
            said.append(f"{filled.what} of {new.sum():,} movies")
        ids = np.concatenate([ids, filled.table.movie_ids[new]])
        vectors = np.concatenate([vectors, filled.table.vectors[new]])
        for phrase in filled.stand_ins:
            stand_ins[phrase] += int(new.sum())
    n = len(ids)
    phrases = [
        phrase if count == n else f"{phrase} ({count:,} of {n:,})"
        for phrase, count in stand_ins.items()
        if count
    ]
    recipes = dict.fromkeys(str(filled.table.provenance["recipe"]) for filled in taken)
    provenance = {
        **taken[0].table.provenance,
        "recipe": " / ".join(recipes),
        "source": ", ".join(said),
        "stand_in": "; ".join(phrases) or None,
    }
    table = replace(
        taken[0].table,
        movie_ids=ids,
        vectors=vectors,
        part_present=np.ones((n, 1), bool),
        provenance=provenance,
    )
    rows = [row for filled in taken for row in filled.left_out.itertuples(index=False, name=None)]
    return table, dropped(rows)
