"""Data sets of the MMRec toolbox: numbered interactions with a split column, and ``.npy`` features.

The toolbox counts users and movies by the largest number in the interactions, so the user and the
movie with the most ratings come last: they are in every fold. It divides by the length of vectors,
so a movie without one gets the mean of the others; ``i_id_mapping.csv`` says which those are.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from numpy.typing import ArrayLike, NDArray

from mmrec.exporting.contents import ROLES, Contents
from mmrec.exporting.output import Output

FILES = {"video": "image_feat.npy", "text": "text_feat.npy"}
"""Modality → the file that the toolbox's settings name for pictures and texts."""


def write(output: Output) -> None:
    """Writes ``data/<name>/`` and ``src/configs/dataset/<name>.yaml``, as the toolbox has them."""
    contents = output.contents
    base = f"data/{contents.name}"
    movies = _numbered(contents, "movie_id", contents.movies["movie_id"])
    known: dict[str, NDArray[np.bool_]] = {}
    for modality, table in contents.features.items():
        vectors, present = table.matrix(movies)
        known[modality] = np.asarray(present.any(axis=1), bool)
        if known[modality].any():
            vectors[~known[modality]] = vectors[known[modality]].mean(axis=0)
        name = FILES.get(modality, f"{modality}_feat.npy")
        what = f"vectors of {modality}, a row per itemID"
        np.save(output.file(f"{base}/{name}", what, f"features/{modality}"), vectors)
    mapping = pd.DataFrame({"movie_id": movies, "itemID": range(len(movies))})
    mapping = mapping.assign(**{f"has_{name}": flags.astype(int) for name, flags in known.items()})
    whose = "ratings" if contents.ratings is not None else "movies"
    path = output.file(f"{base}/i_id_mapping.csv", "movie ids by itemID", "movies", whose)
    _save(mapping, path)
    if contents.runs is not None:
        contents.runs.to_csv(output.file("runs.csv", "runs and measures", "runs"), index=False)
    for run, predictions in contents.predictions():
        _save(predictions, output.file(f"predictions/{run}.csv", "predictions", "predictions"))
    if contents.ratings is None or not contents.folds:
        return
    users = _numbered(contents, "user_id", contents.ratings["user_id"].unique())
    mapping = pd.DataFrame({"user_id": users, "userID": range(len(users))})
    _save(mapping, output.file(f"{base}/u_id_mapping.csv", "user ids by userID", "users"))
    for fold, roles in contents.folds.items():
        label = np.full(len(contents.ratings), -1)
        for number, role in enumerate(ROLES):
            label[getattr(roles, role)] = number
        interactions = pd.DataFrame(
            {
                "userID": _positions(users, contents.ratings["user_id"]),
                "itemID": _positions(movies, contents.ratings["movie_id"]),
                "rating": contents.ratings["rating"].to_numpy(float),
                "timestamp": contents.ratings["timestamp"].to_numpy(),
                "x_label": label,
            }
        )
        path = output.file(f"{base}/{contents.name}.{fold}.inter", f"fold {fold}", "folds")
        _save(interactions[label >= 0], path)
    output.text(
        f"src/configs/dataset/{contents.name}.yaml", "settings of the data set", settings(contents)
    )


def settings(contents: Contents) -> str:
    """The toolbox's settings of the data set, for the first fold."""
    first = next(iter(contents.folds))
    found = {
        "USER_ID_FIELD": "userID",
        "ITEM_ID_FIELD": "itemID",
        "TIME_FIELD": "timestamp",
        "filter_out_cod_start_users": True,
        "inter_file_name": f"{contents.name}.{first}.inter",
        "vision_feature_file": FILES["video"],
        "text_feature_file": FILES["text"],
        "field_separator": "\t",
    }
    head = f"# Other folds: change inter_file_name. Folds here: {', '.join(contents.folds)}.\n"
    head += "# Every row counts as a positive interaction, whatever its rating.\n"
    return head + yaml.safe_dump(found, sort_keys=False)


def _numbered(contents: Contents, key: str, ids: ArrayLike) -> NDArray[np.int64]:
    """Ids in the order of their numbers: the rated ones, the most rated last, or as they are."""
    if contents.ratings is None:
        return np.sort(np.asarray(ids, np.int64))
    counts = contents.ratings[key].value_counts().sort_index(ascending=False)
    return counts.sort_values(kind="stable").index.to_numpy(np.int64)


def _positions(ids: NDArray[np.int64], wanted: pd.Series) -> NDArray[np.int64]:
    return pd.Index(ids).get_indexer(pd.Index(wanted)).astype(np.int64)


def _save(table: pd.DataFrame, path: Path) -> None:
    table.to_csv(path, sep="\t", index=False)
