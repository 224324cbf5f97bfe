"""The figure on the opening page: the study's main results on known films and on new ones."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from mmrec.reports.results import Absent, Results
from mmrec.reports.style import OURS, PALETTE, PAPER, note
from mmrec.workspace import atomic_path

AS_PUBLISHED, CLEAN, PERMUTED, BASELINE, PROCESS = (
    PALETTE[3],
    OURS,
    "0.55",
    PALETTE[1],
    PALETTE[2],
)
"""Colours of the network under both protocols, of controls, of baselines, and of our model."""

FONT = 9
"""Size of all text, in points."""

Colour = str | tuple[float, float, float]


@dataclass(frozen=True)
class Mark:
    """One row of the figure.

    Attributes:
        label: What it is called in the figure.
        colour: Of its dot.
        table: Where its RMSE is.
        row: Its row there.
        column: Its column.
        where: What else distinguishes the row.
    """

    label: str
    colour: Colour
    table: str
    row: str
    column: str = "rmse_mean"
    where: dict[str, str] = field(default_factory=dict)

    def value(self, results: Results) -> float | None:
        """The RMSE, or None if the run does not have it."""
        try:
            return results.cell(self.table, self.row, self.column, **self.where)
        except Absent:
            return None


def _refitted(row: str, label: str) -> Mark:
    """A baseline as it is beside our model: fitted again with the validation ratings."""
    return Mark(label, BASELINE, "rating_vectors", f"{row}, refitted")


def _new(track: str, row: str, label: str, colour: Colour, **where: str) -> Mark:
    return Mark(label, colour, "beyond", row, where={"track": f"new_films_{track}", **where})


_LEAKY = {"protocol": "as_published"}
_OTHERS = {"features": "permuted"}

KNOWN = (
    Mark("the paper", PAPER, "table1", "all", "paper_rmse", _LEAKY),
    Mark("network, as published", AS_PUBLISHED, "table1", "all", where=_LEAKY),
    Mark("network, clean", CLEAN, "table1", "all"),
    Mark("… with other films' content", PERMUTED, "table1", "all", where=_OTHERS),
    _refitted("user+movie bias", "two biases"),
    _refitted("FM: ids and users", "factorisation machine"),
    Mark("our model", PROCESS, "beyond", "pair process", where={"track": "u1_single"}),
)
"""Films that have ratings: the test part of u1."""

NEW = (
    _new("released", "user mean", "user's mean", BASELINE),
    Mark("network, clean", CLEAN, "cold_start", "all", where={"fold": "item"}),
    _new("released", "kernel ridge", "kernel ridge", BASELINE),
    _new("released", "pair process", "our model", PROCESS),
    _new("released", "pair process", "… with other films' content", PERMUTED, features="permuted"),
    _new("crowd", "pair process", "our model, with IMDb's rating", PROCESS),
)
"""Films that nobody has rated: five folds of films."""


def draw(results: Path, path: Path) -> None:
    """Draws the figure as SVG from the tables of a run, the same bytes for the same tables.

    What the run does not have is left out.

    Args:
        results: Folder of the tables.
        path: Where to write it.
    """
    read = Results(results)
    panels = [
        (title, rows)
        for title, marks in (
            ("Films with ratings (u1)", KNOWN),
            ("Films that nobody has rated", NEW),
        )
        if (rows := [(m, value) for m in marks if (value := m.value(read)) is not None])
    ]
    sizes = dict.fromkeys(("font.size", "xtick.labelsize", "ytick.labelsize"), FONT)
    style: dict[Any, Any] = {
        **sizes,
        "axes.labelsize": FONT,
        "svg.hashsalt": "headline",
        "svg.fonttype": "path",
    }
    with mpl.rc_context(style):
        heights = [len(rows) for _, rows in panels] or [1]
        fig, axes = plt.subplots(
            len(heights),
            1,
            figsize=(4.6, 0.9 + 0.23 * sum(heights)),
            sharex=True,
            squeeze=False,
            layout="constrained",
            height_ratios=heights,
        )
        if not panels:
            note(axes[0, 0], "This run has none of the results that are drawn here.")
        for ax, (title, rows) in zip(axes.flat, panels, strict=False):
            _panel(ax, title, rows)
        axes[-1, 0].set_xlabel("RMSE in stars, lower is better", loc="left")
        with atomic_path(path) as part:
            fig.savefig(part, format="svg", metadata={"Date": None})
        plt.close(fig)


def _panel(ax: Axes, title: str, rows: Sequence[tuple[Mark, float]]) -> None:
    ax.set_title(title, loc="left", fontsize=FONT, fontweight="bold")
    for height, (mark, value) in enumerate(reversed(rows)):
        ax.axhline(height, color="0.92", lw=0.8, zorder=0)
        ax.plot(value, height, "o", color=mark.colour, ms=6)
        ax.annotate(
            f"{value:.3f}", (value, height), (6, 0), textcoords="offset points", va="center"
        )
    ax.set(
        yticks=range(len(rows)),
        yticklabels=[mark.label for mark, _ in reversed(rows)],
        ylim=(-0.6, len(rows) - 0.4),
    )
    ax.margins(x=0.16)
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(axis="y", length=0)
