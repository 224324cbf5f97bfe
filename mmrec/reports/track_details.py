"""What stands behind the figures of a track: its folds, the shift of new films, its intervals."""

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from mmrec.experiments import store
from mmrec.models.rating_scale import rmse
from mmrec.workspace import Workspace

RATERS = {"1 to 5": 5, "6 to 20": 20, "21 to 50": 50, "51 to 100": 100, "more than 100": np.inf}
"""Groups of films by the number of their test ratings, with the largest number of each."""


def by_fold(runs: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """The errors of a track fold by fold.

    Args:
        runs: What :func:`mmrec.experiments.runner.run` returned, by track.

    Returns:
        ``track, row, fold, rmse, rank``: the mean over seeds in stars, and the place of the row in
        its fold, 1 for the lowest error. Controls, and rows that only rank, are left out.
    """
    parts = [some.assign(track=track) for track, some in runs.items()]
    known = pd.concat(parts, ignore_index=True)
    known = known[(known["features"] == "real") & known["rmse"].notna()]
    keys = ["track", "row", "fold"]
    found = known.groupby(keys, sort=False)["rmse"].mean().reset_index()
    found["rank"] = found.groupby(["track", "fold"])["rmse"].rank(method="min").astype(int)
    return found


def shifts(
    runs: Mapping[str, pd.DataFrame], workspace: Workspace, ratings: pd.DataFrame, *, row: str
) -> pd.DataFrame:
    """What the shift of films without ratings gains a process, fold by fold.

    Args:
        runs: What :func:`mmrec.experiments.runner.run` returned, by track; of folds of new films.
        workspace: Where the predictions lie.
        ratings: ``user_id, movie_id, rating``.
        row: Label of the process.

    Returns:
        ``track, fold, shift, damping, rmse, rmse_unshifted``, means over seeds: the mean shift and
        both errors in stars, the damping of the users' own shifts in ratings, NaN where all users
        share one shift. The users' own shifts stay in ``rmse_unshifted``.
    """
    found = []
    for track, some in runs.items():
        for run in _real(some, row):
            pairs = store.predictions(workspace, run["hash"]).merge(ratings)
            shift, damping = (run["chosen"][name] for name in ("unrated", "damping"))
            unshifted = rmse(pairs["prediction"] - float(shift), pairs["rating"])
            found.append((track, run["fold"], shift, damping, run["rmse"], unshifted))
    columns = ["track", "fold", "shift", "damping", "rmse", "rmse_unshifted"]
    numbers = pd.DataFrame(found, columns=columns).astype(dict.fromkeys(columns[2:], float))
    return numbers.groupby(columns[:2], sort=False, as_index=False).mean()


def intervals_by_raters(
    runs: Mapping[str, pd.DataFrame], workspace: Workspace, ratings: pd.DataFrame, *, row: str
) -> pd.DataFrame:
    """Whether the interval of 80 % holds its share for films with few raters as well.

    Args:
        runs: What :func:`mmrec.experiments.runner.run` returned, by track; of folds of new films.
        workspace: Where the predictions lie.
        ratings: ``user_id, movie_id, rating``.
        row: Label of a model that states its uncertainty.

    Returns:
        ``track, raters`` (a group of :data:`RATERS`), ``films, ratings`` (numbers of one seed),
        ``within_80`` (the share of the ratings inside) and ``sd_mean`` (stars).
    """
    found = []
    for track, some in runs.items():
        for run in _real(some, row):
            pairs = store.predictions(workspace, run["hash"]).merge(ratings)
            away = (pairs["prediction"] - pairs["rating"]).abs() / pairs["sd"]
            number = pairs.groupby("movie_id")["rating"].transform("size")
            group = pd.cut(number, [0, *RATERS.values()], labels=[*RATERS])
            inside = away <= run["chosen"]["reach"][1]
            found.append(pairs.assign(track=track, raters=group, inside=inside, seed=run["seed"]))
    seeds = pd.concat(found).groupby(["track", "raters", "seed"], observed=True)
    one = seeds.agg(
        films=("movie_id", "nunique"),
        ratings=("rating", "size"),
        within_80=("inside", "mean"),
        sd_mean=("sd", "mean"),
    )
    groups = one.groupby(["track", "raters"], observed=True).mean().reset_index()
    return groups.astype({"films": int, "ratings": int, "raters": str})


def _real(runs: pd.DataFrame, row: str) -> list[dict[Hashable, Any]]:
    """The runs of a row with its own features."""
    return runs[(runs["row"] == row) & (runs["features"] == "real")].to_dict("records")
