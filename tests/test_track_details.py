"""What stands behind the figures of a track: against counts and errors by hand."""

import made_runs
import numpy as np
import pandas as pd
import pytest
import tiny
from made_runs import off_by, ratings_of, run_row

from mmrec.models.rating_scale import rmse
from mmrec.reports import track_details

PROCESS = "pair process"
TRACK = "new_films_released"


@pytest.fixture
def workspace(tmp_path):
    return tiny.workspace(tmp_path)


def process(workspace, name: str, prediction, sd: float = 0.5, **fields) -> dict:
    """A run of a process: predictions with an uncertainty, and what its validation chose."""
    chosen = {"unrated": 0.1, "damping": 20.0, "reach": [0.7, 1.2, 1.9]}
    row = run_row(workspace, name, prediction, **{"row": PROCESS, "fold": "item1", **fields})
    test = made_runs.sealed(row["fold"])
    made_runs.keep(workspace, name, test.pairs.assign(prediction=prediction, sd=sd))
    return {"chosen": chosen, **row}


def test_folds_are_ranked_by_the_mean_over_seeds(workspace):
    def rows(row, fold, errors):
        return [
            {"row": row, "fold": fold, "seed": seed, "features": "real", "rmse": error}
            for seed, error in enumerate(errors)
        ]

    control = {"row": "a", "fold": "item1", "seed": 0, "features": "permuted", "rmse": 0.1}
    ranker = {"row": "c", "fold": "item1", "seed": 0, "features": "real", "rmse": np.nan}
    first = rows("a", "item1", [0.9, 1.1]) + rows("b", "item1", [0.95, 0.95])
    second = rows("a", "item2", [0.8, 0.9]) + rows("b", "item2", [1.0, 1.0])
    found = track_details.by_fold({TRACK: pd.DataFrame([*first, *second, control, ranker])})
    assert {*found["row"]} == {"a", "b"}, "neither the control nor what only ranks"
    table = found.pivot(index="row", columns="fold", values=["rmse", "rank"])
    assert table["rmse"].loc["a"].to_list() == pytest.approx([1.0, 0.85])
    assert table["rank"].to_dict("index") == {
        "a": {"item1": 2, "item2": 1},
        "b": {"item1": 1, "item2": 2},
    }


def test_without_its_shift_a_process_predicts_lower(workspace):
    truth = ratings_of("item1")
    prediction = np.clip(truth, 2, 4) + 0.1
    runs = {TRACK: pd.DataFrame([process(workspace, "a", prediction)])}
    (found,) = track_details.shifts(runs, workspace, tiny.ratings(), row=PROCESS).itertuples()
    assert (found.track, found.fold) == (TRACK, "item1")
    assert (found.shift, found.damping) == (0.1, 20)
    assert found.rmse == pytest.approx(rmse(prediction, truth))
    assert found.rmse_unshifted == pytest.approx(rmse(prediction - 0.1, truth))


def test_a_process_with_one_shift_for_all_has_no_damping(workspace):
    run = process(workspace, "a", ratings_of("item1"))
    run["chosen"] = {**run["chosen"], "damping": None}
    runs = {TRACK: pd.DataFrame([run])}
    found = track_details.shifts(runs, workspace, tiny.ratings(), row=PROCESS)
    assert found["damping"].isna().all()


def test_intervals_are_counted_by_the_number_of_raters(workspace, monkeypatch):
    test = made_runs.sealed("item1")
    number = test.pairs.groupby("movie_id")["movie_id"].transform("size").to_numpy()
    limit = int(np.median(number))
    assert number.max() > limit
    monkeypatch.setattr(track_details, "RATERS", {"few": limit, "many": np.inf})
    # 1.2 standard deviations are the interval of 80 %: 0.6 stars
    prediction = off_by(np.where(number <= limit, 0.7, 0.5), test.open())
    runs = {TRACK: pd.DataFrame([process(workspace, "a", prediction)])}
    found = track_details.intervals_by_raters(runs, workspace, tiny.ratings(), row=PROCESS)
    found = found.set_index("raters")
    assert found["within_80"].to_dict() == {"few": 0, "many": 1}
    assert found["ratings"].to_dict() == {
        "few": (number <= limit).sum(),
        "many": (number > limit).sum(),
    }
    assert found["films"].sum() == test.pairs["movie_id"].nunique()
    assert found["sd_mean"].to_list() == [0.5, 0.5]
