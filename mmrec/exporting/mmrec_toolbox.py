"""Data sets of the MMRec toolbox: numbered interactions with a split column, and ``.npy`` features.

The toolbox counts users and movies by the largest number in the interactions, so the user and the
movie with the most ratings come last: they are in every fold. It divides by the length of vectors,
so a movie without one, or with one of zeros, gets the mean of the others; ``i_id_mapping.csv`` says
which those are. It drops users that it has not trained on from what it validates and tests, and
stops where nothing remains, so the folds with new users are left out.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from numpy.typing import ArrayLike, NDArray

from mmrec.evaluation.folds import Roles
from mmrec.exporting.contents import ROLES, Contents, LeftOut
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
        known[modality] = np.asarray(present.any(axis=1) & vectors.any(axis=1), bool)
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
    output.runs()
    for run, predictions in contents.predictions():
        _save(predictions, output.file(f"predictions/{run}.csv", "predictions", "predictions"))
    if contents.ratings is None:
        return
    folds = {}
    for fold, roles in contents.folds.items():
        if why := _cannot_be_run(roles, contents.ratings["user_id"].to_numpy()):
            output.left_out.append(LeftOut(f"fold {fold}", why))
        else:
            folds[fold] = roles
    if not folds:
        return
    users = _numbered(contents, "user_id", contents.ratings["user_id"].unique())
    mapping = pd.DataFrame({"user_id": users, "userID": range(len(users))})
    _save(mapping, output.file(f"{base}/u_id_mapping.csv", "user ids by userID", "users"))
    for fold, roles in folds.items():
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
    path_of_settings = f"src/configs/dataset/{contents.name}.yaml"
    output.text(path_of_settings, "settings of the data set", settings(contents.name, list(folds)))


def settings(name: str, folds: Sequence[str]) -> str:
    """The toolbox's settings of a data set of that name, for the first of its folds."""
    found = {
        "USER_ID_FIELD": "userID",
        "ITEM_ID_FIELD": "itemID",
        "TIME_FIELD": "timestamp",
        "filter_out_cod_start_users": True,
        "inter_file_name": f"{name}.{folds[0]}.inter",
        "vision_feature_file": FILES["video"],
        "text_feature_file": FILES["text"],
        # Not written: the toolbox makes it of the training ratings, for models that want it.
        "user_graph_dict_file": "user_graph_dict.npy",
        "field_separator": "\t",
    }
    head = f"# Other folds: change inter_file_name. Folds here: {', '.join(folds)}.\n"
    head += "# Every row counts as a positive interaction, whatever its rating.\n"
    return head + yaml.safe_dump(found, sort_keys=False)


def _cannot_be_run(roles: Roles, users: NDArray[np.int64]) -> str | None:
    """Why the toolbox stops on a fold, or None."""
    trained = np.isin(users, users[roles.train])
    empty = [role for role in ROLES if not (getattr(roles, role) & trained).any()]
    if not empty:
        return None
    return f"the toolbox drops users without training ratings, and no {empty[-1]} ratings remain"


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
