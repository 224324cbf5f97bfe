"""Claims about baselines, folds and lists on known films: chapter 10."""

import pandas as pd

from mmrec.reports.results import Results
from mmrec.study.claims.claim import Check, check

BEST = "FM: ids and users"
LIKES = ("EASE", "iALS", "BPR", "LightGCN")
RANK_ONLY = ("MostPopular", "Sorted", "Ease", "ImplicitFactors", "Pairwise", "ContentLikes")
"""Kinds of models that rank films and predict no ratings."""


def ten_baselines(r: Results) -> Check:
    """There are ten baselines."""
    number = int(r.rows("baselines")["row"].nunique())
    return check(number == 10, baselines=number)


def an_old_method_is_ahead(r: Results) -> Check:
    """A factorisation machine on ids is ahead of the network; content adds nothing to it."""
    ids, network = r.cell("baselines", "FM: ids"), r.cell("table1", "all")
    both, hybrid = r.cell("baselines", BEST), r.cell("baselines", "FM: hybrid")
    return check(
        both < ids < network and abs(both - hybrid) < 0.001,
        ids=ids,
        network=network,
        ids_and_users=both,
        hybrid=hybrid,
    )


def five_folds_keep_the_order(r: Results) -> Check:
    """Over five folds the baselines keep the order that they have on u1."""
    folds, u1 = order(r, "five_folds"), order(r, "baselines")
    return check(
        [row for row in folds if row in u1] == u1 and folds[:2] == [BEST, "FM: hybrid"],
        ids_and_users=r.cell("five_folds", BEST),
        hybrid=r.cell("five_folds", "FM: hybrid"),
        first=", ".join(folds[:2]),
    )


def gain_is_small_on_five_folds(r: Results) -> Check:
    """The content gain of meta is below a hundredth on five folds."""
    gain = r.cell("five_folds", "meta", "content_gain")
    return check(0 < gain < 0.01, gain=gain)


def level_with_the_network(r: Results) -> Check:
    """Neighbours and factorisation are level with the network, FMs better, biases worse."""
    distances, fm, biases = [], [], []
    for table in ("table1", "five_folds"):
        meta = r.cell(table, "meta")
        distances += [
            abs(r.cell(table, row) - meta) for row in ("item kNN", "matrix factorisation")
        ]
        fm.append(meta - r.cell(table, "FM: ids"))
        biases.append(r.cell(table, "user+movie bias") - meta)
    return check(
        max(distances) < 0.005 and min(fm) > 0.02 and min(biases) > 0.01,
        largest_distance=max(distances),
        fm_better_by=min(fm),
        biases_worse_by=min(biases),
    )


def popular_beats_ratings(r: Results) -> Check:
    """No model of ratings makes as good a list as the most popular films do; EASE does better."""
    popular, best = ndcg(r, "lists", "most popular"), ndcg(r, "lists", BEST)
    likes = {row: ndcg(r, "lists", row) for row in LIKES}
    return check(
        best_list(r, "lists") == best < popular and min(likes.values()) > 1.5 * popular,
        popular=popular,
        popular_recall=r.cell("lists", "most popular", "recall_20"),
        best=best,
        best_recall=r.cell("lists", BEST, "recall_20"),
        **likes,
        EASE_recall=r.cell("lists", "EASE", "recall_20"),
        iALS_recall=r.cell("lists", "iALS", "recall_20"),
    )


def lists_of_the_network(r: Results) -> Check:
    """The network's lists are close to those of the factorisation machine on ids."""
    network, fm = ndcg(r, "lists", "meta"), ndcg(r, "lists", "FM: ids")
    return check(abs(network - fm) < 0.02, network=network, fm=fm)


def movie_mean_lists_worst(r: Results) -> Check:
    """A mean per movie makes the worst lists of all."""
    mean, worst = ndcg(r, "lists", "movie mean"), float(r.table("lists")["ndcg_10"].min())
    movie, everything = (
        f"{100 * r.cell('lists', row, 'catalogue_coverage'):.0f} %"
        for row in ("movie mean", "global mean")
    )
    return check(
        mean == worst,
        movie_mean=mean,
        worst=worst,
        coverage=movie,
        coverage_of_the_global_mean=everything,
    )


def ndcg(r: Results, table: str, row: str, **where: object) -> float:
    """NDCG@10 of a row."""
    return r.cell(table, row, "ndcg_10", **where)


def best_list(r: Results, table: str) -> float:
    """NDCG@10 of the best model of ratings."""
    rows = r.rows(table)
    return float(rows[~rows["model"].isin(RANK_ONLY)]["ndcg_10"].max())


def order(r: Results, table: str) -> list[str]:
    """Rows from the lowest RMSE up."""
    rows: pd.DataFrame = r.rows(table)
    return [str(row) for row in rows.sort_values("rmse_mean", kind="stable")["row"]]


DECLARED = (
    ten_baselines,
    an_old_method_is_ahead,
    five_folds_keep_the_order,
    gain_is_small_on_five_folds,
    level_with_the_network,
    popular_beats_ratings,
    lists_of_the_network,
    movie_mean_lists_worst,
)
