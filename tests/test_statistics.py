"""From runs to tables: intervals, content gain, the paper's figures beside ours, files."""

import numpy as np
import pandas as pd
import pytest
import tiny

from mmrec.experiments import grid, statistics
from mmrec.experiments.protocols import clean

DESIGNED = [
    *["row", "features", "protocol", "fold", "n_seeds", "rmse_mean", "rmse_sd", "rmse_low"],
    *["rmse_high", "content_gain", "gain_low", "gain_high", "precision_mean", "recall_mean"],
    *["coverage", "paper_rmse", "paper_precision", "paper_recall", "sources"],
]


@pytest.fixture
def workspace(tmp_path):
    return tiny.workspace(tmp_path)


def off_by(error: float, ratings: np.ndarray) -> np.ndarray:
    """Predictions that miss every rating by the same, towards the middle of the scale."""
    return ratings + error * np.where(ratings >= 3, -1, 1)


def run_row(workspace, name: str, prediction: np.ndarray, **fields) -> dict:
    """A run as the grid would file it, with predictions of the test's own."""
    run = {
        **{"table": "table1", "row": "meta", "model": "siamese", "features": "real"},
        **{"protocol": "clean", "fold": "u1", "seed": 0, "masking": 0.0, "hash": name},
        **{"precision": 60.0, "recall": 70.0, "coverage": 1.0, "sources": "by hand"},
        **fields,
    }
    test = clean(tiny.ratings(), fold=run["fold"], seed=run["seed"]).test
    path = grid.predictions_path(workspace, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    test.pairs.assign(prediction=prediction.astype(np.float32)).to_parquet(path)
    rmse = np.sqrt(((np.clip(prediction, 1, 5) - test.open()) ** 2).mean())
    return {**run, "rmse": rmse, "rmse_covered": rmse}


def ratings_of(fold: str) -> np.ndarray:
    return clean(tiny.ratings(), fold=fold, seed=0).test.open()


# --- intervals ----------------------------------------------------------------------------------


def test_the_interval_of_a_constant_error_is_that_constant():
    users = np.repeat(np.arange(7), [1, 2, 3, 5, 8, 1, 9])
    samples = statistics.resampled_rmse(np.full(len(users), 0.81), users)
    assert samples == pytest.approx(np.full(statistics.RESAMPLES, 0.9))
    assert statistics.interval(samples) == pytest.approx((0.9, 0.9))


def test_two_users_give_the_three_samples_there_are():
    squared, users = np.array([1.0, 1.0, 4.0]), np.array([8, 8, 3])
    samples = statistics.resampled_rmse(squared, users)
    found, counts = np.unique(samples.round(9), return_counts=True)
    assert found == pytest.approx([1, np.sqrt(2), 2])
    assert counts / len(samples) == pytest.approx([0.25, 0.5, 0.25], abs=0.04)


def test_columns_are_resampled_with_the_same_users():
    rng = np.random.default_rng(1)
    squared, users = rng.random((60, 2)), rng.integers(0, 9, 60)
    both = statistics.resampled_rmse(squared, users, 50)
    assert both.shape == (50, 2)
    for column in range(2):
        assert both[:, column] == pytest.approx(
            statistics.resampled_rmse(squared[:, column], users, 50)
        )


def test_the_interval_is_the_middle_95_percent():
    assert statistics.interval(np.arange(1001.0)) == (25, 975)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    """Users whose errors differ: resampling ratings as if independent would miss too often."""
    rng, hits, n = np.random.default_rng(3), 0, 200
    users = np.repeat(np.arange(80), 6)
    for _ in range(n):
        squared = np.repeat(rng.exponential(1, 80), 6)
        low, high = statistics.interval(statistics.resampled_rmse(squared, users, 300))
        hits += low <= 1 <= high
    assert 0.88 <= hits / n <= 0.99


# --- tables -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("of_real", "of_control"), [(0.5, 0.8), (0.8, 0.5)])
def test_a_worse_control_is_a_gain_and_a_better_one_a_loss(workspace, of_real, of_control):
    truth = ratings_of("u1")
    runs = pd.DataFrame(
        [
            run_row(workspace, "a", off_by(of_real, truth)),
            run_row(workspace, "b", off_by(of_control, truth), features="permuted"),
        ]
    )
    real, control = statistics.summarise(runs, workspace).itertuples()
    assert (real.features, control.features) == ("real", "permuted")
    gain = of_control - of_real
    assert [real.content_gain, real.gain_low, real.gain_high] == pytest.approx([gain] * 3)
    assert np.isnan([control.content_gain, control.gain_low, control.gain_high]).all()
    assert real.rmse_mean == pytest.approx(of_real)
    assert [real.rmse_low, real.rmse_high] == pytest.approx([of_real] * 2)


def test_a_control_of_another_row_fold_or_mask_is_no_control(workspace):
    others = [{"row": "text"}, {"fold": "u2"}, {"masking": 0.5}]
    runs = [run_row(workspace, "a", off_by(0.5, ratings_of("u1")))]
    for number, other in enumerate(others):
        prediction = off_by(0.8, ratings_of(other.get("fold", "u1")))
        runs.append(run_row(workspace, f"b{number}", prediction, features="permuted", **other))
    table = statistics.summarise(pd.DataFrame(runs), workspace)
    assert len(table) == 4
    assert table["content_gain"].isna().all()


def test_means_over_seeds_and_the_interval_of_the_mean_squared_error(workspace):
    truth = ratings_of("u1")
    errors = [0.4, 0.6, 0.8]
    runs = pd.DataFrame(
        [
            run_row(workspace, f"s{seed}", off_by(error, truth), seed=seed, precision=50 + seed)
            for seed, error in enumerate(errors)
        ]
    )
    (row,) = statistics.summarise(runs, workspace).itertuples()
    assert row.n_seeds == 3
    assert row.rmse_mean == pytest.approx(0.6)
    assert row.rmse_sd == pytest.approx(0.2)
    assert row.precision_mean == 51
    of_mean = np.sqrt(np.mean(np.square(errors)))
    assert [row.rmse_low, row.rmse_high] == pytest.approx([of_mean] * 2)


def test_one_seed_has_no_deviation(workspace):
    runs = pd.DataFrame([run_row(workspace, "a", off_by(0.5, ratings_of("u1")))])
    (row,) = statistics.summarise(runs, workspace).itertuples()
    assert row.n_seeds == 1
    assert np.isnan(row.rmse_sd)


def test_the_papers_figures_stand_beside_their_row_and_mask(workspace):
    truth = ratings_of("u1")
    rows = [("all", 0.5), ("all", 0.8), ("all", 0.0), ("user mean", 0.0)]
    runs = pd.DataFrame(
        [
            run_row(workspace, f"r{n}", off_by(0.5, truth), table="table2", row=row, masking=mask)
            for n, (row, mask) in enumerate(rows)
        ]
    )
    table = statistics.summarise(runs, workspace)
    assert list(zip(table["row"], table["masking"], strict=True)) == rows, "the runs' order"
    assert table["paper_rmse"].tolist()[:2] == [1.048, 1.053]
    assert table["paper_precision"].tolist()[:2] == [69.771, 67.111]
    assert table["paper_recall"].tolist()[:2] == [76.745, 78.118]
    assert table["paper_rmse"].isna().tolist() == [False, False, True, True]


def test_a_table_of_real_runs_is_saved_with_the_designed_columns(workspace):
    rows = [
        (kind, grid.Experiment("siamese", seed, ("meta",), kind, settings=tiny.SETTINGS))
        for kind in ("real", "permuted")
        for seed in (0, 1)
    ]
    runs = grid.run("table1", [("meta", e) for _, e in rows], workspace, n_jobs=1)
    table = statistics.save(statistics.summarise(runs, workspace), "table1", workspace)
    path = workspace.results / "table1.csv"
    stored = pd.read_csv(path)
    designed = [column for column in stored.columns if column in DESIGNED]
    assert designed == DESIGNED
    assert set(stored.columns) - set(DESIGNED) == {"model", "masking", "rmse_covered_mean"}
    assert b"\r" not in path.read_bytes()
    pd.testing.assert_frame_equal(stored, table, rtol=1e-5, check_dtype=False)
    real = table.iloc[0]
    assert real.rmse_low < real.rmse_high
    gain = np.sqrt(
        [np.square(runs[runs["features"] == kind]["rmse"]).mean() for kind in ("permuted", "real")]
    )
    assert real.content_gain == pytest.approx(gain[0] - gain[1])
    assert real.gain_low <= real.content_gain <= real.gain_high


def test_a_table_is_shown_as_plain_text_without_its_empty_columns(workspace):
    truth = ratings_of("u1")
    runs = pd.DataFrame(
        [
            run_row(workspace, "a", off_by(0.5, truth)),
            run_row(workspace, "b", off_by(0.25, truth), row="user mean", precision=np.nan),
        ]
    )
    shown = statistics.show(statistics.summarise(runs, workspace))
    assert shown.index.tolist() == ["meta", "user mean"]
    assert shown["RMSE"].tolist() == ["0.500", "0.250"]
    assert shown["paper: RMSE"].tolist() == ["1.025", "–"]
    assert shown["paper: precision, recall"].tolist() == ["69.4,\u00a085.1", "–"]
    assert "masked" not in shown, "nothing to show"
    assert shown.map(lambda cell: isinstance(cell, str) and "nan" not in cell).all(axis=None)


def test_what_a_table_rests_on_is_told_once():
    runs = pd.DataFrame(
        {
            "fold": "u1",
            "protocol": "clean",
            "seed": [0, 1, 0],
            "sources": ["meta: a, b | text: open", "meta: a, b | text: open", "ratings alone"],
        }
    )
    told = statistics.sources(runs)["what it rests on"]
    assert told.to_dict() == {
        "protocol": "clean, fold u1, seeds 0, 1",
        "meta": "a, b",
        "text": "open",
    }
