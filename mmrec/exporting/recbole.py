"""Atomic files of RecBole, with a configuration and a script that trains on them.

Tab-separated, with a type behind every name: ``.inter`` of all ratings, ``.item``, ``.user``, for
every fold ``<name>.<fold>.{train,valid,test}.inter`` (RecBole's ``benchmark_filename``), and for
every modality a file of its own for ``additional_feat_suffix`` and ``preload_weight``.
"""

import csv
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from mmrec.exporting.output import Output

PARTS = {"train": "train", "valid": "validation", "test": "test"}
"""RecBole's name of a part of a fold → ours."""

_INTER = {
    "user_id:token": "user_id",
    "item_id:token": "movie_id",
    "rating:float": "rating",
    "timestamp:float": "timestamp",
}
_SCRIPT = '''"""Trains a model of RecBole on this export.

python train_recbole.py [MODEL] [EPOCHS]
"""

import sys
from pathlib import Path

from recbole.quick_start import run_recbole

here = Path(__file__).resolve().parent
model = sys.argv[1] if len(sys.argv) > 1 else "BPR"
epochs = int(sys.argv[2]) if len(sys.argv) > 2 else 20
result = run_recbole(
    model=model,
    config_file_list=[str(here / "recbole.yaml")],
    config_dict={
        "data_path": str(here),
        "checkpoint_dir": str(here / "saved"),
        "epochs": epochs,
        "show_progress": False,
    },
    saved=False,
)
print("valid", dict(result["best_valid_result"]))
print("test", dict(result["test_result"]))
'''


def write(output: Output) -> None:
    """Writes the atomic files into a folder with the name of the data set, as RecBole wants."""
    contents, name = output.contents, output.contents.name
    base = f"{name}/{name}"
    _save(_items(contents.movies), output.file(f"{base}.item", "movies", "movies"))
    for modality in contents.features:
        field = suffix(modality)
        what = f"vectors of {modality}; load it as an additional feature"
        path = output.file(f"{base}.{field}", what, f"features/{modality}")
        table = contents.features[modality]
        texts = [" ".join(f"{number:.9g}" for number in vector) for vector in table.vectors]
        columns = {f"{field}_id:token": table.movie_ids, f"{field}_vector:float_seq": texts}
        _save(pd.DataFrame(columns), path)
    output.runs()
    for run, predictions in contents.predictions():
        path = output.file(f"predictions/{run}.inter", "predictions of a run", "predictions")
        names = {"user_id": "user_id:token", "movie_id": "item_id:token"}
        _save(predictions.rename(columns={**names, "prediction": "prediction:float"}), path)
    if contents.ratings is None:
        return
    ratings = _named(contents.ratings, _INTER)
    _save(ratings, output.file(f"{base}.inter", "ratings", "ratings"))
    if contents.users is not None:
        users = contents.users.rename(columns=lambda column: f"{column}:token")
        _save(users, output.file(f"{base}.user", "users", "users"))
    for fold, roles in contents.folds.items():
        for part, role in PARTS.items():
            path = output.file(f"{base}.{fold}.{part}.inter", f"{part} of {fold}", "folds")
            _save(ratings[getattr(roles, role)], path)
    output.text("recbole.yaml", "configuration", configuration(output))
    output.text("train_recbole.py", "trains a model", _SCRIPT)


def suffix(modality: str) -> str:
    """How the file of a modality ends, and its fields begin: no hyphen may be in it."""
    return modality.replace("-", "_")


def configuration(output: Output) -> str:
    """RecBole's settings for the first fold; the features are named in comments."""
    contents = output.contents
    settings = {
        "dataset": contents.name,
        "USER_ID_FIELD": "user_id",
        "ITEM_ID_FIELD": "item_id",
        "RATING_FIELD": "rating",
        "TIME_FIELD": "timestamp",
        "field_separator": "\t",
        "seq_separator": " ",
        "load_col": {
            "inter": ["user_id", "item_id", "rating", "timestamp"],
            "user": ["user_id", "age", "gender", "occupation"],
            "item": ["item_id", "release_year", "class"],
        },
        "eval_args": {"group_by": "user", "order": "RO", "mode": "full"},
        "metrics": ["Recall", "NDCG"],
        "topk": [10, 20],
        "valid_metric": "NDCG@10",
    }
    if contents.folds:
        first = next(iter(contents.folds))
        settings["benchmark_filename"] = [f"{first}.{part}" for part in PARTS]
    text = "# Other folds: change benchmark_filename. Folds here: "
    text += f"{', '.join(contents.folds) or 'none'}.\n{yaml.safe_dump(settings, sort_keys=False)}"
    if contents.features:
        field = suffix(next(iter(contents.features)))
        text += f"""
# To load vectors as well (here {field}; several are several entries of each list):
# additional_feat_suffix: [{field}]
# alias_of_item_id: [{field}_id]
# preload_weight: {{{field}_id: {field}_vector}}
# and in load_col:  {field}: [{field}_id, {field}_vector]
"""
    return text


def _items(movies: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "item_id:token": movies["movie_id"],
            "movie_title:token_seq": movies["title"].map(_words),
            "release_year:token": movies["year"],
            "class:token_seq": movies["genres"].map(_tokens),
            "directors:token_seq": movies["directors"].map(_tokens),
            "cast:token_seq": movies["cast"].map(_tokens),
            "imdb_rating:float": movies["imdb_rating"],
            "imdb_votes:float": movies["imdb_votes"],
            "runtime_minutes:float": movies["runtime_minutes"],
            "summary:token_seq": movies["summary"].map(_words),
        }
    )


def _words(text: object) -> str:
    """A text with single blanks and no tab or line break in it; nothing for what is unknown."""
    return " ".join(text.split()) if isinstance(text, str) else ""


def _tokens(names: Iterable[str] | None) -> str:
    """Names as tokens: blanks within a name become underscores."""
    return " ".join("_".join(name.split()) for name in names or ())


def _named(table: pd.DataFrame, names: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame({ours: table[theirs].to_numpy() for ours, theirs in names.items()})


def _save(table: pd.DataFrame, path: Path) -> None:
    plain = table.replace({np.nan: None}) if table.isna().any(axis=None) else table
    plain.to_csv(path, sep="\t", index=False, quoting=csv.QUOTE_MINIMAL, encoding="utf-8")
