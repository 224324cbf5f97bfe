"""Nearest films by their feature vectors: what a modality finds alike, before any training."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.manifold import TSNE
from sklearn.metrics import pairwise_distances_chunked
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.preprocessing import StandardScaler

from mmrec.catalogue.movielens import GENRES
from mmrec.features.probe import MIN_MOVIES
from mmrec.features.table import FeatureTable
from mmrec.reports import absent

TOLD_APART = 6
"""Genres that a figure tells apart."""
OTHER = "other"
"""Name of all others."""
FEWEST = 2
"""Films with a vector, so that one has a neighbour."""
FEWEST_ON_A_MAP = 3
PLACES = 6
"""Digits after the point to which distances between films are compared."""
TOO_FEW = f"fewer than {FEWEST} films have this vector, so there are no neighbours"
NOTHING_TO_PROBE = (
    f"no genre can be probed: that takes {MIN_MOVIES} films of the genre and {MIN_MOVIES} others "
    "that have this vector"
)


def films_with_vectors(
    movies: pd.DataFrame, table: FeatureTable, ranked: Sequence[int]
) -> pd.DataFrame:
    """The films that a feature table describes in full, one row a film, most rated first.

    A film that MovieLens lists under two ids is kept once, under the first of them, so that it is
    not found to be its own nearest neighbour.

    Args:
        movies: The catalogue's movies (``movie_id, film_id`` and whatever else is of use).
        table: The vectors.
        ranked: Movie ids, most rated first.

    Returns:
        The movies' rows with ``movie_id`` as index. Of a reader's own films there may be none.
    """
    films = movies.drop_duplicates("film_id").set_index("movie_id")
    order = pd.Index(ranked)
    films = films.loc[order[order.isin(films.index)]]
    return films[table.complete(films.index.tolist())]


def scaled_vectors(films: pd.DataFrame, table: FeatureTable) -> NDArray[np.float32]:
    """Vectors of the films, each column with mean 0 and standard deviation 1, as models scale them.

    Args:
        films: What :func:`films_with_vectors` returned.
        table: The vectors.

    Returns:
        float32 [n_films, width].
    """
    vectors, _ = table.matrix(films.index.tolist())
    return np.asarray(StandardScaler().fit_transform(vectors)) if len(vectors) else vectors


def nearest(vectors: NDArray[np.floating], k: int = 3) -> NDArray[np.int64]:
    """Positions of each film's nearest other films, by cosine, the nearest first.

    Of films that are equally near, the one that comes first is taken: which of two distances is
    smaller in its last digits depends on the processor.

    Args:
        vectors: Float [n_films, width].
        k: Neighbours wanted; with k or fewer films, there are as many as there are other films.

    Returns:
        int64 [n_films, min(k, n_films - 1)].
    """
    if len(vectors) < FEWEST:
        return np.zeros((len(vectors), 0), np.int64)

    def first(distances: NDArray[np.floating], start: int) -> NDArray[np.int64]:
        rounded = distances.round(PLACES)
        own = np.arange(len(rounded))
        rounded[own, start + own] = np.inf
        return np.argsort(rounded, axis=1, kind="stable")[:, : min(k, len(vectors) - 1)]

    exact = vectors.astype(np.float64)  # else what is equal may still be rounded apart
    return np.concatenate(
        list(pairwise_distances_chunked(exact, metric="cosine", reduce_func=first))
    )


def nearest_titles(films: pd.DataFrame, neighbours: NDArray[np.int64], n: int = 5) -> pd.DataFrame:
    """Titles of the first n films' neighbours: a row a film, a column a rank.

    Args:
        films: With a ``title``, in the order of ``neighbours``.
        neighbours: What :func:`nearest` returned.
        n: Films shown.
    """
    if len(films) < FEWEST:
        return absent.row(TOO_FEW)
    titles = films["title"].to_numpy()
    names = ["nearest", "second", "third", *(f"{rank}th" for rank in range(4, 21))]
    return pd.DataFrame(
        titles[neighbours[:n]],
        index=pd.Index(titles[:n], name="film"),
        columns=names[: neighbours.shape[1]],
    )


def first_genre(films: pd.DataFrame) -> pd.Series:
    """The first genre that MovieLens lists for each film; the most frequent ones, and "other".

    MovieLens lists genres alphabetically, so this is a label and not a judgement of the main one.

    Returns:
        A categorical series: the genres from the most frequent to the least, then "other".
    """
    genre = films["genres"].str[0]
    kept = genre.value_counts().index[:TOLD_APART].tolist()
    named = genre.where(genre.isin(kept), OTHER)
    return named.astype(pd.CategoricalDtype([*kept, OTHER])).rename("first genre")


def genre_agreement(films: pd.DataFrame, neighbours: NDArray[np.int64]) -> pd.DataFrame:
    """How often the nearest film has the same first genre, and two films drawn at random.

    Returns:
        A row for each of the two, in percent.
    """
    if len(films) < FEWEST:
        return absent.row(TOO_FEW)
    genre = films["genres"].str[0]
    same = (genre.to_numpy() == genre.to_numpy()[neighbours[:, 0]]).mean()
    chance = (genre.value_counts(normalize=True) ** 2).sum()
    shares = {
        "nearest film has the same first genre": f"{same:.1%}",
        "two films drawn at random": f"{chance:.1%}",
    }
    return pd.Series(shares, name="share of films").to_frame()


def layout(vectors: NDArray[np.floating]) -> NDArray[np.floating]:
    """Films on a plane by t-SNE, near ones near each other.

    Args:
        vectors: Float [n_films, width].

    Returns:
        Float [n_films, 2]; zeros where there are too few films for a map.
    """
    n = len(vectors)
    if n < FEWEST_ON_A_MAP:
        return np.zeros((n, 2))
    plane = TSNE(perplexity=min(30, n / 4), init="pca", random_state=0)
    return np.asarray(plane.fit_transform(vectors))


def genre_similarity(
    films: pd.DataFrame, vectors: NDArray[np.floating], at_least: int = 5
) -> pd.DataFrame:
    """Mean cosine similarity over all pairs of films with one film from each genre.

    Args:
        films: What :func:`films_with_vectors` returned.
        vectors: Their scaled vectors.
        at_least: Genres with fewer films are left out.

    Returns:
        A row and a column for each genre.
    """
    flags = _flags(films)
    enough = flags.sum(axis=1) >= at_least
    names = np.array(GENRES)[enough]
    if not enough.any():
        return pd.DataFrame(index=names, columns=names, dtype=float)
    cosine = cosine_similarity(vectors)
    np.fill_diagonal(cosine, 0)
    pairs = flags @ (1 - np.eye(len(films))) @ flags.T
    between = (flags @ cosine @ flags.T)[np.ix_(enough, enough)] / pairs[np.ix_(enough, enough)]
    return pd.DataFrame(between, names, names)


def genres_shared(
    films: pd.DataFrame, neighbours: NDArray[np.int64], between: pd.DataFrame
) -> pd.DataFrame:
    """How far near films share a genre, in a column for the text chapter.

    Args:
        films: What :func:`films_with_vectors` returned.
        neighbours: What :func:`nearest` returned.
        between: What :func:`genre_similarity` returned.
    """
    if len(films) < FEWEST:
        return absent.row(TOO_FEW)
    flags, n = _flags(films), len(films)
    own = (flags[:, neighbours[:, 0]] * flags).any(axis=0).mean()
    share = (flags.T @ flags > 0).astype(float)
    np.fill_diagonal(share, 0)
    cosine = between.to_numpy()
    told = {
        "nearest film shares a genre": f"{own:.1%}",
        "two films drawn at random do": f"{share.sum() / (n * (n - 1)):.1%}",
        "mean cosine within a genre": _mean(np.diag(cosine)),
        "mean cosine between genres": _mean(cosine[~np.eye(len(between), dtype=bool)]),
    }
    return pd.Series(told, name="text vectors").to_frame()


def _flags(films: pd.DataFrame) -> NDArray[np.float64]:
    """Which film has which genre, float64 [n_genres, n_films]."""
    return np.array([[name in of_one for of_one in films["genres"]] for name in GENRES], float)


def _mean(values: NDArray[np.float64]) -> str:
    return f"{values.mean():.3f}" if values.size else "too few genres have enough films"


def probe_means(probed: pd.DataFrame) -> pd.DataFrame:
    """Mean area under the ROC curve over the genres, of each table and of its control.

    Args:
        probed: What `mmrec.features.probe.genre_auc` returned.
    """
    if probed.empty:
        return absent.row(NOTHING_TO_PROBE)
    return probed.groupby("features", sort=False)[["auc", "control"]].mean().round(3)


def probe_by_genre(probed: pd.DataFrame) -> pd.DataFrame:
    """Films, area under the ROC curve and control by genre, of one table.

    Args:
        probed: What `mmrec.features.probe.genre_auc` returned.
    """
    if probed.empty:
        return absent.row(NOTHING_TO_PROBE)
    return probed.set_index("genre")[["movies", "auc", "control"]].round(2)


def coverage(
    table: FeatureTable, ratings: pd.DataFrame, ranked: Sequence[int]
) -> tuple[pd.Series, "pd.Series[float]"]:
    """How many movies and ratings a feature table covers.

    Args:
        table: The vectors.
        ratings: With the ``movie_id`` of every rating.
        ranked: Ids of all movies, most rated first.

    Returns:
        A summary in words, and the share of movies with a vector, in percent, by tenth of the
        movies (1: the most rated).
    """
    order = pd.Index(ranked)
    known = order.isin(table.movie_ids)
    tenth = np.arange(len(order)) * 10 // len(order) + 1
    summary = pd.Series(
        {
            "movies with a vector": f"{known.sum():,} of {len(order):,}",
            "ratings of such movies": share_of_ratings(ratings, table.movie_ids),
            "numbers per vector": f"{table.width:,}",
        },
        name=table.modality,
    )
    return summary, pd.Series(100.0 * known).groupby(tenth).mean().rename("covered")


def share_of_ratings(ratings: pd.DataFrame, movie_ids: Sequence[int] | NDArray[np.int64]) -> str:
    """The share of the ratings that these movies have, in percent.

    Args:
        ratings: With the ``movie_id`` of every rating.
        movie_ids: The movies.
    """
    if ratings.empty:
        return "there are no ratings"
    return f"{ratings['movie_id'].isin(movie_ids).mean():.1%}"
