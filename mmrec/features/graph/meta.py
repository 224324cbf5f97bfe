"""The knowledge graph of facts and sentences, and its 1,220 numbers per movie (paper §V.A.4)."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mmrec.catalogue import own as own_films
from mmrec.catalogue.movielens import GENRES
from mmrec.errors import StudyError
from mmrec.features import text
from mmrec.features.absent import nothing
from mmrec.features.graph import triples
from mmrec.features.graph.word_vectors import WIDTH, WordVectors, choose
from mmrec.features.table import FeatureTable
from mmrec.workspace import Workspace

PARTS = {
    "triples": slice(0, 900),
    "genres": slice(900, 919),
    "director": slice(919, 1219),
    "rating": slice(1219, 1220),
}
_COLUMNS = ["movie_id", "order", "head", "relation", "tail", "repeated"]


def embed(movies: pd.DataFrame, *, word_vectors: Sequence[str], cache: Path) -> FeatureTable:
    """The paper's meta vector: three triples, the genres, the director and the crowd's rating.

    A triple is h + r − t: the mean word vectors of its head, its relation and its tail (paper
    Eq. 1; the vector is kept, no norm is taken). A phrase without any known word counts as zeros.
    A part that is missing is zeros and flagged absent: triples where the summary is missing, or
    yields none with a known word; the director where none is known, or no word of any name has a
    vector; the rating where there is none. "meta" carries a crowd rating: `without("rating")`
    takes it out.

    Args:
        movies: The catalogue's movies.
        word_vectors: Names of word vectors, the first available is taken: see
            `mmrec.features.graph.word_vectors`.
        cache: The workspace's cache.

    Returns:
        ``"meta"`` features [n, 1220] with the parts of ``PARTS``. Shares of words without a vector
        stand in the provenance under ``unknown_words``.

    Raises:
        StudyError: If no word vectors are available, a genre is unknown, or a rating exceeds 0–10.
    """
    told = text.with_summary(movies)
    chosen = choose(word_vectors, told["summary"].tolist(), cache)
    found = extract_triples(movies, cache=cache)
    blocks = [
        _triples_block(movies["movie_id"], found, chosen),
        _genres_block(movies),
        _director_block(movies["directors"], chosen),
        _rating_block(movies),
    ]
    phrases = found.loc[~found["repeated"], ["head", "relation", "tail"]].to_numpy().ravel()
    names = movies["directors"].explode().dropna()
    provenance = {
        "encoder": chosen.name,
        "weights": chosen.weights,
        "recipe": f"3 triples ({triples.PARSER}), each h + r − t; genres; director; rating / 10",
        "unknown_words": {
            "triples": round(chosen.unknown_share(phrases), 4),
            "director": round(chosen.unknown_share(names), 4),
        },
        **_origin(told, chosen),
    }
    return FeatureTable(
        "meta",
        movies["movie_id"].to_numpy(),
        np.concatenate([block for block, _ in blocks], axis=1),
        provenance,
        PARTS,
        np.stack([present for _, present in blocks], axis=1),
    )


def build(
    movies: pd.DataFrame, workspace: Workspace, *, word_vectors: Sequence[str]
) -> FeatureTable:
    """The meta table of a catalogue: as :func:`embed`, or for a reader's films :func:`of_own`.

    Args:
        movies: Those of the catalogue that are to be embedded.
        workspace: Of the catalogue.
        word_vectors: As :func:`embed` takes them.

    Raises:
        StudyError: As :func:`embed`.
    """
    of_films = embed if own_films.load(workspace) is None else of_own
    return of_films(movies, word_vectors=word_vectors, cache=workspace.cache)


def of_own(movies: pd.DataFrame, *, word_vectors: Sequence[str], cache: Path) -> FeatureTable:
    """As :func:`embed`, for films of a reader's own: of no film if nothing is known of any.

    Args, returns and errors are those of :func:`embed`.
    """
    table = embed(movies, word_vectors=word_vectors, cache=cache)
    # "unknown" is one of MovieLens' genres; a movie of no other is one that nothing is known of.
    named = movies["genres"].map(lambda genres: bool(set(genres) - {"unknown"}))
    if named.any() or len(table.without("genres").movie_ids):
        return table
    why = f"nothing is known of the {len(movies)} movies: no genre, director, rating or summary"
    return nothing("meta", why, PARTS)


def extract_triples(movies: pd.DataFrame, *, cache: Path) -> pd.DataFrame:
    """The first three triples of every summary, as `mmrec.features.graph.triples` reads them.

    Fewer than three triples are repeated in turn, as the paper's code does. What a summary yields
    is cached: see `mmrec.features.graph.triples.of_summaries`.

    Args:
        movies: The catalogue's movies.
        cache: The workspace's cache.

    Returns:
        ``movie_id, order, head, relation, tail, repeated``, three rows (``order`` 0, 1, 2) for
        each movie whose summary yields any triple.
    """
    told = text.with_summary(movies)
    read = triples.of_summaries(told["summary"].tolist(), cache=cache)
    rows = [
        (movie_id, order, *own[order % len(own)], order >= len(own))
        for movie_id, own in zip(told["movie_id"], read, strict=True)
        for order in range(triples.N_TRIPLES)
        if own
    ]
    return pd.DataFrame(rows, columns=_COLUMNS).astype({"movie_id": int, "repeated": bool})


def phrase_vector(chosen: WordVectors, phrase: str) -> NDArray[np.float32]:
    """Mean of the phrase's word vectors, float32 [300]; zeros if none of its words has one."""
    mean = chosen.mean(phrase)
    return np.zeros(WIDTH, np.float32) if mean is None else mean


def difference(
    head: NDArray[np.float32], relation: NDArray[np.float32], tail: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The paper's Eq. 1 for one triple, h + r − t; small where the tail completes the head."""
    return head + relation - tail


def knowledge_graph(movies: pd.DataFrame, found: pd.DataFrame) -> "nx.MultiDiGraph[Any]":
    """The graph itself: facts and sentences as labelled edges (paper §V.A.4, Figs. 3 and 4).

    Args:
        movies: Rows of the catalogue's movies to include.
        found: Triples of :func:`extract_triples`; those of other movies are left out, and so are
            repetitions.

    Returns:
        Nodes ``(kind, name)`` with attributes ``kind`` (``movie``, ``genre``, ``director``,
        ``cast`` or ``phrase``) and ``label``; the name of a movie is its id, that of a phrase its
        text in lower case. Edges with ``relation`` and ``movie_id``.
    """
    graph: nx.MultiDiGraph[Any] = nx.MultiDiGraph()
    for movie in movies.to_dict("records"):
        movie_id = movie["movie_id"]
        centre = _node(graph, "movie", movie_id, movie["title"])
        for kind, column in {"genre": "genres", "director": "directors", "cast": "cast"}.items():
            for name in movie[column]:
                end = _node(graph, kind, name, name)
                graph.add_edge(centre, end, relation=kind, movie_id=movie_id)
    told = found[found["movie_id"].isin(movies["movie_id"]) & ~found["repeated"]]
    for triple in told.to_dict("records"):
        head, tail = (
            _node(graph, "phrase", triple[end].lower(), triple[end]) for end in ("head", "tail")
        )
        graph.add_edge(head, tail, relation=triple["relation"], movie_id=triple["movie_id"])
    return graph


def _node(graph: "nx.MultiDiGraph[Any]", kind: str, name: object, label: str) -> tuple[str, object]:
    graph.add_node((kind, name), kind=kind, label=label)
    return kind, name


def _origin(told: pd.DataFrame, chosen: WordVectors) -> dict[str, str | None]:
    origin = text.origin(told)
    named = [stand_in for stand_in in (origin["stand_in"], chosen.stand_in) if stand_in]
    return {**origin, "stand_in": "; ".join(named) or None}


def _triples_block(
    movie_ids: pd.Series, found: pd.DataFrame, chosen: WordVectors
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    row_of = {movie_id: row for row, movie_id in enumerate(movie_ids)}
    block = np.zeros((len(row_of), triples.N_TRIPLES, WIDTH), np.float32)
    present = np.zeros(len(row_of), bool)
    for triple in found.to_dict("records"):
        head, relation, tail = (
            phrase_vector(chosen, triple[name]) for name in ("head", "relation", "tail")
        )
        row = row_of[triple["movie_id"]]
        named = [triple["head"], triple["relation"], triple["tail"]]
        present[row] |= any(chosen.mean(phrase) is not None for phrase in named)
        block[row, triple["order"]] = difference(head, relation, tail)
    return block.reshape(len(row_of), -1), present


def _genres_block(movies: pd.DataFrame) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    named = movies.set_index("movie_id")["genres"].explode().dropna()
    unknown = named[~named.isin(GENRES)]
    if len(unknown):
        raise StudyError(
            f"unknown genre {unknown.iloc[0]!r}",
            where=f"movie {unknown.index[0]}",
            remedy=f"The genres are {', '.join(GENRES)}.",
        )
    block = np.array([[genre in of_one for genre in GENRES] for of_one in movies["genres"]])
    return block.astype(np.float32), np.asarray(block.any(axis=1), bool)


def _director_block(
    directors: Iterable[list[str]], chosen: WordVectors
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    of_movies = list(directors)
    block = np.zeros((len(of_movies), WIDTH), np.float32)
    present = np.zeros(len(of_movies), bool)
    for row, names in enumerate(of_movies):
        mean = chosen.mean(" ".join(names))
        if mean is not None:
            block[row], present[row] = mean, True
    return block, present


def _rating_block(movies: pd.DataFrame) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    rating = movies["imdb_rating"].to_numpy(np.float32, na_value=np.nan)
    present = ~np.isnan(rating)
    outside = present & ~((rating >= 0) & (rating <= 10))
    if outside.any():
        raise StudyError(
            f"crowd rating {rating[outside][0]:g} is outside 0–10",
            where=f"movie {movies['movie_id'].to_numpy()[outside][0]}",
            remedy="Correct it in its source, or leave it out.",
        )
    share = np.where(present, rating, 0) / 10
    return np.asarray(share[:, None], np.float32), present
