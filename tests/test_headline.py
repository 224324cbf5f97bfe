"""The figure on the opening page."""

import re

import pandas as pd
import pytest

from mmrec.reports import headline
from mmrec.reports.results import Results
from mmrec.workspace import PROJECT

RESULTS = PROJECT / "book" / "results"


def test_the_reference_has_every_row_of_the_figure():
    read = Results(RESULTS)
    values = [mark.value(read) for mark in (*headline.KNOWN, *headline.NEW)]
    assert all(value is not None and 0.8 < value < 1.2 for value in values)


def test_a_mark_reads_its_cell():
    rows = pd.read_csv(RESULTS / "table1.csv")
    meta = rows[(rows["row"] == "all") & (rows["protocol"] == "as_published")]
    paper, published = headline.KNOWN[:2]
    read = Results(RESULTS)
    assert published.value(read) == meta["rmse_mean"].iloc[0]
    assert paper.value(read) == meta["paper_rmse"].iloc[0] == 1.028


@pytest.mark.parametrize("tables", [(), ("table1",), ("table1", "beyond", "cold_start")])
def test_what_a_run_lacks_is_left_out(tmp_path, tables):
    for name in tables:
        (tmp_path / f"{name}.csv").write_bytes((RESULTS / f"{name}.csv").read_bytes())
    drawn = tmp_path / "headline.svg"
    headline.draw(tmp_path, drawn)
    first = drawn.read_bytes()
    headline.draw(tmp_path, drawn)
    assert drawn.read_bytes() == first


def test_the_text_can_be_read_on_a_phone(tmp_path):
    """At 390 px the figure is 340 px wide; no text may be under 9 px there."""
    headline.draw(RESULTS, tmp_path / "headline.svg")
    width = float(
        re.search(r'width="([\d.]+)pt"', (tmp_path / "headline.svg").read_text()).group(1)
    )
    assert headline.FONT * 340 / width >= 9
