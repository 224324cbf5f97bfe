"""The figure on the opening page: the study's main results on known films and on new ones."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from mmrec.reports.results import Absent, Results
from mmrec.reports.style import FIXED, LOOK, PAPER, note
from mmrec.workspace import atomic_path

FONT = 9
"""Size of all text, in points."""


@dataclass(frozen=True)
class Mark:
    """One row of the figure.

    Attributes:
        label: What it is called in the figure.
        look: The name whose colour and mark it has in all figures.
        table: Where its RMSE is.
        row: Its row there.
        column: Its column.
        where: What else distinguishes the row.
    """

    label: str
    look: str
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
    return Mark(label, row, "rating_vectors", f"{row}, refitted")


def _new(track: str, row: str, label: str) -> Mark:
    return Mark(label, row, "beyond", row, where={"track": f"new_films_{track}"})


_LEAKY = {"protocol": "as_published"}
_OTHERS = {"features": "permuted"}
_CONTROL, _PROCESS = "clean, features permuted across movies", "pair process"

KNOWN = (
    Mark("the paper", "the paper", "table1", "all", "paper_rmse", _LEAKY),
    Mark("network, as published", "as published", "table1", "all", where=_LEAKY),
    Mark("network, clean", "clean", "table1", "all"),
    Mark("… with other films' content", _CONTROL, "table1", "all", where=_OTHERS),
    _refitted("user+movie bias", "two biases"),
    _refitted("FM: ids and users", "factorisation machine"),
    Mark("our model", _PROCESS, "beyond", _PROCESS, where={"track": "u1_single"}),
)
"""Films that have ratings: the test part of u1."""

NEW = (
    _new("released", "user mean", "user's mean"),
    Mark("network, clean", "clean", "cold_start", "all", where={"fold": "item"}),
    _new("released", "kernel ridge", "kernel ridge"),
    _new("released", _PROCESS, "our model"),
    Mark(
        "… with other films' content",
        _CONTROL,
        "beyond",
        _PROCESS,
        where={"track": "new_films_released", **_OTHERS},
    ),
    _new("crowd", _PROCESS, "our model, with IMDb's rating"),
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
        **LOOK,
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
        colour, marker = FIXED[mark.look]
        fill = "none" if colour == PAPER else colour
        ax.plot(value, height, marker, color=colour, mfc=fill, ms=6)
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
