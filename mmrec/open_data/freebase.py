"""Compares language and country of the open data with the Freebase graph.

The graph has ids and no names, so the ids of the languages and countries are listed here. A film
may have several of each in the graph; an entry agrees if its own is among them.
"""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from mmrec.catalogue import sources
from mmrec.features.graph import freebase_graph, freebase_links

IDS: Mapping[str, Mapping[str, str]] = {
    "language": {
        "m.0459q4": "Cantonese",
        "m.01wgr": "Czech",
        "m.02bv9": "Dutch",
        "m.02h40lc": "English",
        "m.064_8sq": "French",
        "m.04306rv": "German",
        "m.02bjrlw": "Italian",
        "m.03_9r": "Japanese",
        "m.0653m": "Mandarin",
        "m.05qqm": "Polish",
        "m.06b_j": "Russian",
        "m.06nm1": "Spanish",
        "m.06mp7": "Swedish",
    },
    "country": {
        "m.0chghy": "Australia",
        "m.0154j": "Belgium",
        "m.0d060g": "Canada",
        "m.0d05w3": "China",
        "m.0d04z6": "Cuba",
        "m.01mjq": "Czech Republic",
        "m.0k6nt": "Denmark",
        "m.0f8l9c": "France",
        "m.0345h": "Germany",
        "m.082fr": "Germany",  # West Germany
        "m.03h64": "Hong Kong",
        "m.03rk0": "India",
        "m.03rt9": "Ireland",
        "m.03rjj": "Italy",
        "m.03_3d": "Japan",
        "m.0b90_r": "Mexico",
        "m.059j2": "Netherlands",
        "m.0ctw_b": "New Zealand",
        "m.06bnz": "Russia",
        "m.05vz3zq": "Russia",  # the Soviet Union
        "m.0hzlz": "South Africa",
        "m.06mkj": "Spain",
        "m.0d0vqn": "Sweden",
        "m.06f32": "Taiwan",
        "m.07ssc": "UK",
        "m.09c7w0": "USA",
    },
}
"""Freebase ids by field, each with the word that the open data uses."""


def load(ours: pd.DataFrame, cache: Path) -> tuple[pd.DataFrame, pd.Series]:
    """Fetches the graph and links the entries to it by title and year.

    Args:
        ours: As `mmrec.open_data.schema.load` gives it.
        cache: The workspace's cache.

    Returns:
        The graph's facts (`freebase_graph.read`), and the Freebase id by movie id (None where an
        entry has none).

    Raises:
        StudyError: If the package registry cannot be reached, or what it serves cannot be read.
    """
    served = (sources.fetch(one, cache) for one in (sources.FREEBASE, sources.LATER_TITLES))
    graph, titles = (Path(one.path or "") for one in served)
    films = ours.reset_index(names="movie_id")
    films["film_id"] = films.groupby(["title", "year"])["movie_id"].transform("min")
    linked = freebase_links.link(
        films, freebase_links.read_titles(titles), freebase_links.read_links(graph)
    )
    return freebase_graph.read(graph), linked.set_index("movie_id")["freebase_id"]


def compared(ours: pd.DataFrame, facts: pd.DataFrame, ids: pd.Series, field: str) -> pd.Series:
    """Whether the graph knows the entry's language or country for its film.

    Args:
        ours: As `mmrec.open_data.schema.load` gives it.
        facts: Rows of `freebase_graph.read`.
        ids: Freebase ids by movie id, None where there is none.
        field: A key of :data:`IDS`.

    Returns:
        bool by movie id, for the entries whose film has this fact in the graph and whose word
        has an id in :data:`IDS`.
    """
    known = facts[facts["relation"] == field]
    words = known["tail"].map(IDS[field]).groupby(known["head"]).agg(set)
    words_of = ids.reindex(ours.index).map(words).dropna()
    listed = ours.loc[words_of.index, field].isin(set(IDS[field].values()))
    words_of = words_of[listed]
    agreed = [
        word in words for word, words in zip(ours.loc[words_of.index, field], words_of, strict=True)
    ]
    return pd.Series(agreed, index=words_of.index, dtype=bool)
