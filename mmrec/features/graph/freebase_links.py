"""Which movie is which entity of the Freebase graph: the link file's ids, translated.

The link file that comes with the graph is named after MovieLens-100K, but its numbers are those of
the later sets (1M, 20M, Latest), which count the same films otherwise. A copy of MovieLens Latest
Small says which title and year stand behind a number, and the movies are found by these. That the
translation is right can be measured without any title, by
`mmrec.features.graph.freebase_graph.same_director`.
"""

import logging
import pickle
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from mmrec.catalogue import matching, movielens, sources
from mmrec.catalogue.cleaning import title_key
from mmrec.errors import StudyError
from mmrec.features.graph import freebase_graph
from mmrec.features.table import FeatureTable

log = logging.getLogger(__name__)

_REMEDY = "Delete the copy and run again."


@dataclass(frozen=True)
class Alternative:
    """The "meta" vectors of the Freebase graph, or why there are none.

    Attributes:
        table: Walks over all relations except awards, which are opinions; None if left out.
        without_genres: The same without the graph's genres, to probe for genres; None if left out.
        figures: Figures about them, by name.
    """

    table: FeatureTable | None = None
    without_genres: FeatureTable | None = None
    figures: dict[str, str] = field(default_factory=dict)


def embed(movies: pd.DataFrame, *, walks_per_node: int, cache: Path) -> Alternative:
    """Fetches the graph and the titles, links the movies, and embeds them by random walks.

    Args:
        movies: The catalogue's movies.
        walks_per_node: Random walks from each node; 0 leaves the graph out.
        cache: The workspace's cache.

    Returns:
        The tables and their figures. Where the registry's packages are not available there are no
        tables; the figures, and the log, say so. Nor are there any where no movie is in the graph,
        as with films that no encyclopedia knows; the figures say that.

    Raises:
        StudyError: If a file that was had cannot be read, or the linked movies are other films.
    """
    if walks_per_node == 0:
        return Alternative(figures={"left out": "by this profile"})
    served = [
        sources.fetch_if_there(resource, cache)
        for resource in (sources.FREEBASE, sources.LATER_TITLES)
    ]
    folders = [one.path for one in served if one.path is not None]
    if len(folders) < len(served):
        absent = next(one for one in served if one.path is None)
        log.warning("no Freebase graph: %s", absent.notes[0])
        return Alternative(figures={"left out": f"{absent.resource} is not available"})
    graph, titles = folders
    facts = freebase_graph.read(graph)
    linked = link(movies, read_titles(titles), read_links(graph))
    content = facts[~facts["relation"].isin(freebase_graph.AWARDS)]
    if not linked["freebase_id"].isin(content.loc[content["relation"] != "genre", "head"]).any():
        return Alternative(figures={"left out": f"none of the {len(movies):,} movies is in it"})
    table, without_genres = (
        freebase_graph.embed(linked, relations, walks_per_node=walks_per_node, cache=cache)
        for relations in (content, content[content["relation"] != "genre"])
    )
    record = {one.resource: one.record() for one in served}
    table = replace(table, provenance={**table.provenance, "sources": record})
    n_pairs, n_agreed = freebase_graph.same_director(linked, facts)
    return Alternative(
        table,
        without_genres,
        {
            "facts walked": f"{len(content):,}",
            "entities in them": f"{pd.concat([content['head'], content['tail']]).nunique():,}",
            "movies of this run": f"{len(movies):,}",
            "of these linked, by title and year": f"{linked['freebase_id'].notna().sum():,}",
            "of these with a vector": f"{len(table.movie_ids):,}",
            "pairs of movies by one director": f"{n_pairs:,}",
            "of these sharing a director in the graph": f"{n_agreed:,}",
        },
    )


def link(movies: pd.DataFrame, titles: pd.DataFrame, entities: pd.Series) -> pd.DataFrame:
    """Gives the movies their Freebase ids.

    A movie is a numbered title if title or alternate title agree but for case, accents,
    punctuation and articles, and the years by `mmrec.catalogue.matching.YEARS_APART`; the nearest
    year decides. Where two numbers remain for a movie, or two films for a number, none is given.

    Args:
        movies: The catalogue's movies: ``movie_id, film_id, title, year``.
        titles: Rows of :func:`read_titles`.
        entities: What :func:`read_links` gives.

    Returns:
        The movies with a column ``freebase_id`` (None where there is none).
    """
    pairs = movies.assign(key=movies["title"].map(title_key))[
        ["movie_id", "film_id", "year", "key"]
    ]
    pairs = pairs.dropna(subset="year").merge(_by_key(titles), on="key", suffixes=("", "_later"))
    pairs["apart"] = (pairs["year"] - pairs["year_later"]).abs().astype(float)
    pairs = pairs[pairs["apart"] <= matching.YEARS_APART]
    for one in ("movie_id", "later_id"):
        pairs = pairs[pairs["apart"] == pairs.groupby(one)["apart"].transform("min")]
    one_number = pairs.groupby("movie_id")["later_id"].transform("nunique") == 1
    one_film = pairs.groupby("later_id")["film_id"].transform("nunique") == 1
    number = pairs[one_number & one_film].drop_duplicates("movie_id").set_index("movie_id")
    found = movies["movie_id"].map(number["later_id"]).map(entities)
    ids = [None if pd.isna(entity) else str(entity) for entity in found]
    return movies.assign(freebase_id=pd.Series(ids, index=movies.index, dtype=object))


def read_titles(folder: Path) -> pd.DataFrame:
    """Reads the titles and years behind the numbers of the later MovieLens sets.

    Args:
        folder: What `mmrec.catalogue.sources.LATER_TITLES` is served as.

    Returns:
        ``later_id, title, year``, ascending; titles as MovieLens writes them, without the year.

    Raises:
        StudyError: If the file cannot be read.
    """
    path = Path(folder) / "movielens.pkl.compress"
    try:
        # A pickle can run code when it is read. The source is pinned by its digest: these are the
        # bytes that were looked at.
        table: pd.DataFrame = pd.read_pickle(path, compression="xz")
        named = table[["movieId", "title", "year"]].dropna()
    except (OSError, EOFError, ValueError, KeyError, TypeError, pickle.UnpicklingError) as error:
        raise StudyError(f"cannot be read ({error})", where=path, remedy=_REMEDY) from error
    named = named.rename(columns={"movieId": "later_id"}).drop_duplicates("later_id")
    return named.astype({"year": int}).sort_values("later_id", ignore_index=True)


def read_links(folder: Path) -> pd.Series:
    """Reads ``ml-100k.link``.

    Args:
        folder: What `mmrec.catalogue.sources.FREEBASE` is served as.

    Returns:
        Entity ids of Freebase, indexed by the number that later MovieLens sets give the film.

    Raises:
        StudyError: If the file cannot be read.
    """
    path = Path(folder) / "ml-100k.link"
    try:
        table = pd.read_csv(path, sep="\t", header=0, names=["later_id", "entity"])
    except (OSError, ValueError) as error:
        raise StudyError(f"cannot be read ({error})", where=path, remedy=_REMEDY) from error
    return table.drop_duplicates("later_id").set_index("later_id")["entity"]


def _by_key(titles: pd.DataFrame) -> pd.DataFrame:
    """``later_id, year, key``: a row for each title and alternate title."""
    parts = titles["title"].map(movielens.split_title)
    named = pd.concat([titles.assign(name=parts.str[0]), titles.assign(name=parts.str[1])])
    named = named.dropna(subset="name")
    keyed = named.assign(key=named["name"].map(title_key))[["later_id", "year", "key"]]
    return keyed.drop_duplicates()
