"""What the knowledge graph and the parts of the meta vector hold: tables and figures."""

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import networkx as nx
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mmrec.features.table import FeatureTable
from mmrec.reports import absent, neighbours
from mmrec.reports.style import FIXED

_PRONOUNS = ("he", "she", "it", "they", "we", "you", "i", "this", "that", "who")
_TO_BE = ("is", "are", "was", "were", "be", "been", "being", "'s", "’s")
_FIELDS = {"genres": "a genre", "directors": "a director", "cast": "a cast member"}
_COLOURS: dict[Any, Any] = {what: FIXED[what.split()[1]][0] for what in _FIELDS.values()}
NO_TRIPLE = "no summary yields a triple"
_APART = 3.0
"""Steps between two parts of a graph that nothing connects, where it is drawn."""


def draw_facts(graph: "nx.MultiDiGraph[Any]") -> tuple[Figure, Axes]:
    """Facts as a graph, each kind of node in a colour of its own.

    Args:
        graph: What `mmrec.features.graph.meta.knowledge_graph` made of some movies.
    """
    fig, ax = plt.subplots(figsize=(10, 7))
    place = _places(graph.to_undirected())
    held = dict(graph.nodes(data=True))
    labels = {node: str(data["label"]).replace(" ", "\n") for node, data in held.items()}
    fill = [FIXED[data["kind"]][0] for data in held.values()]
    nx.draw_networkx_nodes(graph, place, node_color=fill, node_size=1500, alpha=0.35, ax=ax)
    nx.draw_networkx_edges(graph, place, node_size=1500, edge_color="0.6", ax=ax)
    nx.draw_networkx_labels(graph, place, labels, font_size=7, ax=ax)
    edges = graph.edges(data=True)
    relations = {(head, tail): data["relation"] for head, tail, data in edges}
    nx.draw_networkx_edge_labels(graph, place, relations, font_size=7, font_color="0.35", ax=ax)
    ax.margins(0.1)
    ax.axis("off")
    return fig, ax


def _places(graph: "nx.MultiGraph[Any]") -> dict[Any, NDArray[np.float64]]:
    """Where each node is drawn; parts that nothing connects stand beside each other."""
    if nx.is_connected(graph):
        found: dict[Any, NDArray[np.float64]] = nx.kamada_kawai_layout(graph)
        return found
    steps = dict(nx.all_pairs_shortest_path_length(graph))
    longest = max(max(lengths.values()) for lengths in steps.values())
    far = {one: dict.fromkeys(graph, longest + _APART) | steps[one] for one in graph}
    found = nx.kamada_kawai_layout(graph, dist=far)
    return found


def first_triples(found: pd.DataFrame, films: pd.DataFrame, whose: str) -> pd.DataFrame:
    """The triples of a few films' summaries.

    Args:
        found: What `mmrec.features.graph.meta.extract_triples` returned.
        films: The films, with a ``title``, by movie id.
        whose: What the heading adds, as `mmrec.features.scope.examples` says it.
    """
    first = found[found["movie_id"].isin(films.index)].set_index("movie_id")
    if first.empty:
        return absent.row(NO_TRIPLE)
    first.insert(0, f"film{whose}", films["title"])
    return first.reset_index(drop=True)


def parts_coverage(table: FeatureTable, rated: "pd.Series[int]") -> pd.DataFrame:
    """How many movies and ratings have each part of the meta vector.

    Args:
        table: The meta table.
        rated: Movie id of every rating.
    """
    present = table.matrix(rated)[1]
    of_ratings = present.mean(axis=0) if len(present) else np.full(len(table.parts), np.nan)
    unknown = pd.Series(table.provenance.get("unknown_words", {}), dtype=float)
    coverage = pd.DataFrame(
        {"movies": table.part_present.sum(axis=0), "share of their ratings": of_ratings.round(3)},
        index=list(table.parts),
    )
    return coverage.assign(**{"words without a vector": unknown.map("{:.1%}".format)}).fillna("–")


def relations(found: pd.DataFrame) -> pd.DataFrame:
    """What is in the triples of all summaries, and how much of it says little.

    Args:
        found: What `mmrec.features.graph.meta.extract_triples` returned.
    """
    fresh = found[~found["repeated"]]
    if fresh.empty:
        return absent.row(NO_TRIPLE)
    told = {
        "triples, repetitions left out": f"{len(fresh):,}",
        "distinct relations": f"{fresh['relation'].nunique():,}",
        "relation is a form of “to be”": f"{fresh['relation'].isin(_TO_BE).mean():.1%}",
        "head is a pronoun": f"{fresh['head'].str.lower().isin(_PRONOUNS).mean():.1%}",
    }
    return pd.Series(told, name="this run").to_frame()


def nearest_by_part(
    films: pd.DataFrame, vectors: NDArray[np.floating], table: FeatureTable
) -> dict[str, NDArray[np.int64]]:
    """Position of each film's nearest other film, by part of the meta vector.

    Args:
        films: What `mmrec.reports.neighbours.films_with_vectors` returned.
        vectors: Their scaled vectors.
        table: The meta table.

    Returns:
        Each part but the rating, all four, and films drawn at random; nothing where there are too
        few films for one to have a neighbour.
    """
    if len(films) < neighbours.FEWEST:
        return {}
    slices = {name: part for name, part in table.parts.items() if name != "rating"}
    nearest = {
        name: neighbours.nearest(vectors[:, part], k=1)[:, 0]
        for name, part in {**slices, "all four": slice(0, table.width)}.items()
    }
    return {**nearest, "drawn at random": np.random.default_rng(0).permutation(len(films))}


def shared_facts(films: pd.DataFrame, nearest: Mapping[str, NDArray[np.int64]]) -> pd.DataFrame:
    """How often the nearest film shares a genre, a director or a cast member, by part.

    Args:
        films: What `mmrec.reports.neighbours.films_with_vectors` returned.
        nearest: What :func:`nearest_by_part` returned.

    Returns:
        Shares, 0-1: a row for each part, in its order; none where there are no neighbours.
    """
    rows = {
        name: {
            what: np.mean(
                [
                    bool({*a} & {*b})
                    for a, b in zip(films[field], films[field].iloc[near], strict=True)
                ]
            )
            for field, what in _FIELDS.items()
        }
        for name, near in nearest.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(_FIELDS.values()))


def draw_shared(shared: pd.DataFrame) -> tuple[Figure, Axes]:
    """The shares as bars; of :func:`shared_facts`."""
    if shared.empty:
        return absent.figure(neighbours.TOO_FEW)
    fig, ax = plt.subplots(figsize=(7, 3.2))
    shared.iloc[::-1].mul(100).plot.barh(ax=ax, width=0.8, color=_COLOURS)
    ax.set(xlabel="films whose nearest film shares it (%)", ylabel="part compared", xlim=(0, 100))
    ax.legend(title="shared", loc="upper left", bbox_to_anchor=(1, 1))
    return fig, ax


def titles_by_part(
    films: pd.DataFrame, nearest: Mapping[str, NDArray[np.int64]], n: int = 6
) -> pd.DataFrame:
    """Title of the nearest film by each part, for the first n films."""
    if not nearest:
        return absent.row(neighbours.TOO_FEW)
    titles = films["title"].to_numpy()
    named = {name: near for name, near in nearest.items() if name != "drawn at random"}
    columns = {f"by {name}": titles[near[:n]] for name, near in named.items()}
    return pd.DataFrame(columns, index=titles[:n]).rename(columns={"by all four": "by all"})
