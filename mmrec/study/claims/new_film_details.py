"""Claims about blocks, curves, folds, shifts and intervals of chapter 12."""

import pandas as pd

from mmrec.reports.results import Absent, Results
from mmrec.study.claims.baselines import BEST
from mmrec.study.claims.claim import Check, check, percent
from mmrec.study.claims.cold_start import SUPPORTS
from mmrec.study.claims.new_films import CROWD, PROCESS, RELEASED

OTHERS = ("user+movie bias", BEST, "kernel ridge")
"""What stands beside the process on the curves."""

ENDS = [PROCESS, "user mean"]
"""The best and the worst row on new films."""


def no_block_is_indispensable(r: Results) -> Check:
    """The encyclopedia is worth most, a poster, a director or a cast little."""
    encyclopedia = _loss(r, "meta-freebase")
    small = max(_loss(r, block) for block in ("video", "directors", "cast"))
    text, years = _loss(r, "text"), _loss(r, "years")
    largest = max(_loss(r, block) for block in _blocks(r))
    return check(
        encyclopedia == largest < 0.015 and small < 0.004 and min(text, years) > small,
        encyclopedia=encyclopedia,
        text=text,
        years=years,
        small=small,
    )


def missing_blocks_cost_little(r: Results) -> Check:
    """Films that lack a block fare about as with a model without it, and mostly better."""
    behind = [_lack(r, block) for block in _blocks(r)]
    better = sum(value < 0 for value in behind)
    return check(
        0 < max(behind) < 0.005 and better > len(behind) / 2,
        most=max(behind),
        better=better,
        blocks=len(behind),
    )


def only_the_loss_of_text_is_sure(r: Results) -> Check:
    """Of the losses without a block, that of text alone is significant after the correction."""
    found = r.rows("beyond_blocks_compared")
    sure = found.loc[found["verdict"] != "undecided", "row"]
    return check([*sure] == ["without text"])


def lowest_on_the_curves(r: Results) -> Check:
    """With any number of ratings the process is lowest on new films, level on new users."""
    behind = {
        fold: max(
            _curve(r, fold, PROCESS, n) - min(_curve(r, fold, row, n) for row in OTHERS)
            for n in SUPPORTS
        )
        for fold in ("item", "user")
    }
    return check(
        behind["item"] <= 0 and behind["user"] < 0.003,
        films_behind=behind["item"],
        users_behind=behind["user"],
    )


def a_new_film_is_worth_twenty_ratings(r: Results) -> Check:
    """What content gives a film the FM on ids and users has only after twenty ratings."""
    at_none = _curve(r, "item", PROCESS, 0)
    twenty, fifty = (_curve(r, "item", BEST, n) for n in (20, 50))
    return check(fifty < at_none < twenty, at_none=at_none, fm_at_twenty=twenty, fm_at_fifty=fifty)


def one_rating_misleads(r: Results) -> Check:
    """With one rating of a new film, the process and kernel ridge do worse than with none."""
    steps = [
        _curve(r, "item", row, 1) - _curve(r, "item", row, 0) for row in (PROCESS, "kernel ridge")
    ]
    return check(min(steps) > 0, process=steps[0], kernel_ridge=steps[1])


def the_shift_is_a_small_part(r: Results) -> Check:
    """The mean shift of films without ratings is a small part of the lead over the user's mean."""
    gains, leads = {}, {}
    for track in (RELEASED, CROWD):
        rows = _of_track(r, "beyond_shifts", track)
        gains[track] = rows["rmse_unshifted"] - rows["rmse"]
        leads[track] = _of_fold(r, track, "user mean") - _of_fold(r, track, PROCESS)
    return check(
        gains[CROWD].min() > 0
        and 0 < gains[RELEASED].min() <= gains[RELEASED].max() < 0.2 * leads[RELEASED].min(),
        least=float(gains[RELEASED].min()),
        most=float(gains[RELEASED].max()),
        least_lead=float(leads[RELEASED].min()),
        most_lead=float(leads[RELEASED].max()),
        crowd=float(gains[CROWD].max()),
    )


def the_order_in_every_fold(r: Results) -> Check:
    """The process is first and the user's mean last in every fold; two models change places."""
    ranks = {
        track: _of_track(r, "beyond_folds", track).pivot(index="row", columns="fold", values="rank")
        for track in (RELEASED, CROWD)
    }
    ends = all(
        {*rows.loc[PROCESS]} == {1} and {*rows.idxmax()} == {"user mean"} for rows in ranks.values()
    )
    places = {track: rows.nunique(axis=1) for track, rows in ranks.items()}
    middle = places[CROWD].drop(index=ENDS)
    return check(ends and places[RELEASED].max() == 1 < middle.min())


def intervals_by_raters(r: Results) -> Check:
    """For films with few raters the interval of 80 % is too narrow, and no wider than others."""
    rows = _of_track(r, "beyond_intervals", RELEASED).set_index("raters")
    few, many = ("1 to 5", "more than 100")
    within, sd = ({str(k): float(v) for k, v in rows[c].items()} for c in ("within_80", "sd_mean"))
    if lacking := {few, "6 to 20", "21 to 50", many} - within.keys():
        raise Absent(f"no films with {min(lacking)} raters")
    narrow = [within[group] for group in (few, "6 to 20", "21 to 50")]
    return check(
        max(narrow) < 0.78 < within[many] < 0.82 and sd[few] < sd[many],
        few=percent(100 * within[few]),
        fifty=percent(100 * max(narrow)),
        least=percent(100 * min(narrow)),
        many=percent(100 * within[many]),
    )


def _curve(r: Results, fold: str, row: str, number: int) -> float:
    return r.cell("beyond_curves", row, fold=fold, support_size=number)


def _loss(r: Results, block: str) -> float:
    """What the process loses when it is trained without a block."""
    return r.cell("beyond_blocks", f"without {block}") - r.cell("beyond_blocks", "all blocks")


def _lack(r: Results, block: str) -> float:
    """How far films without a block fall behind the model that never saw it."""
    missing = r.cell("beyond_withheld", f"100% of films lack {block}")
    return missing - r.cell("beyond_blocks", f"without {block}")


def _blocks(r: Results) -> list[str]:
    rows = r.rows("beyond_blocks")["row"]
    return [str(row).removeprefix("without ") for row in rows if row != "all blocks"]


def _of_track(r: Results, table: str, track: str) -> pd.DataFrame:
    rows = r.table(table)
    rows = rows[rows["track"] == track] if "track" in rows else rows.iloc[:0]
    if rows.empty:
        raise Absent(f"{table} has no track {track}")
    return rows


def _of_fold(r: Results, track: str, row: str) -> "pd.Series[float]":
    rows = _of_track(r, "beyond_folds", track)
    return rows[rows["row"] == row].set_index("fold")["rmse"]


DECLARED = (
    no_block_is_indispensable,
    missing_blocks_cost_little,
    only_the_loss_of_text_is_sure,
    lowest_on_the_curves,
    a_new_film_is_worth_twenty_ratings,
    one_rating_misleads,
    the_shift_is_a_small_part,
    the_order_in_every_fold,
    intervals_by_raters,
)
