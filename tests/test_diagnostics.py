"""Errors by popularity and activity, where curves cross, what tuning tried."""

import numpy as np
import pandas as pd
import pytest
import tiny

from mmrec.evaluation.protocols import sealed_test
from mmrec.experiments import store
from mmrec.experiments.execution import Outcome
from mmrec.reports import diagnostics

RUN = {
    **{"row": "meta", "model": "m", "features": "real", "protocol": "clean"},
    **{"fold": "u1", "masking": 0.0, "support_size": None, "seed": 0},
}


@pytest.fixture
def workspace(tmp_path):
    return tiny.workspace(tmp_path)


def test_residuals_are_sorted_by_ratings_outside_the_test_part(workspace):
    ratings = tiny.ratings()
    test = sealed_test(ratings, pd.Series(tiny.movie_ids(), tiny.movie_ids()), fold="u1")
    pairs, truth = test.pairs, test.open()
    counts = ratings["movie_id"].value_counts() - pairs["movie_id"].value_counts()
    popular = (pairs["movie_id"].map(counts) >= 10).to_numpy()
    assert 0 < popular.sum() < len(popular), "both bins are there"
    # The popular are predicted 1 star too high, the others 2 too low, in the mean of two seeds.
    for seed, share in enumerate([0.5, 1.5]):
        error = share * np.where(popular, 1.0, -2.0)
        predictions = pairs.assign(prediction=truth + error)
        store.keep(Outcome(predictions, pd.DataFrame(), {}), workspace, f"s{seed}")
    runs = pd.DataFrame([{**RUN, "seed": seed, "hash": f"s{seed}"} for seed in (0, 1)])
    found = diagnostics.residuals(runs, workspace)
    movies = found[found["side"] == "movie"].set_index("bin")
    assert movies["n_pairs"].to_dict() == {"0–9": (~popular).sum(), "10–19": popular.sum()}
    clipped = [np.clip(truth + s * np.where(popular, 1, -2), 1, 5) - truth for s in (0.5, 1.5)]
    for name, at in (("0–9", ~popular), ("10–19", popular)):
        row = movies.loc[name]
        assert row["bias"] == pytest.approx(np.mean(clipped, axis=0)[at].mean())
        assert row["rmse"] == pytest.approx(np.sqrt(np.square(clipped).mean(axis=0)[at].mean()))
        assert row["bias_low"] <= row["bias"] <= row["bias_high"]
        assert row["rmse_low"] <= row["rmse"] <= row["rmse_high"]
    assert movies.loc["10–19", "bias"] > 0 > movies.loc["0–9", "bias"]
    users = found[found["side"] == "user"]
    assert users["n_pairs"].sum() == len(pairs)


def test_every_number_has_one_bin():
    assert diagnostics.bin_names() == ["0–9", "10–19", "20–49", "50–99", "100–199", "≥ 200"]


def curve(**rmse) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"row": row, "support_size": size, "rmse_mean": value}
            for row, some in rmse.items()
            for size, value in zip((0, 1, 3, 7), some, strict=True)
        ]
    )


def test_all_crossings_are_found():
    flat = [1.0, 1.0, 1.0, 1.0]
    table = curve(content=flat, halfway=[1.3, 1.2, 1.1, 0.9], at_once=[0.9, 0.9, 0.9, 0.9])
    table = pd.concat([table, curve(touching=[1.1, 1.1, 1.0, 1.1], weaving=[0.9, 1.1, 0.9, 1.1])])
    table = pd.concat([table, curve(through=[1.1, 1.1, 1.0, 0.9])])
    # Halfway from 3 to 7 in log(1 + n), that is from log 4 to log 8.
    ((at, leader),) = diagnostics.crossings(table, "content", "halfway")
    assert at == pytest.approx(np.sqrt(32) - 1)
    assert leader == "halfway"
    assert diagnostics.crossings(table, "content", "at_once") == []
    assert diagnostics.crossings(table, "content", "touching") == []
    weaving = diagnostics.crossings(table, "content", "weaving")
    assert [crossing.leader for crossing in weaving] == ["content", "weaving", "content"]
    assert [round(crossing.ratings, 6) for crossing in weaving] == [
        round(float(np.sqrt(n * 2 * n) - 1), 6) for n in (1, 2, 4)
    ]
    ((at, _),) = diagnostics.crossings(table, "content", "through")
    assert 1 < at < 7


def test_what_was_tried_is_one_row_per_setting():
    tuning = [
        {"k": 5, "damping": None, "validation_rmse": 0.97},
        {"k": 20, "damping": 2.5, "validation_rmse": 0.95},
    ]
    runs = pd.DataFrame(
        [
            {**RUN, "row": "kNN", "tuning": tuning, "chosen": {"k": 20, "damping": 2.5}},
            {**RUN, "row": "mean", "tuning": None, "chosen": None},
        ]
    )
    ranker = {**RUN, "row": "EASE", "chosen": {"penalty": 9}}
    runs.loc[2] = {**ranker, "tuning": [{"penalty": 9, "validation_ndcg_10": 0.3}]}
    found = diagnostics.tried(runs)
    assert found["row"].tolist() == ["kNN", "kNN"]
    assert found["setting"].tolist() == ["k 5", "k 20, damping 2.5"]
    assert found["validation_rmse"].tolist() == [0.97, 0.95]
    assert found["chosen"].tolist() == [False, True]


def test_gains_are_over_the_first_row_of_the_same_seed():
    scores = {("plain", 0): 1.00, ("plain", 1): 0.90, ("better", 0): 0.95, ("better", 1): 0.83}
    runs = pd.DataFrame(
        {"row": row, "seed": seed, "validation_rmse": score, "best_epoch": 4 + seed}
        | {"train_seconds": 2.0}
        for (row, seed), score in scores.items()
    )
    found = diagnostics.gains(runs)
    assert found.index.tolist() == ["plain", "better"], "in the order of the runs"
    assert found.loc["plain", ["gain", "gain_sd"]].tolist() == [0, 0]
    assert found.loc["better", "gain"] == pytest.approx(0.06)
    assert found.loc["better", "gain_sd"] == pytest.approx(np.std([0.05, 0.07], ddof=1))
    assert found["best_epoch"].tolist() == [4.5, 4.5]
    alone = diagnostics.gains(runs[runs["seed"] == 0])
    assert alone.loc["better", "gain"] == pytest.approx(0.05)
    assert np.isnan(alone.loc["better", "gain_sd"])
