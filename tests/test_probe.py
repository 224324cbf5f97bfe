"""The genre probe: finds what is there, and nothing where nothing is."""

import numpy as np
import pandas as pd

from mmrec.features import probe
from mmrec.features.table import FeatureTable

N = 120


def movies(rng: np.random.Generator) -> pd.DataFrame:
    """Half of the movies are dramas, three are westerns; each film but the last stands alone."""
    drama = rng.random(N) < 0.5
    return pd.DataFrame(
        {
            "movie_id": np.arange(1, N + 1),
            "film_id": [*range(1, N), N - 1],
            "genres": [
                ["Drama"] * bool(is_drama) + ["Western"] * (at < 3)
                for at, is_drama in enumerate(drama)
            ],
        }
    )


def test_vectors_that_hold_the_genre_are_told_from_noise():
    rng = np.random.default_rng(0)
    films = movies(rng)
    drama = films["genres"].map(lambda names: "Drama" in names).to_numpy(float)
    told = np.stack([drama + rng.normal(0, 0.3, N), *rng.normal(size=(4, N))], axis=1)
    tables = [
        ("told", FeatureTable("text", films["movie_id"], told, {})),
        ("noise", FeatureTable("text", films["movie_id"], rng.normal(size=(N, 5)), {})),
    ]
    found = probe.genre_auc(tables, films).set_index("features")
    assert set(found["genre"]) == {"Drama"}, "a genre of three movies cannot be probed"
    assert found.loc["told", "auc"] > 0.9
    assert abs(found.loc["noise", "auc"] - 0.5) < 0.2
    assert (found["control"] - 0.5).abs().max() < 0.2


def test_both_ids_of_a_film_stand_in_one_fold(monkeypatch):
    seen = {}

    def record(model, vectors, has, *, groups, cv, method):
        seen["folds"] = [set(test) for _, test in cv.split(vectors, has, groups)]
        return np.zeros(len(has))

    monkeypatch.setattr(probe, "cross_val_predict", record)
    rng = np.random.default_rng(0)
    films = movies(rng)
    table = FeatureTable("text", films["movie_id"], rng.normal(size=(N, 5)), {})
    probe.genre_auc([("text", table)], films)
    (with_last,) = [fold for fold in seen["folds"] if N - 1 in fold]
    assert N - 2 in with_last
