"""One line in the place of a table or a figure, where a run has nothing to put in it."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

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
    fig, axes = panel(f"left out: {why}")
    return fig, axes[0]


def panel(sentence: str) -> tuple[Figure, NDArray[np.object_]]:
    """A sentence as the one panel of a figure.

    Args:
        sentence: What there is none of.
    """
    fig, axes = panels(1, 7.5, 0.6)
    note(axes[0, 0], sentence)
    return fig, axes[0]
