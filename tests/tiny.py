"""A hand-made workspace: 30 users, 40 movies, five folds and four small feature tables."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from mmrec.catalogue.movielens import N_RATINGS
from mmrec.evaluation.folds import divide
from mmrec.features.table import FeatureTable
from mmrec.models.training import TrainingSettings
from mmrec.workspace import Workspace

N_USERS, N_MOVIES, N_PAIRS = 30, 40, 625
TRAINING = TrainingSettings(epochs=2, patience=8, batch_size=256)
META_PARTS = {
    "triples": slice(0, 6),
    "genres": slice(6, 9),
    "director": slice(9, 11),
    "rating": slice(11, 12),
}


def ratings() -> pd.DataFrame:
    """625 of the 1,200 possible ratings; their places in ``u.data`` are spread over all folds."""
    rng = np.random.default_rng(7)
    users, movies = np.arange(1, N_USERS + 1), movie_ids()
    pair = rng.permutation(N_USERS * N_MOVIES)[:N_PAIRS]
    user, movie = pair // N_MOVIES, pair % N_MOVIES
    taste = rng.normal(0, 0.6, N_USERS)[user] + rng.normal(0, 0.6, N_MOVIES)[movie]
    rating = np.clip(np.round(3.5 + taste + rng.normal(0, 0.8, N_PAIRS)), 1, 5).astype("int64")
    row = pd.Index(np.arange(N_PAIRS) * (N_RATINGS // N_PAIRS), name="row")
    return pd.DataFrame(
        {
            "user_id": users[user],
            "movie_id": movies[movie],
            "rating": rating,
            "timestamp": 880_000_000 + np.arange(N_PAIRS),
        },
        index=row,
    )


def movie_ids() -> np.ndarray:
    """40 ids with gaps, so that an id is no position."""
    return np.arange(N_MOVIES) * 3 + 2


def table(modality: str, width: int, known: int, *, parts=None, seed: int = 0) -> FeatureTable:
    """Random vectors of ``known`` of the movies; every part but the first lacks some of them."""
    rng = np.random.default_rng([seed, *modality.encode()])
    ids = np.sort(rng.permutation(movie_ids())[:known])
    vectors = rng.normal(2, 3, (known, width)).astype(np.float32)
    flags = np.ones((known, len(parts or [modality])), bool)
    for number, columns in enumerate((parts or {}).values()):
        if number:
            flags[:, number] = rng.random(known) < 0.8
        vectors[~flags[:, number], columns] = 0
    provenance = {"encoder": f"toy-{modality}", "source": "made by hand", "stand_in": None}
    return FeatureTable(modality, ids, vectors, provenance, parts, flags)


def workspace(root: Path) -> Workspace:
    """Writes catalogue and features; the same every time."""
    made = Workspace(root / "tiny", root / "cache")
    made.catalogue.mkdir(parents=True)
    ids = movie_ids()
    nothing = [[] for _ in ids]
    tables = {
        "movies": {
            "movie_id": ids,
            "film_id": ids,
            "genres": nothing,
            "directors": nothing,
            "cast": nothing,
        },
        "users": {
            "user_id": np.arange(1, N_USERS + 1),
            "age": 18 + np.arange(N_USERS) * 7 % 50,
            "gender": np.where(np.arange(N_USERS) % 3, "F", "M"),
            "occupation": np.array(["writer", "student", "other", "artist"])[
                np.arange(N_USERS) % 4
            ],
        },
        "rejected": {"movie_id": np.array([], "int64")},
    }
    for name, columns in tables.items():
        pd.DataFrame(columns).to_parquet(made.catalogue / f"{name}.parquet")
    ratings().to_parquet(made.catalogue / "ratings.parquet")
    (made.catalogue / "sources.json").write_text("{}")
    for features in (
        table("text", 8, 36),
        table("video", 6, 25),
        table("audio", 5, 20),
        table("meta", 12, 40, parts=META_PARTS),
    ):
        features.save(made.features / f"{features.modality}.parquet")
    return made


def change_ratings(
    made: Workspace, change: Callable[[np.ndarray], np.ndarray], *, test: bool, fold: str = "u1"
) -> None:
    """Rewrites the ratings of a fold's test part, or of all that is not."""
    path = made.catalogue / "ratings.parquet"
    found = pd.read_parquet(path)
    movies = pd.read_parquet(made.catalogue / "movies.parquet").set_index("movie_id")
    rows = divide(found, movies["film_id"], fold=fold, seed=0).test == test
    found.loc[rows, "rating"] = change(found.loc[rows, "rating"].to_numpy())
    found.to_parquet(path)
