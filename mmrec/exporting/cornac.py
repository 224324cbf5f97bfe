"""Ratings, texts and vectors as Cornac reads them, with a script that trains VBPR on them.

Cornac moves the rows of a modality about by the ids of the data set, and takes it for granted that
every item has one: so every movie has a row here, zeros where nothing is known, and
``<modality>.known.npy`` says which those are.
"""

import csv
from pathlib import Path

import numpy as np
import pandas as pd

from mmrec.exporting.output import Output
from mmrec.exporting.recbole import PARTS

_SCRIPT = '''"""Trains VBPR of Cornac on this export.

python train_vbpr.py [--fold u1] [--features text] [--epochs 20] [--likes 4]
"""

import argparse
from pathlib import Path

import cornac
import numpy as np
from cornac.data import ImageModality, Reader
from cornac.eval_methods import BaseMethod

here = Path(__file__).resolve().parent
parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--fold", default="{fold}")
parser.add_argument("--features", default="{features}")
parser.add_argument("--epochs", type=int, default=20)
parser.add_argument("--likes", type=float, default=4, help="a rating from which a film is liked")
options = parser.parse_args()

read = Reader().read
train, valid, test = (
    read(str(here / "folds" / f"{{options.fold}}.{{part}}.tsv"), fmt="UIR")
    for part in ("train", "valid", "test")
)
# Cornac's VBPR takes every row for a like: train on likes, and rank the likes of the test part.
train = [row for row in train if row[2] >= options.likes]
vectors = np.load(here / "features" / f"{{options.features}}.npy")
ids = (here / "items.txt").read_text(encoding="utf-8").split()
method = BaseMethod.from_splits(
    train_data=train,
    test_data=test,
    val_data=valid,
    rating_threshold=options.likes,
    exclude_unknowns=True,
    item_image=ImageModality(features=vectors, ids=ids, normalized=True),
    seed=0,
    verbose=True,
)
model = cornac.models.VBPR(n_epochs=options.epochs, seed=0, verbose=True)
metrics = [cornac.metrics.NDCG(k=10), cornac.metrics.Recall(k=20), cornac.metrics.AUC()]
cornac.Experiment(
    eval_method=method, models=[model], metrics=metrics, user_based=True, save_dir=None
).run()
'''


def write(output: Output) -> None:
    """Writes ratings and folds as lines of user, item, rating, time; vectors as ``.npy``."""
    contents = output.contents
    ids = "".join(f"{movie_id}\n" for movie_id in contents.movies["movie_id"])
    output.file("items.txt", "ids of the movies, in the order of the vectors", "movies").write_text(
        ids, encoding="utf-8"
    )
    told = contents.movies[contents.movies["summary"].notna()]
    texts = [" ".join(text.split()) for text in told["summary"]]
    lines = [f"{name}\t{text}\n" for name, text in zip(told["movie_id"], texts, strict=True)]
    path = output.file("summaries.tsv", "movie id and plot, for TextModality", "movies")
    path.write_text("".join(lines), encoding="utf-8")
    for modality in contents.features:
        vectors, known = contents.matrix(modality)
        key, what = f"features/{modality}", f"vectors of {modality}, a row per line of items.txt"
        np.save(output.file(f"features/{modality}.npy", what, key), vectors)
        what = "which rows are known; the others are zeros"
        np.save(output.file(f"features/{modality}.known.npy", what, key), known)
    output.runs()
    for run, predictions in contents.predictions():
        _save(predictions, output.file(f"predictions/{run}.tsv", "predictions", "predictions"))
    if contents.ratings is None:
        return
    _save(contents.ratings, output.file("ratings.tsv", "ratings, format UIRT", "ratings"))
    for fold, roles in contents.folds.items():
        for part, role in PARTS.items():
            path = output.file(f"folds/{fold}.{part}.tsv", f"{part} of {fold}, UIRT", "folds")
            _save(contents.ratings[getattr(roles, role)], path)
    if contents.folds and contents.features:
        fold = next(iter(contents.folds))
        features = "text" if "text" in contents.features else next(iter(contents.features))
        script = _SCRIPT.format(fold=fold, features=features)
        output.text("train_vbpr.py", "trains VBPR", script)


def _save(table: pd.DataFrame, path: Path) -> None:
    table.to_csv(path, sep="\t", header=False, index=False, quoting=csv.QUOTE_NONE)
