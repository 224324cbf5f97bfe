"""What chapter 12 set out to reach, written down before its models were built."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from mmrec.experiments import beyond
from mmrec.reports.tracks import MEASURES, NAMES

AVERAGE = "average"
"""Row label of the average of models."""


@dataclass(frozen=True)
class Aim:
    """A figure to reach in a track.

    Attributes:
        track: Name in :data:`~mmrec.experiments.beyond.TRACKS`.
        limit: At most so much of an RMSE, at least so much of everything else; or the label of a
            row of the track that is to be beaten.
        measure: One of :data:`~mmrec.reports.tracks.MEASURES`.
        row: Label of the row that is to reach it.
    """

    track: str
    limit: float | str
    measure: str = "rmse_mean"
    row: str = beyond.PROCESS

    @property
    def is_error(self) -> bool:
        """Whether less is better."""
        return self.measure == "rmse_mean"


_LISTS = beyond.CONTENT_EASE

AIMS = (
    Aim("new_films_released", 0.970),
    Aim("new_films_encyclopedia", 0.960),
    Aim("new_films_crowd", 0.915),
    Aim("new_films_text", 1.010),
    Aim("new_films_video", "user mean"),
    Aim("new_films_audio", "user mean"),
    Aim("new_films_released", 0.06, "content_gain"),
    Aim("new_films_crowd", 0.10, "content_gain"),
    Aim("new_films_lists_released", 0.33, "ndcg_10", _LISTS),
    Aim("new_films_lists_released", 0.38, "recall_20", _LISTS),
    Aim("new_films_lists_crowd", 0.40, "ndcg_10", _LISTS),
    Aim("new_films_lists_crowd", 0.48, "recall_20", _LISTS),
    Aim("new_users", "movie mean"),
    Aim("both_new", 1.03),
    Aim("u1_single", 0.885),
    Aim("u1_average", 0.875, row=AVERAGE),
    Aim("u1_lists", "EASE", "ndcg_10", _LISTS),
    Aim("u1_lists", "EASE", "recall_20", _LISTS),
    Aim("u1_content", 0.895),
    Aim("u1_rating_vectors", 0.905),
)
"""Set before chapter 12's models were built."""


def reached(summary: pd.DataFrame) -> pd.DataFrame:
    """The aims beside what came of them.

    Args:
        summary: What :func:`mmrec.reports.tracks.summarise` returned.

    Returns:
        One row per aim, those without a figure left out, ``track, measure`` as index:
        ``model``, ``aim`` (as text), ``figure`` (not rounded) and ``reached`` (yes or no).
    """
    real = summary[summary["features"] == "real"]
    long = real.melt(["track", "row"], list(MEASURES), "measure").dropna(subset="value")
    figures: dict[tuple[str, ...], float] = {
        (track, row, measure): float(value)
        for track, row, measure, value in long.itertuples(index=False)
    }
    found, index = [], []
    for aim in AIMS:
        limit, told = _limit(aim, figures)
        figure = figures.get((aim.track, aim.row, aim.measure))
        if limit is None or figure is None:
            continue
        met = figure <= limit if aim.is_error else figure >= limit
        index.append((NAMES[aim.track], MEASURES[aim.measure]))
        line = {"model": aim.row, "aim": told, "figure": figure, "reached": "yes" if met else "no"}
        found.append(line)
    names = ["track", "measure"]
    columns = ["model", "aim", "figure", "reached"]
    return pd.DataFrame(found, pd.MultiIndex.from_tuples(index, names=names), columns)


def _limit(aim: Aim, figures: Mapping[tuple[str, ...], float]) -> tuple[float | None, str]:
    """The figure to reach, None where the row to be beaten has none, and what it is in words."""
    if isinstance(aim.limit, str):
        limit = figures.get((aim.track, aim.limit, aim.measure))
        return limit, f"{'below' if aim.is_error else 'above'} {aim.limit}"
    return aim.limit, f"≤ {aim.limit:.3f}" if aim.is_error else f"≥ {aim.limit:.2f}"
