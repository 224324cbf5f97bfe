"""Tables as the book and the terminal print them: rounded text under a caption."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from mmrec.evaluation.inference import Sampling
from mmrec.evaluation.protocols import PROTOCOLS
from mmrec.experiments.runner import sources_of
from mmrec.reports.summaries import KEYS

DASH = "–"
"""Stands where there is nothing to print."""

TEXT_COLUMNS = frozenset(
    ["model", "features", "protocol", "folds", "fold", "verdict", "seeds agree", "what it rests on"]
)
"""Columns of words, which start at the left; figures end at the right, as their headers do."""

SCENARIO_NAMES = {
    "warm": "known movies and users",
    "item": "new films",
    "user": "new users",
    "both": "new films and users",
}
"""What the kinds of folds are called in print."""


@dataclass(frozen=True)
class PrintedTable:
    """A table of text that shows itself with its caption, in Jupyter and on a terminal.

    Attributes:
        cells: Text, with the rows' labels as index.
        caption: What the figures rest on, in sentences.
        wide: Names of further columns that hold words and start at the left.
    """

    cells: pd.DataFrame
    caption: str
    wide: frozenset[str] = field(default=frozenset())

    def _repr_html_(self) -> str:
        left, right = ' style="text-align: left"', ' style="text-align: right"'
        words = TEXT_COLUMNS | self.wide
        sides = [left if name in words else right for name in self.cells.columns]

        def row(tag: str, label: str, cells: Sequence[str]) -> str:
            inner = "".join(
                f"<{tag}{side}>{escape(cell)}</{tag}>"
                for side, cell in zip(sides, cells, strict=True)
            )
            return f"    <tr><th{left}>{escape(label)}</th>{inner}</tr>"

        body = [
            row("td", str(label), [str(cell) for cell in cells])
            for label, *cells in self.cells.itertuples(name=None)
        ]
        return "\n".join(
            [
                '<table class="dataframe">',
                f'  <caption style="text-align: left">{escape(self.caption)}</caption>',
                "  <thead>",
                row("th", "", [str(name) for name in self.cells.columns]),
                "  </thead>",
                "  <tbody>",
                *body,
                "  </tbody>",
                "</table>",
            ]
        )

    def __str__(self) -> str:
        words = TEXT_COLUMNS | self.wide
        columns = [[str(label) for label in self.cells.index]]
        columns += [[str(cell) for cell in cells] for _, cells in self.cells.items()]
        names = ["", *map(str, self.cells.columns)]
        widths = [
            max(len(name), *map(len, cells)) for name, cells in zip(names, columns, strict=True)
        ]
        lines = [names, ["-" * width for width in widths], *map(list, zip(*columns, strict=True))]
        text = [
            "   ".join(
                cell.ljust(width) if not name or name in words else cell.rjust(width)
                for name, cell, width in zip(names, line, widths, strict=True)
            ).rstrip()
            for line in lines
        ]
        return "\n".join([self.caption, "", *text]).replace("\u00a0", " ")

    def __repr__(self) -> str:
        return str(self)


# --- captions -----------------------------------------------------------------------------------


def caption(table: pd.DataFrame, title: str) -> str:
    """What rows rest on: protocol, folds, seeds, intervals, sources, stand-ins.

    Args:
        table: What :func:`mmrec.reports.summaries.summarise`, ``summarise_lists`` or
            :func:`mmrec.reports.comparisons.compare` returned, or some rows of it; or runs.
        title: What the figures are, without a full stop.
    """
    protocols = " and ".join(
        name.replace("_", " ") for name in PROTOCOLS if (table["protocol"] == name).any()
    )
    several = table["protocol"].nunique() > 1
    parts = [f"{title}.", f"Protocol{'s' if several else ''}: {protocols}."]
    if "seed" in table:  # runs
        seeds = ", ".join(map(str, sorted(table["seed"].unique())))
        parts += [f"{_folds(table.assign(n_folds=1))}.", f"Seeds: {seeds}."]
    else:
        numbers = sorted({int(number) for number in table["n_seeds"]})
        one = numbers == [1]
        parts += [f"{_folds(table)}.", f"{_between(numbers)} {'seed' if one else 'seeds'} per row."]
        drawn = table.get("interval", pd.Series(str(Sampling.USERS), table.index))
        parts.append(f"Intervals: 95 %, over {' or over '.join(dict.fromkeys(drawn))}.")
    told = source_lines(table["sources"])
    if told:
        parts.append("Features: " + "; ".join(f"{of} from {what}" for of, what in told) + ".")
    return " ".join(parts)


def _folds(table: pd.DataFrame) -> str:
    said = []
    for fold, some in table.groupby("fold", sort=False):
        number = int(some["n_folds"].max())
        if fold in SCENARIO_NAMES:
            folds = "fold" if number == 1 else "folds"
            said.append(f"{number} {folds} of {SCENARIO_NAMES[str(fold)]}")
        else:
            said.append(str(fold))
    pooled = any(fold in SCENARIO_NAMES for fold in table["fold"])
    joined = ", ".join(said)
    if pooled:
        return joined[:1].upper() + joined[1:]
    return f"Fold{'' if len(said) == 1 else 's'} {joined}"


def _between(numbers: Sequence[int]) -> str:
    return str(numbers[0]) if len(numbers) == 1 else f"{numbers[0]} to {numbers[-1]}"


def source_lines(sources: "pd.Series[str]") -> list[tuple[str, str]]:
    """The feature tables that rows rest on, with source, encoder and stand-in, each told once."""
    return list(dict.fromkeys(line for told in sources for line in sources_of(told).items()))


def sources(runs: pd.DataFrame) -> PrintedTable:
    """What the rows of a table rest on, stand-ins included, and their protocol, one line each."""
    seeds, folds, followed = (
        ", ".join(map(str, runs[name].unique())) for name in ("seed", "fold", "protocol")
    )
    lines = [("protocol", f"{followed}, fold {folds}, seeds {seeds}")]
    lines += source_lines(runs["sources"])
    cells = pd.DataFrame(lines, columns=["of", "what it rests on"]).set_index("of")
    return PrintedTable(cells.rename_axis(None), "Data and stand-ins of the runs below.")


# --- tables -------------------------------------------------------------------------------------


def show(table: pd.DataFrame, title: str = "Error of predicted ratings") -> PrintedTable:
    """A summary as the book prints it: rounded text, and what is empty left out.

    Where it has runs clean and as published, all protocols stand side by side, without precision
    and recall; for these show the runs of one protocol.

    Args:
        table: What :func:`mmrec.reports.summaries.summarise` returned.
        title: First sentence of the caption.
    """
    if {"clean", "as_published"} <= {*table["protocol"]}:
        return _side_by_side(table, title)
    columns = {
        **_labels(table),
        "RMSE": _rmse(table),
        "95 % interval": _text(table, "{:.3f} to {:.3f}", "rmse_low", "rmse_high"),
        "precision, recall": _text(table, "{:.1f}, {:.1f}", "precision_mean", "recall_mean"),
        "covered": _text(table, "{:.0%}", "coverage"),
        "paper: RMSE": _text(table, "{:.3f}", "paper_rmse"),
        "paper: precision, recall": _text(
            table, "{:.1f}, {:.1f}", "paper_precision", "paper_recall"
        ),
    }
    return _printed(columns, caption(table, title))


def _side_by_side(table: pd.DataFrame, title: str) -> PrintedTable:
    same = [key for key in KEYS if key != "protocol"]
    places = table[same].drop_duplicates()
    parts = {
        protocol: places.merge(table[table["protocol"] == protocol], on=same, how="left")
        for protocol in PROTOCOLS
        if (table["protocol"] == protocol).any()
    }
    clean = parts.pop("clean")
    gain = _text(clean, "{:+.3f} ({:+.3f} to {:+.3f})", "content_gain", "gain_low", "gain_high")
    columns = {
        **_labels(clean),
        "clean: RMSE": _rmse(clean),
        "content gain (95 % interval)": gain,
    }
    for protocol, part in parts.items():
        best = _text(part, " (best {:.3f})", "rmse_best").replace(DASH, "")
        columns[f"{protocol.replace('_', ' ')}: RMSE"] = _rmse(part) + best
    columns["paper: RMSE"] = _text(clean, "{:.3f}", "paper_rmse")
    return _printed(columns, caption(table, title))


def show_comparison(table: pd.DataFrame, title: str = "Paired differences") -> PrintedTable:
    """What :func:`mmrec.reports.comparisons.compare` returned, as the book prints it.

    A p that the test cannot give any smaller is printed with "≤". One seed agrees with itself,
    which says nothing, and is printed as such.
    """
    measure = str(table["measure"].iloc[0])
    columns = {
        **_labels(table),
        "difference": _text(table, "{:+.3f}", "difference"),
        "95 % interval": _text(table, "{:+.3f} to {:+.3f}", "low", "high"),
        "p (Holm)": _p(table),
        "seeds agree": _text(table, "{} of {}", "seeds_agree", "n_seeds").mask(
            table["n_seeds"] == 1, "one seed"
        ),
        "verdict": table["verdict"],
    }
    return _printed(columns, caption(table, f"{title} in {measure}, row minus reference"))


def _p(table: pd.DataFrame) -> "pd.Series[str]":
    cells = [
        "< 0.001"
        if p < 1e-3
        else f"≤ {math.ceil(round(1000 * p, 6)) / 1000:.3f}"
        if floor
        else f"{p:.4f}"
        for p, floor in zip(table["p_holm"], table["p_at_floor"], strict=True)
    ]
    return pd.Series(cells, table.index, dtype=object)


def show_lists(table: pd.DataFrame) -> PrintedTable:
    """What :func:`mmrec.reports.summaries.summarise_lists` returned, as the book prints it.

    Users without a relevant test movie are left out; their number is in brackets.
    """
    form = "{:.3f} ({:.3f} to {:.3f})"
    columns = {
        **_labels(table),
        "NDCG@10": _text(table, form, "ndcg_10", "ndcg_10_low", "ndcg_10_high"),
        "Recall@20": _text(table, form, "recall_20", "recall_20_low", "recall_20_high"),
        "catalogue covered": _text(table, "{:.0%}", "catalogue_coverage"),
        "popularity percentile": _text(table, "{:.0%}", "popularity_percentile"),
        "users (left out)": _text(
            table, "{:.0f} ({:.0f})", "users_ranked", "users_without_relevant"
        ),
    }
    return _printed(columns, caption(table, "Lists of recommendations"))


NAMES = {
    "rmse_mean": "RMSE",
    "rmse_sd": "sd over seeds",
    "rmse_best": "best seed",
    "rmse_low": "95 % from",
    "rmse_high": "95 % to",
    "paper_rmse": "paper: RMSE",
    "precision_mean": "precision",
    "recall_mean": "recall",
    "content_gain": "content gain",
    "gain_low": "95 % from",
    "gain_high": "95 % to",
    "gain_sd": "sd of the gain",
    "best_epoch": "best epoch",
    "train_seconds": "training, s",
    "validation_rmse": "validation RMSE",
}
"""What columns are called where they are printed."""


def numbers(frame: pd.DataFrame, told: str, decimals: int = 3, **of_column: int) -> PrintedTable:
    """Any table of numbers as the book prints it: named, rounded, with dashes for what is missing.

    Args:
        frame: Numbers; several levels of the index are joined to one label.
        told: The caption, such as :func:`caption` makes it.
        decimals: Of numbers that are no integers.
        of_column: Other decimals for single columns.
    """
    labels = [
        ", ".join(map(str, label)) if isinstance(label, tuple) else str(label)
        for label in frame.index
    ]
    cells = {
        name: [_number(value, of_column.get(str(name), decimals)) for value in frame[name]]
        for name in frame.columns
    }
    return PrintedTable(pd.DataFrame(cells, index=labels).rename(columns=NAMES), told)


def _number(value: Any, decimals: int) -> str:
    if isinstance(value, str):
        return value
    if pd.isna(value):
        return DASH
    return f"{value:,}" if isinstance(value, int | np.integer) else f"{value:.{decimals}f}"


def _printed(columns: Mapping[str, "pd.Series[str]"], told: str) -> PrintedTable:
    wanted = {name: cells for name, cells in columns.items() if (cells != DASH).any()}
    return PrintedTable(pd.DataFrame(wanted).set_index("row").rename_axis(None), told)


def _text(table: pd.DataFrame, form: str, *names: str) -> "pd.Series[str]":
    """Columns as text, a dash where one of them is empty."""
    known = table[list(names)].notna().all(axis=1)
    cells = [
        form.format(*row).replace(" ", "\u00a0") if there else DASH  # stay on one line
        for there, row in zip(known, table[list(names)].itertuples(index=False), strict=True)
    ]
    return pd.Series(cells, table.index, dtype=object)


def _labels(table: pd.DataFrame) -> dict[str, "pd.Series[str]"]:
    """What tells the rows of a table apart besides their label, where anything does."""
    columns = {"row": table["row"]}
    if (table.groupby("row")["model"].nunique() > 1).any():
        columns["model"] = table["model"]
    for key in ("features", "protocol"):
        if table[key].nunique() > 1:
            columns[key] = table[key]
    if (table["masking"] > 0).any():
        columns["masked"] = _text(table, "{:.0%}", "masking")
    if table["support_size"].notna().any():
        columns["support size"] = _text(table, "{:.0f}", "support_size")
    if (table["n_folds"] > 1).any():
        columns["folds"] = _text(table, "{:.0f} {}", "n_folds", "fold")
    elif table["fold"].nunique() > 1:
        columns["fold"] = table["fold"]
    return columns


def _rmse(table: pd.DataFrame) -> "pd.Series[str]":
    mean = _text(table, "{:.3f}", "rmse_mean")
    both = _text(table, "{:.3f} ± {:.3f}", "rmse_mean", "rmse_sd")
    return both.mask(table["rmse_sd"].isna(), mean)
