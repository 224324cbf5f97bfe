"""From runs to a table: means over seeds, and intervals by bootstrap over users."""

import numpy as np
import pandas as pd

from mmrec.experiments import grid, metrics, paper, protocols
from mmrec.workspace import Workspace, atomic_path

RESAMPLES = 2_000
KEYS = ["row", "model", "features", "protocol", "fold", "masking"]
COLUMNS = [
    *["row", "model", "features", "protocol", "fold", "masking", "n_seeds"],
    *["rmse_mean", "rmse_sd", "rmse_low", "rmse_high", "rmse_covered_mean"],
    *["content_gain", "gain_low", "gain_high"],
    *["precision_mean", "recall_mean", "coverage"],
    *["paper_rmse", "paper_precision", "paper_recall", "sources"],
]


def resampled_rmse(
    squared: np.ndarray, users: np.ndarray, resamples: int = RESAMPLES
) -> np.ndarray:
    """RMSE in bootstrap samples of users: a user's ratings are not independent of each other.

    Args:
        squared: Squared errors [n] or [n, k] of the same pairs.
        users: User of each pair [n].
        resamples: Number of samples; the same users are drawn at every call.

    Returns:
        float64 [resamples] or [resamples, k].
    """
    codes, names = pd.factorize(users)
    drawn = np.random.default_rng(0).multinomial(
        len(names), np.full(len(names), 1 / len(names)), size=resamples
    )
    sums = np.zeros((len(names), *squared.shape[1:]))
    np.add.at(sums, codes, squared)
    counts = drawn @ np.bincount(codes)
    return np.sqrt((drawn @ sums) / counts.reshape(-1, *[1] * (squared.ndim - 1)))


def interval(samples: np.ndarray) -> tuple[float, float]:
    """The middle 95 % of bootstrap samples."""
    low, high = np.percentile(samples, [2.5, 97.5])
    return float(low), float(high)


def _errors(runs: pd.DataFrame, workspace: Workspace, data: grid.Data) -> pd.DataFrame:
    """Squared error of each test pair: one column per seed, the user as index."""
    columns = {}
    for run in runs.itertuples():
        shown = None if pd.isna(run.shown) else int(run.shown)
        test = protocols.sealed_test(data.ratings, data.films, fold=run.fold, shown=shown)
        stored = pd.read_parquet(grid.predictions_path(workspace, run.hash))
        columns[run.seed] = metrics.squared_errors(stored["prediction"], test)
    return pd.DataFrame(columns).set_index(pd.Index(test.pairs["user_id"]))


def summarise(runs: pd.DataFrame, workspace: Workspace) -> pd.DataFrame:
    """One row per table row: mean and sd over seeds, interval over users, the paper's figures.

    The interval is of the RMSE whose squared errors are first averaged over the seeds. The
    content gain is the permuted control's RMSE minus the real features', over the seeds that both
    were run with, and its interval is paired.

    Args:
        runs: What :func:`mmrec.experiments.grid.run` returned for one table.
        workspace: Where the predictions lie.

    Returns:
        Columns :data:`COLUMNS`, in the order of the runs.
    """
    data = grid.load(workspace)
    errors = {
        key: _errors(group, workspace, data)
        for key, group in runs.groupby(KEYS, sort=False, dropna=False)
    }
    rows = []
    for key, group in runs.groupby(KEYS, sort=False, dropna=False):
        found = errors[key]
        low, high = interval(resampled_rmse(found.mean(axis=1).to_numpy(), found.index))
        rows.append(
            {
                **dict(zip(KEYS, key, strict=True)),
                "n_seeds": len(group),
                "rmse_mean": group["rmse"].mean(),
                "rmse_sd": group["rmse"].std(ddof=1) if len(group) > 1 else np.nan,
                "rmse_low": low,
                "rmse_high": high,
                "rmse_covered_mean": group["rmse_covered"].mean(),
                **_content_gain(dict(zip(KEYS, key, strict=True)), errors),
                "precision_mean": group["precision"].mean(),
                "recall_mean": group["recall"].mean(),
                "coverage": group["coverage"].mean(),
                "sources": group["sources"].iloc[0],
            }
        )
    table = pd.DataFrame(rows)
    published = paper.PUBLISHED[paper.PUBLISHED["table"] == runs["table"].iloc[0]]
    # The paper knows neither the control nor other folds.
    published = published.drop(columns="table").assign(features="real", fold="u1")
    table = table.merge(published, on=["row", "masking", "features", "fold"], how="left")
    return table[COLUMNS]


def _content_gain(row: dict, errors: dict[tuple, pd.DataFrame]) -> dict[str, float]:
    control = errors.get(tuple({**row, "features": "permuted"}.values()))
    nothing = {"content_gain": np.nan, "gain_low": np.nan, "gain_high": np.nan}
    if row["features"] != "real" or control is None:
        return nothing
    real = errors[tuple(row.values())]
    seeds = real.columns.intersection(control.columns)
    both = np.stack([found[seeds].mean(axis=1) for found in (real, control)], axis=1)
    samples = resampled_rmse(both, real.index)
    low, high = interval(samples[:, 1] - samples[:, 0])
    means = np.sqrt(both.mean(axis=0))
    return {"content_gain": means[1] - means[0], "gain_low": low, "gain_high": high}


def save(table: pd.DataFrame, name: str, workspace: Workspace) -> pd.DataFrame:
    """Writes ``results/<name>.csv``, the summary that the book and its readers use."""
    with atomic_path(workspace.results / f"{name}.csv") as part:
        table.to_csv(part, index=False, float_format="%.6g", lineterminator="\n")
    return table


def show(table: pd.DataFrame) -> pd.DataFrame:
    """A summary as the book prints it: rounded text, and what is empty left out."""

    def text(form: str, *names: str) -> pd.Series:
        known = table[list(names)].notna().all(axis=1)
        rows = table[list(names)].itertuples(index=False)
        cells = [form.format(*row).replace(" ", "\u00a0") for row in rows]  # stay on one line
        return pd.Series(cells, table.index).where(known, "–")

    rmse = text("{:.3f}", "rmse_mean")
    columns = {
        "row": table["row"],
        "masked": text("{:.0%}", "masking"),
        "RMSE": text("{:.3f} ± {:.3f}", "rmse_mean", "rmse_sd").mask(table["rmse_sd"].isna(), rmse),
        "95 % interval": text("{:.3f} to {:.3f}", "rmse_low", "rmse_high"),
        "precision, recall": text("{:.1f}, {:.1f}", "precision_mean", "recall_mean"),
        "covered": text("{:.0%}", "coverage"),
        "paper: RMSE": text("{:.3f}", "paper_rmse"),
        "paper: precision, recall": text("{:.1f}, {:.1f}", "paper_precision", "paper_recall"),
    }
    wanted = [name for name, cells in columns.items() if (cells != "–").any()]
    if (table["masking"] == 0).all():
        wanted.remove("masked")
    return pd.DataFrame(columns)[wanted].set_index("row").rename_axis(None)


def sources(runs: pd.DataFrame) -> pd.DataFrame:
    """What the rows of a table rest on, stand-ins included, and their protocol, one line each."""
    seeds, folds, followed = (
        ", ".join(map(str, runs[name].unique())) for name in ("seed", "fold", "protocol")
    )
    said = dict.fromkeys(part for row in runs["sources"] for part in row.split(grid.SEPARATOR))
    lines = [part.split(": ", 1) for part in said if ": " in part]
    return (
        pd.DataFrame(
            [["protocol", f"{followed}, fold {folds}, seeds {seeds}"], *lines],
            columns=["of", "what it rests on"],
        )
        .set_index("of")
        .rename_axis(None)
    )
