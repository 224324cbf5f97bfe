"""The paper's tables: every figure it published, and an experiment for each."""

import pytest
import tiny

from mmrec.experiments import paper
from mmrec.experiments.grid import TRIVIAL

# As printed: RMSE, precision, recall.
TABLE_I = """
text 1.054 68.582 77.036
meta 1.025 69.419 85.132
audio 1.153 58.182 73.698
video 1.151 59.033 74.448
meta+text 1.032 68.129 80.715
meta+audio 1.034 70.102 71.811
meta+video 1.034 70.205 71.473
all 1.028 69.911 73.912
"""
# As printed: the three figures at 50 % masking, then at 80 %.
TABLE_II = """
meta+text 1.048 70.653 75.149 1.049 68.221 78.321
meta+audio 1.054 67.348 78.942 1.057 68.119 77.817
meta+video 1.053 68.993 74.462 1.059 67.079 75.576
all 1.048 69.771 76.745 1.053 67.111 78.118
"""
SEEDS = (0, 1, 2)
EXPERIMENTS = {
    "table1": paper.table1(tiny.SETTINGS, fold="u1", seeds=SEEDS, control_seeds=SEEDS),
    "table2": paper.table2(tiny.SETTINGS, fold="u1", seeds=SEEDS, masking_levels=[0.5, 0.8]),
    "rating_vectors": paper.rating_vectors(
        tiny.SETTINGS, fold="u1", seeds=SEEDS, masking_levels=[0.5]
    ),
}


def published() -> dict:
    found = {("rating_vectors", "rating vectors", 0.0): (0.918, 75.013, 78.033)}
    for line in TABLE_I.split("\n")[1:-1]:
        row, *figures = line.split()
        found["table1", row, 0.0] = tuple(map(float, figures))
    for line in TABLE_II.split("\n")[1:-1]:
        row, *figures = line.split()
        found["table2", row, 0.5] = tuple(map(float, figures[:3]))
        found["table2", row, 0.8] = tuple(map(float, figures[3:]))
    return found


def test_figures_are_those_of_the_paper():
    found = {tuple(row[:3]): tuple(row[3:]) for row in paper.PUBLISHED.itertuples(index=False)}
    assert len(paper.PUBLISHED) == 17
    assert found == published()


@pytest.mark.parametrize("table", EXPERIMENTS)
def test_every_published_figure_has_its_experiments_and_every_table_the_trivial_ones(table):
    rows = EXPERIMENTS[table]
    wanted = {(row, mask) for name, row, mask in published() if name == table}
    for row, masking in [*wanted, *((model, 0.0) for model in TRIVIAL)]:
        seeds = [e.seed for r, e in rows if (r, e.masking, e.features) == (row, masking, "real")]
        assert seeds == list(SEEDS), row
    assert len({experiment for _, experiment in rows}) == len(rows), "none stands there twice"
    assert {e.fold for _, e in rows} == {"u1"}
    assert {e.settings for _, e in rows if e.model not in TRIVIAL} == {tiny.SETTINGS}


def test_a_row_is_represented_by_the_modalities_it_names():
    for row, modalities in paper.ROWS.items():
        named = ("video", "audio", "text", "meta") if row == "all" else row.split("+")
        assert set(modalities) == set(named)
        assert len(modalities) == len(set(named))
    for table in ("table1", "table2"):
        assert all(
            e.modalities == paper.ROWS[row] for row, e in EXPERIMENTS[table] if row in paper.ROWS
        )


def test_the_unmasked_rows_of_table_two_are_those_of_table_one():
    """The same experiments, so that they are trained once."""
    one, two = ({e for _, e in EXPERIMENTS[name]} for name in ("table1", "table2"))
    unmasked = {e for e in two if e.masking == 0}
    assert len(unmasked) == (4 + len(TRIVIAL)) * len(SEEDS)
    assert unmasked <= one


def test_each_row_of_table_one_has_its_control():
    real, control = (
        {(row, e.seed) for row, e in EXPERIMENTS["table1"] if e.features == kind and e.modalities}
        for kind in ("real", "permuted")
    )
    assert real == control
    assert len(real) == len(paper.ROWS) * len(SEEDS)
