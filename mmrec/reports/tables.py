"""From runs to tables: means over seeds, intervals and tests over users, the paper's figures."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from mmrec.errors import StudyError
from mmrec.evaluation import folds, metrics
from mmrec.evaluation.inference import holm, interval, resampled_means, resampled_rmse, sign_flip_p
from mmrec.evaluation.protocols import PROTOCOLS, sealed_test
from mmrec.experiments import paper, store
from mmrec.experiments.loading import load
from mmrec.experiments.runner import sources_of
from mmrec.workspace import Workspace, atomic_path

LEVEL = 0.05
"""A difference is decided if its p, corrected for the number of rows, is below this."""


class Key(NamedTuple):
    """What the runs of one row of a summary have in common; they differ in their seeds.

    ``fold`` is the name of a fold, or of a scenario where folds are pooled; ``support_size`` is
    None outside learning curves.
    """

    row: str
    model: str
    features: str
    protocol: str
    fold: str
    masking: float
    support_size: int | None


KEYS = list(Key._fields)
COLUMNS = [
    *[*KEYS, "n_folds", "n_seeds"],
    *["rmse_mean", "rmse_sd", "rmse_low", "rmse_high", "rmse_best", "rmse_covered_mean"],
    *["content_gain", "gain_low", "gain_high"],
    *["precision_mean", "recall_mean", "coverage"],
    *["paper_rmse", "paper_precision", "paper_recall", "sources"],
]
LIST_SCORES = [
    *["ndcg_10", "recall_20", "catalogue_coverage", "popularity_percentile"],
    *["popularity_listed", "popularity_candidates", "users_ranked", "users_without_relevant"],
]


def groups(runs: pd.DataFrame, *, pooled: bool = False) -> dict[Key, pd.DataFrame]:
    """The runs of each row of a summary, in the order of the runs.

    Raises:
        StudyError: Two runs of a row have the same fold and seed.
    """
    fold = runs["fold"].map(folds.scenario_of) if pooled else runs["fold"]
    sizes = runs.get("support_size", pd.Series(np.nan, runs.index))
    sizes = [None if pd.isna(size) else int(size) for size in sizes]
    values = zip(*(runs[name] for name in KEYS[:4]), fold, runs["masking"], sizes, strict=True)
    places: dict[Key, list[int]] = {}
    for place, key in enumerate(values):
        places.setdefault(Key(*key), []).append(place)
    found = {key: runs.iloc[some] for key, some in places.items()}
    for key, group in found.items():
        if group.duplicated(["fold", "seed"]).any():
            raise StudyError(
                f"two runs of row {key.row!r} differ in nothing that a table tells apart",
                where="statistics",
                remedy="Give runs with other settings a row label of their own.",
            )
    return found


def pair_errors(
    key: Key, runs: pd.DataFrame, workspace: Workspace, measure: Callable = metrics.squared_errors
) -> pd.DataFrame:
    """Errors of all test pairs of a row's runs.

    Args:
        key: The row's.
        runs: Its runs, of one or several folds.
        workspace: Where the predictions lie.
        measure: Errors [n] from predictions and the sealed test part.

    Returns:
        One column per seed, NaN in folds that it lacks; ``fold, user_id, movie_id`` as index.
    """
    data = load(workspace)
    parts = {}
    for fold, some in runs.groupby("fold"):
        test = sealed_test(data.ratings, data.films, fold=fold, support_size=key.support_size)
        columns = {}
        for run in some.itertuples():
            stored = store.predictions(workspace, run.hash)
            columns[run.seed] = measure(stored["prediction"], test)
        parts[fold] = pd.DataFrame(columns).set_index(pd.MultiIndex.from_frame(test.pairs))
    return pd.concat(parts, names=["fold"])


def _paired(first: pd.DataFrame, second: pd.DataFrame) -> dict[str, object]:
    """Sets the squared errors of two rows side by side, over the seeds that both have.

    Returns:
        ``difference`` (RMSE of the first minus that of the second; squared errors are averaged
        over the seeds first), its paired interval ``low`` and ``high``, ``p``, ``n_seeds``, and
        ``seeds_agree``: in how many of the seeds the difference has the same sign.
    """
    seeds = first.columns.intersection(second.columns)
    if not len(seeds) or not first.index.equals(second.index):
        raise StudyError(
            "two rows have no seed in common, or not the same folds",
            where="statistics",
            remedy="Run both with the same seeds and folds to compare them.",
        )
    users = first.index.get_level_values("user_id")
    both = np.stack([errors[seeds].mean(axis=1) for errors in (first, second)], axis=1)
    samples = resampled_rmse(both, users)
    low, high = interval(samples[:, 0] - samples[:, 1])
    difference = np.subtract(*np.sqrt(both.mean(axis=0)))
    of_seeds = np.sqrt(first[seeds].mean()) - np.sqrt(second[seeds].mean())
    return {
        **{"difference": difference, "low": low, "high": high},
        "p": sign_flip_p(both[:, 0] - both[:, 1], users),
        "n_seeds": len(seeds),
        "seeds_agree": int((np.sign(of_seeds) == np.sign(difference)).sum()),
    }


def summarise(runs: pd.DataFrame, workspace: Workspace, *, pooled: bool = False) -> pd.DataFrame:
    """One row per table row: mean and sd over seeds, interval over users, the paper's figures.

    The interval is of the RMSE whose squared errors are first averaged over the seeds. The
    content gain is the permuted control's RMSE minus the real features', over the seeds that both
    were run with, and its interval is paired. ``rmse_best`` is the best seed's RMSE, which the
    paper reports: chosen by the test part, it is given for the runs as published alone.

    Args:
        runs: What :func:`mmrec.experiments.runner.run` returned.
        workspace: Where the predictions lie.
        pooled: Whether the folds of one kind (the warm ones, those over films, …) make one row.
            The mean is then over folds first, the deviation that of the seeds' means over folds,
            and a user is one draw of the bootstrap with all of his or her ratings in all folds.

    Returns:
        Columns :data:`COLUMNS`, in the order of the runs.
    """
    found = groups(runs, pooled=pooled)
    errors = {key: pair_errors(key, group, workspace) for key, group in found.items()}
    rows = []
    for key, group in found.items():
        users = errors[key].index.get_level_values("user_id")
        low, high = interval(resampled_rmse(errors[key].mean(axis=1).to_numpy(), users))
        means = group.groupby("seed")[["rmse", "rmse_covered", "precision", "recall"]].mean()
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
                **_content_gain(key, errors),
                "precision_mean": means["precision"].mean(),
                "recall_mean": means["recall"].mean(),
                "coverage": group["coverage"].mean(),
                "sources": group["sources"].iloc[0],
            }
        )
    table = pd.DataFrame(rows).astype({"support_size": "Int64"})
    # The paper has its own network alone, and knows neither the control nor other folds.
    own = table["model"].isin(paper.NETWORKS) & (table["features"] == "real")
    published = paper.PUBLISHED.drop(columns="table")
    beside = table[["row", "masking"]].merge(published, on=["row", "masking"], how="left")
    beside = beside.drop(columns=["row", "masking"])
    table = table.join(beside.where(own & (table["fold"] == "u1")))
    return table[COLUMNS]


def _content_gain(key: Key, errors: dict[Key, pd.DataFrame]) -> dict[str, float]:
    control = errors.get(key._replace(features="permuted"))
    if key.features != "real" or control is None:
        return {"content_gain": np.nan, "gain_low": np.nan, "gain_high": np.nan}
    found = _paired(control, errors[key])
    names = {"content_gain": "difference", "gain_low": "low", "gain_high": "high"}
    return {name: found[of] for name, of in names.items()}


def _partner(key: Key, keys: list[Key], reference: str | Mapping[str, object]) -> Key | None:
    if not isinstance(reference, str):
        other = key._replace(**reference)
        return other if other in keys and other != key else None
    rows = [other for other in keys if other.row == reference]
    # A bias is run once and serves every mask and protocol; fold and support size must agree.
    matched = ["fold", "support_size"] + [
        name
        for name in ("features", "protocol", "masking")
        if len({getattr(other, name) for other in rows}) > 1
    ]
    found = [o for o in rows if all(getattr(o, name) == getattr(key, name) for name in matched)]
    if len(found) > 1:
        raise StudyError(
            f"{len(found)} models have a row {reference!r}",
            where="statistics",
            remedy="Compare within the runs of one model.",
        )
    return found[0] if found and found[0] != key else None


def compare(
    runs: pd.DataFrame,
    workspace: Workspace,
    *,
    reference: str | Mapping[str, object],
    pooled: bool = False,
) -> pd.DataFrame:
    """Sets each row against a reference: by how much its RMSE differs, and whether that is sure.

    Args:
        runs: What :func:`mmrec.experiments.runner.run` returned.
        workspace: Where the predictions lie.
        reference: The label of a row, which serves all rows of its fold; where it was run with
            several protocols, masks or kinds of features, the rows that share them. Or what is
            different about the reference of each row, such as ``{"features": "permuted"}`` or
            ``{"masking": 0.0}``. Rows without a reference are left out.
        pooled: As in :func:`summarise`.

    Returns:
        :data:`KEYS`, ``n_folds``, and ``difference`` (RMSE of the row minus that of its
        reference, so that below zero is better), ``low`` and ``high`` (its 95 % interval by
        bootstrap over users, not corrected), ``p`` (:func:`resampling.sign_flip_p`), ``n_seeds``
        (those that both were run with), ``seeds_agree`` (in how many of them the difference has
        the same sign), ``p_holm`` (corrected for all rows returned) and ``verdict``: "better" or
        "worse" if ``p_holm`` is below :data:`LEVEL` and all seeds agree, else "undecided". The
        test over users takes the trained models as given; that the seeds must agree keeps luck
        in training from being taken for a result.

    Raises:
        StudyError: No row has a reference, or the two share no seed or not the same folds.
    """
    found = groups(runs, pooled=pooled)
    pairs = {key: _partner(key, list(found), reference) for key in found}
    pairs = {key: other for key, other in pairs.items() if other is not None}
    if not pairs:
        raise StudyError(
            f"no row has a reference {reference!r}",
            where="statistics",
            remedy=f"Rows here: {', '.join(dict.fromkeys(key.row for key in found))}.",
        )
    wanted = {*pairs, *pairs.values()}
    errors = {key: pair_errors(key, found[key], workspace) for key in wanted}
    table = pd.DataFrame(
        [
            {
                **key._asdict(),
                "n_folds": found[key]["fold"].nunique(),
                **_paired(errors[key], errors[other]),
            }
            for key, other in pairs.items()
        ]
    )
    table["p_holm"] = holm(table["p"])
    side = np.where(table["difference"] < 0, "better", "worse")
    sure = (table["p_holm"] < LEVEL) & (table["seeds_agree"] == table["n_seeds"])
    table["verdict"] = np.where(sure, side, "undecided")
    return table.astype({"support_size": "Int64"})


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
        :data:`LIST_SCORES`, and ``ndcg_10_low``, ``ndcg_10_high``, ``recall_20_low``,
        ``recall_20_high``: intervals by bootstrap over users.
    """
    rows = []
    for key, group in groups(runs, pooled=pooled).items():
        scores = _list_scores(key, group, workspace)
        limits = {}
        for name, values in scores.items():
            samples = resampled_means(values.to_numpy(), values.index.get_level_values("user_id"))
            limits[f"{name}_low"], limits[f"{name}_high"] = interval(samples)
        rows.append(
            {
                **key._asdict(),
                "n_folds": group["fold"].nunique(),
                "n_seeds": group["seed"].nunique(),
                **group[LIST_SCORES].mean(),
                **limits,
            }
        )
    return pd.DataFrame(rows).astype({"support_size": "Int64"})


def _list_scores(key: Key, runs: pd.DataFrame, workspace: Workspace) -> pd.DataFrame:
    """Scores of each ranked user's list, mean over seeds; fold and user as index."""
    data = load(workspace)
    parts = {}
    for fold, some in runs.groupby("fold"):
        test = sealed_test(data.ratings, data.films, fold=fold, support_size=key.support_size)
        scores = [
            metrics.list_scores(store.recommendations(workspace, name), test)
            for name in some["hash"]
        ]
        parts[fold] = sum(scores) / len(scores)
    return pd.concat(parts, names=["fold"]).dropna()


def save(table: pd.DataFrame, name: str, workspace: Workspace) -> pd.DataFrame:
    """Writes ``results/<name>.csv``, the summary that the book and its readers use."""
    with atomic_path(workspace.results / f"{name}.csv") as part:
        table.to_csv(part, index=False, float_format="%.6g", lineterminator="\n")
    return table


def _text(table: pd.DataFrame, form: str, *names: str) -> pd.Series:
    """Columns as text, a dash where one of them is empty."""
    known = table[list(names)].notna().all(axis=1)
    cells = [
        form.format(*row).replace(" ", "\u00a0") if there else "–"  # stay on one line
        for there, row in zip(known, table[list(names)].itertuples(index=False), strict=True)
    ]
    return pd.Series(cells, table.index, dtype=object)


def _labels(table: pd.DataFrame) -> dict[str, pd.Series]:
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


def _rmse(table: pd.DataFrame) -> pd.Series:
    mean = _text(table, "{:.3f}", "rmse_mean")
    both = _text(table, "{:.3f} ± {:.3f}", "rmse_mean", "rmse_sd")
    return both.mask(table["rmse_sd"].isna(), mean)


def show(table: pd.DataFrame) -> pd.DataFrame:
    """A summary as the book prints it: rounded text, and what is empty left out.

    Where it has runs clean and as published, all protocols stand side by side, without precision
    and recall; for these show the runs of one protocol.
    """
    if {"clean", "as_published"} <= {*table["protocol"]}:
        return _side_by_side(table)
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
    return _printed(columns)


def _side_by_side(table: pd.DataFrame) -> pd.DataFrame:
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
        best = _text(part, " (best {:.3f})", "rmse_best").replace("–", "")
        columns[f"{protocol.replace('_', ' ')}: RMSE"] = _rmse(part) + best
    columns["paper: RMSE"] = _text(clean, "{:.3f}", "paper_rmse")
    return _printed(columns)


def show_comparison(table: pd.DataFrame) -> pd.DataFrame:
    """What :func:`compare` returned, as the book prints it."""
    p = _text(table, "{:.4f}", "p_holm").mask(table["p_holm"] < 1e-3, "< 0.001")
    columns = {
        **_labels(table),
        "difference": _text(table, "{:+.3f}", "difference"),
        "95 % interval": _text(table, "{:+.3f} to {:+.3f}", "low", "high"),
        "p (Holm)": p,
        "seeds agree": _text(table, "{} of {}", "seeds_agree", "n_seeds"),
        "verdict": table["verdict"],
    }
    return _printed(columns)


def show_lists(table: pd.DataFrame) -> pd.DataFrame:
    """What :func:`summarise_lists` returned, as the book prints it.

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
    return _printed(columns)


def _printed(columns: dict[str, pd.Series]) -> pd.DataFrame:
    wanted = {name: cells for name, cells in columns.items() if (cells != "–").any()}
    return pd.DataFrame(wanted).set_index("row").rename_axis(None)


def sources(runs: pd.DataFrame) -> pd.DataFrame:
    """What the rows of a table rest on, stand-ins included, and their protocol, one line each."""
    seeds, folds, followed = (
        ", ".join(map(str, runs[name].unique())) for name in ("seed", "fold", "protocol")
    )
    said: dict[str, str] = {}
    for told in runs["sources"]:
        said |= sources_of(told)
    lines = [[name, source] for name, source in said.items()]
    return (
        pd.DataFrame(
            [["protocol", f"{followed}, fold {folds}, seeds {seeds}"], *lines],
            columns=["of", "what it rests on"],
        )
        .set_index("of")
        .rename_axis(None)
    )
