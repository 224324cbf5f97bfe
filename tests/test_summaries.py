"""From runs to rows: means, intervals, content gain, the paper's figures beside ours, files."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import tiny
from kinds import RATINGS_ALONE, siamese
from made_runs import keep, off_by, ratings_of, run_row, sealed

from mmrec.errors import StudyError
from mmrec.evaluation import metrics, ranking
from mmrec.evaluation.inference import Sample, Sampling
from mmrec.evaluation.protocols import sealed_test
from mmrec.experiments import runner, store
from mmrec.experiments.execution import Outcome
from mmrec.experiments.loading import load
from mmrec.reports import summaries, tables

FILMS = pd.Series(tiny.movie_ids(), tiny.movie_ids())

DESIGNED = [
    *["row", "features", "protocol", "fold", "support_size", "n_folds", "n_seeds", "rmse_mean"],
    *["rmse_sd", "rmse_low", "rmse_high", "rmse_best"],
    *["content_gain", "gain_low", "gain_high", "interval", "precision_mean", "recall_mean"],
    *["coverage", "paper_rmse", "paper_precision", "paper_recall", "sources"],
]


@pytest.fixture
def workspace(tmp_path):
    return tiny.workspace(tmp_path)


@pytest.mark.parametrize(("of_real", "of_control"), [(0.5, 0.8), (0.8, 0.5)])
def test_a_worse_control_is_a_gain_and_a_better_one_a_loss(workspace, of_real, of_control):
    truth = ratings_of("u1")
    runs = pd.DataFrame(
        [
            run_row(workspace, "a", off_by(of_real, truth)),
            run_row(workspace, "b", off_by(of_control, truth), features="permuted"),
        ]
    )
    real, control = summaries.summarise(runs, workspace).itertuples()
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
    table = summaries.summarise(pd.DataFrame(runs), workspace)
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
    (row,) = summaries.summarise(runs, workspace).itertuples()
    assert row.n_seeds == 3
    assert row.rmse_mean == pytest.approx(0.6)
    assert row.rmse_sd == pytest.approx(0.2)
    assert row.precision_mean == 51
    of_mean = np.sqrt(np.mean(np.square(errors)))
    assert [row.rmse_low, row.rmse_high] == pytest.approx([of_mean] * 2)


def test_one_seed_has_no_deviation(workspace):
    runs = pd.DataFrame([run_row(workspace, "a", off_by(0.5, ratings_of("u1")))])
    (row,) = summaries.summarise(runs, workspace).itertuples()
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
    table = summaries.summarise(runs, workspace)
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
    found = summaries.summarise(runs, workspace)["paper_rmse"]
    assert found.tolist()[:2] == [1.025, 1.025]
    assert found[2:].isna().all()


def test_a_table_of_real_runs_is_saved_with_the_designed_columns(workspace):
    rows = [
        (kind, siamese("meta", seed=seed, features=kind))
        for kind in ("real", "permuted")
        for seed in (0, 1)
    ]
    runs = runner.run("table1", [("meta", e) for _, e in rows], workspace, n_jobs=1)
    table = summaries.save(summaries.summarise(runs, workspace), "table1", workspace)
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


def test_folds_of_a_kind_are_pooled(workspace):
    """A user is one cluster in all folds, as a film is; the mean is over folds first."""
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
    (row,) = summaries.summarise(runs, workspace, pooled=True).itertuples()
    assert (row.fold, row.n_folds, row.n_seeds) == ("item", 2, 2)
    assert row.rmse_mean == pytest.approx(0.7)
    assert row.rmse_sd == pytest.approx(np.std([0.6, 0.8], ddof=1))
    pairs = pd.concat([sealed(fold).pairs for fold in errors])
    squared = np.repeat(
        [np.mean(np.square(some)) for some in errors.values()],
        [len(sealed(fold).pairs) for fold in errors],
    )
    sample = Sample.of(pairs["user_id"], pairs["movie_id"], Sampling.USERS_AND_FILMS)
    expected = sample.interval(squared, root=True)
    assert (row.rmse_low, row.rmse_high) == pytest.approx(expected)
    assert np.isnan(row.paper_rmse)
    apart = summaries.summarise(runs, workspace)
    assert apart["fold"].tolist() == ["item1", "item2"]
    shown = tables.show(summaries.summarise(runs, workspace, pooled=True)).cells
    assert shown["folds"].tolist() == ["2\u00a0item"]


def test_numbers_of_ratings_shown_make_rows_of_their_own():
    runs = pd.DataFrame(
        [{"support_size": None}, {"support_size": 0}, {"support_size": 5}, {"support_size": 5}]
    )
    runs = runs.assign(
        **{"row": "meta", "model": "m", "features": "real", "protocol": "clean"},
        **{"fold": "item1", "masking": 0.0, "seed": [0, 0, 0, 1]},
    )
    groups = summaries.groups(runs)
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
    clean, published = summaries.summarise(runs, workspace).itertuples()
    assert np.isnan(clean.rmse_best)
    assert published.rmse_best == pytest.approx(0.4)


def test_runs_that_only_differ_in_their_settings_need_labels(workspace):
    run = run_row(workspace, "a", ratings_of("u1"))
    with pytest.raises(StudyError, match="two runs of row 'meta'"):
        summaries.summarise(pd.DataFrame([run, {**run, "batch_size": 40_000}]), workspace)


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
    table = summaries.summarise(runner.run("sample", rows, workspace, n_jobs=1), workspace)
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
        lists = pd.DataFrame(
            [
                (user, rank, movie)
                for user in range(1, tiny.N_USERS + 1)
                for rank, movie in enumerate(rng.permutation(tiny.movie_ids())[:20], start=1)
            ],
            columns=["user_id", "rank", "movie_id"],
        )
        predictions = test.pairs.assign(prediction=test.open())
        rows.append(
            {
                **run_row(workspace, f"s{seed}", test.open(), seed=seed),
                **metrics.score_lists(lists, test, FILMS),
                **ranking.popularity(lists, tiny.movie_ids(), tiny.ratings()),
                "catalogue_coverage": ranking.catalogue_coverage(lists, tiny.movie_ids()),
            }
        )
        store.keep(Outcome(predictions, lists, {}), workspace, f"s{seed}")
    runs = pd.DataFrame(rows)
    table = summaries.summarise_lists(runs, workspace)
    (row,) = table.itertuples()
    assert row.n_seeds == 2
    for name in ("ndcg_10", "recall_20", "catalogue_coverage", "popularity_percentile"):
        assert getattr(row, name) == pytest.approx(runs[name].mean())
    assert row.ndcg_10_low < row.ndcg_10 < row.ndcg_10_high
    assert row.recall_20_low < row.recall_20 < row.recall_20_high
    told = tables.show_lists(table).cells
    assert told["NDCG@10"].str.startswith(f"{row.ndcg_10:.3f}").all()


def test_intervals_of_new_films_count_the_films_as_sampled(workspace):
    rng = np.random.default_rng(3)
    of_film = {movie: rng.uniform(0.1, 1.9) for movie in tiny.movie_ids()}
    rows = []
    for fold in ("u1", "item1", "user1", "both1"):
        test = sealed(fold)
        error = test.pairs["movie_id"].map(of_film).to_numpy()
        rows.append(run_row(workspace, fold, off_by(error, test.open()), fold=fold))
    table = summaries.summarise(pd.DataFrame(rows), workspace).set_index("fold")
    assert table["interval"].to_dict() == {
        "u1": "users",
        "item1": "users and films",
        "user1": "users",
        "both1": "users and films",
    }
    test = sealed("item1")
    squared = test.pairs["movie_id"].map(of_film).to_numpy() ** 2
    low, high = Sample.of(test.pairs["user_id"], test.pairs["movie_id"], Sampling.USERS).interval(
        squared, root=True
    )
    width = table.loc["item1", "rmse_high"] - table.loc["item1", "rmse_low"]
    assert width > 1.3 * (high - low)


def test_the_ids_of_a_film_are_one_cluster(workspace):
    """By the catalogue's film_id: half of the movies under two ids are half as many films."""
    path = workspace.catalogue / "movies.parquet"
    movies = pd.read_parquet(path)
    test = sealed("item1")
    new = np.sort(test.pairs["movie_id"].unique())
    twins = dict(zip(new[1::2], new[::2], strict=False))
    run = run_row(workspace, "a", off_by(0.5, test.open()), fold="item1")
    (key,) = summaries.groups(pd.DataFrame([run]))
    before = summaries.squared_errors(key, pd.DataFrame([run]), workspace).sample
    assert len(np.unique(before.films)) == len(new)
    movies["film_id"] = movies["movie_id"].replace(twins)
    movies.to_parquet(path)
    data = load(workspace)
    again = sealed_test(data.ratings, data.films, fold="item1")
    keep(workspace, "a", again.pairs.assign(prediction=3.0))
    after = summaries.squared_errors(key, pd.DataFrame([run]), workspace).sample
    assert len(np.unique(after.films)) < len(again.pairs["movie_id"].unique())


def test_a_model_that_only_ranks_has_a_row_without_an_error(workspace):
    run = run_row(workspace, "a", ratings_of("u1"))
    keep(workspace, "a")
    run |= dict.fromkeys(["rmse", "rmse_covered", "precision", "recall"], np.nan)
    bias = run_row(workspace, "b", off_by(0.5, ratings_of("u1")), row="bias", model="bias")
    table = summaries.summarise(pd.DataFrame([run, bias]), workspace)
    assert table["rmse_mean"].isna().tolist() == [True, False]
    assert tables.show(table).cells.loc["meta", "RMSE"] == "–"
