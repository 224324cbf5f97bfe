"""Figures of the chapter on new films: calibration, missing modalities, errors against costs."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mmrec.models.base import LEVELS
from mmrec.reports import absent
from mmrec.reports.style import (
    MODEL_NAMES,
    height_of,
    legend_below,
    legend_right,
    panels,
    places_of,
    row_offsets,
    rows_on_y,
    styles_of,
)
from mmrec.reports.tracks import NAMES

CALIBRATED = [
    *("new_films_released", "new_films_encyclopedia", "new_films_crowd"),
    *("new_users", "both_new", "u1_single", "u1_content", "u1_rating_vectors"),
]
"""Tracks whose intervals are drawn."""

COST_FOLDS = {"item1": "new films (item1)", "u1": "known films and users (u1)"}
"""Folds on which costs are drawn, and what they are called."""


def calibration(summary: pd.DataFrame, row: str) -> tuple[Figure, Axes]:
    """How many ratings lie in the intervals of a model, against how many should; a line a track.

    Args:
        summary: What :func:`mmrec.reports.tracks.summarise` returned.
        row: Label of the model's row; of :data:`CALIBRATED`, tracks without its intervals are left
            out.
    """
    within = [f"within_{round(100 * level)}" for level in LEVELS]
    some = summary[(summary["row"] == row) & (summary["features"] == "real")]
    some = some[some[within].notna().all(axis=1)]
    some = some[some["track"].isin(CALIBRATED)]
    fig, axes = panels(1, 7.5, 3.6)
    ax = axes[0, 0]
    wanted = 100 * np.array(LEVELS)
    ax.axhspan(-2, 2, color="0.93", zorder=0, label="within 2 points")
    ax.axhline(0, color="0.2", lw=1, zorder=0)
    some = some.assign(track=some["track"].map(NAMES))
    for track, (colour, marker) in styles_of(some["track"]).items():
        found = 100 * some.loc[some["track"] == track, within].to_numpy(np.float64)[0]
        ax.plot(wanted, found - wanted, marker, ls="-", lw=0.8, color=colour, label=track)
    ax.set(
        xlabel="probability of the interval, %",
        ylabel="ratings inside minus nominal share, points",
        xticks=wanted,
    )
    ax.tick_params(labelsize=9)
    legend_right(fig, ax)
    sns.despine(fig)
    return fig, ax


def missing(table: pd.DataFrame) -> tuple[Figure, Axes]:
    """RMSE as more of the new films lack a block, beside the model that never saw the block.

    Args:
        table: What :func:`mmrec.reports.tracks.missing` returned; where it has no block, the
            figure says so.
    """
    if table.empty:
        fig, axes = absent.panel("No block was withheld.")
        return fig, axes[0]
    shares = [name for name in table.columns if not isinstance(name, str)]
    labels = [str(block) for block in table.index]
    series = {f"{share:.0%} of the films lack it": table[share] for share in shares}
    series["model that never saw it"] = table["never seen"]
    styles = styles_of(list(series))
    fig, axes = panels(1, 7.5, height_of(labels, styles))
    ax = axes[0, 0]
    places = places_of(labels, pd.Series(labels))
    offsets = row_offsets(len(series))
    for (name, values), offset in zip(series.items(), offsets, strict=True):
        colour, marker = styles[name]
        ax.plot(values, places + offset, marker, color=colour, ms=5, label=name)
    for line in np.arange(len(labels) - 1) + 0.5:
        ax.axhline(line, color="0.92", lw=0.8, zorder=0)
    rows_on_y(ax, labels)
    ax.set(xlabel="RMSE on new films, stars")
    legend_below(fig, ax)
    sns.despine(fig)
    return fig, ax


def deciles(table: pd.DataFrame) -> tuple[Figure, Axes]:
    """Recall@20 by the popularity of the relevant films, a line per row.

    Args:
        table: What :func:`mmrec.reports.list_deciles.by_popularity` returned; where it is empty,
            the figure says so.
    """
    if table.empty:
        fig, axes = absent.panel("No lists of known films were made.")
        return fig, axes[0]
    fig, axes = panels(1, 7.5, 3.8)
    ax = axes[0, 0]
    for row, (colour, marker) in styles_of(table["row"]).items():
        line = table[table["row"] == row].sort_values("decile")
        ax.plot(
            line["decile"], 100 * line["recall_20"], marker=marker, ms=5, color=colour, label=row
        )
    ax.set(
        xlabel="decile of the relevant films by number of ratings, rarest first",
        ylabel="Recall@20, %",
        xticks=sorted(table["decile"].unique()),
    )
    legend_below(fig, ax)
    sns.despine(fig)
    return fig, ax


def costs(runs: pd.DataFrame, *, ours: Sequence[str]) -> tuple[Figure, NDArray[np.object_]]:
    """Test RMSE against seconds of training, every run a dot; a panel per fold.

    Args:
        runs: Runs of any tables; those under the clean protocol on real features count, with all
            ratings and the smallest seed. Of :data:`COST_FOLDS`, those without a run are left out,
            and where none has one the figure says so.
        ours: Kinds of models, as the column ``model`` has them, that are drawn on top.
    """
    whole = runs[(runs["features"] == "real") & (runs["protocol"] == "clean")]
    whole = whole[whole["rmse"].notna() & (whole["masking"] == 0) & whole["support_size"].isna()]
    whole = whole[whole["seed"] == whole["seed"].min()]
    there = [fold for fold in COST_FOLDS if (whole["fold"] == fold).any()]
    if not there:
        return absent.panel(f"No model was trained on {' or on '.join(COST_FOLDS.values())}.")
    whole = whole[whole["fold"].isin(there)].drop_duplicates("hash")
    kinds = sorted(whole["model"].unique(), key=lambda kind: kind not in ours)
    styles = styles_of([MODEL_NAMES.get(kind, kind) for kind in kinds])
    fig, axes = panels(len(there), 7.5 if len(there) == 1 else 4.4, 3.8)
    for ax, fold in zip(axes[0], there, strict=True):
        some = whole[whole["fold"] == fold]
        for kind, (name, (colour, marker)) in zip(kinds, styles.items(), strict=True):
            dots = some[some["model"] == kind]
            ax.plot(
                dots["train_seconds"],
                dots["rmse"],
                marker,
                color=colour,
                ms=9 if kind in ours else 6,
                mec="white",
                mew=0.3,
                zorder=3 if kind in ours else 2,
                label=name,
            )
        ax.set(xscale="log", xlabel="training, s", title=COST_FOLDS[fold])
        ax.title.set_fontsize(10)
        ax.grid(axis="y", color="0.92")
    axes[0, 0].set(ylabel="RMSE on the test part, stars")
    legend_below(fig, axes[0, 0], ncols=4)
    sns.despine(fig)
    return fig, axes[0]
