"""Beyond the tables: where a model errs, where two models cross, what tuning tried."""

from itertools import pairwise

import numpy as np
import pandas as pd

from mmrec.evaluation import metrics
from mmrec.evaluation.inference import interval, resampled_means, resampled_rmse
from mmrec.evaluation.protocols import sealed_test
from mmrec.experiments.loading import load
from mmrec.reports.tables import KEYS, groups, pair_errors
from mmrec.workspace import Workspace

EDGES = (0, 10, 20, 50, 100, 200)
"""Bins of numbers of ratings; the last one has no upper edge."""


def bin_names() -> list[str]:
    """``"0–9"`` … ``"≥ 200"``."""
    pairs = pairwise(EDGES)
    return [*(f"{low}–{high - 1}" for low, high in pairs), f"≥ {EDGES[-1]}"]


def residuals(runs: pd.DataFrame, workspace: Workspace) -> pd.DataFrame:
    """Errors by the movie's popularity and by the user's activity.

    Both are numbers of ratings outside the fold's test part. Errors are averaged over the seeds
    first; the folds of one kind are pooled.

    Args:
        runs: What :func:`mmrec.experiments.runner.run` returned.
        workspace: Where the predictions lie.

    Returns:
        One row per row, side and bin that has test pairs: :data:`statistics.KEYS`, ``side``
        ("movie" or "user"), ``bin`` (one of :func:`bin_names`), ``n_pairs``, ``rmse`` and ``bias``
        (mean of prediction minus rating) in stars, and their 95 % intervals by bootstrap over
        users, ``rmse_low`` … ``bias_high``.
    """
    rows = []
    for key, group in groups(runs, pooled=True).items():
        squared, signed = (
            pair_errors(key, group, workspace, measure).mean(axis=1)
            for measure in (metrics.squared_errors, metrics.errors)
        )
        users = squared.index.get_level_values("user_id")
        counts = _counts(squared.index, key.support_size, workspace)
        for side, of_pair in counts.items():
            bins = np.searchsorted(EDGES, of_pair, side="right") - 1
            for number, name in enumerate(bin_names()):
                at = bins == number
                if not at.any():
                    continue
                some = squared.to_numpy()[at], signed.to_numpy()[at]
                rmse = interval(resampled_rmse(some[0], users[at]))
                bias = interval(resampled_means(some[1], users[at]))
                means = np.sqrt(some[0].mean()), *rmse, some[1].mean(), *bias
                rows.append([*key, side, name, at.sum(), *means])
    limits = ["rmse", "rmse_low", "rmse_high", "bias", "bias_low", "bias_high"]
    table = pd.DataFrame(rows, columns=[*KEYS, "side", "bin", "n_pairs", *limits])
    return table.astype({"support_size": "Int64"})


def _counts(
    pairs: pd.MultiIndex, support_size: int | None, workspace: Workspace
) -> dict[str, np.ndarray]:
    """Ratings outside the test part of each pair's movie and user, int [n] each."""
    data = load(workspace)
    whole = pd.MultiIndex.from_frame(data.ratings[["user_id", "movie_id"]])
    counts = {"movie": np.zeros(len(pairs), int), "user": np.zeros(len(pairs), int)}
    folds = pairs.get_level_values("fold")
    for fold in folds.unique():
        tested = sealed_test(data.ratings, data.films, fold=fold, support_size=support_size).pairs
        rest = data.ratings[~whole.isin(pd.MultiIndex.from_frame(tested))]
        at = folds == fold
        for side, found in counts.items():
            name = f"{side}_id"
            ids = pairs.get_level_values(name)[at]
            found[at] = rest[name].value_counts().reindex(ids, fill_value=0).to_numpy()
    return counts


def crossing(table: pd.DataFrame, first: str, second: str) -> float | None:
    """Support size from which the second row has the lower RMSE.

    Args:
        table: Rows of one learning curve, as :func:`statistics.summarise` makes them.
        first: Label of the row that is better with few ratings.
        second: Label of the one that is better with many.

    Returns:
        Where the curves meet, linear in log(1 + ratings) between the numbers that were run; None
        if the second is not worse at the start or does not overtake by the end.
    """
    curves = table.pivot(index="support_size", columns="row", values="rmse_mean")
    ahead = (curves[second] - curves[first]).dropna()
    ratings, ahead = np.log1p(ahead.index.to_numpy(float)), ahead.to_numpy()
    overtaken = np.flatnonzero(ahead < 0)
    if not len(overtaken) or overtaken[0] == 0:
        return None
    after = overtaken[0]
    before = after - 1
    way = ahead[before] / (ahead[before] - ahead[after])
    return float(np.expm1(ratings[before] + way * (ratings[after] - ratings[before])))


def gains(runs: pd.DataFrame) -> pd.DataFrame:
    """How much better each way of training is than the first one, seed by seed.

    Args:
        runs: What :func:`mmrec.experiments.runner.run` returned of one experiment with several
            settings, networks only.

    Returns:
        By row, in their order: means over the seeds of ``best_epoch``, ``train_seconds`` and
        ``validation_rmse``, and of ``gain``, the validation RMSE of the first row minus this
        one's, of the same seed, in stars; ``gain_sd`` over the seeds (none for a single one).
    """
    scores = runs.pivot(index="seed", columns="row", values="validation_rmse")
    gain = -scores.sub(scores[runs["row"].iloc[0]], axis="index")
    measured = ["best_epoch", "train_seconds", "validation_rmse"]
    means = runs.groupby("row", sort=False)[measured].mean()
    return means.assign(gain=gain.mean(), gain_sd=gain.std())


def tried(runs: pd.DataFrame) -> pd.DataFrame:
    """The settings that each run's tuning tried: ``row, seed, setting, validation_rmse, chosen``.

    Args:
        runs: What :func:`mmrec.experiments.runner.run` returned; those with a ``tuning`` (one
            mapping of settings with their ``validation_rmse`` per try) and a ``chosen`` (settings).
    """
    rows = []
    for run in runs[runs["tuning"].notna()].itertuples():
        for record in run.tuning:
            settings = {
                key: value
                for key, value in record.items()
                if key != "validation_rmse" and value is not None
            }
            rows.append(
                {
                    "row": run.row,
                    "seed": run.seed,
                    "setting": ", ".join(f"{key} {value}" for key, value in settings.items()),
                    "validation_rmse": record["validation_rmse"],
                    "chosen": all(run.chosen.get(key) == value for key, value in settings.items()),
                }
            )
    return pd.DataFrame(rows)
