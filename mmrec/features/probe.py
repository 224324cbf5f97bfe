"""How much a modality's vectors reveal about genres, independently of any recommender."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mmrec.catalogue.movielens import GENRES
from mmrec.features.table import FeatureTable

N_FOLDS = 5
MIN_MOVIES = 20
"""A genre with fewer movies that have a vector is left out."""
PENALTY = 0.003
"""Inverse strength of the L2 penalty: strong, since columns can outnumber movies."""


def genre_auc(tables: Sequence[tuple[str, FeatureTable]], movies: pd.DataFrame) -> pd.DataFrame:
    """Logistic regressions of each genre on each table, scored on held-out films.

    Both ids of a film under two ids are in the same fold. The control is the same regression on as
    many random numbers; the genre flags of a meta table must be cut out by the caller.

    Args:
        tables: Label and feature table.
        movies: The catalogue's movies (``movie_id, film_id, genres``).

    Returns:
        One row per label and genre: ``features, genre, movies`` with that genre, ``auc`` and
        ``control``.
    """
    rows = []
    for label, table in tables:
        known = movies[movies["movie_id"].isin(table.movie_ids)]
        vectors = table.matrix(known["movie_id"])[0]
        noise = np.random.default_rng(0).normal(size=vectors.shape)
        for genre in GENRES[1:]:
            has = np.array([genre in names for names in known["genres"]], bool)
            if min(has.sum(), (~has).sum()) < MIN_MOVIES:
                continue
            rows.append(
                {
                    "features": label,
                    "genre": genre,
                    "movies": int(has.sum()),
                    "auc": _held_out_auc(vectors, has, known["film_id"]),
                    "control": _held_out_auc(noise, has, known["film_id"]),
                }
            )
    return pd.DataFrame(rows, columns=["features", "genre", "movies", "auc", "control"])


def on_common_films(
    tables: Sequence[tuple[str, FeatureTable]], movies: pd.DataFrame
) -> pd.DataFrame:
    """As :func:`genre_auc`, on the films that all tables have; empty tables are left out."""
    there = [(label, table) for label, table in tables if len(table.movie_ids)]
    common = movies
    for _, table in there:
        common = common[common["movie_id"].isin(table.movie_ids)]
    return genre_auc(there, common)


def _held_out_auc(
    vectors: NDArray[np.floating], has: NDArray[np.bool_], films: "pd.Series[int]"
) -> float:
    model = make_pipeline(
        StandardScaler(),
        LogisticRegression(C=PENALTY, class_weight="balanced", solver="liblinear", random_state=0),
    )
    folds = GroupKFold(N_FOLDS, shuffle=True, random_state=0)
    score = cross_val_predict(
        model, vectors, has, groups=films, cv=folds, method="decision_function"
    )
    return float(roc_auc_score(has, score))
