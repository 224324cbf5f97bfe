"""Figures of the results: rows with intervals, content gain, steps, curves."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mmrec.experiments.paper import TRIVIAL
from mmrec.reports import absent, diagnostics, style
from mmrec.reports.style import (
    CLEAN,
    CONTROL,
    FIXED,
    MODEL_NAMES,
    PAPER,
    TEST_RMSE,
    dots,
    height_of,
    legend_below,
    panels,
    places_of,
    reference_lines,
    rows_on_y,
    styles_of,
)
from mmrec.reports.tables import SCENARIO_NAMES

PALETTE = list(dict.fromkeys([FIXED["meta"][0], FIXED["all"][0], *style.PALETTE]))
"""Colours of what a notebook draws by itself: those of :data:`mmrec.reports.style.PALETTE`, but
those of the rows meta and all come first."""

NEW = {"item": "film", "user": "user"}
PROTOCOL_NAMES = {"clean": "clean protocol", "as_published": "as published"}
SERIES = {
    ("clean", "real"): "this study, clean",
    ("clean", "permuted"): "clean, features permuted across movies",
    ("as_published", "real"): "this study, as published",
    ("as_published", "permuted"): "as published, features permuted",
}


def _with_series(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows with the name of their protocol and kind of features; those without one left out."""
    named = [SERIES.get(key) for key in zip(rows["protocol"], rows["features"], strict=True)]
    return rows.assign(series=pd.Series(named, rows.index)).dropna(subset="series")


def ablation(table: pd.DataFrame) -> tuple[Figure, Axes]:
    """Dot plot of RMSE per row, with intervals, the control and the paper's figures.

    The trivial predictors are lines.

    Args:
        table: A summary as :func:`mmrec.reports.summaries.summarise` makes it, of one
            protocol or of both.
    """
    rows = _with_series(table[~table["row"].isin([*TRIVIAL])])
    labels = list(dict.fromkeys(rows["row"]))
    styles = styles_of([name for name in SERIES.values() if (rows["series"] == name).any()])
    fig, axes = panels(1, 7.5, height_of(labels, styles))
    ax = axes[0, 0]
    dots(ax, rows, labels, styles, "rmse_mean", "rmse_low", "rmse_high")
    paper = rows[rows["paper_rmse"].notna()].drop_duplicates("row")
    if len(paper):
        ax.errorbar(
            paper["paper_rmse"],
            places_of(labels, paper["row"]),
            fmt=FIXED["the paper"][1],
            mfc="none",
            color=PAPER,
            ms=6,
            label="the paper (best of five, chosen on the test part)",
        )
    reference_lines(ax, table, [*TRIVIAL], vertical=True)
    ax.set(xlabel=TEST_RMSE)
    legend_below(fig, ax)
    sns.despine(fig)
    return fig, ax


def cold_start(table: pd.DataFrame) -> tuple[Figure, NDArray[np.object_]]:
    """Dot plot of RMSE per row, with intervals and the control; a panel per kind of fold.

    Args:
        table: A summary of the cold folds, pooled.
    """
    rows = _with_series(table)
    labels, scenarios = (list(dict.fromkeys(rows[name])) for name in ("row", "fold"))
    styles = styles_of(rows["series"])
    width, height = 2.9 + 1.5 / len(scenarios), height_of(labels, styles)
    fig, axes = panels(len(scenarios), width, height, sharey=True)
    for ax, scenario in zip(axes[0], scenarios, strict=True):
        some = rows[rows["fold"] == scenario]
        dots(ax, some, labels, styles, "rmse_mean", "rmse_low", "rmse_high")
        ax.set_title(SCENARIO_NAMES[scenario], fontsize=10)
        ax.set(xlabel="RMSE, stars")
        ax.grid(axis="x", color="0.92")
    legend_below(fig, axes[0, 0])
    sns.despine(fig)
    return fig, axes[0]


def content_gain(table: pd.DataFrame) -> tuple[Figure, NDArray[np.object_]]:
    """What the content itself is worth: RMSE of the permuted control minus the real features'.

    Args:
        table: Summaries, of one model or of several; rows without a control are left out, and
            where no row has one the figure says so. One colour and mark per kind of model, and
            per protocol where there are two; a panel per fold or kind of folds.
    """
    rows = table[table["content_gain"].notna()]
    if rows.empty:
        return absent.panel("No control with permuted features was run.")
    named = rows["model"].replace(MODEL_NAMES)
    if rows["protocol"].nunique() > 1:
        named = named + ", " + rows["protocol"].map(PROTOCOL_NAMES)
    rows = rows.assign(series=named)
    labels, folds = (list(dict.fromkeys(rows[name])) for name in ("row", "fold"))
    styles = styles_of(rows["series"])
    width = 7.5 if len(folds) == 1 else 2.9 + 1.5 / len(folds)
    fig, axes = panels(len(folds), width, height_of(labels, styles), sharey=True)
    for ax, fold in zip(axes[0], folds, strict=True):
        some = rows[rows["fold"] == fold]
        dots(ax, some, labels, styles, "content_gain", "gain_low", "gain_high")
        ax.axvline(0, color="0.2", lw=1, zorder=0)
        ax.set(xlabel="content gain, stars: RMSE permuted minus real")
        ax.locator_params(axis="x", nbins=6 if len(folds) == 1 else 4)
        if len(folds) > 1:
            ax.set_title(SCENARIO_NAMES.get(fold, fold), fontsize=10)
    if len(folds) == 1:
        axes[0, 0].annotate(
            "at zero a fingerprint does as well; the content helps →",
            (0, 1),
            xycoords=("data", "axes fraction"),
            xytext=(0, 4),
            textcoords="offset points",
            fontsize=9,
            color="0.35",
        )
    else:
        for ax in axes[0]:
            ax.set(xlabel="content gain, stars")
    legend_below(fig, axes[0, 0], ncols=3)
    sns.despine(fig)
    return fig, axes[0]


def waterfall(steps: pd.DataFrame) -> tuple[Figure, NDArray[np.object_]]:
    """From the published RMSE to the clean one, one step after the other; a panel per row.

    Args:
        steps: ``row, step, rmse_mean``; in each row the same steps in the order taken, the first
            of them where the row starts.
    """
    styles = styles_of(steps["step"])
    names = list(styles)
    groups = list(steps.groupby("row", sort=False))
    span = max(np.ptp(some["rmse_mean"]) for _, some in groups)  # one scale for all panels
    width = 2.3 + 1.8 / len(groups)  # the names of the steps stand once
    fig, axes = panels(len(groups), width, 0.42 * len(names) + 1.3, sharey=True)
    for ax, (row, some) in zip(axes[0], groups, strict=True):
        places, values = places_of(names, some["step"]), some["rmse_mean"].to_numpy(float)
        changes = np.diff(values, prepend=values[0])
        starts = values - changes
        for fill, label, at in (
            ({"color": "0.75"}, "lower error than the step before", changes < 0),
            ({"fc": "white", "ec": "0.55", "hatch": "////"}, "higher", changes > 0),
        ):
            ax.barh(places[at], changes[at], left=starts[at], height=0.5, label=label, **fill)
        ax.plot(np.repeat(values, 2)[:-1], np.repeat(places, 2)[1:], color="0.6", lw=0.8, zorder=0)
        for value, place, name in zip(values, places, some["step"], strict=True):
            colour, marker = styles[name]
            inside = "none" if colour == PAPER else colour
            ax.plot(value, place, marker, color=colour, mfc=inside, ms=6)
        for place, start, value, change in zip(places, starts, values, changes, strict=True):
            told = f"{value:.3f}" if place == places[0] else f"{value:.3f} ({change:+.3f})"
            ax.annotate(
                told.replace("-", "−"),
                (max(value, start), place),
                xytext=(7, 0),
                textcoords="offset points",
                va="center",
                fontsize=9,
            )
        ax.set_title(row, fontsize=10)
        rows_on_y(ax, names)
        ax.set(xlim=(values.min() - 0.08 * span, values.min() + 2.1 * span), xlabel="RMSE, stars")
    legend_below(fig, axes[0, 0])
    sns.despine(fig)
    return fig, axes[0]


def masking_curves(table: pd.DataFrame) -> tuple[Figure, NDArray[np.object_]]:
    """RMSE against the share of ratings hidden from user vectors; a panel per protocol.

    The biases of users and movies, which no mask changes, are a line.

    Args:
        table: A summary of runs at several levels, of one protocol or of both; models that were
            not masked are left out, and where none was the figure says so.
    """
    rows = table[table.groupby("row")["masking"].transform("nunique") > 1]
    if rows.empty:
        return absent.panel("No ratings were hidden from the user vectors.")
    protocols = [name for name in PROTOCOL_NAMES if (rows["protocol"] == name).any()]
    fig, axes = panels(len(protocols), 6.5 if len(protocols) == 1 else 4.6, 4.1, sharey=True)
    styles = styles_of(rows["row"])
    for ax, protocol in zip(axes[0], protocols, strict=True):
        for row, line in rows[rows["protocol"] == protocol].groupby("row", sort=False):
            colour, marker = styles[str(row)]
            line = line.sort_values("masking")
            hidden = 100 * line["masking"]
            ax.fill_between(
                hidden,
                line["rmse_mean"] - line["rmse_sd"].fillna(0),
                line["rmse_mean"] + line["rmse_sd"].fillna(0),
                color=colour,
                alpha=0.15,
                lw=0,
            )
            ax.plot(hidden, line["rmse_mean"], color=colour, marker=marker, ms=4.5, label=row)
            ax.plot(hidden, line["paper_rmse"], marker, color=colour, mfc="none", ms=6)
        last = ax is axes[0, -1]
        reference_lines(ax, table, ["user+movie bias"], vertical=False, named=last)
        if len(protocols) > 1:
            ax.set_title(PROTOCOL_NAMES[protocol], fontsize=10)
        ax.set(xlabel="ratings hidden from the user vectors, %", xlim=(-4, 99))
    axes[0, 0].set(ylabel=TEST_RMSE)
    if rows["paper_rmse"].notna().any():
        axes[0, 0].plot([], [], "o", color="0.3", mfc="none", label="the paper: the same, hollow")
    legend_below(fig, axes[0, 0], ncols=5)
    sns.despine(fig)
    return fig, axes[0]


def learning_curves(
    table: pd.DataFrame, crossing: tuple[str, str] | None = None
) -> tuple[Figure, NDArray[np.object_]]:
    """RMSE against the number of ratings a new film or user has; a panel per kind of fold.

    Args:
        table: A summary with pooled folds and one row per model and support size; where it is
            empty, the figure says so.
        crossing: Labels of two rows; every place where their curves cross is marked with its
            number of ratings, and the title says so where there is none.
    """
    table = table[table["features"] == "real"]
    if table.empty:
        return absent.panel("No learning curve was made.")
    scenarios = list(dict.fromkeys(table["fold"]))
    fig, axes = panels(len(scenarios), 6.5 if len(scenarios) == 1 else 4.6, 4.2, sharey=True)
    styles, ticks = styles_of(table["row"]), sorted(table["support_size"].unique())
    for ax, scenario in zip(axes[0], scenarios, strict=True):
        curves = table[table["fold"] == scenario]
        for row, line in curves.groupby("row", sort=False):
            colour, marker = styles[str(row)]
            line = line.sort_values("support_size")
            size = line["support_size"].astype(float)
            ax.fill_between(
                size, line["rmse_low"], line["rmse_high"], color=colour, alpha=0.12, lw=0
            )
            ax.plot(size, line["rmse_mean"], color=colour, marker=marker, ms=4.5, label=row)
        if crossing:
            _mark_crossings(ax, diagnostics.crossings(curves, *crossing), crossing)
        ax.set(xlim=(-0.15, 1.15 * ticks[-1]))
        ax.set_xscale("function", functions=(np.log1p, np.expm1))
        ax.set(xticks=ticks, xlabel=f"ratings known of a new {NEW[scenario]}")
    axes[0, 0].set(ylabel=TEST_RMSE)
    most = max(axes[0], key=lambda ax: len(ax.get_legend_handles_labels()[0]))
    legend_below(fig, most, ncols=4)
    sns.despine(fig)
    return fig, axes[0]


def _mark_crossings(ax: Axes, found: Sequence[diagnostics.Crossing], rows: tuple[str, str]) -> None:
    """A dotted line at each crossing, with its number of ratings on top."""
    for number, crossing in enumerate(found):
        label = f"{rows[0]} and {rows[1]} cross" if not number else None
        ax.axvline(crossing.ratings, color="0.2", lw=1, ls=":", zorder=0, label=label)
        ax.annotate(
            f"{crossing.ratings:.{0 if crossing.ratings >= 10 else 1}f}",
            (crossing.ratings, 1),
            xycoords=("data", "axes fraction"),
            xytext=(0, 3 + 10 * (number % 2)),  # neighbours stand on two lines
            textcoords="offset points",
            ha="center",
            fontsize=9,
        )
    if not found:
        ax.set_title("no crossing", fontsize=9)


def differences(table: pd.DataFrame) -> tuple[Figure, Axes]:
    """Paired differences to a reference, with their intervals; filled where they are decided.

    Args:
        table: What :func:`mmrec.reports.comparisons.compare` returned, of one measure.
    """
    decided = np.where(table["verdict"] == "undecided", "undecided", "decided")
    rows = table.assign(row=_told_apart(table), series=decided)
    labels = list(dict.fromkeys(rows["row"]))
    fig, axes = panels(1, 7.5, 0.28 * len(labels) + 1.3)
    ax = axes[0, 0]
    dots(ax, rows, labels, {"decided": CLEAN}, "difference", "low", "high")
    dots(ax, rows, labels, {"undecided": CONTROL}, "difference", "low", "high")
    ax.axvline(0, color="0.2", lw=1, zorder=0)
    unit = ", stars" if table["measure"].iloc[0] == "RMSE" else ""
    ax.set(xlabel=f"difference in {table['measure'].iloc[0]} to the reference{unit}")
    legend_below(fig, ax)
    sns.despine(fig)
    return fig, ax


def _told_apart(table: pd.DataFrame) -> "pd.Series[str]":
    """Labels of rows, with protocol and mask where the same row was run with several."""
    permuted = table["features"] == "permuted"
    labels = table["row"].mask(permuted, table["row"] + ", features permuted")
    for name, told in (
        ("protocol", table["protocol"].map(PROTOCOL_NAMES)),
        ("masking", table["masking"].map("{:.0%} hidden".format)),
    ):
        if (table.groupby("row")[name].nunique() > 1).any():
            labels = labels + ", " + told
    return labels
