"""Figures that look into the models: errors by popularity, what tuning tried, training."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from numpy.typing import NDArray

from mmrec.reports import diagnostics
from mmrec.reports.style import (
    OURS,
    TEST_RMSE,
    legend_below,
    panels,
    places_of,
    row_offsets,
    rows_on_y,
    spread,
    styles_of,
)


def residuals(table: pd.DataFrame) -> tuple[Figure, NDArray[np.object_]]:
    """RMSE and bias by the movie's popularity and the user's activity.

    Args:
        table: What :func:`mmrec.reports.diagnostics.residuals` returned, for a few rows.
    """
    bins, styles = diagnostics.bin_names(), styles_of(table["row"])
    fig, axes = panels(2, 4.6, 3.0, rows=2, sharex=True, sharey="row")
    for (row, (colour, marker)), offset in zip(
        styles.items(), -row_offsets(len(styles)), strict=True
    ):
        for column, side in enumerate(("movie", "user")):
            some = table[(table["row"] == row) & (table["side"] == side)]
            places = np.array([bins.index(name) for name in some["bin"]]) + offset
            for ax, name in zip(axes[:, column], ("rmse", "bias"), strict=True):
                ax.errorbar(
                    places,
                    some[name],
                    yerr=spread(some, name, f"{name}_low", f"{name}_high"),
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
    legend_below(fig, axes[0, 0], ncols=4)
    sns.despine(fig)
    return fig, axes


def tuning(tried: pd.DataFrame) -> tuple[Figure, NDArray[np.object_]]:
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
                places_of(labels, part["setting"]),
                "o",
                color=OURS,
                mfc=fill,
                ms=4.5,
                label="chosen for its seed" if chosen else "tried",
            )
        rows_on_y(ax, labels)
        ax.tick_params(axis="y", labelsize=9)
        ax.grid(axis="y", color="0.92")
        ax.set_title(row, fontsize=9, loc="left")
    axes[-1, 0].set(xlabel="validation RMSE, stars")
    legend_below(fig, axes[0, 0])
    sns.despine(fig)
    return fig, axes[:, 0]


def training_curves(runs: pd.DataFrame) -> tuple[Figure, NDArray[np.object_]]:
    """Validation RMSE and the two losses over the epochs, one colour per row.

    Args:
        runs: What :func:`mmrec.experiments.runner.run` returned, networks only.
    """
    fig, axes = panels(2, 4.5, 3.6)
    styles = styles_of(runs["row"])
    for row, group in runs.groupby("row", sort=False):
        colour, _ = styles[str(row)]
        for number, (epochs, best_epoch) in enumerate(
            zip(group["history"], group["best_epoch"], strict=True)
        ):
            history = pd.DataFrame(list(epochs))
            label = None if number else row
            axes[0, 0].plot(history["epoch"], history["mse"] ** 0.5, color=colour, ls=":", lw=1)
            axes[0, 0].plot(history["epoch"], history["validation_rmse"], color=colour, label=label)
            best = history.iloc[int(best_epoch) - 1]
            axes[0, 0].plot(best["epoch"], best["validation_rmse"], "o", color=colour, ms=5)
            axes[0, 1].plot(history["epoch"], history["cosine"], color=colour, label=label)
    axes[0, 0].set(xlabel="epoch", ylabel="RMSE, stars", title="training (dotted) and validation")
    axes[0, 1].set(
        xlabel="epoch", ylabel="mean cosine embedding loss", title="cosine embedding loss"
    )
    for ax in axes[0]:
        ax.legend(frameon=False, fontsize=9)
    sns.despine(fig)
    return fig, axes[0]
