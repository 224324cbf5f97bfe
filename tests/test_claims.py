"""What README and book say of the reference run is what its committed tables say.

A claim is a sentence with places for numbers, and how each number follows from ``book/results``.
The test puts the numbers in and looks for the sentence, so that it fails when either side changes.
"""

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mmrec.catalogue import movielens
from mmrec.experiments.content import BLOCKS
from mmrec.features import published
from mmrec.workspace import PROJECT

RESULTS = PROJECT / "book" / "results"
WITH_META = ("meta", "meta+text", "meta+audio", "meta+video", "all")
OTHERS = ("text", "audio", "video")
MASKED = ("meta+text", "meta+audio", "meta+video", "all")


@cache
def table(name: str) -> pd.DataFrame:
    return pd.read_csv(RESULTS / f"{name}.csv")


def get(name: str, row: str, column: str = "rmse_mean", **where: object) -> float:
    """One cell; unless told otherwise that of real features under the clean protocol."""
    found = table(name)
    for key, value in {"row": row, "features": "real", "protocol": "clean", **where}.items():
        found = found[found[key] == value]
    assert len(found) == 1, f"{name}: {len(found)} rows for {row}, {where}"
    return float(found[column].iloc[0])


def best_below_paper(name: str, row: str, **where: object) -> float:
    """How far the best seed as published is below the paper's RMSE."""
    cell = {"protocol": "as_published", **where}
    return get(name, row, "paper_rmse", **cell) - get(name, row, "rmse_best", **cell)


def increase(row: str, masking: float, protocol: str = "clean") -> float:
    whole = get("table2", row, masking=0, protocol=protocol)
    return get("table2", row, masking=masking, protocol=protocol) - whole


def paper_increase(row: str, masking: float) -> float:
    return get("table2", row, "paper_rmse", masking=masking) - get("table1", row, "paper_rmse")


def film(row: str, support: int) -> float:
    return get("learning_curves", row, fold="item", support_size=support)


def user(row: str, support: int) -> float:
    return get("learning_curves", row, fold="user", support_size=support)


def cold(row: str, fold: str = "item", **where: object) -> float:
    return get("cold_start", row, fold=fold, **where)


def described(row: str, model: str, **where: object) -> float:
    return get("cold_inputs", row, model=model, **where)


def ndcg(name: str, row: str) -> float:
    return get(name, row, "ndcg_10")


def lowest(fold: str) -> float:
    """RMSE of the best model where films, users or both are new."""
    rows = table("cold_start").query("features == 'real'")
    return float(rows[rows["fold"] == fold]["rmse_mean"].min())


def best_list(name: str) -> float:
    """NDCG@10 of the best model of ratings."""
    rows = table(name).query("features == 'real'")
    return float(rows[~rows["model"].isin(RANK_ONLY)]["ndcg_10"].max())


SEEDS = {
    3: ("table1", "rating_vectors", "variants", "protocol", "lists"),
    1: (
        "table2",
        "masking_curve",
        "five_folds",
        "cold_start",
        "cold_inputs",
        "cold_lists",
        "beyond",
    ),
}
UNRATED = "FM: hybrid, without IMDb's rating"
RIDGE, RIDGED = "kernel ridge", "ContentKernelRidge"
RELEASED, CROWD = "known before release", "with IMDb's crowd"
BEST = "FM: ids and users"
LIKES = ("EASE", "iALS", "BPR", "LightGCN")
NETWORKS = ("meta", "all", "meta, inputs hidden")
RANK_ONLY = ("MostPopular", "Sorted", "Ease", "ImplicitFactors", "Pairwise", "ContentLikes")
PROCESS = "pair process"
LEVELS = ("released", "encyclopedia", "crowd")
SUPPORT = (0, 1, 2, 5, 10, 20, 50)


def beyond(track: str, row: str = PROCESS, column: str = "rmse_mean", **where: object) -> float:
    return get("beyond", row, column, track=track, **where)


def curve(masking: float) -> float:
    return get("masking_curve", "all", masking=masking)


def masked_gains() -> list[float]:
    """What hiding 80 % of the ratings does to the content gain, by row."""
    whole, masked = (
        [get("table2", row, "content_gain", masking=masking) for row in MASKED]
        for masking in (0.0, 0.8)
    )
    return [after - before for before, after in zip(whole, masked, strict=True)]


def undecided_gains(name: str) -> list[str]:
    """Rows whose content gain has an interval with zero in it."""
    rows = table(name).query("features == 'real' and gain_low < 0 < gain_high")
    return rows["row"].tolist()


def control_is_worse() -> bool:
    """Whether the process with content of other films is worse than the user's mean."""
    return all(
        beyond(track, features="permuted") > beyond(track, "user mean")
        for track in ("new_films_released", "new_films_crowd")
    )


def listed(column: str, *titles: str) -> bool:
    """Whether films stand in a list of chapter 13, in this order."""
    films = [re.sub(r"( or:.*)? \(\d+\)$", "", film) for film in table("person_lists")[column]]
    return [film for film in films if film in titles] == list(titles)


def person(name: str, key: str, column: str) -> float:
    """A number of one of chapter 13's tables, by the beginning of its row."""
    rows = table(name)
    rows = rows[rows.iloc[:, 0].str.startswith(key)]
    return float(rows[column].item())


def shared_films(one: str, other: str) -> int:
    return len(set(table("person_lists")[one]) & set(table("person_lists")[other]))


def block_loss(block: str) -> float:
    """What the process loses when it is trained without a block."""
    return get("beyond_blocks", f"without {block}") - get("beyond_blocks", "all blocks")


def lack(block: str) -> float:
    """How far films without a block fall behind the model that never saw it."""
    missing = get("beyond_withheld", f"100% of films lack {block}")
    return missing - get("beyond_blocks", f"without {block}")


def curve_point(fold: str, row: str, number: int) -> float:
    return get("beyond_curves", row, fold=fold, support_size=number)


def behind(fold: str, number: int) -> float:
    """How far the process is behind the best other model with so many ratings known."""
    others = (curve_point(fold, row, number) for row in ("user+movie bias", BEST, RIDGE))
    return curve_point(fold, PROCESS, number) - min(others)


def three(value: float) -> str:
    return f"{abs(value):.3f}"


def two(value: float) -> str:
    return f"{abs(value):.2f}"


def percent(value: float) -> str:
    return f"{value:.1f} %"


@dataclass(frozen=True)
class Claim:
    """A sentence of a file.

    Attributes:
        where: A path from the project's root; of a notebook the text cells are read.
        sentence: With a place for each number.
        numbers: As they are written.
        holds: What the sentence says without a number.
    """

    where: str
    sentence: str
    numbers: Callable[[], tuple[str, ...]] = tuple
    holds: Callable[[], bool] = lambda: True


README, PAPER = "README.md", "book/the_paper.md"
CH7 = "notebooks/07_modality_ablation.ipynb"
CH8 = "notebooks/08_rating_masking.ipynb"
CH9 = "notebooks/09_rating_vectors.ipynb"
CH10 = "notebooks/10_protocol_and_baselines.ipynb"
CH11 = "notebooks/11_cold_start.ipynb"
CH12 = "notebooks/12_new_films.ipynb"
CH13 = "notebooks/13_one_person_ten_films.ipynb"

CLAIMS = [
    Claim(
        README,
        "in the five rows with meta: there the best of three runs is within 0.005 of it",
        holds=lambda: all(abs(best_below_paper("table1", row)) <= 0.005 for row in WITH_META),
    ),
    Claim(
        README,
        "Text, audio and video, made from other inputs, come out lower by {}, {} and {}.",
        lambda: tuple(three(best_below_paper("table1", row)) for row in ("text", "audio", "video")),
        lambda: all(best_below_paper("table1", row) > 0 for row in OTHERS),
    ),
    Claim(
        README,
        "(recall of meta: {} against {})",
        lambda: (
            percent(get("table1", "meta", "recall_mean", protocol="as_published")),
            percent(get("table1", "meta", "paper_recall", protocol="as_published")),
        ),
    ),
    Claim(
        README,
        "Table II, run with one seed, lie between {} below the paper's figures and {} above them",
        lambda: (three(max(table2_best())), three(min(table2_best()))),
        lambda: len(table2_best()) == 8 and min(table2_best()) < 0 < max(table2_best()),
    ),
    Claim(
        README,
        "the same architecture is a tenth of a star better",
        holds=lambda: all(
            0.09 < get("table1", row, protocol="as_published") - get("table1", row) < 0.115
            for row in (*WITH_META, *OTHERS)
        ),
    ),
    Claim(
        README,
        "audio and video alone are worse than these",
        holds=lambda: (
            min(get("table1", "audio"), get("table1", "video")) > get("table1", "user+movie bias")
        ),
    ),
    Claim(
        README,
        "of its lead of {} over two biases, {} are due to content. With ids and users known, "
        "content adds less than 0.001.",
        lambda: (
            three(get("table1", "FM: content") - get("table1", "user+movie bias")),
            three(get("table1", "FM: content", "content_gain")),
        ),
        lambda: get("table1", "FM: ids and users") - get("table1", "FM: hybrid") < 0.001,
    ),
    Claim(
        README,
        "**Rating vectors** reach {}, and {} when it is trained again with the",
        lambda: (
            three(get("rating_vectors", "rating vectors", masking=0)),
            three(get("rating_vectors", "rating vectors, refitted")),
        ),
    ),
    Claim(
        PAPER,
        "Beside the tables stand ten baselines, seven of them tuned",
        holds=lambda: table("baselines").query("features == 'real'")["row"].nunique() == 10,
    ),
    Claim(
        CH7,
        "are lower than it: text by {}, audio by {}, video by {}.",
        lambda: tuple(three(best_below_paper("table1", row)) for row in ("text", "audio", "video")),
        lambda: min(best_below_paper("table1", row) for row in ("text", "audio", "video")) > 0,
    ),
    Claim(
        CH7,
        "The gains of meta, of audio, and of meta with video cannot be distinguished from zero.",
        holds=lambda: undecided_gains("table1") == ["meta", "audio", "meta+video"],
    ),
    Claim(
        CH7,
        "*FM: content* is {} better than the two biases, and {} of that is content gain. Once the "
        "factorisation machine has the movie's id, content is again worth little: {} by the "
        "control, and {} against *ids and users*.",
        lambda: (
            three(get("table1", "FM: content") - get("table1", "user+movie bias")),
            three(get("table1", "FM: content", "content_gain")),
            three(get("table1", "FM: hybrid", "content_gain")),
            three(get("table1", "FM: ids and users") - get("table1", "FM: hybrid")),
        ),
    ),
    Claim(
        CH7,
        "Without the director meta is {} worse",
        lambda: (three(get("variants", "meta-undirected") - get("variants", "meta")),),
        lambda: get("variants", "meta-undirected") > get("variants", "meta"),
    ),
    *(
        Claim(
            CH7,
            f"| {row} | {{}}, {{}} | {{}}, {{}} |",
            lambda row=row: tuple(
                f"{get('table1', row, column, protocol='as_published'):.1f}"
                for column in ("precision_mean", "recall_mean", "paper_precision", "paper_recall")
            ),
        )
        for row in ("text", "meta", "audio", "video", *MASKED)
    ),
    Claim(
        CH8,
        "by {} to {} when half of the ratings are hidden, and by {} to {} when 80 % are",
        lambda: tuple(
            three(pick(increase(row, masking) for row in MASKED))
            for masking in (0.5, 0.8)
            for pick in (min, max)
        ),
        lambda: min(increase(row, 0.5) for row in MASKED) > 0,
    ),
    Claim(
        CH8,
        "the RMSE rises by {} to {} at 50 %, and by {} to {} at 80 %",
        lambda: tuple(
            three(pick(paper_increase(row, masking) for row in MASKED))
            for masking in (0.5, 0.8)
            for pick in (min, max)
        ),
    ),
    Claim(
        CH8,
        "our increase at 80 % is {} to {}",
        lambda: (
            three(min(increase(row, 0.8, "as_published") for row in MASKED)),
            three(max(increase(row, 0.8, "as_published") for row in MASKED)),
        ),
    ),
    Claim(
        CH8,
        "our run lies between {} below the paper's figure and {} above it",
        lambda: (three(max(table2_best())), three(min(table2_best()))),
        lambda: min(table2_best()) < 0 < max(table2_best()),
    ),
    Claim(
        CH8,
        "costs {}; at 90 % the network is still ahead of the two biases by {}, and at 95 %, which "
        "leaves a like or two for a typical user, it is behind by {}",
        lambda: (
            three(curve(0.8) - curve(0.0)),
            three(get("table2", "user+movie bias") - curve(0.9)),
            three(curve(0.95) - get("table2", "user+movie bias")),
        ),
        lambda: curve(0.9) < get("table2", "user+movie bias") < curve(0.95),
    ),
    Claim(
        CH8,
        "Hiding 90 % costs more than half of what the network had gained over two biases.",
        holds=lambda: (
            0.5 * (get("table2", "user+movie bias") - curve(0.0))
            < curve(0.9) - curve(0.0)
            < get("table2", "user+movie bias") - curve(0.0)
        ),
    ),
    Claim(
        CH8,
        "larger than without a mask in two of the four rows, the same in one, and smaller in one.",
        holds=lambda: (
            [
                sum(rows)
                for rows in (
                    [change > 0.0015 for change in masked_gains()],
                    [change < -0.0015 for change in masked_gains()],
                )
            ]
            == [2, 1]
        ),
    ),
    Claim(
        CH9,
        "Rating vectors reach {} in the reference run under the clean protocol, and {} when "
        "refitted, where the paper reports {}; as published they reach {}.",
        lambda: (
            three(get("rating_vectors", "rating vectors", masking=0)),
            three(get("rating_vectors", "rating vectors, refitted")),
            three(get("rating_vectors", "rating vectors", "paper_rmse", masking=0)),
            three(get("rating_vectors", "rating vectors", masking=0, protocol="as_published")),
        ),
    ),
    Claim(
        CH9,
        "clean, hiding four fifths of the ratings costs {},",
        lambda: (
            three(
                get("rating_vectors", "rating vectors", masking=0.8)
                - get("rating_vectors", "rating vectors", masking=0)
            ),
        ),
    ),
    Claim(
        CH9,
        "Refitted as well, the factorisation machine on ids and users reaches {} and neighbours "
        "{}.",
        lambda: tuple(
            three(get("rating_vectors", f"{row}, refitted"))
            for row in ("FM: ids and users", "item kNN")
        ),
    ),
    Claim(
        CH10,
        "reaches {}, ahead of the network with all four modalities ({}). Knowing who the users "
        "are and what they have rated takes it to {}; adding content on top of that changes "
        "nothing ({}).",
        lambda: (
            three(get("baselines", "FM: ids")),
            three(get("table1", "all")),
            three(get("baselines", "FM: ids and users")),
            three(get("baselines", "FM: hybrid")),
        ),
        lambda: abs(get("baselines", "FM: ids and users") - get("baselines", "FM: hybrid")) < 0.001,
    ),
    Claim(
        CH10,
        "The order is that of u1, with *FM: ids and users* and *FM: hybrid* close together at the "
        "top ({} and {})",
        lambda: (
            three(get("five_folds", "FM: ids and users")),
            three(get("five_folds", "FM: hybrid")),
        ),
        lambda: (
            order("five_folds", order("baselines")) == order("baselines")
            and order("five_folds")[:2] == ["FM: ids and users", "FM: hybrid"]
        ),
    ),
    Claim(
        CH10,
        "The content gain of meta is small here as well ({};",
        lambda: (three(get("five_folds", "meta", "content_gain")),),
    ),
    Claim(
        CH10,
        "Neighbours and matrix factorisation, tuned and from ratings alone, are level with the "
        "network, and factorisation machines on ids are better, on all five folds together as "
        "well. Two biases are worse.",
        holds=lambda: all(
            abs(get(name, row) - get(name, "meta")) < 0.005
            and get(name, "FM: ids") < get(name, "meta") - 0.02
            and get(name, "user+movie bias") > get(name, "meta") + 0.01
            for name in ("table1", "five_folds")
            for row in ("item kNN", "matrix factorisation")
        ),
    ),
    Claim(
        README,
        "the most popular films, the same list for everybody, have an NDCG@10 of {}, the best "
        "model of ratings has {}, and EASE, a model of likes, {}",
        lambda: tuple(three(ndcg("lists", row)) for row in ("most popular", BEST, "EASE")),
        lambda: ndcg("lists", BEST) == best_list("lists"),
    ),
    Claim(
        PAPER,
        "the rows of chapters 7 and 9, the steps of the protocol and the lists in chapter 10 are "
        "means over three seeds, with their standard deviation; chapter 8, the five folds and "
        "chapters 11 and 12 have one.",
        holds=lambda: all(
            set(table(name).query("features == 'real'")["n_seeds"]) == {number}
            for number, names in SEEDS.items()
            for name in names
        ),
    ),
    Claim(
        CH10,
        "The most popular films, the same list for everybody, have an NDCG@10 of {} and a "
        "Recall@20 of {}; the best model of ratings, *FM: ids and users*, has {} and {}. Models "
        "of likes are far ahead of both: EASE has {} and {}, iALS {} and {}.",
        lambda: tuple(
            three(get("lists", row, column))
            for row in ("most popular", BEST, "EASE", "iALS")
            for column in ("ndcg_10", "recall_20")
        ),
        lambda: (
            best_list("lists") == ndcg("lists", BEST) < ndcg("lists", "most popular")
            and min(ndcg("lists", row) for row in LIKES) > 1.5 * ndcg("lists", "most popular")
        ),
    ),
    Claim(
        CH10,
        "The network is close to the factorisation machine on ids.",
        holds=lambda: abs(ndcg("lists", "meta") - ndcg("lists", "FM: ids")) < 0.02,
    ),
    Claim(
        CH10,
        "A mean per movie makes the worst lists of all",
        holds=lambda: ndcg("lists", "movie mean") == table("lists")["ndcg_10"].min(),
    ),
    Claim(
        README,
        "an RMSE of {} from what is known before release, {} with an encyclopedia and {} with the "
        "IMDb crowd's rating, where the user's mean is at {} (five folds, one seed, refitted)",
        lambda: tuple(
            three(beyond(*cell))
            for cell in (
                ("new_films_released",),
                ("new_films_encyclopedia",),
                ("new_films_crowd",),
                ("new_films_crowd", "user mean"),
            )
        ),
        lambda: (
            beyond("new_films_released", column="n_folds") == 5
            and beyond("new_films_released", column="n_seeds") == 1
        ),
    ),
    Claim(
        README,
        "With content dealt out at random among the films it is at {} and {}, worse than the mean",
        lambda: tuple(
            three(beyond(track, features="permuted"))
            for track in ("new_films_released", "new_films_crowd")
        ),
        control_is_worse,
    ),
    Claim(
        README,
        "reaches {} on u1, against {} of the refitted FM hybrid (one seed, not told from chance)",
        lambda: (three(beyond("u1_single")), three(beyond("u1_single", "FM: hybrid"))),
        lambda: (
            beyond("u1_single") < beyond("u1_single", "FM: hybrid")
            and beyond("u1_single", column="rmse_high")
            > beyond("u1_single", "FM: hybrid", "rmse_low")
        ),
    ),
    Claim(
        README,
        "its NDCG@10 is {} from what is known before release and {} with the crowd, where the sort "
        "by votes, the same for everybody, is at {}",
        lambda: (
            three(beyond("new_films_lists_released", "content and EASE", "ndcg_10")),
            three(beyond("new_films_lists_crowd", "content and EASE", "ndcg_10")),
            three(beyond("new_films_lists_crowd", "IMDb votes", "ndcg_10")),
        ),
    ),
    Claim(
        CH12,
        "Kernel ridge on the same content is at {} before release and at {} with the crowd, the "
        "twin towers are at {} with the crowd",
        lambda: (
            three(beyond("new_films_released", "kernel ridge")),
            three(beyond("new_films_crowd", "kernel ridge")),
            three(beyond("new_films_crowd", "twin towers")),
        ),
    ),
    Claim(
        CH12,
        "the process reaches {} from what is known before release, {} with an encyclopedia and {} "
        "with the crowd's rating, where the user's mean is at {}",
        lambda: (
            *(three(beyond(f"new_films_{level}")) for level in LEVELS),
            three(beyond("new_films_crowd", "user mean")),
        ),
    ),
    Claim(
        CH12,
        "From text alone the process is at {} and kernel ridge at {}, which cannot be "
        "distinguished from the user's mean. From video ({}) or audio ({}) alone",
        lambda: (
            three(beyond("new_films_text")),
            three(beyond("new_films_text", "kernel ridge")),
            three(beyond("new_films_video")),
            three(beyond("new_films_audio")),
        ),
        lambda: (
            min(beyond("new_films_video"), beyond("new_films_audio"))
            > beyond("new_films_text", "user mean")
        ),
    ),
    Claim(
        CH12,
        "With both new, the process is at {} and the mean of the film at {}. On known films the "
        "process reaches {} and the refitted hybrid machine {}, which cannot be distinguished; the "
        "average of six unlike models is at {}. Without item ids the process is at {} (the "
        "machine: {}), and on ratings alone at {}.",
        lambda: tuple(
            three(beyond(*cell))
            for cell in (
                ("both_new",),
                ("both_new", "movie mean"),
                ("u1_single",),
                ("u1_single", "FM: hybrid"),
                ("u1_average", "average"),
                ("u1_content",),
                ("u1_content", "FM: content"),
                ("u1_rating_vectors",),
            )
        ),
    ),
    Claim(
        CH12,
        "The control is at {} before release and at {} with the crowd",
        lambda: tuple(
            three(beyond(track, features="permuted"))
            for track in ("new_films_released", "new_films_crowd")
        ),
    ),
    Claim(
        CH12,
        "the process loses at most {} (the encyclopedia)",
        lambda: (three(block_loss("meta-freebase")),),
        lambda: block_loss("meta-freebase") == max(map(block_loss, BLOCKS)),
    ),
    Claim(
        CH12,
        "A poster, a director or a cast is worth 0.001 or less, a synopsis {}.",
        lambda: (three(block_loss("text")),),
        lambda: max(block_loss(block) for block in ("video", "directors", "cast")) < 0.0015,
    ),
    Claim(
        CH12,
        "are predicted at most {} worse than by the model that never saw it, and in part better. "
        "The exception is the year, which costs {} more than that",
        lambda: (
            three(max(lack(block) for block in BLOCKS if block != "years")),
            three(lack("years")),
        ),
        lambda: min(map(lack, BLOCKS)) < 0,
    ),
    Claim(
        CH12,
        "the process has the lowest error on new films, and on new users it is level with the best",
        holds=lambda: (
            max(behind("item", number) for number in SUPPORT) <= 0
            and max(behind("user", number) for number in SUPPORT) < 0.003
        ),
    ),
    Claim(
        CH12,
        "a new film is predicted with an error ({}) that the factorisation machine reaches only "
        "with more than twenty ratings",
        lambda: (three(curve_point("item", PROCESS, 0)),),
        lambda: (
            curve_point("item", BEST, 50)
            < curve_point("item", PROCESS, 0)
            < curve_point("item", BEST, 20)
        ),
    ),
    Claim(
        CH12,
        "with both new, the interval of 80 % holds {}.",
        lambda: (percent(100 * beyond("both_new", column="within_80")),),
    ),
    Claim(
        CH12,
        "For new users the process is at {}, the mean of the film at {} and the factorisation "
        "machine at {}",
        lambda: tuple(
            three(beyond("new_users", row)) for row in (PROCESS, "movie mean", "FM: ids and users")
        ),
    ),
    Claim(
        CH12,
        "worse than the user's mean, so that the content gains, {} and {}, are larger than the "
        "lead over that mean",
        lambda: tuple(
            three(beyond(track, column="content_gain"))
            for track in ("new_films_released", "new_films_crowd")
        ),
        control_is_worse,
    ),
    Claim(
        CH12,
        "its NDCG@10 is {} with the crowd's rating, that of the sort by votes {}",
        lambda: (
            three(beyond("new_films_lists_crowd", column="ndcg_10")),
            three(beyond("new_films_lists_crowd", "IMDb votes", "ndcg_10")),
        ),
        lambda: (
            beyond("new_films_lists_crowd", column="ndcg_10")
            < beyond("new_films_lists_crowd", "IMDb votes", "ndcg_10")
        ),
    ),
    Claim(
        CH12,
        "were missed at all three levels of content by 0.002 or less (0.970, 0.960 and 0.915), and "
        "by more in the lists before release (0.33) and with both new (1.03).",
        holds=lambda: (
            0 < beyond("new_films_released") - 0.970 < 0.0025
            and 0 < beyond("new_films_encyclopedia") - 0.960 < 0.0025
            and 0 < beyond("new_films_crowd") - 0.915 < 0.0025
            and beyond("new_films_lists_released", "content and EASE", "ndcg_10") < 0.33
            and beyond("both_new") > 1.03
        ),
    ),
    Claim(
        CH13,
        "the process with content and the process whose content was dealt out at random share "
        "three films of ten.",
        holds=lambda: shared_films("process over pairs", "content dealt out at random") == 3,
    ),
    Claim(
        CH13,
        "seven of ten films are others than with content dealt out at random",
        holds=lambda: shared_films("process over pairs", "content dealt out at random") == 10 - 7,
    ),
    Claim(
        CH13,
        "such as *Star Wars*, *Casablanca* and *Schindler's List*.",
        holds=lambda: listed(
            "content dealt out at random", "Star Wars", "Schindler's List", "Casablanca"
        ),
    ),
    Claim(
        CH13,
        "*Dr. Strangelove*, *A Close Shave* and *The Hudsucker Proxy*, whose makers",
        holds=lambda: listed(
            "process over pairs", "Dr. Strangelove", "A Close Shave", "The Hudsucker Proxy"
        ),
    ),
    Claim(
        CH13,
        "*The Big Lebowski* and *Miller's Crossing*, which none of the other models lists.",
        holds=lambda: (
            [
                column
                for column in table("person_lists").columns[1:]
                if listed(column, "The Big Lebowski") or listed(column, "Miller's Crossing")
            ]
            == ["likes from content"]
        ),
    ),
    Claim(
        CH13,
        "raise the prediction for *Pulp Fiction* by {} and {}. *The Usual Suspects* lowers it by "
        "{}",
        lambda: tuple(
            two(person("person_reasons", film, "adds"))
            for film in ("Fargo", "Raising Arizona", "The Usual Suspects")
        ),
        lambda: person("person_reasons", "The Usual Suspects", "adds") < 0,
    ),
    Claim(
        CH13,
        "directors add {} to *Pulp Fiction* and {} to *Dr. Strangelove*, and take {} from *The "
        "Godfather*.",
        lambda: tuple(
            two(person("person_blocks", film, "directors"))
            for film in ("Pulp Fiction", "Dr. Strangelove", "The Godfather")
        ),
        lambda: person("person_blocks", "The Godfather", "directors") < 0,
    ),
    Claim(
        CH13,
        "the model expects {} stars from the reader, about as much as from everybody ({}). Genres "
        "and year raise the reader's prediction to {} and lower everybody's to {}",
        lambda: tuple(
            two(person("person_new_film", told, column))
            for told in ("nothing", "its genres")
            for column in ("prediction", "everybody")
        ),
    ),
]

FALSE = [
    r"best model (tried|of this chapter)",
    r"nothing does much better than the user's mean",
    r"worth most before the first rating, and less with every",
    r"[Ee]very row is the mean of several seeds",
]
"""What was once said and is not so, whatever a run gives."""


def table2_best() -> list[float]:
    return [
        best_below_paper("table2", row, masking=masking) for row in MASKED for masking in (0.5, 0.8)
    ]


def order(name: str, among: list[str] | None = None) -> list[str]:
    """Rows with real features under the clean protocol, from the lowest RMSE up."""
    rows = table(name).query("features == 'real' and protocol == 'clean'")
    rows = rows if among is None else rows[rows["row"].isin(among)]
    return rows.sort_values("rmse_mean", kind="stable")["row"].tolist()


@cache
def prose(path: Path) -> str:
    """The text of a file, of a notebook its text cells, with single spaces."""
    content = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        cells = json.loads(content)["cells"]
        texts = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
        content = "\n\n".join(texts)
    return " ".join(content.split())


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.sentence[:40])
def test_claims_follow_from_the_tables(claim):
    sentence = claim.sentence.format(*claim.numbers())
    assert sentence in prose(PROJECT / claim.where)
    assert claim.holds(), f"the tables say otherwise: {sentence}"


@pytest.mark.parametrize("claim", [c for c in CLAIMS if "{}" in c.sentence][:3])
def test_another_number_would_be_noticed(claim):
    altered = [f"{float(n.split()[0]) + 0.5:.3f}" for n in claim.numbers()]
    assert claim.sentence.format(*altered) not in prose(PROJECT / claim.where)


def test_what_was_false_is_not_said_again():
    pages = [PROJECT / README, *(PROJECT / "book").glob("*.md"), *(PROJECT / "notebooks").glob("*")]
    said = [
        f"{page.name}: {hit.group()}"
        for page in pages
        if page.suffix in (".md", ".ipynb")
        for pattern in FALSE
        if (hit := re.search(pattern, prose(page)))
    ]
    assert said == []


@pytest.fixture(scope="module")
def mirror() -> Path:
    folder = os.environ.get("MMREC_MIRROR")
    if not folder:
        pytest.skip("needs the mirror (MMREC_MIRROR)")
    return Path(folder)


def test_the_published_audio_file_is_uninformative(mirror):
    """Chapter 4: almost all variance in three components, and no twin finds its twin."""
    vectors, _ = published.read(mirror / "enhanced-ml-100k" / "audio_embeddings.csv")
    scaled = vectors.vectors - vectors.vectors.mean(axis=0, dtype=float)
    scaled /= scaled.std(axis=0)
    variance = np.linalg.svd(scaled, compute_uv=False) ** 2
    assert "96 % of the variance of the 128 numbers lies in three components" in prose(
        PROJECT / "notebooks" / "04_audio_embedding.ipynb"
    )
    assert round(100 * variance[:3].sum() / variance.sum()) == 96

    movies = movielens.read(mirror / "ml-100k").movies
    films = pd.Series(movielens.film_ids(movies).to_numpy(), movies["movie_id"])
    films = films[vectors.movie_ids].to_numpy()
    unit = scaled / np.linalg.norm(scaled, axis=1, keepdims=True)
    cosine = unit @ unit.T
    np.fill_diagonal(cosine, -1)
    twins = np.flatnonzero(pd.Series(films).duplicated(keep=False))
    assert len(twins) == 20
    assert not (films[cosine[twins].argmax(axis=1)] == films[twins]).any()
