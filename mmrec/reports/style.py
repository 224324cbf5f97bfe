"""The look that all figures share: one colour and mark for each name, in every figure of the book.

A notebook that imports anything of this package shows its figures so; see `mmrec.reports.showing`.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from zlib import crc32

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mmrec.reports import showing

BLUE, ORANGE, GREEN, RED, PINK = "#395db2", "#c77f04", "#4ea287", "#c24e48", "#e94fdb"
BROWN, PURPLE, GREY, OLIVE, TEAL = "#5a250e", "#4f0b9b", "#727576", "#595b01", "#124054"
PALETTE = [BLUE, ORANGE, GREEN, RED, PINK, BROWN, PURPLE, GREY, OLIVE, TEAL]
"""Each has a contrast of 3 or more on white, and stands apart from the others for readers who lack
one kind of cones; ``tests/test_style.py`` measures both."""

MARKERS = "osv^DPX<>*"
OURS, PAPER, REFERENCE = BLUE, "black", "0.55"
"""Colours of this study's results, the paper's, and of lines to compare with."""

Style = tuple[str, str]
"""A colour and a marker."""

LOOK = {
    "axes.prop_cycle": cycler(color=PALETTE),
    "axes.edgecolor": "0.3",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.axisbelow": True,
    "axes.formatter.min_exponent": 6,  # a power of ten would have too small an exponent
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "legend.fontsize": 9,
    "legend.title_fontsize": 9,
    "legend.frameon": False,
    "image.cmap": "cividis",
    "font.sans-serif": ["DejaVu Sans", "Verdana", "sans-serif"],  # the first comes with matplotlib
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "mmrec",  # the same drawing has the same bytes
}
"""Settings of matplotlib, on top of its own."""

showing.dress(LOOK)

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

_BY_FREQUENCY = [
    *["Drama", "Comedy", "Action", "Adventure", "Crime", "Documentary", "Horror", "Animation"],
    *["Children's", "Thriller", "Romance", "Musical", "Mystery", "Sci-Fi", "War", "Western"],
    *["Film-Noir", "Fantasy", "unknown"],
]
GENRES: dict[str, Style] = {
    genre: (PALETTE[number % 10], MARKERS[(number + number // 10) % 10])
    for number, genre in enumerate(_BY_FREQUENCY)
}
FACTS: dict[str, Style] = {
    "movie": (BLUE, "o"),
    "genre": (ORANGE, "s"),
    "director": (GREEN, "v"),
    "cast": (RED, "^"),
}
CLEAN, AS_PUBLISHED, CONTROL = (BLUE, "o"), (RED, "^"), (GREY, "s")
"""The network under both protocols, and with the features of other movies."""

PROTOCOLS: dict[str, Style] = {
    "clean": CLEAN,
    "as_published": AS_PUBLISHED,
    "the paper": (PAPER, "D"),
    "as published": AS_PUBLISHED,
    "the paper's network, as published": AS_PUBLISHED,
    "user vectors from training ratings": (ORANGE, "v"),
    "target left out of its user vector": (PINK, "s"),
    "selected on validation": (TEAL, "D"),
    "small batches": (GREEN, "P"),
    "tuned": CLEAN,
    "this study, clean": CLEAN,
    "clean, features permuted across movies": CONTROL,
    "this study, as published": AS_PUBLISHED,
    "as published, features permuted": (GREY, "v"),
    "random numbers": (GREY, "x"),
}
"""Protocols, the steps from one to the other, and both with their controls."""

MODALITIES: dict[str, Style] = {
    "meta": (PURPLE, "o"),
    "all": (TEAL, "D"),
    "text": (BLUE, "v"),
    "video": (ORANGE, "^"),
    "audio": (GREEN, "s"),
    "meta+text": (BLUE, "P"),
    "meta+video": (ORANGE, "X"),
    "meta+audio": (GREEN, "<"),
    "meta, inputs hidden": (BLUE, "X"),
    "imdb": (BLUE, "v"),
    "as the profile orders": (BLUE, "v"),
    "open": (TEAL, "o"),
    "open synopses alone": (TEAL, "o"),
    "text-open": (TEAL, "v"),
    "meta-open": (TEAL, "P"),
    "meta-freebase": (OLIVE, "^"),
    "meta-freebase without genres": (PINK, "v"),
}
"""Content: modalities, in the hues that ``book/figures/draw.py`` gives them, sums and variants of
them, and sources of summaries."""

MODELS: dict[str, Style] = {
    "global mean": (BROWN, ">"),
    "user mean": (BROWN, "o"),
    "movie mean": (BROWN, "D"),
    "means": (BROWN, "o"),
    "user+movie bias": (OLIVE, "v"),
    "biases": (OLIVE, "v"),
    "item kNN": (RED, "<"),
    "matrix factorisation": (PINK, "D"),
    "FM: ids": (PINK, "^"),
    "FM: ids and users": (ORANGE, "s"),
    "FM: content": (TEAL, "<"),
    "FM: hybrid": (PURPLE, "D"),
    "FM: hybrid, without IMDb's rating": (PURPLE, "<"),
    "factorisation machine": (PURPLE, "D"),
    "rating vectors": (BLUE, "D"),
    "the paper's network": CLEAN,
    "the paper's network on rating vectors": (BLUE, "D"),
    "straight line": (RED, ">"),
    "ridge": (TEAL, "X"),
    "kernel ridge": (TEAL, "s"),
    "twin towers": (RED, "X"),
    "two towers": (RED, "X"),
    "pair process": (GREEN, "o"),
    "Gaussian process over pairs": (GREEN, "o"),
    "average": (GREEN, "X"),
    "average of models": (GREEN, "X"),
    "likes from content": (ORANGE, "^"),
    "content and EASE": (PURPLE, "*"),
    "most popular": (GREY, "<"),
    "IMDb rating": (GREY, ">"),
    "IMDb votes": (GREY, "D"),
    "sorted by a column": (GREY, "D"),
    "EASE": (OLIVE, "o"),
    "iALS": (PINK, "X"),
    "implicit factors": (PINK, "X"),
    "BPR": (RED, "P"),
    "LightGCN": (BROWN, "P"),
    "pairwise ranking": (RED, "P"),
}
"""Models by the labels of their rows, and by what their kind is called in print."""

TRACKS: dict[str, Style] = {
    "new films: known before release": (GREEN, "o"),
    "new films: with an encyclopedia": (BLUE, "s"),
    "new films: with IMDb's crowd": (ORANGE, "^"),
    "new users": (PURPLE, "v"),
    "new films and users": (PINK, "D"),
    "u1: one model": (BROWN, "P"),
    "u1: no item ids": (TEAL, "X"),
    "u1: ratings alone": (OLIVE, "<"),
}
"""The tracks of the chapter on new films."""

LACKING: dict[str, Style] = {
    "0% of the films lack it": (GREEN, "o"),
    "50% of the films lack it": (ORANGE, "s"),
    "100% of the films lack it": (RED, "^"),
    "model that never saw it": (PURPLE, "D"),
}
"""The process on new films of which some lack a block of content."""

FIXED: dict[str, Style] = {
    **FACTS,
    **PROTOCOLS,
    **MODALITIES,
    **MODELS,
    **{f"{name}, refitted": look for name, look in MODELS.items()},
    **{f"{name}, clean protocol": look for name, look in MODELS.items()},
    **TRACKS,
    **LACKING,
}
"""The look of each name, the same in every figure of the book."""


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
    fig.legend(handles, labels, loc="outside lower center", frameon=False, fontsize=9, ncols=ncols)


def legend_right(fig: Figure, ax: Axes, title: str | None = None) -> None:
    """A legend to the right of the figure, one entry a line."""
    handles, labels = ax.get_legend_handles_labels()
    fig.legend(
        handles,
        labels,
        loc="outside right upper",
        frameon=False,
        fontsize=9,
        title=title,
        title_fontsize=9,
    )


def styles_of(names: "pd.Series[str] | Sequence[str]") -> dict[str, Style]:
    """Colour and marker of each name, in the order in which the names first occur.

    Those of :data:`FIXED` have the same look in every figure. Any other begins its search for a
    free look at a place of its own, so that it mostly has the same look, too. No two have the same
    colour and marker, and none has another's colour while one is free; beyond a hundred names,
    looks repeat.
    """
    distinct = list(dict.fromkeys(names))
    found: dict[str, Style] = {}
    for name in distinct:
        if name in FIXED and FIXED[name] not in found.values():
            found[name] = FIXED[name]
    for name in distinct:
        if name not in found:
            found[name] = _free(name, found.values())
    return {name: found[name] for name in distinct}


def _free(name: str, taken: Collection[Style]) -> Style:
    """A look that is not taken, its colour neither if possible."""
    start = crc32(name.encode())
    looks = [
        (PALETTE[(start + turn) % 10], MARKERS[(start // 10 + turn + turn // 10) % 10])
        for turn in range(100)
    ]
    colours = {colour for colour, _ in taken}
    unlike = [look for look in looks if look[0] not in colours]
    return next(iter([*unlike, *(look for look in looks if look not in taken), looks[0]]))


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
                fontsize=9,
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
