"""Figures that several notebooks share; colours are safe for the colour-blind."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmrec.experiments.grid import TRIVIAL

PALETTE = sns.color_palette("colorblind")
OURS, PAPER, CONTROL, REFERENCE = PALETTE[0], "black", PALETTE[1], "0.55"


def _reference_lines(ax: Axes, table: pd.DataFrame, names: Sequence[str], vertical: bool) -> None:
    """The trivial predictors as thin lines across a figure, each named at its end."""
    trivial = table[table["row"].isin(names)].set_index("row")["rmse_mean"]
    for name, value in trivial.items():
        if vertical:
            ax.axvline(value, color=REFERENCE, lw=1, ls="--", zorder=0)
            ax.annotate(
                name,
                (value, 1),
                xycoords=("data", "axes fraction"),
                xytext=(2, 3),
                textcoords="offset points",
                rotation=30,
                fontsize=8,
                color="0.35",
            )
        else:
            ax.axhline(value, color=REFERENCE, lw=1, ls="--", zorder=0)
            ax.annotate(
                name,
                (1, value),
                xycoords=("axes fraction", "data"),
                xytext=(3, -3),
                textcoords="offset points",
                fontsize=8,
                color="0.35",
            )


def ablation(table: pd.DataFrame, trivial: Sequence[str] = TRIVIAL) -> tuple[Figure, Axes]:
    """Dot plot of RMSE per row, with intervals, the control and the paper's figures.

    Args:
        table: A summary as :func:`mmrec.experiments.statistics.summarise` makes it.
        trivial: Predictors drawn as lines.
    """
    rows = table[~table["row"].isin(TRIVIAL)]
    labels = list(dict.fromkeys(rows["row"]))[::-1]
    fig, ax = plt.subplots(figsize=(7.5, 0.45 * len(labels) + 1.8))
    for features, colour, offset in (("real", OURS, 0.12), ("permuted", CONTROL, -0.12)):
        some = rows[rows["features"] == features]
        if not len(some):
            continue
        at = [labels.index(row) + offset for row in some["row"]]
        spread = np.abs(some[["rmse_low", "rmse_high"]].to_numpy().T - some["rmse_mean"].to_numpy())
        ax.errorbar(
            some["rmse_mean"],
            at,
            xerr=spread,
            fmt="o",
            color=colour,
            capsize=2,
            ms=5,
            lw=1,
            label="this study" if features == "real" else "features permuted across movies",
        )
    paper = rows[(rows["features"] == "real") & rows["paper_rmse"].notna()]
    ax.plot(
        paper["paper_rmse"],
        [labels.index(row) for row in paper["row"]],
        "D",
        mfc="none",
        color=PAPER,
        ms=6,
        label="the paper (best of five, chosen on the test part)",
    )
    _reference_lines(ax, table, trivial, vertical=True)
    ax.set(yticks=range(len(labels)), yticklabels=labels, xlabel="RMSE on the test part, stars")
    ax.set_ylim(-0.6, len(labels) - 0.4)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), frameon=False, fontsize=8, ncols=2)
    sns.despine(fig)
    return fig, ax


def masking_curves(table: pd.DataFrame, trivial: Sequence[str] = ("user+movie bias",)):
    """RMSE against the share of ratings hidden from user profiles, one line per row."""
    rows = table[~table["row"].isin(TRIVIAL)]
    fig, ax = plt.subplots(figsize=(7, 4))
    for colour, marker, (row, line) in zip(
        PALETTE, "osv^DP", rows.groupby("row", sort=False), strict=False
    ):
        line = line.sort_values("masking")
        ax.plot(100 * line["masking"], line["rmse_mean"], color=colour, marker=marker, label=row)
        paper = line[line["paper_rmse"].notna()]
        ax.plot(
            100 * paper["masking"],
            paper["paper_rmse"],
            color=colour,
            marker=marker,
            ls=":",
            mfc="none",
            lw=1,
        )
    ax.plot(
        [], [], color="0.3", marker="o", mfc="none", ls=":", label="the paper, same marks hollow"
    )
    _reference_lines(ax, table, trivial, vertical=False)
    ax.set(xlabel="ratings hidden from the user profiles, %", ylabel="RMSE on the test part, stars")
    ax.legend(frameon=False, fontsize=8)
    sns.despine(fig)
    return fig, ax


def training_curves(runs: pd.DataFrame):
    """Validation RMSE and the two losses over the epochs, one colour per row.

    Args:
        runs: What :func:`mmrec.experiments.grid.run` returned, networks only.
    """
    fig, axes = plt.subplots(1, 2, figsize=(9, 3.6))
    for colour, (row, group) in zip(PALETTE, runs.groupby("row", sort=False), strict=False):
        for run in group.itertuples():
            history = pd.DataFrame(list(run.history))
            label = row if run.Index == group.index[0] else None
            axes[0].plot(history["epoch"], history["mse"] ** 0.5, color=colour, ls=":", lw=1)
            axes[0].plot(history["epoch"], history["validation_rmse"], color=colour, label=label)
            best = history.iloc[run.best_epoch - 1]
            axes[0].plot(best["epoch"], best["validation_rmse"], "o", color=colour, ms=5)
            axes[1].plot(history["epoch"], history["cosine"], color=colour, label=label)
    axes[0].set(xlabel="epoch", ylabel="RMSE, stars", title="training (dotted) and validation")
    axes[1].set(xlabel="epoch", ylabel="mean cosine embedding loss", title="cosine embedding loss")
    for ax in axes:
        ax.legend(frameon=False, fontsize=8)
    sns.despine(fig)
    fig.tight_layout()
    return fig, axes
