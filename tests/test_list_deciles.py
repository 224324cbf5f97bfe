"""Lists by popularity: against a count by hand, and sums that give the scores of the lists."""

import made_runs
import numpy as np
import pandas as pd
import pytest
import tiny

from mmrec.evaluation import metrics
from mmrec.reports import list_deciles
from mmrec.reports.list_deciles import by_popularity
from mmrec.reports.summaries import summarise_lists

FILMS = pd.Series(tiny.movie_ids(), tiny.movie_ids())
COUNTS = tiny.ratings()["movie_id"].value_counts()


@pytest.fixture
def workspace(tmp_path):
    return tiny.workspace(tmp_path)


def run(workspace, name: str, seed: int = 0, fold: str = "u1") -> dict:
    """A run that lists the same twenty movies to everybody, drawn by the seed."""
    test = made_runs.sealed(fold)
    drawn = np.random.default_rng(seed).permutation(tiny.movie_ids())[:20]
    users = test.pairs["user_id"].unique()
    lists = pd.concat(
        pd.DataFrame({"user_id": user, "rank": np.arange(1, 21), "movie_id": drawn})
        for user in users
    )
    row = made_runs.run_row(
        workspace, name, made_runs.ratings_of(fold), seed=seed, fold=fold, row="same"
    )
    made_runs.keep(workspace, name, None, lists)
    scores = metrics.score_lists(lists, test, FILMS)
    rest = {"catalogue_coverage": 0.0, "popularity_percentile": 0.0}
    rest |= {"popularity_listed": 0.0, "popularity_candidates": 0.0}
    return {**row, **scores, **rest}


def test_weighted_scores_of_the_groups_add_up_to_the_score(workspace, monkeypatch):
    runs = pd.DataFrame([run(workspace, f"r{seed}", seed) for seed in (0, 1)])
    whole = summarise_lists(runs, workspace).iloc[0]
    for n in (1, 3, 10):
        monkeypatch.setattr(list_deciles, "N_GROUPS", n)
        table = by_popularity(runs, workspace)
        assert table["weight"].sum() == pytest.approx(1)
        for name in metrics.LIST_MEASURES:
            assert (table["weight"] * table[name]).sum() == pytest.approx(whole[name]), (n, name)


def test_groups_are_of_films_from_the_least_popular_on_and_of_about_equal_size(
    workspace, monkeypatch
):
    monkeypatch.setattr(list_deciles, "N_GROUPS", 3)
    table = by_popularity(pd.DataFrame([run(workspace, "r")]), workspace)
    test = made_runs.sealed("u1")
    liked = test.pairs[test.open() >= 4]
    assert table["decile"].tolist() == [1, 2, 3]
    assert table["relevant"].sum() == len(liked)
    assert table["films"].sum() == liked["movie_id"].nunique()
    largest = liked["movie_id"].value_counts().max()
    assert (abs(table["relevant"] - len(liked) / 3) <= largest).all()
    assert (table["ratings_from"].to_numpy()[1:] >= table["ratings_to"].to_numpy()[:-1]).all()
    popular = liked["movie_id"].map(COUNTS)
    assert table["ratings_from"].iloc[0] == popular.min()
    assert table["ratings_to"].iloc[-1] == popular.max()


def test_recall_of_a_group_by_hand(workspace, monkeypatch):
    monkeypatch.setattr(list_deciles, "N_GROUPS", 2)
    table = by_popularity(pd.DataFrame([run(workspace, "r")]), workspace)
    test = made_runs.sealed("u1")
    liked = test.pairs[test.open() >= 4]
    weight = 1 / liked.groupby("user_id")["movie_id"].transform("size")
    drawn = np.random.default_rng(0).permutation(tiny.movie_ids())[:20]
    found = liked["movie_id"].isin(drawn)
    popular = liked["movie_id"].map(COUNTS)
    # Where two films of one popularity lie on both sides of the cut, ids decide; leave them out.
    low, high = table["ratings_to"].iloc[0], table["ratings_from"].iloc[1]
    if low < high:
        for row, some in zip(table.itertuples(), (popular <= low, popular >= high), strict=True):
            assert row.recall_20 == pytest.approx(np.average(found[some], weights=weight[some]))
            assert row.relevant == some.sum()
    total = (table["weight"] * table["recall_20"]).sum()
    assert total == pytest.approx(np.average(found, weights=weight))
