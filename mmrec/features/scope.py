"""The films that a chapter on features is about: MovieLens', or a reader's own.

The open data describe MovieLens' films, by MovieLens' ids. The numbers of a reader's own films are
unrelated to these, so the open data are never used for them.
"""

import pandas as pd

from mmrec.catalogue import own
from mmrec.catalogue.providers import open_data
from mmrec.catalogue.tables import Catalogue
from mmrec.features import text
from mmrec.workspace import Workspace

_READERS = " (from your own folder: this project has written none about your films)"


def ranked(catalogue: Catalogue, workspace: Workspace, n_movies: int) -> pd.Index:
    """Ids of the movies that features are made for, most rated first.

    Args:
        catalogue: What ``mmrec.catalogue.tables.load`` returns.
        workspace: Of the catalogue.
        n_movies: At most this many of MovieLens' movies; a reader's own films are all used.
    """
    limit = n_movies if own.load(workspace) is None else None
    return pd.Index(catalogue.most_rated(limit), name="movie_id")


def told_openly(movies: pd.DataFrame, workspace: Workspace) -> pd.DataFrame:
    """The movies as described by the open data alone; none of a reader's own.

    See `mmrec.catalogue.providers.open_data.only`.
    """
    if own.load(workspace) is not None:
        return movies.head(0)
    return open_data.only(movies, workspace.cache)


def examples(movies: pd.DataFrame, workspace: Workspace) -> tuple[pd.DataFrame, str]:
    """Films that a chapter can show sentence by sentence.

    Args:
        movies: The catalogue's movies.
        workspace: Of the catalogue.

    Returns:
        Of MovieLens' films those with an open synopsis, told by the open data alone, which may be
        shown to everybody. Of a reader's own those with a synopsis, or all if none has one. Then
        what a heading adds to say so, empty for MovieLens.
    """
    if own.load(workspace) is None:
        return text.with_summary(told_openly(movies, workspace)), ""
    told = text.with_summary(movies)
    return (movies if told.empty else told), _READERS
