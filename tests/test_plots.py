"""Figures show the numbers they are given, name them, and let no text cover another."""

from itertools import combinations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from mmrec.models.registry import MODELS
from mmrec.reports import diagnostic_plots, diagnostics, plots, style

ROWS = {"text": 1.054, "meta+text": 1.032, "all": 1.028}
BASE = {"fold": "u1", "masking": 0.0, "support_size": None, "rmse_sd": 0.004, "n_folds": 1}


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def line(row: str, rmse: float, **fields) -> dict:
    made = {"row": row, "model": "Siamese", "features": "real", "protocol": "clean", **BASE}
    made |= {"paper_rmse": np.nan, "content_gain": np.nan, "gain_low": np.nan, "gain_high": np.nan}
    return {
        **made,
        **{"rmse_mean": rmse, "rmse_low": rmse - 0.02, "rmse_high": rmse + 0.03},
        **fields,
    }


def trivial() -> list[dict]:
    values = {"global mean": 1.154, "user mean": 1.064, "user+movie bias": 0.956}
    return [line(row, value, model=row) for row, value in values.items()]


def summary(*protocols: str) -> pd.DataFrame:
    lines = [
        line(
            row,
            0.96 + 0.01 * number + 0.05 * (protocol != "clean") + 0.003 * (features != "real"),
            features=features,
            protocol=protocol,
            paper_rmse=paper if features == "real" else np.nan,
            **(
                {"content_gain": 0.003, "gain_low": -0.001, "gain_high": 0.008}
                if features == "real"
                else {}
            ),
        )
        for protocol in protocols
        for features in ("real", "permuted")
        for number, (row, paper) in enumerate(ROWS.items())
    ]
    return pd.DataFrame(lines + trivial())


def masked(*protocols: str) -> pd.DataFrame:
    lines = [
        line(row, 0.96 + 0.1 * masking**2, masking=masking, protocol=protocol, paper_rmse=paper)
        for protocol in protocols
        for row, paper in ROWS.items()
        for masking in (0.0, 0.5, 0.8, 0.95)
    ]
    return pd.DataFrame(lines + trivial())


def cold() -> pd.DataFrame:
    """Three kinds of folds; the content helps with new films alone."""
    return pd.concat(
        [
            summary("clean").assign(
                fold=fold,
                rmse_mean=lambda t, n=number: t["rmse_mean"] + 0.05 * n,
                content_gain=lambda t, n=number: t["content_gain"] - 0.003 * n,
            )
            for number, fold in enumerate(("item", "user", "both"))
        ],
        ignore_index=True,
    )


def learned() -> pd.DataFrame:
    curves = {"content": (0.97, 0.95), "factors": (1.06, 0.92), "user mean": (1.05, 1.04)}
    table = pd.DataFrame(
        [
            line(row, last + (first - last) / (1 + size), fold=fold, support_size=size)
            for fold in ("item", "user")
            for row, (first, last) in curves.items()
            for size in (0, 1, 2, 5, 10, 20, 50)
        ]
    )
    return table.astype({"support_size": "Int64"})


def steps() -> pd.DataFrame:
    names = ["the paper", "as published", "target hidden", "clean"]
    values = {"meta": [1.025, 1.01, 1.03, 0.95], "rating vectors": [0.918, 0.95, 0.96, 0.955]}
    return pd.DataFrame(
        [
            {"row": row, "step": name, "rmse_mean": value}
            for row, some in values.items()
            for name, value in zip(names, some, strict=True)
        ]
    )


def errors() -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"row": row, "side": side, "bin": name, "rmse": 1.0, "rmse_low": 0.9, "rmse_high": 1.2}
            | {"bias": 0.1, "bias_low": 0.0, "bias_high": 0.3}
            for row in ("meta", "all")
            for side in ("movie", "user")
            for name in diagnostics.bin_names()
        ]
    )


def tried() -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"row": row, "seed": seed, "setting": f"{setting} {number}"}
            | {"validation_rmse": 0.95 + 0.01 * number, "chosen": number == 0}
            for row, setting in (("kNN", "k"), ("MF", "factors 10, regularisation"))
            for number in range(5)
            for seed in range(2)
        ]
    )


FIGURES = {
    "ablation": lambda: plots.ablation(summary("clean")),
    "ablation of both": lambda: plots.ablation(summary("clean", "as_published")),
    "content gain": lambda: plots.content_gain(summary("clean")),
    "content gain of both": lambda: plots.content_gain(summary("clean", "as_published")),
    "content gain on new films": lambda: plots.content_gain(cold()),
    "cold start": lambda: plots.cold_start(cold()),
    "masking": lambda: plots.masking_curves(masked("clean")),
    "masking of both": lambda: plots.masking_curves(masked("clean", "as_published")),
    "learning": lambda: plots.learning_curves(learned(), crossing=("content", "factors")),
    "waterfall": lambda: plots.waterfall(steps()),
    "residuals": lambda: diagnostic_plots.residuals(errors()),
    "tuning": lambda: diagnostic_plots.tuning(tried()),
}


def boxes(fig) -> dict[str, object]:
    """Where the texts of a figure stand, those at an angle left out."""
    fig.canvas.draw()
    found = fig.findobj(
        lambda artist: (
            isinstance(artist, plt.Text)
            and artist.get_visible()
            and artist.get_text().strip()
            and artist.get_rotation() in (0, 90)
        )
    )
    hidden = {
        label
        for ax in fig.axes
        for axis, limits in ((ax.xaxis, ax.get_xlim()), (ax.yaxis, ax.get_ylim()))
        for tick in axis.get_major_ticks()
        for label in (tick.label1, tick.label2)
        if not min(limits) <= tick.get_loc() <= max(limits) or not label.get_visible()
    }
    return {text: text.get_window_extent() for text in found if text not in hidden}


@pytest.mark.parametrize("name", FIGURES)
def test_no_text_covers_another_and_axes_have_units(name):
    fig, _ = FIGURES[name]()
    for (one, first), (other, second) in combinations(boxes(fig).items(), 2):
        assert not first.shrunk(0.98, 0.9).overlaps(second.shrunk(0.98, 0.9)), (
            f"{one.get_text()!r} and {other.get_text()!r}"
        )
    told = " ".join(ax.get_xlabel() + ax.get_ylabel() for ax in fig.axes)
    assert "stars" in told


def test_without_a_control_the_gain_says_so():
    _, (ax,) = plots.content_gain(summary("clean").assign(content_gain=np.nan))
    assert [text.get_text() for text in ax.texts] == ["No control with permuted features was run."]


def test_covered_text_would_be_found():
    fig, ax = plt.subplots()
    ax.text(0.5, 0.5, "one")
    ax.text(0.5, 0.5, "other")
    found = [box for text, box in boxes(fig).items() if text.get_text() in ("one", "other")]
    assert found[0].overlaps(found[1])


def marks(ax, label: str) -> list[tuple[float, float]]:
    """The points drawn under a name in the legend."""
    (container,) = [c for c in ax.containers if c.get_label() == label]
    return [tuple(map(float, point)) for point in container.lines[0].get_xydata()]


def test_the_ablation_shows_every_series_on_its_row():
    table = summary("clean", "as_published")
    _, ax = plots.ablation(table)
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels == list(ROWS)[::-1], "the first row on top"
    shown = {
        ("clean", "real"): "this study, clean",
        ("clean", "permuted"): "clean, features permuted across movies",
        ("as_published", "real"): "this study, as published",
    }
    for (protocol, features), label in shown.items():
        some = table[(table["protocol"] == protocol) & (table["features"] == features)]
        for x, y in marks(ax, label):
            row = labels[round(y)]
            assert x == some.set_index("row").loc[row, "rmse_mean"]
    paper = marks(ax, "the paper (best of five, chosen on the test part)")
    assert {labels[round(y)]: x for x, y in paper} == ROWS
    one = plots.ablation(summary("clean"))[1]
    assert len(one.containers) == 3


def test_a_gain_is_to_the_right_of_zero():
    _, (ax,) = plots.content_gain(summary("clean"))
    assert [x for x, _ in marks(ax, "the paper's network")] == [0.003] * 3
    _, (ax,) = plots.content_gain(summary("clean", "as_published"))
    assert [c.get_label() for c in ax.containers] == [
        "the paper's network, clean protocol",
        "the paper's network, as published",
    ]


def test_cold_folds_have_a_panel_each():
    table = cold()
    _, axes = plots.cold_start(table)
    assert [ax.get_title() for ax in axes] == ["new films", "new users", "new films and users"]
    for ax, fold in zip(axes, ("item", "user", "both"), strict=True):
        some = table[(table["fold"] == fold) & (table["features"] == "real")]
        assert [x for x, _ in marks(ax, "this study, clean")] == some["rmse_mean"].tolist()
    _, axes = plots.content_gain(table)
    gains = [marks(ax, "the paper's network")[0][0] for ax in axes]
    assert gains == pytest.approx([0.003, 0, -0.003])


def test_a_waterfall_goes_from_the_first_figure_to_the_last():
    _, axes = plots.waterfall(steps())
    assert [ax.get_title() for ax in axes] == ["meta", "rating vectors"]
    lower, higher = axes[0].containers
    assert [(bar.get_x(), bar.get_width()) for bar in lower] == [
        pytest.approx((1.025, -0.015)),
        pytest.approx((1.03, -0.08)),
    ]
    assert [(bar.get_x(), bar.get_width()) for bar in higher] == [pytest.approx((1.01, 0.02))]
    told = [text.get_text() for text in axes[0].texts]
    assert told == ["1.025", "1.010 (−0.015)", "1.030 (+0.020)", "0.950 (−0.080)"]
    spans = {round(float(np.ptp(ax.get_xlim())), 9) for ax in axes}
    assert len(spans) == 1, "one scale for all panels"


def test_learning_curves_mark_every_crossing():
    table = learned()
    _, axes = plots.learning_curves(table, crossing=("content", "factors"))
    ((at, leader),) = diagnostics.crossings(table[table["fold"] == "item"], "content", "factors")
    assert leader == "factors"
    for ax, of in zip(axes, ("film", "user"), strict=True):
        assert ax.get_xlabel() == f"ratings known of a new {of}"
        (mark,) = [drawn for drawn in ax.lines if drawn.get_linestyle() == ":"]
        assert mark.get_xdata()[0] == pytest.approx(at)
        assert [text.get_text() for text in ax.texts] == [f"{at:.1f}"]
    _, axes = plots.learning_curves(table, crossing=("content", "user mean"))
    assert not [drawn for ax in axes for drawn in ax.lines if drawn.get_linestyle() == ":"]
    assert [ax.get_title() for ax in axes] == ["no crossing"] * 2
    weaving = table.copy()
    late = (weaving["row"] == "factors") & (weaving["support_size"] >= 20)
    weaving.loc[late, "rmse_mean"] = 2
    _, axes = plots.learning_curves(weaving, crossing=("content", "factors"))
    assert len(axes[0].texts) == 2, "both crossings, not the first alone"


def test_paired_differences_stand_beside_zero():
    compared = pd.DataFrame(
        {
            "row": ["meta", "all", "text"],
            "features": "real",
            "protocol": "clean",
            "masking": 0.0,
            "measure": "RMSE",
            "difference": [-0.02, 0.01, 0.001],
            "low": [-0.03, 0.005, -0.004],
            "high": [-0.01, 0.015, 0.006],
            "verdict": ["better", "worse", "undecided"],
        }
    )
    _, ax = plots.differences(compared)
    assert [x for x, _ in marks(ax, "decided")] == [-0.02, 0.01]
    assert marks(ax, "undecided") == [(0.001, 0.0)], "on its own line, the last"
    assert ax.get_xlabel() == "difference in RMSE to the reference, stars"


def test_paired_differences_tell_masks_and_protocols_apart():
    compared = pd.DataFrame(
        {
            "row": ["meta", "meta", "all", "all"],
            "features": "real",
            "protocol": "clean",
            "masking": [0.5, 0.8, 0.5, 0.8],
            "measure": "RMSE",
            "difference": [0.001, 0.01, 0.002, 0.02],
            "low": [-0.001, 0.005, -0.001, 0.015],
            "high": [0.003, 0.015, 0.005, 0.025],
            "verdict": ["undecided", "worse", "undecided", "worse"],
        }
    )
    _, ax = plots.differences(compared)
    labels = [label.get_text() for label in reversed(ax.get_yticklabels())]
    assert labels == ["meta, 50% hidden", "meta, 80% hidden", "all, 50% hidden", "all, 80% hidden"]
    compared.loc[2:, "protocol"] = "as_published"
    compared["row"] = "meta"
    _, ax = plots.differences(compared)
    labels = [label.get_text() for label in reversed(ax.get_yticklabels())]
    assert labels[0] == "meta, clean protocol, 50% hidden"
    assert labels[-1] == "meta, as published, 80% hidden"
    compared = compared.assign(protocol="clean", masking=0.0, features=["real", "permuted"] * 2)
    _, ax = plots.differences(compared)
    labels = [label.get_text() for label in reversed(ax.get_yticklabels())]
    assert labels == ["meta", "meta, features permuted"]


def test_masking_curves_have_a_panel_per_protocol():
    _, axes = plots.masking_curves(masked("clean", "as_published"))
    assert [ax.get_title() for ax in axes] == ["clean protocol", "as published"]
    assert axes[0].lines[0].get_xdata().tolist() == [0, 50, 80, 95]
    legend = [text.get_text() for text in axes[0].figure.legends[0].get_texts()]
    assert legend == [*ROWS, "the paper: the same, hollow"], "no line for what was not masked"
    _, axes = plots.masking_curves(masked("clean"))
    assert [ax.get_title() for ax in axes] == [""]


def test_the_chosen_setting_is_filled():
    _, (first, _) = diagnostic_plots.tuning(tried())
    tried_ones, chosen = first.lines
    assert chosen.get_xdata().tolist() == [0.95, 0.95]
    assert len(tried_ones.get_xdata()) == 8
    assert chosen.get_markerfacecolor() != "none"


def test_every_kind_of_model_has_a_name_in_print():
    kinds = {type(config).__name__.removesuffix("Config") for config in MODELS.values()}
    assert kinds <= set(style.MODEL_NAMES)
