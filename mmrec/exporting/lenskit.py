"""A data set of LensKit with the vectors as attributes of its items, folds as item lists."""

import pandas as pd
from lenskit.data import DatasetBuilder, ItemListCollection, UserIDKey

from mmrec.exporting.output import Output

_SCRIPT = '''"""Trains and measures a model of LensKit on a fold of this export.

python train_lenskit.py [--fold u1] [--model bias|knn|als]
"""

import argparse
from pathlib import Path

import pandas as pd
from lenskit.als import BiasedMFScorer
from lenskit.basic import BiasScorer
from lenskit.batch import predict, recommend
from lenskit.data import Dataset, DatasetBuilder, ItemListCollection
from lenskit.knn import ItemKNNScorer
from lenskit.metrics import NDCG, RMSE, RunAnalysis
from lenskit.pipeline import predict_pipeline, topn_pipeline

here = Path(__file__).resolve().parent
models = {"bias": BiasScorer, "knn": ItemKNNScorer, "als": BiasedMFScorer}
parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--fold", default="FOLD")
parser.add_argument("--model", choices=models, default="bias")
options = parser.parse_args()

data = Dataset.load(here / "dataset")
parts = {
    part: ItemListCollection.load_parquet(here / "folds" / f"{options.fold}.{part}.parquet")
    for part in ("train", "validation", "test")
}
# What is not in the training part of the fold is taken out of the data set.
train = parts["train"].to_df()[["user_id", "item_id"]]
pairs = data.interactions("rating").pandas(ids=True)[["user_id", "item_id"]]
other = pairs.merge(train, how="left", indicator=True).query("_merge == 'left_only'")
builder = DatasetBuilder(data)
builder.filter_interactions("rating", remove=other[["user_id", "item_id"]])
train = builder.build()
print(f"{options.fold}: {train.interaction_count} ratings to learn from")

settings = {"k": 20} if options.model == "knn" else {}
settings = {"embedding_size": 32} if options.model == "als" else settings
scorer = models[options.model](**settings)
predicting = predict_pipeline(scorer)
predicting.train(train)
ranking = topn_pipeline(models[options.model](**settings), predicts_ratings=True)
ranking.train(train)
errors = RunAnalysis()
errors.add_metric(RMSE())
print(errors.measure(predict(predicting, parts["test"], n_jobs=1), parts["test"]).list_summary())
lists = RunAnalysis()
lists.add_metric(NDCG(n=10))
found = recommend(ranking, list(parts["test"].keys()), n=10, n_jobs=1)
print(lists.measure(found, parts["test"]).list_summary())
'''


def write(output: Output) -> None:
    """Writes ``dataset/`` for ``Dataset.load``, and Parquet for ``ItemListCollection``."""
    contents = output.contents
    built = DatasetBuilder(contents.name)
    movies = contents.movies
    ids = movies["movie_id"].to_numpy()
    built.add_entities("item", ids)
    for name in ("title", "year", "summary", "imdb_rating", "imdb_votes", "runtime_minutes"):
        there = movies[name].notna()
        if there.any():
            values = movies.loc[there, name]
            values = values.astype("int64") if name == "year" else values
            built.add_scalar_attribute("item", name, ids[there], values.to_numpy())
    for name in ("genres", "directors", "cast"):
        there = movies[name].map(bool)
        if there.any():
            lists = movies.loc[there, name].tolist()
            built.add_list_attribute("item", name, ids[there], lists)
    for modality, table in contents.features.items():
        known = pd.Index(table.movie_ids).isin(ids)
        built.add_vector_attribute(
            "item", attribute(modality), table.movie_ids[known], table.vectors[known]
        )
    used = ["movies", *(f"features/{name}" for name in contents.features)]
    if contents.ratings is not None and contents.users is not None:
        users = contents.users.set_index("user_id")
        built.add_entities("user", users.index.to_numpy())
        for name in map(str, users):
            there = users[name].notna()
            if there.any():
                values = users.loc[there, name]
                built.add_scalar_attribute("user", name, values.index.to_numpy(), values)
        ratings = _items(contents.ratings)
        built.add_interactions(
            "rating",
            ratings.assign(timestamp=pd.to_datetime(ratings["timestamp"], unit="s")),
            entities=["user", "item"],
            missing="insert",
            allow_repeats=False,
            default=True,
        )
        used += ["ratings", "users"]
        for fold, roles in contents.folds.items():
            for part in ("train", "validation", "test"):
                rows = ratings[getattr(roles, part)][["user_id", "item_id", "rating"]]
                path = output.file(f"folds/{fold}.{part}.parquet", f"{part} of {fold}", "folds")
                _collection(rows).save_parquet(path)
    built.save(output.folder("dataset", "the data set", *used))
    output.runs()
    for run, predictions in contents.predictions():
        path = output.file(f"predictions/{run}.parquet", "predictions of a run", "predictions")
        scored = _items(predictions).rename(columns={"prediction": "score"})
        _collection(scored).save_parquet(path)
    if contents.folds:
        script = _SCRIPT.replace("FOLD", next(iter(contents.folds)))
        output.text("train_lenskit.py", "trains and measures a model", script)


def attribute(modality: str) -> str:
    """The attribute of the items that holds the vectors of a modality."""
    return f"vector_{modality.replace('-', '_')}"


def _items(table: pd.DataFrame) -> pd.DataFrame:
    return table.rename(columns={"movie_id": "item_id"})


def _collection(table: pd.DataFrame) -> ItemListCollection[UserIDKey]:
    return ItemListCollection.from_df(table, UserIDKey)
