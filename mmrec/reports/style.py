"""The look that all figures share; the colours are safe for colour-blind readers."""

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


def styles(
    names: "pd.Series[str] | list[str]",
) -> dict[str, tuple[tuple[float, float, float], str]]:
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
