"""Nearest films by their feature vectors: what a modality finds alike, before any training."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler

from mmrec.errors import StudyError
from mmrec.features.table import FeatureTable

OTHER = "other"
"""Name of all genres that a figure does not tell apart."""


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
        The movies' rows with ``movie_id`` as index.

    Raises:
        StudyError: If fewer than two films have a vector.
    """
    films = movies.drop_duplicates("film_id").set_index("movie_id")
    order = pd.Index(ranked)
    films = films.loc[order[order.isin(films.index)]]
    films = films[table.complete(films.index.tolist())]
    if len(films) < 2:
        raise StudyError(
            f"{len(films)} of the films have a {table.modality} vector",
            where=f"{table.modality} features",
            remedy="Neighbours and maps need at least two; take more movies (n_movies).",
        )
    return films


def scaled_vectors(films: pd.DataFrame, table: FeatureTable) -> NDArray[np.float32]:
    """Vectors of the films, each column with mean 0 and standard deviation 1, as models scale them.

    Args:
        films: What :func:`films_with_vectors` returned.
        table: The vectors.

    Returns:
        float32 [n_films, width].
    """
    vectors, _ = table.matrix(films.index.tolist())
    return np.asarray(StandardScaler().fit_transform(vectors))


def nearest(vectors: NDArray[np.floating], k: int = 3) -> NDArray[np.int64]:
    """Positions of each film's nearest other films, by cosine, the nearest first.

    Args:
        vectors: Float [n_films, width].
        k: Neighbours wanted; with k or fewer films, there are as many as there are other films.

    Returns:
        int64 [n_films, min(k, n_films - 1)].
    """
    search = NearestNeighbors(n_neighbors=min(k, len(vectors) - 1), metric="cosine").fit(vectors)
    return np.asarray(search.kneighbors(return_distance=False), np.int64)


def nearest_titles(films: pd.DataFrame, neighbours: NDArray[np.int64], n: int = 5) -> pd.DataFrame:
    """Titles of the first n films' neighbours: a row a film, a column a rank.

    Args:
        films: With a ``title``, in the order of ``neighbours``.
        neighbours: What :func:`nearest` returned.
        n: Films shown.
    """
    titles = films["title"].to_numpy()
    names = ["nearest", "second", "third", *(f"{rank}th" for rank in range(4, 21))]
    return pd.DataFrame(
        titles[neighbours[:n]],
        index=pd.Index(titles[:n], name="film"),
        columns=names[: neighbours.shape[1]],
    )


def first_genre(films: pd.DataFrame, n: int = 6) -> pd.Series:
    """The first genre that MovieLens lists for each film; the n most frequent, and "other".

    MovieLens lists genres alphabetically, so this is a label and not a judgement of the main one.

    Returns:
        A categorical series: the genres from the most frequent to the least, then "other".
    """
    genre = films["genres"].str[0]
    kept = genre.value_counts().index[:n].tolist()
    named = genre.where(genre.isin(kept), OTHER)
    return named.astype(pd.CategoricalDtype([*kept, OTHER])).rename("first genre")


def genre_agreement(films: pd.DataFrame, neighbours: NDArray[np.int64]) -> tuple[float, float]:
    """How often the nearest film has the same first genre, and two films drawn at random.

    Returns:
        Two shares, 0-1.
    """
    genre = films["genres"].str[0]
    same = genre.to_numpy() == genre.to_numpy()[neighbours[:, 0]]
    return float(same.mean()), float((genre.value_counts(normalize=True) ** 2).sum())


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
            "ratings of such movies": f"{ratings['movie_id'].isin(table.movie_ids).mean():.1%}",
            "numbers per vector": f"{table.width:,}",
        },
        name=table.modality,
    )
    return summary, pd.Series(100.0 * known).groupby(tenth).mean().rename("covered")
