"""Variants of the meta table: without one part or another, and in other encodings."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from mmrec.features.graph import facts, meta
from mmrec.features.table import FeatureTable


def of_meta(
    movies: pd.DataFrame,
    told_openly: pd.DataFrame,
    table: FeatureTable,
    *,
    word_vectors: Sequence[str],
    cache: Path,
) -> dict[str, FeatureTable]:
    """The tables with which the experiments compare meta.

    Args:
        movies: Those that ``table`` was computed from.
        told_openly: What `mmrec.features.scope.told_openly` gives of them.
        table: Their meta table.
        word_vectors: As `mmrec.features.graph.meta.embed` takes them.
        cache: The workspace's cache.

    Returns:
        Name to table. ``meta-open`` is missing where the open data tell of none of the movies.
    """
    as_facts = facts.encode(movies)
    openly = {}
    if len(told_openly):
        openly["meta-open"] = meta.embed(told_openly, word_vectors=word_vectors, cache=cache)
    return {
        **openly,
        "meta-unrated": table.without("rating"),
        "meta-undirected": table.without("director"),
        "triples": table.without("genres", "director", "rating"),
        "genres": table.without("triples", "director", "rating"),
        "genres-rating": table.without("triples", "director"),
        "facts": as_facts,
        "facts-unrated": as_facts.without(*({"rating"} & {*as_facts.parts})),
        "imdb": facts.imdb(movies),
        **facts.apart(as_facts, "directors", "cast", "years"),
    }
