"""Reads a data set as the MMRec toolbox does, from the description of its format.

The toolbox is no package that could be installed beside the tests. What is written here is what
its loader, its samplers and its models take for granted of a data set.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import yaml

DEFAULTS = {"inter_splitting_label": "x_label", "filter_out_cod_start_users": True}
"""Settings of the toolbox's own, which those of a data set are laid over."""
PARTS = ("training", "validation", "test")
COLUMNS = ["userID", "itemID", "rating", "timestamp", "x_label"]


class UnusableError(Exception):
    """Something that would stop the toolbox, or make it compute with what is no number."""


@dataclass
class DataSet:
    """What the toolbox has after loading.

    Attributes:
        n_users: Largest number of a user, and one.
        n_items: Largest number of an item, and one.
        parts: Part → user and item of every row.
        features: Setting that names a file → float32 [n_items, d].
    """

    n_users: int
    n_items: int
    parts: dict[str, pd.DataFrame]
    features: dict[str, torch.Tensor]


def check(holds: bool, what: str) -> None:
    if not holds:
        raise UnusableError(what)


def read(root: Path, name: str, **changed: object) -> DataSet:
    """Loads a data set from a folder laid out as the toolbox's.

    Args:
        root: Holds ``data/`` and ``src/configs/dataset/``.
        name: Of the data set.
        changed: Settings laid over those of the data set, as the command line's are.
    """
    text = (root / "src" / "configs" / "dataset" / f"{name}.yaml").read_text(encoding="utf-8")
    config = DEFAULTS | yaml.safe_load(text) | changed
    folder = root / "data" / name
    rows = interactions(folder / str(config["inter_file_name"]), config)
    user, item = config["USER_ID_FIELD"], config["ITEM_ID_FIELD"]
    n_users, n_items = (int(rows[field].max()) + 1 for field in (user, item))
    parts = split(rows, config)
    check(_all_numbered(rows[user], n_users), "users are not numbered from 0 without gaps")
    check(_all_numbered(rows[item], n_items), "items are not numbered from 0 without gaps")
    seen = parts["training"].groupby(user)[item].nunique()
    check(seen.max() < parts["training"][item].nunique(), "no item is left to draw for a user")
    files = {
        field: folder / str(config[field]) for field in config if field.endswith("_feature_file")
    }
    features = {field: vectors(path, n_items) for field, path in files.items() if path.is_file()}
    check(bool(features), "no features")
    return DataSet(n_users, n_items, parts, features)


def interactions(path: Path, config: dict) -> pd.DataFrame:
    check(path.is_file(), f"no file {path.name}")
    table = pd.read_csv(path, sep=config["field_separator"])
    check(list(table) == COLUMNS, f"columns {list(table)}")
    label = config["inter_splitting_label"]
    check(set(table[label]) <= {0, 1, 2}, f"labels {set(table[label])}")
    for field in (config["USER_ID_FIELD"], config["ITEM_ID_FIELD"]):
        check(table[field].dtype == np.int64 and table[field].min() >= 0, f"{field} is no number")
    check(table["rating"].dtype == np.float64, "ratings are no floating-point numbers")
    check(bool(np.isfinite(table["timestamp"]).all()), "times are no numbers")
    return table[[config["USER_ID_FIELD"], config["ITEM_ID_FIELD"], label]]


def split(rows: pd.DataFrame, config: dict) -> dict[str, pd.DataFrame]:
    """The three parts; the toolbox says of each how many rows a user has, and divides by users."""
    label, user = config["inter_splitting_label"], config["USER_ID_FIELD"]
    parts = {name: rows[rows[label] == number] for number, name in enumerate(PARTS)}
    trained = parts["training"][user].unique()
    for name, part in parts.items():
        if config["filter_out_cod_start_users"]:
            parts[name] = part[part[user].isin(trained)]
        check(len(parts[name]) > 0, f"no {name} ratings remain")
        # What a user has been trained on is looked up for each user who is tested.
        check(bool(parts[name][user].isin(trained).all()), "a user without training ratings")
    return parts


def vectors(path: Path, n_items: int) -> torch.Tensor:
    """A file of features; item i is row i of an embedding, and rows are divided by their length."""
    table = np.load(path, allow_pickle=False)
    check(table.dtype.kind == "f", f"{path.name}: numbers of type {table.dtype}")
    check(table.ndim == 2 and len(table) == n_items, f"{path.name}: {table.shape}, {n_items} items")
    tensor = torch.from_numpy(table).float()
    unit = tensor / torch.linalg.norm(tensor, dim=1, keepdim=True)
    check(bool(torch.isfinite(unit @ unit.T).all()), f"{path.name}: a vector without a length")
    return tensor


def _all_numbered(ids: pd.Series, n: int) -> bool:
    return np.array_equal(np.sort(ids.unique()), np.arange(n))
