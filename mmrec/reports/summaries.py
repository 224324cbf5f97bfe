"""From runs to the rows of a table: means over seeds, intervals, the paper's figures beside."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mmrec.errors import StudyError
from mmrec.evaluation import folds, metrics
from mmrec.evaluation.inference import Sample, Sampling
from mmrec.evaluation.protocols import SealedTest, sealed_test
from mmrec.experiments import paper, store
from mmrec.experiments.loading import load
from mmrec.workspace import Workspace, atomic_path


class Key(NamedTuple):
    """What the runs of one row of a summary have in common; they differ in their seeds.

    ``fold`` is the name of a fold, or of a kind of folds where these are pooled; ``support_size``
    is None outside learning curves.
    """

    row: str
    model: str
    features: str
    protocol: str
    fold: str
    masking: float
    support_size: int | None


class Measured(NamedTuple):
    """What was measured on the test pairs of a row's runs.

    Attributes:
        values: One column per seed, NaN in folds that it lacks; ``fold``, ``user_id`` and
            ``movie_id`` or ``film_id`` as index.
        sample: The pairs' users and films, and their weights in the mean.
    """

    values: pd.DataFrame
    sample: Sample

    def over_seeds(self, seeds: Sequence[int] | None = None) -> NDArray[np.float64]:
        """Means over all seeds, or over some, float64 [n]."""
        some = self.values if seeds is None else self.values[list(seeds)]
        return some.mean(axis=1).to_numpy(np.float64)

    def of_seed(self, seed: int) -> float:
        """Mean over the pairs of the folds that were run with this seed."""
        values = self.values[seed].to_numpy(np.float64)
        run = ~np.isnan(values)
        return float(np.average(values[run], weights=self.sample.weights[run]))


KEYS = list(Key._fields)
COLUMNS = [
    *[*KEYS, "n_folds", "n_seeds"],
    *["rmse_mean", "rmse_sd", "rmse_low", "rmse_high", "rmse_best", "rmse_covered_mean"],
    *["content_gain", "gain_low", "gain_high", "interval"],
    *["precision_mean", "recall_mean", "coverage"],
    *["paper_rmse", "paper_precision", "paper_recall", "sources"],
]
LIST_SCORES = [
    *[*metrics.LIST_MEASURES, "catalogue_coverage", "popularity_percentile"],
    *["popularity_listed", "popularity_candidates", "users_ranked", "users_without_relevant"],
]


def groups(runs: pd.DataFrame, *, pooled: bool = False) -> dict[Key, pd.DataFrame]:
    """The runs of each row of a summary, in the order of the runs.

    Args:
        runs: What :func:`mmrec.experiments.runner.run` returned.
        pooled: Whether the folds of one kind (the warm ones, those of new films, …) make one row.

    Raises:
        StudyError: Two runs of a row have the same fold and seed.
    """
    fold = runs["fold"].map(folds.scenario_of) if pooled else runs["fold"]
    given = runs.get("support_size", pd.Series(np.nan, runs.index))
    support = [None if pd.isna(number) else int(number) for number in given]
    values = zip(*(runs[name] for name in KEYS[:4]), fold, runs["masking"], support, strict=True)
    places: dict[Key, list[int]] = {}
    for place, key in enumerate(values):
        places.setdefault(Key(*key), []).append(place)
    found = {key: runs.iloc[some] for key, some in places.items()}
    for key, group in found.items():
        if group.duplicated(["fold", "seed"]).any():
            raise StudyError(
                f"two runs of row {key.row!r} differ in nothing that a table tells apart",
                where="summary",
                remedy="Give runs with other settings a row label of their own.",
            )
    return found


# --- what was measured on the test pairs --------------------------------------------------------


def sampling(runs: pd.DataFrame) -> Sampling:
    """What the test pairs of some runs are a sample of: see :mod:`mmrec.evaluation.inference`."""
    drawn = {key for fold in runs["fold"] for key in folds.fold_of(fold).new}
    return Sampling.USERS_AND_FILMS if "film_id" in drawn else Sampling.USERS


def errors(key: Key, runs: pd.DataFrame, workspace: Workspace) -> Measured:
    """Prediction minus rating of a row's runs on all test pairs, each with the same weight.

    Args:
        key: The row's.
        runs: Its runs, of one or several folds.
        workspace: Where the predictions lie.
    """
    films = load(workspace).films

    def measured(run: Any, test: SealedTest) -> pd.DataFrame:
        stored = store.predictions(workspace, run.hash)
        found = metrics.errors(stored["prediction"].to_numpy(), test)
        return test.pairs.assign(value=found, weight=1.0, film=test.pairs["movie_id"].map(films))

    return _measured(key, runs, workspace, measured, "movie_id")


def squared_errors(key: Key, runs: pd.DataFrame, workspace: Workspace) -> Measured:
    """Squares of :func:`errors`."""
    measured = errors(key, runs, workspace)
    return measured._replace(values=measured.values**2)


def list_values(key: Key, runs: pd.DataFrame, workspace: Workspace, name: str) -> Measured:
    """What each relevant film adds to the scores of the lists of a row's runs.

    Args:
        key: The row's.
        runs: Its runs, of one or several folds.
        workspace: Where the lists lie.
        name: One of :data:`mmrec.evaluation.metrics.LIST_MEASURES`.
    """
    films = load(workspace).films

    def measured(run: Any, test: SealedTest) -> pd.DataFrame:
        lists = store.recommendations(workspace, run.hash)
        values = metrics.list_values(lists, test, films)
        return values.assign(value=values[name], film=values["film_id"])

    return _measured(key, runs, workspace, measured, "film_id")


def _measured(
    key: Key,
    runs: pd.DataFrame,
    workspace: Workspace,
    measured: Callable[[Any, SealedTest], pd.DataFrame],
    item: str,
) -> Measured:
    data = load(workspace)
    parts: dict[str, pd.DataFrame] = {}
    pairs: list[pd.DataFrame] = []
    for fold, some in runs.groupby("fold"):
        test = sealed_test(data.ratings, data.films, fold=str(fold), support_size=key.support_size)
        found = {run.seed: measured(run, test) for run in some.itertuples()}
        first = next(iter(found.values()))
        index = pd.MultiIndex.from_frame(first[["user_id", item]])
        columns = {seed: values["value"].to_numpy() for seed, values in found.items()}
        parts[str(fold)] = pd.DataFrame(columns).set_index(index)
        pairs.append(first)
    whole = pd.concat(pairs)
    sample = Sample.of(whole["user_id"], whole["film"], sampling(runs), whole["weight"])
    return Measured(pd.concat(parts, names=["fold"]), sample)


# --- summaries ----------------------------------------------------------------------------------


def summarise(runs: pd.DataFrame, workspace: Workspace, *, pooled: bool = False) -> pd.DataFrame:
    """One row per table row: mean and sd over seeds, interval, content gain, the paper's figures.

    The interval is of the RMSE whose squared errors are first averaged over the seeds. The
    content gain is the permuted control's RMSE minus the real features', over the seeds that both
    were run with, and its interval is paired. ``rmse_best`` is the best seed's RMSE, which the
    paper reports: chosen by the test part, it is given for the runs as published alone.

    Args:
        runs: What :func:`mmrec.experiments.runner.run` returned.
        workspace: Where the predictions lie.
        pooled: Whether the folds of one kind (the warm ones, those of new films, …) make one row.
            The mean is then over folds first, the deviation that of the seeds' means over folds,
            and a user is one draw of the bootstrap with all of his or her ratings in all folds.

    Returns:
        Columns :data:`COLUMNS`, in the order of the runs; ``interval`` says what the intervals
        regard as sampled. Rows of models that only rank have no RMSE.
    """
    found = groups(runs, pooled=pooled)
    rating = {key: group for key, group in found.items() if group["rmse"].notna().all()}
    measured = {key: squared_errors(key, group, workspace) for key, group in rating.items()}
    rows = []
    for key, group in found.items():
        means = group.groupby("seed")[["rmse", "rmse_covered", "precision", "recall"]].mean()
        low, high = np.nan, np.nan
        if key in measured:
            values, sample = measured[key].over_seeds(), measured[key].sample
            low, high = sample.interval(values, root=True)
        rows.append(
            {
                **key._asdict(),
                "n_folds": group["fold"].nunique(),
                "n_seeds": len(means),
                "rmse_mean": means["rmse"].mean(),
                "rmse_sd": means["rmse"].std(ddof=1) if len(means) > 1 else np.nan,
                "rmse_low": low,
                "rmse_high": high,
                "rmse_best": means["rmse"].min() if key.protocol == "as_published" else np.nan,
                "rmse_covered_mean": means["rmse_covered"].mean(),
                **_content_gain(key, measured),
                "interval": str(sampling(group)),
                "precision_mean": means["precision"].mean(),
                "recall_mean": means["recall"].mean(),
                "coverage": group["coverage"].mean(),
                "sources": group["sources"].iloc[0],
            }
        )
    table = pd.DataFrame(rows).astype({"support_size": "Int64"})
    return paper.beside(table)[COLUMNS]


def _content_gain(key: Key, measured: Mapping[Key, Measured]) -> dict[str, float]:
    control = measured.get(key._replace(features="permuted"))
    if key.features != "real" or control is None or key not in measured:
        return {"content_gain": np.nan, "gain_low": np.nan, "gain_high": np.nan}
    seeds = common_seeds(control, measured[key])
    found = control.sample.difference(
        control.over_seeds(seeds), measured[key].over_seeds(seeds), root=True
    )
    return {"content_gain": found.value, "gain_low": found.low, "gain_high": found.high}


def common_seeds(first: Measured, second: Measured) -> list[int]:
    """The seeds that two rows were both run with.

    Raises:
        StudyError: They share no seed, or not the same folds.
    """
    shared = first.values.columns.intersection(second.values.columns)
    seeds: list[int] = [*map(int, shared.to_numpy(np.int64))]
    if not seeds or not first.values.index.equals(second.values.index):
        raise StudyError(
            "two rows have no seed in common, or not the same folds",
            where="summary",
            remedy="Run both with the same seeds and folds to compare them.",
        )
    return seeds


def summarise_lists(
    runs: pd.DataFrame, workspace: Workspace, *, pooled: bool = False
) -> pd.DataFrame:
    """One row per table row: how good and how varied the lists of recommendations are.

    Args:
        runs: What :func:`mmrec.experiments.runner.run` returned, those with lists.
        workspace: Where the lists lie.
        pooled: As in :func:`summarise`.

    Returns:
        :data:`KEYS`, ``n_folds``, ``n_seeds``, means over seeds and folds of
        :data:`LIST_SCORES`, the limits ``ndcg_10_low``, ``ndcg_10_high``, ``recall_20_low`` and
        ``recall_20_high``, ``interval`` and ``sources``.
    """
    rows = []
    for key, group in groups(runs, pooled=pooled).items():
        limits: dict[str, float] = {}
        for name in metrics.LIST_MEASURES:
            values, sample = list_values(key, group, workspace, name)
            low, high = sample.interval(values.mean(axis=1).to_numpy())
            limits[f"{name}_low"], limits[f"{name}_high"] = low, high
        rows.append(
            {
                **key._asdict(),
                "n_folds": group["fold"].nunique(),
                "n_seeds": group["seed"].nunique(),
                **group[LIST_SCORES].mean(),
                **limits,
                "interval": str(sampling(group)),
                "sources": group["sources"].iloc[0],
            }
        )
    return pd.DataFrame(rows).astype({"support_size": "Int64"})


# --- files --------------------------------------------------------------------------------------


def save(table: pd.DataFrame, name: str, workspace: Workspace) -> pd.DataFrame:
    """Writes ``results/<name>.csv``, the summary that the book and its readers use.

    The file is written at every call, so that one that was deleted or damaged comes back.
    """
    with atomic_path(workspace.results / f"{name}.csv") as part:
        table.to_csv(part, index=False, float_format="%.6g", lineterminator="\n")
    return table
