"""Rows held against a reference: differences, verdicts, and when there is none."""

import numpy as np
import pandas as pd
import pytest
import tiny
from made_runs import keep, off_by, ratings_of, run_row, sealed

from mmrec.errors import StudyError
from mmrec.evaluation.inference import Sample, Sampling
from mmrec.reports import comparisons, tables


@pytest.fixture
def workspace(tmp_path):
    return tiny.workspace(tmp_path)


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
    (row,) = comparisons.compare(runs, workspace, reference="bias").itertuples()
    assert row.row == "meta"
    assert row.verdict == verdict
    assert [row.difference, row.low, row.high] == pytest.approx([of_row - of_reference] * 3)
    assert (row.p < 0.001) == (verdict != "undecided")
    assert row.p_at_floor == (verdict != "undecided")
    (back,) = comparisons.compare(runs, workspace, reference="meta").itertuples()
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
    found = comparisons.compare(runs, workspace, reference="row 0")
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
    (found,) = comparisons.compare(pd.DataFrame(runs), workspace, reference="b").itertuples()
    assert (found.seeds_agree, found.n_seeds) == (2, 3)
    assert found.difference < 0
    assert found.p_holm < 0.001
    assert found.verdict == "undecided"
    agreed = [run for run in runs if run["seed"] < 2]
    (found,) = comparisons.compare(pd.DataFrame(agreed), workspace, reference="b").itertuples()
    assert (found.seeds_agree, found.verdict) == (2, "better")


def test_one_bias_serves_every_mask_and_protocol_but_no_other_fold(workspace):
    others = [{}, {"masking": 0.5}, {"protocol": "as_published"}, {"fold": "u2"}]
    rows = [
        run_row(workspace, f"r{n}", off_by(0.5, ratings_of(other.get("fold", "u1"))), **other)
        for n, other in enumerate(others)
    ]
    rows.append(run_row(workspace, "b", off_by(0.7, ratings_of("u1")), row="bias", model="bias"))
    found = comparisons.compare(pd.DataFrame(rows), workspace, reference="bias")
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
    found = comparisons.compare(runs, workspace, reference={"features": "permuted"})
    assert found["row"].tolist() == ["meta", "text"]
    assert found["difference"].tolist() == pytest.approx([-0.1, 0.1])
    assert found["verdict"].tolist() == ["better", "worse"]
    told = tables.show_comparison(found).cells
    assert told.loc["meta"].tolist() == [
        "-0.100",
        "-0.100\u00a0to\u00a0-0.100",
        "< 0.001",
        "one seed",
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
    (row,) = comparisons.compare(pd.DataFrame(runs), workspace, reference="bias").itertuples()
    assert row.difference == pytest.approx(0.1)
    runs[-1]["seed"] = 7
    with pytest.raises(StudyError, match="no seed in common"):
        comparisons.compare(pd.DataFrame(runs), workspace, reference="bias")


def test_a_reference_that_is_not_there_is_named(workspace):
    runs = pd.DataFrame([run_row(workspace, "a", ratings_of("u1"))])
    with pytest.raises(StudyError, match="no row has a reference 'bias'"):
        comparisons.compare(runs, workspace, reference="bias")


def lists_of(score) -> pd.DataFrame:
    """Lists of all movies by a score of user and movie."""
    rows = []
    for user in range(1, tiny.N_USERS + 1):
        order = sorted(tiny.movie_ids(), key=lambda movie, user=user: -score(user, movie))[:20]
        rows += [(user, rank, movie) for rank, movie in enumerate(order, start=1)]
    return pd.DataFrame(rows, columns=["user_id", "rank", "movie_id"])


def test_lists_are_compared_in_pairs_and_more_is_better(workspace):
    test = sealed("u1")
    liked = set(test.pairs[test.open() >= 4].itertuples(index=False, name=None))
    noise = np.random.default_rng(0).random((tiny.N_USERS + 1, 200))
    scores = {
        "oracle": lambda user, movie: (user, movie) in liked,
        "noise": lambda user, movie: noise[user, movie],
        "more noise": lambda user, movie: noise[user, movie + 50],
    }
    runs = []
    for row, score in scores.items():
        runs.append(run_row(workspace, row, test.open(), row=row, model=row))
        keep(workspace, row, lists=lists_of(score))
        runs[-1] |= {"rmse": np.nan, "ndcg_10": 0.5, "recall_20": 0.5}
    runs = pd.DataFrame(runs)
    for measure in (comparisons.NDCG, comparisons.RECALL):
        found = comparisons.compare(runs, workspace, reference="noise", measure=measure)
        found = found.set_index("row")
        assert found.loc["oracle", "difference"] > 0.2
        assert found.loc["oracle", "verdict"] == "better"
        assert found.loc["more noise", "verdict"] == "undecided"
        assert found.loc["oracle", "low"] < found.loc["oracle", "difference"]
        told = tables.show_comparison(found.reset_index()).caption
        assert measure.name in told
    back = comparisons.compare(runs, workspace, reference="oracle", measure=comparisons.NDCG)
    assert set(back["verdict"]) == {"worse"}
    with pytest.raises(StudyError, match="no row has a reference"):
        comparisons.compare(runs, workspace, reference="noise")  # none of them predicts ratings


def test_verdicts_on_new_films_take_films_for_sampled(workspace):
    """One film that is much better predicted is no proof for others."""
    test = sealed("item1")
    truth, films = test.open(), test.pairs["movie_id"].to_numpy()
    one = films == pd.Series(films).value_counts().index[0]
    runs = pd.DataFrame(
        [
            run_row(workspace, "a", off_by(np.where(one, 0.0, 1.0), truth), fold="item1"),
            run_row(workspace, "b", off_by(1.0, truth), row="bias", model="bias", fold="item1"),
        ]
    )
    (found,) = comparisons.compare(runs, workspace, reference="bias").itertuples()
    assert found.interval == "users and films"
    assert found.difference < 0
    users = Sample.of(test.pairs["user_id"], films, Sampling.USERS)
    rows = off_by(np.where(one, 0.0, 1.0), truth), off_by(1.0, truth)
    squared = [(row - truth) ** 2 for row in rows]
    assert users.difference(*squared, root=True).p < 0.05, "over users it would be decided"
    assert found.p > 0.05
    assert found.verdict == "undecided"
    assert found.low < 0 < found.high
