"""The look that all figures share; the colours are safe for colour-blind readers."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

PALETTE: list[tuple[float, float, float]] = list(sns.color_palette("colorblind"))
MARKERS = "osv^DPX<>*"
OURS, PAPER, REFERENCE = PALETTE[0], "black", "0.55"
"""Colours of this study's results, the paper's, and of lines to compare with."""

TEST_RMSE = "RMSE on the test part, stars"

MODEL_NAMES = {
    "Mean": "means",
    "Bias": "biases",
    "ItemKNN": "item kNN",
    "MatrixFactorisation": "matrix factorisation",
    "FactorisationMachine": "factorisation machine",
    "Siamese": "the paper's network",
    "RatingVectors": "the paper's network on rating vectors",
    "StraightLine": "straight line",
    "ContentRidge": "ridge",
    "ContentKernelRidge": "kernel ridge",
    "TwinTowers": "two towers",
    "PairProcess": "Gaussian process over pairs",
    "Average": "average of models",
    "ContentLikes": "likes from content",
    "ContentEase": "content and EASE",
    "MostPopular": "most popular",
    "Sorted": "sorted by a column",
    "Ease": "EASE",
    "ImplicitFactors": "implicit factors",
    "Pairwise": "pairwise ranking",
}
"""What the kinds of models in the column ``model`` of the results are called in print."""

Style = tuple[tuple[float, float, float], str]
"""A colour and a marker."""


def panels(
    n: int, width: float, height: float, rows: int = 1, **shared: Any
) -> tuple[Figure, NDArray[np.object_]]:
    """A figure with n panels in each of its rows.

    Args:
        n: Panels side by side.
        width: Of one panel, in inches.
        height: Of one panel, in inches.
        rows: Rows of panels.
        shared: ``sharex`` and ``sharey`` of :func:`matplotlib.pyplot.subplots`.

    Returns:
        The figure and its axes [rows, n].
    """
    return plt.subplots(
        rows,
        n,
        figsize=(width * n, height * rows),
        squeeze=False,
        layout="constrained",
        **shared,
    )


def legend_below(fig: Figure, ax: Axes, ncols: int = 2) -> None:
    """A legend under the figure, at the same distance whatever the figure's height."""
    handles, labels = ax.get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside lower center", frameon=False, fontsize=8, ncols=ncols)


def legend_right(fig: Figure, ax: Axes, title: str | None = None) -> None:
    """A legend to the right of the figure, one entry a line."""
    handles, labels = ax.get_legend_handles_labels()
    fig.legend(
        handles,
        labels,
        loc="outside right upper",
        frameon=False,
        fontsize=8,
        title=title,
        title_fontsize=8,
    )


def styles_of(names: "pd.Series[str] | Sequence[str]") -> dict[str, Style]:
    """Colour and marker of each name, in the order in which the names first occur.

    There are ten colours and ten markers; more names than that use them again.
    """
    return {
        name: (PALETTE[number % 10], MARKERS[number % 10])
        for number, name in enumerate(dict.fromkeys(names))
    }


def note(ax: Axes, text: str) -> None:
    """A sentence in the place of a drawing, where there is nothing to draw."""
    ax.text(0, 0.5, text, va="center")
    ax.set_axis_off()


def reference_lines(
    ax: Axes, table: pd.DataFrame, names: Sequence[str], *, vertical: bool, named: bool = True
) -> None:
    """Trivial predictors as thin lines across a figure, each named at its end."""
    rows = table[table["row"].isin(names)].drop_duplicates("row")
    for name, value in rows.set_index("row")["rmse_mean"].items():
        draw, at = (ax.axvline, (value, 1)) if vertical else (ax.axhline, (1, value))
        draw(value, color=REFERENCE, lw=1, ls="--", zorder=0)
        if named:
            ax.annotate(
                str(name),
                at,
                xycoords=("data", "axes fraction") if vertical else ("axes fraction", "data"),
                xytext=(2, 3) if vertical else (3, -3),
                textcoords="offset points",
                rotation=30 if vertical else 0,
                fontsize=8,
                color="0.35",
            )


def spread(rows: pd.DataFrame, middle: str, low: str, high: str) -> NDArray[np.float64]:
    """Lengths of error bars below and above, [2, n]."""
    limits = rows[[low, high]].to_numpy(np.float64).T
    return np.asarray(np.abs(limits - rows[middle].to_numpy(np.float64)), np.float64)


def row_offsets(n: int) -> NDArray[np.float64]:
    """Places of n marks around the middle of their row, the first one on top."""
    return np.asarray(0.7 / max(3, n) * (np.arange(n)[::-1] - (n - 1) / 2), np.float64)


def rows_on_y(ax: Axes, labels: Sequence[str]) -> None:
    """One line of the figure per label, the first on top."""
    ax.set(yticks=range(len(labels)), yticklabels=labels[::-1], ylim=(-0.6, len(labels) - 0.4))


def places_of(labels: Sequence[str], rows: "pd.Series[str]") -> NDArray[np.float64]:
    """Height of each row's line in the figure that :func:`rows_on_y` lays out, float64 [n]."""
    return np.array([len(labels) - 1 - labels.index(row) for row in rows], float)


def dots(
    ax: Axes,
    rows: pd.DataFrame,
    labels: Sequence[str],
    styles: Mapping[str, Style],
    middle: str,
    low: str,
    high: str,
) -> None:
    """Dots with intervals, one line of the figure per label and one mark per ``series``.

    Args:
        ax: Where to draw.
        rows: With ``row``, ``series`` and the columns named below.
        labels: Rows in order, the first on top.
        styles: Colour and marker of each series.
        middle: Column of the dots.
        low: Column of the intervals' lower limits.
        high: Column of their upper limits.
    """
    for (name, (colour, marker)), offset in zip(
        styles.items(), row_offsets(len(styles)), strict=True
    ):
        some = rows[rows["series"] == name]
        ax.errorbar(
            some[middle],
            places_of(labels, some["row"]) + offset,
            xerr=spread(some, middle, low, high),
            fmt=marker,
            color=colour,
            ms=4.5,
            lw=1,
            label=name,
        )
    for line in np.arange(len(labels) - 1) + 0.5:
        ax.axhline(line, color="0.92", lw=0.8, zorder=0)
    rows_on_y(ax, labels)


def height_of(labels: Sequence[str], styles: Mapping[str, Style]) -> float:
    """Inches that so many rows with so many marks need, axis and legend included."""
    return (0.26 + 0.13 * len(styles)) * len(labels) + 1.7
