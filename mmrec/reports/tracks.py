"""The tracks of the chapter on new films: one summary of all, and what stands behind it."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from mmrec.catalogue import tables as catalogue
from mmrec.errors import StudyError
from mmrec.evaluation.metrics import LIST_MEASURES
from mmrec.experiments import beyond
from mmrec.experiments.content import BLOCKS
from mmrec.reports import comparisons, summaries
from mmrec.workspace import Workspace

NAMES = {
    "new_films_released": "new films: known before release",
    "new_films_encyclopedia": "new films: with an encyclopedia",
    "new_films_crowd": "new films: with IMDb's crowd",
    "new_films_text": "new films: text alone",
    "new_films_video": "new films: video alone",
    "new_films_audio": "new films: audio alone",
    "new_films_lists_released": "lists of new films: known before release",
    "new_films_lists_crowd": "lists of new films: with IMDb's crowd",
    "new_users": "new users",
    "both_new": "new films and users",
    "u1_single": "u1: one model",
    "u1_average": "u1: average of models",
    "u1_lists": "u1: lists",
    "u1_content": "u1: no item ids",
    "u1_rating_vectors": "u1: ratings alone",
}
"""What the tracks are called in print."""

MEASURES = {
    "rmse_mean": "RMSE",
    "ndcg_10": "NDCG@10",
    "recall_20": "Recall@20",
    "content_gain": "content gain",
}
"""Columns of a track's summary that tell how good a model is, and their names in print."""

CALIBRATION = ["within_50", "within_80", "within_95", "sd_mean"]
LIST_COLUMNS = [
    *LIST_MEASURES,
    *(f"{name}_{limit}" for name in LIST_MEASURES for limit in ("low", "high")),
]
COLUMNS = ["track", *summaries.COLUMNS, *LIST_COLUMNS, *CALIBRATION, "train_seconds"]

WORST = 12
"""Films that are told by title."""

LEAST = 20
"""Test ratings below which a film's error is left out: it would be that of a few users."""


def is_lists(track: str) -> bool:
    """Whether a track is one of lists and not of ratings."""
    return "lists" in track


def summarise(runs: Mapping[str, pd.DataFrame], workspace: Workspace) -> pd.DataFrame:
    """One row per track and row of it; the folds of a kind are pooled.

    Args:
        runs: What :func:`mmrec.experiments.runner.run` returned, by track.
        workspace: Where predictions and lists lie.

    Returns:
        Columns :data:`COLUMNS`: those of :func:`mmrec.reports.summaries.summarise` in tracks of
        ratings, NDCG and recall with their intervals in those of lists, and means over folds and
        seeds of the shares of ratings within intervals, of the predicted standard deviation in
        stars, and of the seconds that a run took.
    """
    parts = []
    for track, some in runs.items():
        if is_lists(track):
            table = summaries.summarise_lists(some, workspace, pooled=True)
        else:
            table = summaries.summarise(some, workspace, pooled=True)
        known = some.reindex(columns=[*some.columns, *{*CALIBRATION} - {*some.columns}])
        means = [
            group[[*CALIBRATION, "train_seconds"]].astype(float).mean()
            for group in summaries.groups(known, pooled=True).values()
        ]
        extra = pd.DataFrame(means).reset_index(drop=True)
        told = pd.concat([table.reset_index(drop=True), extra], axis=1)
        parts.append(told.assign(track=track).reindex(columns=COLUMNS))
    return (
        pd.concat([part.astype(object) for part in parts], ignore_index=True)
        .infer_objects()
        .astype({"support_size": "Int64"})
    )


def overview(summary: pd.DataFrame, column: str) -> pd.DataFrame:
    """Tracks against models; NaN where a model is not run, tracks without any value left out.

    Args:
        summary: What :func:`summarise` returned.
        column: One of its columns, such as ``"rmse_mean"``, ``"ndcg_10"``, ``"train_seconds"``.
    """
    some = summary[(summary["features"] == "real") & summary[column].notna()]
    wide = some.pivot(index="track", columns="row", values=column).astype(float)
    order = [track for track in beyond.TRACKS if track in wide.index]
    return wide.loc[order, some["row"].unique()].rename(index=NAMES).rename_axis(columns=None)


def compare(
    runs: Mapping[str, pd.DataFrame], workspace: Workspace, *, reference: str, lists: bool = False
) -> pd.DataFrame:
    """Each track's rows against its row ``reference``, as in :mod:`mmrec.reports.comparisons`.

    Args:
        runs: What :func:`mmrec.experiments.runner.run` returned, by track.
        workspace: Where predictions and lists lie.
        reference: Label of a row; tracks without it, or without another row, are left out.
        lists: Which of the two kinds of tracks; lists are compared by NDCG@10.

    Returns:
        As :func:`mmrec.reports.comparisons.compare`, with ``track``; labels begin with the track.
        p is corrected for the rows of a track.

    Raises:
        StudyError: No track has the row and another one.
    """
    measure = comparisons.NDCG if lists else comparisons.RMSE
    found = []
    for track, some in runs.items():
        if is_lists(track) != lists:
            continue
        real = some[(some["features"] == "real") & some[measure.column].notna()]
        if reference not in {*real["row"]} or real["row"].nunique() < 2:
            continue
        table = comparisons.compare(
            real, workspace, reference=reference, pooled=True, measure=measure
        )
        found.append(table.assign(track=track, row=f"{NAMES[track]}: " + table["row"]))
    if not found:
        raise StudyError(
            f"no track has a row {reference!r} and another one",
            where="comparison of tracks",
            remedy=f"Tracks here: {', '.join(runs) or 'none'}.",
        )
    return pd.concat(found, ignore_index=True)


def both_drawings(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """What was found on the folds that models were made on, and on those drawn once more.

    Args:
        first: What :func:`summarise` returned, of real folds.
        second: The same of the second drawing.

    Returns:
        One row per track and measure that the second drawing has, these as index: ``model``,
        ``first drawing`` and ``second drawing``, NaN where the first has no such row.
    """
    keys = ["track", "row"]
    one, two = (
        summary[summary["features"] == "real"]
        .melt(keys, ["rmse_mean", *LIST_MEASURES], "measure")
        .dropna(subset="value")
        .set_index([*keys, "measure"])["value"]
        .astype(float)
        for summary in (first, second)
    )
    both = pd.DataFrame({"first drawing": one.reindex(two.index), "second drawing": two})
    both = both.reset_index().rename(columns={"row": "model"})
    both["measure"] = both["measure"].map(MEASURES)
    both["order"] = both["track"].map([*NAMES].index)
    both = both.sort_values(["order", "measure"]).drop(columns="order")
    return both.assign(track=both["track"].map(NAMES)).set_index(["track", "measure"])


def missing(left_out: pd.DataFrame, withheld: pd.DataFrame) -> pd.DataFrame:
    """RMSE where some new films lack a block, beside the model that never saw it.

    Args:
        left_out: Summary of :func:`mmrec.experiments.beyond.blocks`.
        withheld: Summary of :func:`mmrec.experiments.beyond.withheld`.

    Returns:
        One row per block; a column per share of the films that lack it, 0 to 1, and ``"never
        seen"``.
    """
    known = pd.concat([left_out, withheld]).set_index("row")["rmse_mean"]
    blocks = [block for block in BLOCKS if beyond.without(block) in known.index]
    return pd.DataFrame(
        [
            {
                0.0: known[beyond.ALL_BLOCKS],
                **{share: known[beyond.lacking(block, share)] for share in beyond.SHARES},
                "never seen": known[beyond.without(block)],
            }
            for block in blocks
        ],
        index=pd.Index(blocks, name="block"),
    )


def film_errors(runs: pd.DataFrame, workspace: Workspace, *, row: str) -> pd.DataFrame:
    """The films that a row's predictions are furthest from, over all users, folds and seeds.

    Args:
        runs: What :func:`mmrec.experiments.runner.run` returned, of folds of new films.
        workspace: Where the predictions lie.
        row: Label of the row.

    Returns:
        One row for each of the :data:`WORST` films with at least :data:`LEAST` test ratings, the
        worst first: its title as index, ``ratings`` (their number), and ``rmse`` and ``bias``
        (mean of prediction minus rating) in stars.
    """
    some = runs[(runs["row"] == row) & (runs["features"] == "real")]
    (key, group), *_ = summaries.groups(some, pooled=True).items()
    values = summaries.errors(key, group, workspace).values
    errors = pd.DataFrame({"squared": (values**2).mean(axis=1), "bias": values.mean(axis=1)})
    by_film = errors.groupby("movie_id")
    found = pd.DataFrame(
        {
            "ratings": by_film.size(),
            "rmse": np.sqrt(by_film["squared"].mean()),
            "bias": by_film["bias"].mean(),
        }
    )
    found = found[found["ratings"] >= LEAST].sort_values("rmse", ascending=False).head(WORST)
    titles = catalogue.load(workspace).movies.set_index("movie_id")["title"]
    return found.set_axis(titles.loc[found.index].to_list()).rename_axis("film")
