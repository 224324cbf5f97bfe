"""Rows held against a reference, in pairs: by how much they differ, and whether that is sure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from mmrec.errors import StudyError
from mmrec.evaluation.inference import holm
from mmrec.reports.summaries import (
    Key,
    Measured,
    common_seeds,
    groups,
    list_values,
    sampling,
    squared_errors,
)
from mmrec.workspace import Workspace

LEVEL = 0.05
"""A difference is decided if its p, corrected for the number of rows, is below this."""


@dataclass(frozen=True)
class Measure:
    """What rows are compared by.

    Attributes:
        name: As tables print it.
        column: Its column in the runs; models that lack it are left out.
        measure: What was measured on the test pairs of a row's runs.
        root: Whether the measure is the square root of the mean over the pairs.
        lower_is_better: Whether it is an error and not a score.
    """

    name: str
    column: str
    measure: Callable[[Key, pd.DataFrame, Workspace], Measured]
    root: bool = False
    lower_is_better: bool = False


RMSE = Measure("RMSE", "rmse", squared_errors, root=True, lower_is_better=True)
NDCG = Measure("NDCG@10", "ndcg_10", partial(list_values, name="ndcg_10"))
RECALL = Measure("Recall@20", "recall_20", partial(list_values, name="recall_20"))


def compare(
    runs: pd.DataFrame,
    workspace: Workspace,
    *,
    reference: str | Mapping[str, object],
    pooled: bool = False,
    measure: Measure = RMSE,
) -> pd.DataFrame:
    """Sets each row against a reference: by how much it differs, and whether that is sure.

    Args:
        runs: What :func:`mmrec.experiments.runner.run` returned.
        workspace: Where predictions and lists lie.
        reference: The label of a row, which serves all rows of its fold; where it was run with
            several protocols, masks or kinds of features, the rows that share them. Or what is
            different about the reference of each row, such as ``{"features": "permuted"}`` or
            ``{"masking": 0.0}``. Rows without a reference are left out.
        pooled: As in :func:`mmrec.reports.summaries.summarise`.
        measure: :data:`RMSE`, or of lists :data:`NDCG` or :data:`RECALL`.

    Returns:
        :data:`mmrec.reports.summaries.KEYS`, ``n_folds``, ``measure``, and ``difference`` (the
        row's value minus that of its reference), ``low`` and ``high`` (its 95 % interval, not
        corrected), ``p`` and ``p_at_floor`` (whether it is the smallest that the test can give;
        see :meth:`mmrec.evaluation.inference.Sample.difference`), ``interval`` (what interval and
        test regard as sampled), ``n_seeds`` (those that both were run with), ``seeds_agree`` (in
        how many of them the difference has the same sign), ``sources``, ``p_holm`` (corrected for
        all rows returned) and ``verdict``: "better" or "worse" if ``p_holm`` is below
        :data:`LEVEL` and all seeds agree, else "undecided". The test takes the trained models as
        given; that the seeds must agree keeps luck in training from being taken for a result.

    Raises:
        StudyError: No row has a reference, or the two share no seed or not the same folds.
    """
    found = groups(runs[runs[measure.column].notna()], pooled=pooled)
    partners = {key: _partner(key, list(found), reference) for key in found}
    pairs = {key: other for key, other in partners.items() if other is not None}
    if not pairs:
        raise StudyError(
            f"no row has a reference {reference!r}",
            where="comparison",
            remedy=f"Rows here: {', '.join(dict.fromkeys(key.row for key in found))}.",
        )
    wanted = dict.fromkeys([*pairs, *pairs.values()])
    measured = {key: measure.measure(key, found[key], workspace) for key in wanted}
    table = pd.DataFrame(
        [
            {
                **key._asdict(),
                "n_folds": found[key]["fold"].nunique(),
                "measure": measure.name,
                **_paired(measured[key], measured[other], measure),
                "interval": str(sampling(found[key])),
                "sources": found[key]["sources"].iloc[0],
            }
            for key, other in pairs.items()
        ]
    )
    table["p_holm"] = holm(table["p"].to_numpy())
    below = np.where(table["difference"] < 0, "better", "worse")
    above = np.where(table["difference"] < 0, "worse", "better")
    sure = (table["p_holm"] < LEVEL) & (table["seeds_agree"] == table["n_seeds"])
    side = below if measure.lower_is_better else above
    table["verdict"] = np.where(sure, side, "undecided")
    return table.astype({"support_size": "Int64"})


def _partner(key: Key, keys: list[Key], reference: str | Mapping[str, object]) -> Key | None:
    if not isinstance(reference, str):
        other = Key(**{**key._asdict(), **reference})
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
            where="comparison",
            remedy="Compare within the runs of one model.",
        )
    return found[0] if found and found[0] != key else None


def _paired(first: Measured, second: Measured, measure: Measure) -> dict[str, object]:
    """Sets two rows side by side, averaged over the seeds that both have."""
    seeds = common_seeds(first, second)
    sample = first.sample
    found = sample.difference(first.over_seeds(seeds), second.over_seeds(seeds), root=measure.root)
    of_seeds = []
    for seed in seeds:
        one, other = (row.of_seed(seed) for row in (first, second))
        of_seeds.append(np.sqrt(one) - np.sqrt(other) if measure.root else one - other)
    return {
        **{"difference": found.value, "low": found.low, "high": found.high},
        **{"p": found.p, "p_at_floor": found.p <= found.floor},
        "n_seeds": len(seeds),
        "seeds_agree": int((np.sign(of_seeds) == np.sign(found.value)).sum()),
    }
