"""Tables of a run, read as verdicts."""

import pandas as pd
import pytest

from mmrec.errors import StudyError
from mmrec.reports.results import Absent, Results


@pytest.fixture
def results(tmp_path):
    rows = [("meta", 0.5, "undecided"), ("all", 0.5, "worse"), ("meta", 0.8, "better")]
    table = pd.DataFrame(rows, columns=["row", "masking", "verdict"])
    table.assign(features="real", protocol="clean").to_csv(tmp_path / "compared.csv", index=False)
    table.drop(columns="verdict").to_csv(tmp_path / "plain.csv", index=False)
    return Results(tmp_path)


def test_verdicts_are_those_of_the_rows_that_answer(results):
    assert results.verdicts("compared", masking=0.5) == {"meta": "undecided", "all": "worse"}


def test_verdicts_of_rows_with_one_label_are_refused(results):
    with pytest.raises(StudyError, match="several rows are called 'meta'"):
        results.verdicts("compared")


@pytest.mark.parametrize("table", ["plain", "missing"])
def test_a_run_without_verdicts_says_so(results, table):
    with pytest.raises(Absent):
        results.verdicts(table)
