"""One line in the place of a table or a figure, where a run has nothing to put in it."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmrec.reports.style import note, panels


def row(why: str) -> pd.DataFrame:
    """The line as a table.

    Args:
        why: What is missing.
    """
    return pd.DataFrame({"": [why]}, index=["left out"])


def figure(why: str) -> tuple[Figure, Axes]:
    """The line as a figure, so that the figures of a page keep their numbers.

    Args:
        why: What is missing.
    """
    fig, axes = panels(1, 7, 0.6)
    note(axes[0, 0], f"left out: {why}")
    return fig, axes[0, 0]
