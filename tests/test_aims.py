"""The table of aims: what counts as reached."""

import pandas as pd
import pytest

from mmrec.experiments import beyond
from mmrec.reports import aims
from mmrec.reports.tracks import MEASURES
from mmrec.study.claims import new_films

COLUMNS = ["track", "row", "features", *MEASURES]


def summary(*rows: tuple) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=COLUMNS)


def test_an_error_is_to_be_low_and_a_list_to_be_high():
    found = aims.reached(
        summary(
            ("new_films_crowd", beyond.PROCESS, "real", 0.914, None, None, 0.09),
            ("new_films_crowd", beyond.PROCESS, "permuted", 1.1, None, None, None),
            ("u1_average", "average", "real", 0.876, None, None, None),
            ("new_films_lists_crowd", beyond.CONTENT_EASE, "real", None, 0.39, 0.49, None),
        )
    )
    told = found.reset_index()[["measure", "model", "aim", "reached"]].to_numpy().tolist()
    assert told == [
        ["RMSE", beyond.PROCESS, "≤ 0.915", "yes"],
        ["content gain", beyond.PROCESS, "≥ 0.10", "no"],
        ["NDCG@10", beyond.CONTENT_EASE, "≥ 0.40", "no"],
        ["Recall@20", beyond.CONTENT_EASE, "≥ 0.48", "yes"],
        ["RMSE", "average", "≤ 0.875", "no"],
    ]


@pytest.mark.parametrize(("mean", "met"), [(1.0, "yes"), (0.9, "no")])
def test_a_row_may_be_what_is_to_be_beaten(mean, met):
    (found,) = aims.reached(
        summary(
            ("new_films_video", beyond.PROCESS, "real", 0.95, None, None, None),
            ("new_films_video", "user mean", "real", mean, None, None, None),
        )
    ).itertuples(index=False)
    assert (found.aim, found.reached) == ("below user mean", met)


def test_what_was_not_run_is_left_out():
    some = summary(("new_films_video", beyond.PROCESS, "real", 0.95, None, None, None))
    assert aims.reached(some).empty


def test_claims_know_the_same_aims():
    known = {aim.track: aim.limit for aim in aims.AIMS if aim.is_error}
    assert {track: known[track] for track in new_films.AIMS} == new_films.AIMS


def test_every_aim_is_of_a_track():
    assert {aim.track for aim in aims.AIMS} == {*beyond.TRACKS}
