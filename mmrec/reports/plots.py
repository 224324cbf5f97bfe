"""Figures that several notebooks share; colours are safe for the colour-blind."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmrec.experiments.paper import TRIVIAL
from mmrec.reports import diagnostics

PALETTE = sns.color_palette("colorblind")
MARKERS = "osv^DPX<>*"
OURS, PAPER, REFERENCE = PALETTE[0], "black", "0.55"
TEST_RMSE = "RMSE on the test part, stars"
NEW = {"item": "film", "user": "user"}
MODEL_NAMES = {
    "Siamese": "the paper's network",
    "RatingVectors": "the paper's network on rating vectors",
    "FactorisationMachine": "factorisation machine",
}
PROTOCOL_NAMES = {"clean": "clean protocol", "as_published": "as published"}

FOLD_NAMES = {
    "warm": "known movies and users",
    "item": "new films",
    "user": "new users",
    "both": "new films and users",
}
SERIES = {
    ("clean", "real"): "this study, clean",
    ("clean", "permuted"): "clean, features permuted across movies",
    ("as_published", "real"): "this study, as published",
    ("as_published", "permuted"): "as published, features permuted",
}


# --- shared pieces ------------------------------------------------------------------------------


def _reference_lines(
    ax: Axes, table: pd.DataFrame, names: Sequence[str], *, vertical: bool, named: bool = True
) -> None:
    """Trivial predictors as thin lines across a figure, each named at its end."""
    rows = table[table["row"].isin(names)].drop_duplicates("row")
    for name, value in rows.set_index("row")["rmse_mean"].items():
        draw, at = (ax.axvline, (value, 1)) if vertical else (ax.axhline, (1, value))
        draw(value, color=REFERENCE, lw=1, ls="--", zorder=0)
        if named:
            ax.annotate(
                name,
                at,
                xycoords=("data", "axes fraction") if vertical else ("axes fraction", "data"),
                xytext=(2, 3) if vertical else (3, -3),
                textcoords="offset points",
                rotation=30 if vertical else 0,
                fontsize=8,
                color="0.35",
            )


def _panels(
    n: int, width: float, height: float, rows: int = 1, **shared
) -> tuple[Figure, np.ndarray]:
    """A figure with n panels in each of its rows, sizes in inches per panel."""
    return plt.subplots(
        rows,
        n,
        figsize=(width * n, height * rows),
        squeeze=False,
        layout="constrained",
        **shared,
    )


def _spread(rows: pd.DataFrame, middle: str, low: str, high: str) -> np.ndarray:
    """Lengths of error bars below and above, [2, n]."""
    return np.abs(rows[[low, high]].to_numpy(float).T - rows[middle].to_numpy(float))


def _row_offsets(n: int) -> np.ndarray:
    """Places of n marks around the middle of their row, the first one on top."""
    return 0.7 / max(3, n) * (np.arange(n)[::-1] - (n - 1) / 2)


def _rows_on_y(ax: Axes, labels: Sequence[str]) -> None:
    """One line of the figure per label, the first on top."""
    ax.set(yticks=range(len(labels)), yticklabels=labels[::-1], ylim=(-0.6, len(labels) - 0.4))


def _places(labels: Sequence[str], rows: pd.Series) -> np.ndarray:
    return np.array([len(labels) - 1 - labels.index(row) for row in rows], float)


def _dots(
    ax: Axes,
    rows: pd.DataFrame,
    labels: Sequence[str],
    styles: dict[str, tuple],
    middle: str,
    low: str,
    high: str,
) -> None:
    """Dots with intervals, one line of the figure per label and one mark per ``series``."""
    for (name, (colour, marker)), offset in zip(
        styles.items(), _row_offsets(len(styles)), strict=True
    ):
        some = rows[rows["series"] == name]
        ax.errorbar(
            some[middle],
            _places(labels, some["row"]) + offset,
            xerr=_spread(some, middle, low, high),
            fmt=marker,
            color=colour,
            ms=4.5,
            lw=1,
            label=name,
        )
    for line in np.arange(len(labels) - 1) + 0.5:
        ax.axhline(line, color="0.92", lw=0.8, zorder=0)
    _rows_on_y(ax, labels)


def _height(labels: Sequence[str], styles: dict[str, tuple]) -> float:
    """Inches that so many rows with so many marks need, axis and legend included."""
    return (0.26 + 0.13 * len(styles)) * len(labels) + 1.7


def _with_series(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows with the name of their protocol and kind of features; those without one left out."""
    named = [SERIES.get(key) for key in zip(rows["protocol"], rows["features"], strict=True)]
    return rows.assign(series=named).dropna(subset="series")


def _legend_below(fig: Figure, ax: Axes, ncols: int = 2) -> None:
    """A legend under the figure, at the same distance whatever the figure's height."""
    handles, labels = ax.get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside lower center", frameon=False, fontsize=8, ncols=ncols)


def _styles(names: Sequence[str]) -> dict[str, tuple]:
    """Colour and marker of each name, in order; there are ten."""
    return {
        name: (PALETTE[number % 10], MARKERS[number % 10])
        for number, name in enumerate(dict.fromkeys(names))
    }


# --- figures ------------------------------------------------------------------------------------


def ablation(table: pd.DataFrame, trivial: Sequence[str] = tuple(TRIVIAL)) -> tuple[Figure, Axes]:
    """Dot plot of RMSE per row, with intervals, the control and the paper's figures.

    Args:
        table: A summary as :func:`mmrec.reports.tables.summarise` makes it, of one
            protocol or of both.
        trivial: Predictors drawn as lines.
    """
    rows = _with_series(table[~table["row"].isin([*TRIVIAL])])
    labels = list(dict.fromkeys(rows["row"]))
    styles = _styles([name for name in SERIES.values() if (rows["series"] == name).any()])
    fig, axes = _panels(1, 7.5, _height(labels, styles))
    ax = axes[0, 0]
    _dots(ax, rows, labels, styles, "rmse_mean", "rmse_low", "rmse_high")
    paper = rows[rows["paper_rmse"].notna()].drop_duplicates("row")
    if len(paper):
        ax.errorbar(
            paper["paper_rmse"],
            _places(labels, paper["row"]),
            fmt="D",
            mfc="none",
            color=PAPER,
            ms=6,
            label="the paper (best of five, chosen on the test part)",
        )
    _reference_lines(ax, table, trivial, vertical=True)
    ax.set(xlabel=TEST_RMSE)
    _legend_below(fig, ax)
    sns.despine(fig)
    return fig, ax


def cold_start(table: pd.DataFrame) -> tuple[Figure, np.ndarray]:
    """Dot plot of RMSE per row, with intervals and the control; a panel per kind of fold.

    Args:
        table: A summary of the cold folds, pooled.
    """
    rows = _with_series(table)
    labels, tracks = (list(dict.fromkeys(rows[name])) for name in ("row", "fold"))
    styles = _styles(rows["series"])
    fig, axes = _panels(len(tracks), 2.9 + 1.5 / len(tracks), _height(labels, styles), sharey=True)
    for ax, track in zip(axes[0], tracks, strict=True):
        some = rows[rows["fold"] == track]
        _dots(ax, some, labels, styles, "rmse_mean", "rmse_low", "rmse_high")
        ax.set_title(FOLD_NAMES[track], fontsize=10)
        ax.set(xlabel="RMSE, stars")
        ax.grid(axis="x", color="0.92")
    _legend_below(fig, axes[0, 0])
    sns.despine(fig)
    return fig, axes[0]


def content_gain(table: pd.DataFrame) -> tuple[Figure, np.ndarray]:
    """What the content itself is worth: RMSE of the permuted control minus the real features'.

    Args:
        table: Summaries, of one model or of several; rows without a control are left out, and
            where no row has one the figure says so. One colour and mark per kind of model, and
            per protocol where there are two; a panel per fold or kind of folds.
    """
    rows = table[table["content_gain"].notna()]
    if rows.empty:
        fig, axes = _panels(1, 7.5, 0.6)
        axes[0, 0].text(0, 0.5, "No control with permuted features was run.", va="center")
        axes[0, 0].set_axis_off()
        return fig, axes[0]
    named = rows["model"].replace(MODEL_NAMES)
    if rows["protocol"].nunique() > 1:
        named = named + ", " + rows["protocol"].map(PROTOCOL_NAMES)
    rows = rows.assign(series=named)
    labels, folds = (list(dict.fromkeys(rows[name])) for name in ("row", "fold"))
    styles = _styles(rows["series"])
    width = 7.5 if len(folds) == 1 else 2.9 + 1.5 / len(folds)
    fig, axes = _panels(len(folds), width, _height(labels, styles), sharey=True)
    for ax, fold in zip(axes[0], folds, strict=True):
        some = rows[rows["fold"] == fold]
        _dots(ax, some, labels, styles, "content_gain", "gain_low", "gain_high")
        ax.axvline(0, color="0.2", lw=1, zorder=0)
        ax.set(xlabel="content gain, stars: RMSE permuted minus real")
        ax.locator_params(axis="x", nbins=6 if len(folds) == 1 else 4)
        if len(folds) > 1:
            ax.set_title(FOLD_NAMES.get(fold, fold), fontsize=10)
    if len(folds) == 1:
        axes[0, 0].annotate(
            "at zero a fingerprint does as well; the content helps →",
            (0, 1),
            xycoords=("data", "axes fraction"),
            xytext=(0, 4),
            textcoords="offset points",
            fontsize=8,
            color="0.35",
        )
    else:
        for ax in axes[0]:
            ax.set(xlabel="content gain, stars")
    _legend_below(fig, axes[0, 0], ncols=3)
    sns.despine(fig)
    return fig, axes[0]


def waterfall(steps: pd.DataFrame) -> tuple[Figure, np.ndarray]:
    """From the published RMSE to the clean one, one step after the other; a panel per row.

    Args:
        steps: ``row, step, rmse_mean``; in each row the same steps in the order taken, the first
            of them where the row starts.
    """
    names = list(dict.fromkeys(steps["step"]))
    groups = list(steps.groupby("row", sort=False))
    span = max(np.ptp(some["rmse_mean"]) for _, some in groups)  # one scale for all panels
    width = 2.3 + 1.8 / len(groups)  # the names of the steps stand once
    fig, axes = _panels(len(groups), width, 0.42 * len(names) + 1.3, sharey=True)
    for ax, (row, some) in zip(axes[0], groups, strict=True):
        places, values = _places(names, some["step"]), some["rmse_mean"].to_numpy(float)
        changes = np.diff(values, prepend=values[0])
        starts = values - changes
        for colour, label, at in (
            (OURS, "lower error than the step before", changes < 0),
            (PALETTE[3], "higher", changes > 0),
        ):
            ax.barh(places[at], changes[at], left=starts[at], height=0.5, color=colour, label=label)
        ax.plot(np.repeat(values, 2)[:-1], np.repeat(places, 2)[1:], color="0.6", lw=0.8, zorder=0)
        ax.plot(values, places, "|", color=PAPER, ms=13, mew=1.6)
        for place, start, value, change in zip(places, starts, values, changes, strict=True):
            told = f"{value:.3f}" if place == places[0] else f"{value:.3f} ({change:+.3f})"
            ax.annotate(
                told.replace("-", "−"),
                (max(value, start), place),
                xytext=(5, 0),
                textcoords="offset points",
                va="center",
                fontsize=8,
            )
        ax.set_title(row, fontsize=10)
        _rows_on_y(ax, names)
        ax.set(xlim=(values.min() - 0.08 * span, values.min() + 2.1 * span), xlabel="RMSE, stars")
    _legend_below(fig, axes[0, 0])
    sns.despine(fig)
    return fig, axes[0]


def masking_curves(
    table: pd.DataFrame, trivial: Sequence[str] = ("user+movie bias",)
) -> tuple[Figure, np.ndarray]:
    """RMSE against the share of ratings hidden from user profiles; a panel per protocol.

    Args:
        table: A summary of runs at several levels, of one protocol or of both; models that were
            not masked are left out.
        trivial: Predictors drawn as lines.
    """
    rows = table[table.groupby("row")["masking"].transform("nunique") > 1]
    protocols = [name for name in PROTOCOL_NAMES if (rows["protocol"] == name).any()]
    fig, axes = _panels(len(protocols), 6.5 if len(protocols) == 1 else 4.6, 4.1, sharey=True)
    styles = _styles(rows["row"])
    for ax, protocol in zip(axes[0], protocols, strict=True):
        for row, line in rows[rows["protocol"] == protocol].groupby("row", sort=False):
            colour, marker = styles[row]
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
        _reference_lines(ax, table, trivial, vertical=False, named=ax is axes[0, -1])
        if len(protocols) > 1:
            ax.set_title(PROTOCOL_NAMES[protocol], fontsize=10)
        ax.set(xlabel="ratings hidden from the profiles, %", xlim=(-4, 99))
    axes[0, 0].set(ylabel=TEST_RMSE)
    if rows["paper_rmse"].notna().any():
        axes[0, 0].plot([], [], "o", color="0.3", mfc="none", label="the paper: the same, hollow")
    _legend_below(fig, axes[0, 0], ncols=5)
    sns.despine(fig)
    return fig, axes[0]


def learning_curves(
    table: pd.DataFrame, crossing: tuple[str, str] | None = None
) -> tuple[Figure, np.ndarray]:
    """RMSE against the number of ratings a new film or user has; a panel per kind of fold.

    Args:
        table: A summary with pooled folds and one row per model and support size.
        crossing: Labels of the row that is better with few ratings and of the one that is better
            with many: where the second overtakes is marked.
    """
    table = table[table["features"] == "real"]
    tracks = list(dict.fromkeys(table["fold"]))
    fig, axes = _panels(len(tracks), 6.5 if len(tracks) == 1 else 4.6, 4.2, sharey=True)
    styles, ticks = _styles(table["row"]), sorted(table["support_size"].unique())
    for ax, track in zip(axes[0], tracks, strict=True):
        curves = table[table["fold"] == track]
        for row, line in curves.groupby("row", sort=False):
            colour, marker = styles[row]
            line = line.sort_values("support_size")
            size = line["support_size"].astype(float)
            ax.fill_between(
                size, line["rmse_low"], line["rmse_high"], color=colour, alpha=0.12, lw=0
            )
            ax.plot(size, line["rmse_mean"], color=colour, marker=marker, ms=4.5, label=row)
        if crossing and (at := diagnostics.crossing(curves, *crossing)) is not None:
            ax.axvline(at, color="0.2", lw=1, ls=":", zorder=0)
            ratings = "rating" if round(at) == 1 else "ratings"
            ax.annotate(
                f"{crossing[1]} overtakes\n{crossing[0]} at {at:.0f} {ratings}",
                (at, 1),
                xycoords=("data", "axes fraction"),
                xytext=(0, 3),
                textcoords="offset points",
                ha="center",
                fontsize=8,
            )
        ax.set(xlim=(-0.15, 1.15 * ticks[-1]))
        ax.set_xscale("function", functions=(np.log1p, np.expm1))
        ax.set(xticks=ticks, xlabel=f"ratings known of a new {NEW[track]}")
    axes[0, 0].set(ylabel=TEST_RMSE)
    _legend_below(fig, axes[0, 0], ncols=4)
    sns.despine(fig)
    return fig, axes[0]


def residuals(table: pd.DataFrame) -> tuple[Figure, np.ndarray]:
    """RMSE and bias by the movie's popularity and the user's activity.

    Args:
        table: What :func:`mmrec.reports.diagnostics.residuals` returned, for a few rows.
    """
    bins, styles = diagnostics.bin_names(), _styles(table["row"])
    fig, axes = _panels(2, 4.6, 3.0, rows=2, sharex=True, sharey="row")
    for (row, (colour, marker)), offset in zip(
        styles.items(), -_row_offsets(len(styles)), strict=True
    ):
        for column, side in enumerate(("movie", "user")):
            some = table[(table["row"] == row) & (table["side"] == side)]
            places = np.array([bins.index(name) for name in some["bin"]]) + offset
            for ax, name in zip(axes[:, column], ("rmse", "bias"), strict=True):
                ax.errorbar(
                    places,
                    some[name],
                    yerr=_spread(some, name, f"{name}_low", f"{name}_high"),
                    fmt=marker,
                    color=colour,
                    ms=4.5,
                    lw=1,
                    label=row,
                )
    for ax in axes[1]:
        ax.axhline(0, color="0.2", lw=1, zorder=0)
    axes[0, 0].set(ylabel=TEST_RMSE)
    axes[1, 0].set(ylabel="prediction minus rating, stars")
    axes[1, 0].set(xlabel="ratings of the movie", xticks=range(len(bins)), xticklabels=bins)
    axes[1, 1].set(xlabel="ratings by the user")
    _legend_below(fig, axes[0, 0], ncols=4)
    sns.despine(fig)
    return fig, axes


def tuning(tried: pd.DataFrame) -> tuple[Figure, np.ndarray]:
    """Validation RMSE of every setting that was tried; a panel per row, one scale for all.

    Args:
        tried: ``row, seed, setting, validation_rmse, chosen``, as
            :func:`mmrec.reports.diagnostics.tried` makes it.
    """
    groups = list(tried.groupby("row", sort=False))
    heights = [some["setting"].nunique() for _, some in groups]
    fig, axes = plt.subplots(
        len(groups),
        figsize=(7.5, 0.18 * sum(heights) + 0.35 * len(groups) + 1),
        height_ratios=heights,
        sharex=True,
        squeeze=False,
        layout="constrained",
    )
    for ax, (row, some) in zip(axes[:, 0], groups, strict=True):
        labels = list(dict.fromkeys(some["setting"]))
        for chosen, fill in ((False, "none"), (True, OURS)):
            part = some[some["chosen"] == chosen]
            ax.plot(
                part["validation_rmse"],
                _places(labels, part["setting"]),
                "o",
                color=OURS,
                mfc=fill,
                ms=4.5,
                label="chosen for its seed" if chosen else "tried",
            )
        _rows_on_y(ax, labels)
        ax.tick_params(axis="y", labelsize=8)
        ax.grid(axis="y", color="0.92")
        ax.set_title(row, fontsize=9, loc="left")
    axes[-1, 0].set(xlabel="validation RMSE, stars")
    _legend_below(fig, axes[0, 0])
    sns.despine(fig)
    return fig, axes[:, 0]


def training_curves(runs: pd.DataFrame) -> tuple[Figure, np.ndarray]:
    """Validation RMSE and the two losses over the epochs, one colour per row.

    Args:
        runs: What :func:`mmrec.experiments.runner.run` returned, networks only.
    """
    fig, axes = _panels(2, 4.5, 3.6)
    styles = _styles(runs["row"])
    for row, group in runs.groupby("row", sort=False):
        colour, _ = styles[row]
        for run in group.itertuples():
            history = pd.DataFrame(list(run.history))
            label = row if run.Index == group.index[0] else None
            axes[0, 0].plot(history["epoch"], history["mse"] ** 0.5, color=colour, ls=":", lw=1)
            axes[0, 0].plot(history["epoch"], history["validation_rmse"], color=colour, label=label)
            best = history.iloc[run.best_epoch - 1]
            axes[0, 0].plot(best["epoch"], best["validation_rmse"], "o", color=colour, ms=5)
            axes[0, 1].plot(history["epoch"], history["cosine"], color=colour, label=label)
    axes[0, 0].set(xlabel="epoch", ylabel="RMSE, stars", title="training (dotted) and validation")
    axes[0, 1].set(
        xlabel="epoch", ylabel="mean cosine embedding loss", title="cosine embedding loss"
    )
    for ax in axes[0]:
        ax.legend(frameon=False, fontsize=8)
    sns.despine(fig)
    return fig, axes[0]
