"""The figures of chapter 12 show the numbers they are given, or say that there are none."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from test_plots import boxes
from test_plots import summary as rows

from mmrec.experiments import beyond
from mmrec.reports import beyond_plots, plots, tracks

ROW = beyond.PROCESS


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def summary() -> pd.DataFrame:
    lines = [
        {
            "track": track,
            "row": row,
            "features": features,
            "within_50": 0.51 if row == ROW else None,
        }
        | {"within_80": 0.79 + 0.001 * number, "within_95": 0.955, "support_size": None}
        for number, track in enumerate(beyond.TRACKS)
        for row in (ROW, "user mean")
        for features in ("real", "permuted")
    ]
    return pd.DataFrame(lines).astype({"within_50": float})


def lost() -> pd.DataFrame:
    columns = {
        0.0: [0.96, 0.96],
        0.5: [0.965, 0.97],
        1.0: [0.97, 0.985],
        "never seen": [0.972, 0.98],
    }
    return pd.DataFrame(columns, index=["text", "meta-freebase"])


def deciles() -> pd.DataFrame:
    rows = [(row, decile) for row in ("EASE", "content and EASE") for decile in range(1, 11)]
    table = pd.DataFrame(rows, columns=["row", "decile"])
    return table.assign(recall_20=0.05 * table["decile"])


def runs() -> pd.DataFrame:
    base = {"features": "real", "protocol": "clean", "masking": 0.0, "support_size": None}
    made = [
        {**base, "table": "beyond", "row": f"row {kind}", "model": kind, "fold": fold, "seed": seed}
        | {"rmse": 0.9 + 0.01 * number + 0.001 * seed, "train_seconds": 10.0**number}
        for fold in ("item1", "item2", "u1")
        for number, kind in enumerate(("Mean", "PairProcess", "TwinTowers"))
        for seed in (1, 0)
    ]
    others = [{"features": "permuted"}, {"masking": 0.5}, {"support_size": 5}, {"rmse": np.nan}]
    made += [{**made[0], "row": "other", **other} for other in others]
    return pd.DataFrame(made).assign(hash=lambda table: table.index.astype(str))


FIGURES = {
    "calibration": lambda: beyond_plots.calibration(summary(), ROW),
    "missing": lambda: beyond_plots.missing(lost()),
    "deciles": lambda: beyond_plots.deciles(deciles()),
    "costs": lambda: beyond_plots.costs(runs(), ours=("PairProcess", "TwinTowers")),
}


@pytest.mark.parametrize("name", FIGURES)
def test_no_text_covers_another_and_axes_are_named(name):
    fig, _ = FIGURES[name]()
    found = [*boxes(fig).items()]
    for number, (one, first) in enumerate(found):
        for other, second in found[number + 1 :]:
            assert not first.shrunk(0.98, 0.9).overlaps(second.shrunk(0.98, 0.9)), (
                f"{one.get_text()!r} and {other.get_text()!r}"
            )
    assert all(ax.get_xlabel() for ax in fig.axes)


def drawn(ax) -> dict[str, np.ndarray]:
    """Points by the name in the legend."""
    return {
        line.get_label(): line.get_xydata()
        for line in ax.lines
        if not line.get_label().startswith("_")
    }


def test_calibration_is_the_excess_over_what_was_promised():
    _, ax = FIGURES["calibration"]()
    found = drawn(ax)
    assert {*found} == {tracks.NAMES[track] for track in beyond_plots.CALIBRATED}
    at = beyond.TRACKS.index("new_users")
    expected = [[50, 1], [80, -1 + 0.1 * at], [95, 0.5]]
    np.testing.assert_allclose(found["new users"], expected, atol=1e-9)


def test_missing_blocks_stand_on_lines_of_their_own():
    _, ax = FIGURES["missing"]()
    found = drawn(ax)
    assert found["100% of the films lack it"][:, 0].tolist() == [0.97, 0.985]
    assert found["model that never saw it"][:, 0].tolist() == [0.972, 0.98]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["meta-freebase", "text"]


def test_costs_show_one_whole_clean_run_of_every_row():
    _, axes = FIGURES["costs"]()
    assert [ax.get_title() for ax in axes] == [*beyond_plots.COST_FOLDS.values()]
    for ax in axes:
        points = drawn(ax)
        assert {*points} == {"Gaussian process over pairs", "two towers", "means"}
        np.testing.assert_allclose(points["two towers"], [[100, 0.92]])
        assert ax.get_xscale() == "log"
        assert sum(map(len, points.values())) == 3


@pytest.mark.parametrize(
    ("draw", "says"),
    [
        (lambda: beyond_plots.missing(lost().iloc[:0]), "No block was withheld."),
        (lambda: beyond_plots.deciles(deciles().iloc[:0]), "No lists of known films were made."),
        (lambda: plots.learning_curves(summary().iloc[:0]), "No learning curve was made."),
        (lambda: plots.content_gain(rows()), "No control with permuted features was run."),
        (lambda: plots.masking_curves(rows()), "No ratings were hidden from the user vectors."),
        (
            lambda: beyond_plots.costs(runs().query("fold == 'item2'"), ours=()),
            "No model was trained on new films (item1) or on known films and users (u1).",
        ),
    ],
)
def test_where_there_is_nothing_to_draw_the_figure_says_so(draw, says):
    fig, _ = draw()
    assert [text.get_text() for ax in fig.axes for text in ax.texts] == [says]
