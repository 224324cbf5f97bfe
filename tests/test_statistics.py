"""From runs to tables: intervals, content gain, the paper's figures beside ours, files."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import tiny
from kinds import RATINGS_ALONE, siamese

from mmrec.errors import StudyError
from mmrec.evaluation import inference as resampling
from mmrec.evaluation import metrics, ranking
from mmrec.evaluation.protocols import sealed_test
from mmrec.experiments import runner, store
from mmrec.experiments.execution import Outcome
from mmrec.reports import tables as statistics

DESIGNED = [
    *["row", "features", "protocol", "fold", "support_size", "n_folds", "n_seeds", "rmse_mean"],
    *["rmse_sd", "rmse_low", "rmse_high", "rmse_best"],
    *["content_gain", "gain_low", "gain_high", "precision_mean", "recall_mean"],
    *["coverage", "paper_rmse", "paper_precision", "paper_recall", "sources"],
]


@pytest.fixture
def workspace(tmp_path):
    return tiny.workspace(tmp_path)


def off_by(error: float, ratings: np.ndarray) -> np.ndarray:
    """Predictions that miss every rating by the same, towards the middle of the scale."""
    return ratings + error * np.where(ratings >= 3, -1, 1)


def sealed(fold: str, support_size: int | None = None):
    films = pd.Series(tiny.movie_ids(), tiny.movie_ids())
    return sealed_test(tiny.ratings(), films, fold=fold, support_size=support_size)


def ratings_of(fold: str, support_size: int | None = None) -> np.ndarray:
    return sealed(fold, support_size).open()


def run_row(workspace, name: str, prediction: np.ndarray, **fields) -> dict:
    """A run as the grid would file it, with predictions of the test's own."""
    run = {
        **{"table": "table1", "row": "meta", "model": "Siamese", "features": "real"},
        **{"protocol": "clean", "fold": "u1", "seed": 0, "masking": 0.0, "support_size": None},
        **{"hash": name, "precision": 60.0, "recall": 70.0, "coverage": 1.0, "sources": "{}"},
        **fields,
    }
    test = sealed(run["fold"], run["support_size"])
    predictions = test.pairs.assign(prediction=prediction.astype(np.float32))
    store.keep(Outcome(predictions, pd.DataFrame(), {}), workspace, name)
    rmse = np.sqrt(((np.clip(prediction, 1, 5) - test.open()) ** 2).mean())
    return {**run, "rmse": rmse, "rmse_covered": rmse}


# --- intervals ----------------------------------------------------------------------------------


def test_the_interval_of_a_constant_error_is_that_constant():
    users = np.repeat(np.arange(7), [1, 2, 3, 5, 8, 1, 9])
    samples = resampling.resampled_rmse(np.full(len(users), 0.81), users)
    assert samples == pytest.approx(np.full(resampling.RESAMPLES, 0.9))
    assert resampling.interval(samples) == pytest.approx((0.9, 0.9))


def test_two_users_give_the_three_samples_there_are():
    squared, users = np.array([1.0, 1.0, 4.0]), np.array([8, 8, 3])
    samples = resampling.resampled_rmse(squared, users)
    found, counts = np.unique(samples.round(9), return_counts=True)
    assert found == pytest.approx([1, np.sqrt(2), 2])
    assert counts / len(samples) == pytest.approx([0.25, 0.5, 0.25], abs=0.04)


def test_columns_are_resampled_with_the_same_users():
    rng = np.random.default_rng(1)
    squared, users = rng.random((60, 2)), rng.integers(0, 9, 60)
    both = resampling.resampled_rmse(squared, users, 50)
    assert both.shape == (50, 2)
    for column in range(2):
        assert both[:, column] == pytest.approx(
            resampling.resampled_rmse(squared[:, column], users, 50)
        )


def test_the_interval_is_the_middle_95_percent():
    assert resampling.interval(np.arange(1001.0)) == (25, 975)


def test_the_interval_covers_the_truth_about_as_often_as_it_says():
    """Users whose errors differ: resampling ratings as if independent would miss too often."""
    rng, hits, n = np.random.default_rng(3), 0, 200
    users = np.repeat(np.arange(80), 6)
    for _ in range(n):
        squared = np.repeat(rng.exponential(1, 80), 6)
        low, high = resampling.interval(resampling.resampled_rmse(squared, users, 300))
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
    assert table["paper_rmse"].tolist()[:3] == [1.048, 1.053, 1.028], "the last from Table I"
    assert table["paper_precision"].tolist()[:3] == [69.771, 67.111, 69.911]
    assert table["paper_recall"].tolist()[:3] == [76.745, 78.118, 73.912]
    assert np.isnan(table["paper_rmse"][3])


def test_the_papers_figures_are_of_its_network_on_u1_under_every_protocol(workspace):
    others = [{}, {"protocol": "as_published"}, {"features": "permuted"}, {"model": "another"}]
    others += [{"fold": "u2"}, {"fold": "item1"}]
    runs = pd.DataFrame(
        [
            run_row(workspace, f"r{n}", off_by(0.5, ratings_of(other.get("fold", "u1"))), **other)
            for n, other in enumerate(others)
        ]
    )
    found = statistics.summarise(runs, workspace)["paper_rmse"]
    assert found.tolist()[:2] == [1.025, 1.025]
    assert found[2:].isna().all()


def test_a_table_of_real_runs_is_saved_with_the_designed_columns(workspace):
    rows = [
        (kind, siamese("meta", seed=seed, features=kind))
        for kind in ("real", "permuted")
        for seed in (0, 1)
    ]
    runs = runner.run("table1", [("meta", e) for _, e in rows], workspace, n_jobs=1)
    table = statistics.save(statistics.summarise(runs, workspace), "table1", workspace)
    path = workspace.results / "table1.csv"
    stored = pd.read_csv(path)
    designed = [column for column in stored.columns if column in DESIGNED]
    assert designed == DESIGNED
    assert set(stored.columns) - set(DESIGNED) == {"model", "masking", "rmse_covered_mean"}
    assert b"\r" not in path.read_bytes()
    stored = stored.astype(table.dtypes)
    pd.testing.assert_frame_equal(stored, table, rtol=1e-5)
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
    assert not {"masked", "support size", "fold", "folds"} & set(shown), "nothing to show"
    assert shown.map(lambda cell: isinstance(cell, str) and "nan" not in cell).all(axis=None)


def test_folds_of_a_kind_are_pooled_by_user(workspace):
    """Users are drawn once, with all they rated in all folds; the mean is over folds first."""
    errors = {"item1": [0.4, 0.6], "item2": [0.8, 1.0]}
    runs = pd.DataFrame(
        [
            run_row(
                workspace, f"{fold}{seed}", off_by(error, ratings_of(fold)), fold=fold, seed=seed
            )
            for fold, some in errors.items()
            for seed, error in enumerate(some)
        ]
    )
    (row,) = statistics.summarise(runs, workspace, pooled=True).itertuples()
    assert (row.fold, row.n_folds, row.n_seeds) == ("item", 2, 2)
    assert row.rmse_mean == pytest.approx(0.7)
    assert row.rmse_sd == pytest.approx(np.std([0.6, 0.8], ddof=1))
    pairs = pd.concat([sealed(fold).pairs for fold in errors])
    squared = np.repeat(
        [np.mean(np.square(some)) for some in errors.values()],
        [len(sealed(fold).pairs) for fold in errors],
    )
    expected = resampling.interval(resampling.resampled_rmse(squared, pairs["user_id"]))
    assert (row.rmse_low, row.rmse_high) == pytest.approx(expected)
    assert np.isnan(row.paper_rmse)
    apart = statistics.summarise(runs, workspace)
    assert apart["fold"].tolist() == ["item1", "item2"]
    shown = statistics.show(statistics.summarise(runs, workspace, pooled=True))
    assert shown["folds"].tolist() == ["2\u00a0item"]


def test_numbers_of_ratings_shown_make_rows_of_their_own():
    runs = pd.DataFrame(
        [{"support_size": None}, {"support_size": 0}, {"support_size": 5}, {"support_size": 5}]
    )
    runs = runs.assign(
        **{"row": "meta", "model": "m", "features": "real", "protocol": "clean"},
        **{"fold": "item1", "masking": 0.0, "seed": [0, 0, 0, 1]},
    )
    groups = statistics.groups(runs)
    assert [(key.support_size, len(group)) for key, group in groups.items()] == [
        (None, 1),
        (0, 1),
        (5, 2),
    ]


def test_the_best_seed_is_told_as_published_alone(workspace):
    truth = ratings_of("u1")
    runs = pd.DataFrame(
        [
            run_row(
                workspace, f"{protocol}{seed}", off_by(error, truth), seed=seed, protocol=protocol
            )
            for protocol in ("clean", "as_published")
            for seed, error in enumerate([0.5, 0.4, 0.6])
        ]
    )
    clean, published = statistics.summarise(runs, workspace).itertuples()
    assert np.isnan(clean.rmse_best)
    assert published.rmse_best == pytest.approx(0.4)


def test_protocols_are_shown_side_by_side(workspace):
    truth = ratings_of("u1")
    runs = pd.DataFrame(
        [
            run_row(workspace, "a", off_by(0.5, truth)),
            run_row(workspace, "b", off_by(0.75, truth), protocol="as_published"),
            run_row(workspace, "c", off_by(0.5, truth), protocol="as_published", seed=1),
            run_row(workspace, "d", off_by(0.25, truth), row="user mean", model="user mean"),
        ]
    )
    runs.loc[4] = runs.loc[0]
    runs.loc[4, ["features", "hash"]] = ["permuted", "b"]
    table = statistics.summarise(runs, workspace)
    shown = statistics.show(table[table["features"] == "real"])
    assert shown.index.tolist() == ["meta", "user mean"]
    assert shown["clean: RMSE"].tolist() == ["0.500", "0.250"]
    published = "0.625 ± 0.177 (best 0.500)".replace(" ", "\u00a0")
    assert shown["as published: RMSE"].tolist() == [published, "–"]
    gain = "+0.250 (+0.250 to +0.250)".replace(" ", "\u00a0")
    assert shown["content gain (95 % interval)"].tolist() == [gain, "–"]
    assert shown["paper: RMSE"].tolist() == ["1.025", "–"]
    between = runs.loc[[0]].assign(protocol="hidden_target")
    table = statistics.summarise(pd.concat([runs, between]), workspace)
    shown = statistics.show(table[table["features"] == "real"])
    assert shown["hidden target: RMSE"].tolist() == ["0.500", "–"]


def test_runs_that_only_differ_in_their_settings_need_labels(workspace):
    run = run_row(workspace, "a", ratings_of("u1"))
    with pytest.raises(StudyError, match="two runs of row 'meta'"):
        statistics.summarise(pd.DataFrame([run, {**run, "batch_size": 40_000}]), workspace)


# --- comparisons --------------------------------------------------------------------------------


def test_holms_correction_by_hand():
    assert resampling.holm([0.01, 0.04, 0.03, 0.005]).tolist() == pytest.approx(
        [0.03, 0.06, 0.06, 0.02]
    )
    assert resampling.holm([0.9, 0.8]).tolist() == [1, 1]
    assert resampling.holm([0.03]).tolist() == [0.03]


def test_a_sign_flip_has_the_p_that_all_flips_have():
    # Ten users, each better by the same: of the 1,024 flips two are as extreme.
    p = resampling.sign_flip_p(np.repeat(-0.1, 30), np.repeat(np.arange(10), 3))
    assert p == pytest.approx(2 / 1024, abs=0.0015)
    assert resampling.sign_flip_p(np.zeros(30), np.repeat(np.arange(10), 3)) == 1


def test_a_sign_flip_is_right_about_as_often_as_it_says():
    """Ratings of a user err together: a test over ratings would reject far too often."""
    rng, users = np.random.default_rng(5), np.repeat(np.arange(40), 20)
    p = [resampling.sign_flip_p(np.repeat(rng.normal(0, 1, 40), 20), users) for _ in range(100)]
    assert np.mean(np.array(p) < 0.05) <= 0.13
    assert 0.35 < np.median(p) < 0.65


@pytest.mark.parametrize(
    ("of_row", "of_reference", "verdict"),
    [(0.4, 0.6, "better"), (0.6, 0.4, "worse"), (0.5, 0.5, "undecided")],
)
def test_the_smaller_error_is_the_better_one(workspace, of_row, of_reference, verdict):
    truth = ratings_of("u1")
    runs = pd.DataFrame(
        [
            run_row(workspace, "a", off_by(of_row, truth)),
            run_row(workspace, "b", off_by(of_reference, truth), row="bias", model="bias"),
        ]
    )
    (row,) = statistics.compare(runs, workspace, reference="bias").itertuples()
    assert row.row == "meta"
    assert row.verdict == verdict
    assert [row.difference, row.low, row.high] == pytest.approx([of_row - of_reference] * 3)
    assert (row.p < 0.001) == (verdict != "undecided")
    (back,) = statistics.compare(runs, workspace, reference="meta").itertuples()
    assert back.difference == pytest.approx(-row.difference)
    assert {verdict, back.verdict} in ({"better", "worse"}, {"undecided"})


def test_noise_is_not_decided(workspace):
    truth, rng = ratings_of("u1"), np.random.default_rng(0)
    runs = pd.DataFrame(
        [
            run_row(workspace, f"r{n}", truth + rng.normal(0, 0.5, len(truth)), row=f"row {n}")
            for n in range(5)
        ]
    )
    found = statistics.compare(runs, workspace, reference="row 0")
    assert found["row"].tolist() == [f"row {n}" for n in range(1, 5)]
    assert set(found["verdict"]) == {"undecided"}
    assert (found["p_holm"] >= found["p"]).all()
    assert (found["low"] < found["difference"]).all()
    assert (found["difference"] < found["high"]).all()


def test_a_seed_that_says_otherwise_leaves_it_undecided(workspace):
    truth = ratings_of("u1")
    runs = [
        run_row(workspace, f"{row}{seed}", off_by(error, truth), row=row, seed=seed)
        for row, errors in (("a", [0.3, 0.3, 0.51]), ("b", [0.5, 0.5, 0.5]))
        for seed, error in enumerate(errors)
    ]
    (found,) = statistics.compare(pd.DataFrame(runs), workspace, reference="b").itertuples()
    assert (found.seeds_agree, found.n_seeds) == (2, 3)
    assert found.difference < 0
    assert found.p_holm < 0.001
    assert found.verdict == "undecided"
    agreed = [run for run in runs if run["seed"] < 2]
    (found,) = statistics.compare(pd.DataFrame(agreed), workspace, reference="b").itertuples()
    assert (found.seeds_agree, found.verdict) == (2, "better")


def test_one_bias_serves_every_mask_and_protocol_but_no_other_fold(workspace):
    others = [{}, {"masking": 0.5}, {"protocol": "as_published"}, {"fold": "u2"}]
    rows = [
        run_row(workspace, f"r{n}", off_by(0.5, ratings_of(other.get("fold", "u1"))), **other)
        for n, other in enumerate(others)
    ]
    rows.append(run_row(workspace, "b", off_by(0.7, ratings_of("u1")), row="bias", model="bias"))
    found = statistics.compare(pd.DataFrame(rows), workspace, reference="bias")
    assert found["fold"].tolist() == ["u1"] * 3
    assert found["difference"].tolist() == pytest.approx([-0.2] * 3)


def test_a_row_is_compared_with_its_own_control(workspace):
    truth = ratings_of("u1")
    errors = {("meta", "real"): 0.5, ("meta", "permuted"): 0.6, ("text", "real"): 0.5}
    errors |= {("text", "permuted"): 0.4, ("bias", "real"): 0.3}
    runs = pd.DataFrame(
        [
            run_row(workspace, "".join(key), off_by(error, truth), row=key[0], features=key[1])
            for key, error in errors.items()
        ]
    )
    found = statistics.compare(runs, workspace, reference={"features": "permuted"})
    assert found["row"].tolist() == ["meta", "text"]
    assert found["difference"].tolist() == pytest.approx([-0.1, 0.1])
    assert found["verdict"].tolist() == ["better", "worse"]
    told = statistics.show_comparison(found)
    assert told.loc["meta"].tolist() == [
        "-0.100",
        "-0.100\u00a0to\u00a0-0.100",
        "< 0.001",
        "1\u00a0of\u00a01",
        "better",
    ]


def test_a_comparison_takes_the_seeds_that_both_have(workspace):
    truth = ratings_of("u1")
    runs = [
        run_row(workspace, f"s{seed}", off_by(error, truth), seed=seed)
        for seed, error in enumerate([0.3, 0.5, 0.9])
    ]
    bias = {"row": "bias", "model": "bias"}
    runs.append(run_row(workspace, "b1", off_by(0.4, truth), seed=1, **bias))
    (row,) = statistics.compare(pd.DataFrame(runs), workspace, reference="bias").itertuples()
    assert row.difference == pytest.approx(0.1)
    runs[-1]["seed"] = 7
    with pytest.raises(StudyError, match="no seed in common"):
        statistics.compare(pd.DataFrame(runs), workspace, reference="bias")


def test_a_reference_that_is_not_there_is_named(workspace):
    runs = pd.DataFrame([run_row(workspace, "a", ratings_of("u1"))])
    with pytest.raises(StudyError, match="no row has a reference 'bias'"):
        statistics.compare(runs, workspace, reference="bias")


# --- what is printed can be computed again ------------------------------------------------------


def scores_of_lists(lists: pd.DataFrame, liked: pd.DataFrame) -> tuple[float, float]:
    """NDCG@10 and Recall@20 by the book's words, one user after the other."""
    ndcg, recall = [], []
    for user, some in liked.groupby("user_id"):
        relevant = set(some["movie_id"])
        mine = lists[lists["user_id"] == user].set_index("rank")["movie_id"]
        gain = sum(1 / np.log2(1 + rank) for rank in range(1, 11) if mine.get(rank) in relevant)
        best = sum(1 / np.log2(1 + rank) for rank in range(1, min(10, len(relevant)) + 1))
        ndcg.append(gain / best)
        recall.append(len(relevant & set(mine.loc[:20])) / len(relevant))
    return np.mean(ndcg), np.mean(recall)


def test_scores_follow_from_the_stored_predictions(workspace):
    """Plain formulas on ``results/`` and the catalogue, without any code of the study."""
    rows = [
        (row, replace(experiment, fold=fold, seed=seed))
        for row, experiment in (
            ("meta", siamese("meta")),
            ("user+movie bias", RATINGS_ALONE["user+movie bias"]),
        )
        for fold in ("u1", "item2")
        for seed in (0, 1)
    ]
    table = statistics.summarise(runner.run("sample", rows, workspace, n_jobs=1), workspace)
    stored = pd.read_parquet(workspace.results / "runs.parquet")
    ratings = pd.read_parquet(workspace.catalogue / "ratings.parquet")
    again = {}
    for run in stored.itertuples():
        predicted = pd.read_parquet(workspace.results / "predictions" / f"{run.hash}.parquet")
        both = predicted.merge(ratings, on=["user_id", "movie_id"])
        assert len(both) == run.n_test
        error = both["prediction"].astype(float).clip(1, 5) - both["rating"]
        found, liked = both["prediction"] >= 3.5, both["rating"] >= 4
        assert run.rmse == pytest.approx((error**2).mean() ** 0.5, rel=1e-9)
        assert run.precision == pytest.approx(100 * liked[found].mean())
        assert run.recall == pytest.approx(100 * found[liked].mean())
        again.setdefault((run.row, run.fold), []).append((error**2).mean() ** 0.5)
        lists = pd.read_parquet(workspace.results / "recommendations" / f"{run.hash}.parquet")
        expected = scores_of_lists(lists, both[liked])
        assert (run.ndcg_10, run.recall_20) == pytest.approx(expected)
        new = both["movie_id"].nunique() if run.fold == "item2" else tiny.N_MOVIES
        listed = lists.loc[lists["rank"] <= 10, "movie_id"].nunique()
        assert run.catalogue_coverage == pytest.approx(listed / new)
        rated, tested = (
            len(lists.merge(pairs, on=["user_id", "movie_id"])) for pairs in (ratings, predicted)
        )
        assert rated == tested, "what is listed is in the test part or was never rated"
    for row in table.itertuples():
        scores = again[row.row, row.fold]
        assert row.rmse_mean == pytest.approx(np.mean(scores))
        assert row.rmse_sd == pytest.approx(np.std(scores, ddof=1))


def test_scores_of_lists_follow_from_the_stored_lists(workspace):
    """Means over seeds of each user's scores, and what the records say of the lists."""
    test, rng = sealed("u1"), np.random.default_rng(0)
    rows = []
    for seed in (0, 1):
        lists = ranking.recommend(
            lambda f: rng.random(len(f)),
            range(1, tiny.N_USERS + 1),
            tiny.movie_ids(),
            pd.DataFrame({"user_id": [], "movie_id": []}, dtype="int64"),
        )
        predictions = test.pairs.assign(prediction=test.open())
        rows.append(
            {
                **run_row(workspace, f"s{seed}", test.open(), seed=seed),
                **metrics.score_lists(lists, test),
                **ranking.popularity(lists, tiny.movie_ids(), tiny.ratings()),
                "catalogue_coverage": ranking.catalogue_coverage(lists, tiny.movie_ids()),
            }
        )
        store.keep(Outcome(predictions, lists, {}), workspace, f"s{seed}")
    runs = pd.DataFrame(rows)
    table = statistics.summarise_lists(runs, workspace)
    (row,) = table.itertuples()
    assert row.n_seeds == 2
    for name in ("ndcg_10", "recall_20", "catalogue_coverage", "popularity_percentile"):
        assert getattr(row, name) == pytest.approx(runs[name].mean())
    assert row.ndcg_10_low < row.ndcg_10 < row.ndcg_10_high
    assert row.recall_20_low < row.recall_20 < row.recall_20_high
    told = statistics.show_lists(table)
    assert told["NDCG@10"].str.startswith(f"{row.ndcg_10:.3f}").all()


def test_what_a_table_rests_on_is_told_once():
    runs = pd.DataFrame(
        {
            "fold": "u1",
            "protocol": "clean",
            "seed": [0, 1, 0],
            "sources": [two := '{"meta": "a, b | c: d", "text": "open"}', two, "{}"],
        }
    )
    told = statistics.sources(runs)["what it rests on"]
    assert told.to_dict() == {
        "protocol": "clean, fold u1, seeds 0, 1",
        "meta": "a, b | c: d",
        "text": "open",
    }
