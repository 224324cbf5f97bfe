"""The Freebase graph of the movies, and random walks on it as another "meta" vector.

The paper's graph is small: facts of one catalogue and three sentences a movie (§V.A.4). This one
is an encyclopedia's: whom a film has in common with which other films is read off walks from film
to person, subject or award and on to the next film, embedded like sentences (word2vec on walks).
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from mmrec.errors import StudyError
from mmrec.features.table import FeatureTable
from mmrec.provenance import code_digest
from mmrec.workspace import cached

MODALITY = "meta-freebase"
WIDTH = 300
AWARDS = ("award nomination", "award won")
"""Relations that contain the opinion of critics."""

# As the file names them, seen from the film; and their inverses, which say the same once more.
_RELATIONS = {
    "film.film.actor": "actor",
    "film.film.award_nomination": "award nomination",
    "film.film.award_won": "award won",
    "film.film.cinematography": "cinematographer",
    "film.film.country": "country",
    "film.film.directed_by": "director",
    "film.film.genre": "genre",
    "film.film.language": "language",
    "film.film.produced_by": "producer",
    "film.film.production_companies": "production company",
    "film.film.rating": "content rating",
    "film.film.sequel": "sequel",
    "film.film.subjects": "subject",
    "film.film.written_by": "writer",
}
_INVERSES = {
    "film.actor.film": "actor",
    "film.cinematographer.film": "cinematographer",
    "film.content_rating.film": "content rating",
    "film.director.film": "director",
    "film.film.prequel": "sequel",
    "film.film_genre.films_in_this_genre": "genre",
    "film.film_subject.films": "subject",
    "film.producer.film": "producer",
    "film.production_company.films": "production company",
    "film.writer.film": "writer",
}
_MIN_PAIRS = 20
_KINDS = {
    **dict.fromkeys(("actor", "cinematographer", "director", "producer", "writer"), "person"),
    **dict.fromkeys(AWARDS, "award"),
}
_WALKS = {"steps": 20, "seed": 0}
_TRAINING = {
    "vector_size": WIDTH,
    "window": 5,
    "min_count": 1,
    "sg": 1,
    "negative": 5,
    "epochs": 2,
    "seed": 0,
    "workers": 1,  # more would make the result depend on how threads interleave
}


def read(folder: Path) -> pd.DataFrame:
    """Reads ``ml-100k.kg``, each fact once and seen from the film.

    Args:
        folder: What `mmrec.catalogue.sources.FREEBASE` is served as.

    Returns:
        ``head, relation, tail``, ordered: entity ids of Freebase, and the relation's name
        ("actor", "director", "award won" …). Many a head is a film of the catalogue, some are
        films that have one as their sequel.

    Raises:
        StudyError: If the file cannot be read or names a relation that is not known.
    """
    path = Path(folder) / "ml-100k.kg"
    remedy = "Delete the copy and run again."
    try:
        table = pd.read_csv(path, sep="\t", header=0, names=["head", "relation", "tail"])
    except (OSError, ValueError) as error:
        raise StudyError(f"cannot be read ({error})", where=path, remedy=remedy) from error
    known = table["relation"].isin([*_RELATIONS, *_INVERSES])
    if not known.all():
        raise StudyError(
            f"unknown relation {table.loc[~known, 'relation'].iloc[0]!r}", where=path, remedy=remedy
        )
    inverse = table["relation"].isin(_INVERSES)
    seen = table.assign(
        head=table["head"].mask(inverse, table["tail"]),
        relation=table["relation"].map(_RELATIONS | _INVERSES),
        tail=table["tail"].mask(inverse, table["head"]),
    )
    ordered = seen.drop_duplicates().sort_values(["head", "relation", "tail"])
    return ordered.reset_index(drop=True)


def graph(facts: pd.DataFrame, movies: pd.DataFrame) -> "nx.MultiDiGraph[Any]":
    """The facts as a graph, to look at and to measure.

    Args:
        facts: Rows of :func:`read`.
        movies: The catalogue's movies (``freebase_id, title``); they may be a few of them.

    Returns:
        Nodes are entity ids with the attributes ``kind`` (``movie``, ``person``, ``award``, or
        what the relation that leads there is called) and ``label`` (a movie's title; else None,
        for the source has no names). Edges carry ``relation``.
    """
    made: nx.MultiDiGraph[Any] = nx.MultiDiGraph()
    titles = dict(movies.dropna(subset="freebase_id")[["freebase_id", "title"]].to_numpy())
    films = {*facts["head"], *facts.loc[facts["relation"] == "sequel", "tail"]}
    for head, relation, tail in facts[["head", "relation", "tail"]].astype(str).to_numpy():
        kind = _KINDS.get(relation, relation)
        made.add_node(head, kind="movie", label=titles.get(head))
        if tail in films:
            made.add_node(tail, kind="movie", label=titles.get(tail))
        else:
            made.add_node(tail, kind=kind, label=None)
        made.add_edge(head, tail, relation=relation)
    return made


def embed(
    movies: pd.DataFrame, facts: pd.DataFrame, *, walks_per_node: int, cache: Path
) -> FeatureTable:
    """Vectors of the movies out of random walks on the graph.

    The graph is taken without directions and with every edge alike. What a single film has
    leads nowhere and is left out. Walks start from every node, each step goes along an
    edge drawn at random, and word2vec reads the walks as sentences: films whose walks meet the
    same people, subjects and companies end near each other. The same facts give the same vectors,
    whichever movies are asked for; they are kept in the cache by content.

    Args:
        movies: The catalogue's movies: ``movie_id, freebase_id, directors``.
        facts: Rows of :func:`read`. Leave rows out to switch a relation off, such as ``AWARDS``,
            which carry quality, or "genre" before a genre is to be predicted.
        walks_per_node: Random walks from each node, at least 1.
        cache: The workspace's cache.

    Returns:
        ``"meta-freebase"`` features [n, 300], one part ``walks``, of the movies that are in the
        graph.

    Raises:
        StudyError: If none of the movies is in the graph, or the ids are not these movies' own.
    """
    _check_ids(movies, facts)
    matrix, names = _adjacency(facts)
    row_of = {name: row for row, name in enumerate(names)}
    entities = movies["freebase_id"].map(row_of)
    known = entities.notna()
    if not known.any():
        raise StudyError(
            f"none of the {len(movies)} movies is in the graph",
            where="Freebase graph",
            remedy="Link more movies, or leave fewer relations out.",
        )
    vectors, digest = _vectors(matrix, names, {"per_node": walks_per_node, **_WALKS}, cache)
    relations = sorted(facts["relation"].unique())
    provenance = {
        "encoder": "word2vec on random walks",
        "weights": f"gensim Word2Vec on {len(names) * walks_per_node:,} walks, {digest}",
        "recipe": (
            f"{walks_per_node} walk(s) of {_WALKS['steps']} steps from each of {len(names):,} "
            f"nodes; skip-gram, window {_TRAINING['window']}, {_TRAINING['epochs']} epochs"
        ),
        "source": (
            f"Freebase, {len(facts):,} facts; {known.sum():,} of {len(movies):,} movies linked"
        ),
        "relations": relations,
        "stand_in": None,
    }
    return FeatureTable(
        MODALITY,
        movies.loc[known, "movie_id"].to_numpy(),
        vectors[entities[known].to_numpy(int)],
        provenance,
        {"walks": slice(0, WIDTH)},
    )


def same_director(movies: pd.DataFrame, facts: pd.DataFrame) -> tuple[int, int]:
    """Whether the ids are right: films of one director must share a director in the graph.

    Read as numbers of MovieLens-100K, the link file that comes with the graph gives nearly every
    movie another film, and the files alone do not show it. The catalogue's directors do: no title
    and no id is needed to compare who has a director in common.

    Args:
        movies: The catalogue's movies: ``freebase_id, directors``.
        facts: Rows of :func:`read`.

    Returns:
        How many pairs of movies have a director's name in common, and both a director in the
        graph; and how many of these pairs share one there.
    """
    directed = facts[facts["relation"] == "director"]
    in_graph = directed.groupby("head")["tail"].agg(frozenset)
    named = movies[["freebase_id", "directors"]].explode("directors").dropna()
    named = named[named["freebase_id"].isin(in_graph.index)]
    pairs = named.merge(named, on="directors").query("freebase_id_x < freebase_id_y")
    pairs = pairs[["freebase_id_x", "freebase_id_y"]].drop_duplicates()
    agreed = [bool(in_graph[one] & in_graph[two]) for one, two in pairs.to_numpy()]
    return len(agreed), sum(agreed)


def walks(matrix: sparse.csr_array, *, per_node: int, steps: int, seed: int) -> NDArray[np.int64]:
    """Random walks from every node, along edges drawn at random.

    Args:
        matrix: Adjacency [n, n]; every node has a neighbour.
        per_node: Walks from each node.
        steps: Nodes that a walk visits.
        seed: The same seed gives the same walks.

    Returns:
        Nodes, int64 [n · per_node, steps].
    """
    rng = np.random.default_rng(seed)
    degree = np.diff(matrix.indptr)
    at = np.tile(np.arange(matrix.shape[0]), per_node)
    path = [at]
    for _ in range(steps - 1):
        chosen = (rng.random(len(at)) * degree[at]).astype(np.int64)
        at = matrix.indices[matrix.indptr[at] + chosen].astype(np.int64)
        path.append(at)
    return np.stack(path, axis=1)


def _check_ids(movies: pd.DataFrame, facts: pd.DataFrame) -> None:
    if "freebase_id" not in movies:
        raise StudyError(
            "the movies have no Freebase ids",
            where="Freebase graph",
            remedy="Link the movies by `mmrec.features.graph.freebase_links`.",
        )
    n_pairs, n_agreed = same_director(movies, facts)
    if n_pairs >= _MIN_PAIRS and n_agreed < n_pairs / 2:
        raise StudyError(
            f"the ids link the movies to other films: of {n_pairs:,} pairs of movies with the same "
            f"director, {n_agreed:,} have the same director in the graph",
            where="Freebase ids",
            remedy="Link the movies by `mmrec.features.graph.freebase_links`.",
        )


def _adjacency(facts: pd.DataFrame) -> tuple[sparse.csr_array, list[str]]:
    """The graph without directions and dead ends, and the names of its nodes, in order."""
    ends = facts[["head", "tail"]].drop_duplicates()
    ends = ends[ends["head"] != ends["tail"]]
    codes, names = pd.factorize(ends.to_numpy().ravel(), sort=True)
    head, tail = codes.reshape(-1, 2).T
    one_way = sparse.coo_array((np.ones(len(head)), (head, tail)), shape=(len(names),) * 2)
    matrix = (one_way + one_way.T).tocsr()
    # Whom or what only one film has says nothing of other films, and the walk would come back.
    shared = (np.diff(matrix.indptr) > 1) | pd.Index(names).isin(ends["head"])
    matrix, names = matrix[shared][:, shared].tocsr(), names[shared]
    linked = np.diff(matrix.indptr) > 0
    return matrix[linked][:, linked].tocsr(), names[linked].tolist()


def _vectors(
    matrix: sparse.csr_array, names: Sequence[str], settings: dict[str, int], cache: Path
) -> tuple[NDArray[np.float32], str]:
    """A vector for each node, float32 [n, 300], from the cache or newly trained, and the digest."""
    code = code_digest(__name__)
    state = hashlib.sha256(json.dumps([code, settings, _TRAINING, names]).encode())
    for part in (matrix.indptr, matrix.indices):
        state.update(part.astype(np.int64).tobytes())
    digest = state.hexdigest()[:16]

    def read(stored: Path) -> NDArray[np.float32]:
        vectors = np.asarray(np.load(stored, allow_pickle=False), np.float32)
        if vectors.shape != (len(names), WIDTH) or not np.isfinite(vectors).all():
            raise ValueError(f"{vectors.shape} vectors for {len(names)} nodes")
        return vectors

    vectors = cached(
        cache / "freebase_graph" / f"{digest}.npy",
        lambda: _train(walks(matrix, **settings), len(names)),
        read=read,
        write=lambda vectors, part: np.save(part, vectors),
    )
    return vectors, digest


def _train(paths: NDArray[np.int64], n_nodes: int) -> NDArray[np.float32]:
    from gensim.models import Word2Vec

    words = np.arange(n_nodes).astype(str)
    trained = Word2Vec([words[path].tolist() for path in paths], **_TRAINING)
    return np.asarray(trained.wv[words.tolist()], np.float32)
