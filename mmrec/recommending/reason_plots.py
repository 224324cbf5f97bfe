"""Figures of one person's recommendations and their reasons."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmrec.reports.style import FIXED, RED, legend_below, panels

_PROCESS, _PROCESS_MARK = FIXED["pair process"]
_EVERYBODY, _EVERYBODY_MARK = FIXED["movie mean"]


def reasons(rows: pd.DataFrame) -> tuple[Figure, Axes]:
    """What each film rated adds to a prediction, and what the prediction would lose without it.

    Args:
        rows: What :func:`mmrec.recommending.side_by_side.by_rating` returned.
    """
    fig, axes = panels(1, 7.5, 1.2 + 0.32 * len(rows))
    ax = axes[0, 0]
    at = np.arange(len(rows))
    ax.barh(at, rows["adds"], height=0.55, color=_PROCESS, alpha=0.45, label="adds")
    ax.plot(rows["lower_without"], at, "D", ms=5, color=RED, label="would be lower without")
    ax.axvline(0, color="0.2", lw=1, zorder=0)
    ax.set(xlabel="stars", yticks=at, yticklabels=rows["film"])
    ax.invert_yaxis()
    ax.margins(x=0.05)
    legend_below(fig, ax)
    return fig, ax


def expected(rows: pd.DataFrame) -> tuple[Figure, Axes]:
    """What is expected of a new film as more is told of it, with intervals of 80 %.

    Args:
        rows: By what is told, what :func:`mmrec.recommending.side_by_side.new_film` returned.
    """
    fig, axes = panels(1, 7.5, 1.2 + 0.4 * len(rows))
    ax = axes[0, 0]
    at = np.arange(len(rows))
    ax.hlines(at, rows["80 % from"], rows["to"], color=_PROCESS, alpha=0.45, lw=6)
    person, everybody = {"ms": 7, "color": _PROCESS}, {"ms": 6, "color": _EVERYBODY}
    label = "this person, with 80 % interval"
    ax.plot(rows["prediction"], at, _PROCESS_MARK, label=label, **person)
    ax.plot(rows["everybody"], at, _EVERYBODY_MARK, label="mean of all users", **everybody)
    ax.set(xlabel="expected rating (stars)", xlim=(1, 5), yticks=at, yticklabels=rows.index)
    ax.invert_yaxis()
    ax.margins(y=0.2)
    legend_below(fig, ax)
    return fig, ax
