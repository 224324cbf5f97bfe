"""Beyond the tables: where a model errs, where two models cross, what tuning tried."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mmrec.evaluation.inference import Sample
from mmrec.evaluation.protocols import sealed_test
from mmrec.experiments.loading import load
from mmrec.reports.summaries import KEYS, errors, groups
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
        One row per row, side and bin that has test pairs:
        :data:`mmrec.reports.summaries.KEYS`, ``side`` ("movie" or "user"), ``bin`` (one of
        :func:`bin_names`), ``n_pairs``, ``rmse`` and ``bias``
        (mean of prediction minus rating) in stars, and their 95 % intervals, ``rmse_low`` …
        ``bias_high``, as in :func:`mmrec.reports.summaries.summarise`.
    """
    rows = []
    for key, group in groups(runs, pooled=True).items():
        measured = errors(key, group, workspace)
        squared = (measured.values**2).mean(axis=1).to_numpy()
        signed, sample = measured.over_seeds(), measured.sample
        pairs = measured.values.index.to_frame(index=False)
        for side, of_pair in _counts(pairs, key.support_size, workspace).items():
            bins = np.searchsorted(EDGES, of_pair, side="right") - 1
            for number, name in enumerate(bin_names()):
                at = bins == number
                if not at.any():
                    continue
                some = Sample.of(sample.users[at], sample.films[at], sample.sampling)
                rmse = np.sqrt(squared[at].mean()), *some.interval(squared[at], root=True)
                bias = signed[at].mean(), *some.interval(signed[at])
                rows.append([*key, side, name, at.sum(), *rmse, *bias])
    limits = ["rmse", "rmse_low", "rmse_high", "bias", "bias_low", "bias_high"]
    table = pd.DataFrame(rows, columns=[*KEYS, "side", "bin", "n_pairs", *limits])
    return table.astype({"support_size": "Int64"})


def _counts(
    pairs: pd.DataFrame, support_size: int | None, workspace: Workspace
) -> dict[str, NDArray[np.int64]]:
    """Ratings outside the test part of each pair's movie and user, int [n] each."""
    data = load(workspace)
    whole = pd.MultiIndex.from_frame(data.ratings[["user_id", "movie_id"]])
    counts = {"movie": np.zeros(len(pairs), np.int64), "user": np.zeros(len(pairs), np.int64)}
    for fold in pairs["fold"].unique():
        tested = sealed_test(data.ratings, data.films, fold=fold, support_size=support_size).pairs
        rest = data.ratings[~whole.isin(pd.MultiIndex.from_frame(tested))]
        at = (pairs["fold"] == fold).to_numpy()
        for side, found in counts.items():
            name = f"{side}_id"
            ids = pairs.loc[at, name]
            found[at] = rest[name].value_counts().reindex(ids, fill_value=0).to_numpy()
    return counts


class Crossing(NamedTuple):
    """Where one learning curve crosses another.

    Attributes:
        ratings: Number of ratings at which they meet.
        leader: Label of the row with the lower RMSE from there on.
    """

    ratings: float
    leader: str


def crossings(table: pd.DataFrame, first: str, second: str) -> list[Crossing]:
    """All numbers of ratings at which two learning curves cross, however often they do.

    Args:
        table: Rows of one learning curve, as :func:`mmrec.reports.summaries.summarise` makes them.
        first: Label of a row.
        second: Label of another.

    Returns:
        In ascending order; where the curves meet is linear in log(1 + ratings) between the numbers
        that were run. Curves that touch and part again do not cross.
    """
    curves = table.pivot(index="support_size", columns="row", values="rmse_mean")
    ahead = (curves[second] - curves[first]).dropna()
    ahead = ahead[ahead != 0]
    ratings, values = np.log1p(ahead.index.to_numpy(float)), ahead.to_numpy(float)
    found = []
    for before, after in pairwise(range(len(values))):
        if (values[before] > 0) == (values[after] > 0):
            continue
        way = values[before] / (values[before] - values[after])
        at = np.expm1(ratings[before] + way * (ratings[after] - ratings[before]))
        found.append(Crossing(float(at), first if values[after] > 0 else second))
    return found


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
    """The settings that each run's tuning tried.

    Args:
        runs: What :func:`mmrec.experiments.runner.run` returned. Those are taken that have a
            ``tuning`` (a mapping of settings with their score per try) by the RMSE on the
            validation ratings, and a ``chosen`` (settings); models that only rank have another
            score.

    Returns:
        ``row, seed, setting, validation_rmse, chosen``.
    """
    rows, score = [], "validation_rmse"
    tuned = runs[runs["tuning"].notna()]
    for row, seed, tuning, chosen in zip(
        tuned["row"], tuned["seed"], tuned["tuning"], tuned["chosen"], strict=True
    ):
        for record in tuning:
            if score not in record:
                continue
            settings = {
                key: value for key, value in record.items() if key != score and value is not None
            }
            rows.append(
                {
                    "row": row,
                    "seed": seed,
                    "setting": ", ".join(f"{key} {value}" for key, value in settings.items()),
                    score: record[score],
                    "chosen": all(chosen.get(key) == value for key, value in settings.items()),
                }
            )
    return pd.DataFrame(rows, columns=["row", "seed", "setting", score, "chosen"])
