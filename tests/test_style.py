"""One look in all figures: a name keeps its colour and mark, and no two names are taken for one."""

import io
from itertools import combinations

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import test_beyond_plots
import test_plots
from matplotlib.colors import to_hex, to_rgb
from PIL import Image

from mmrec.experiments import beyond, cold_start, paper
from mmrec.reports import feature_plots, plots, showing, style, tracks
from mmrec.workspace import PROJECT

# What readers who lack one kind of cones see of linear RGB (Machado, Oliveira and Fernandes 2009).
SIGHT = {
    "all cones": np.eye(3),
    "no L": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "no M": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "no S": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
# From linear RGB to OKLab (Ottosson 2020), before and after the cube root.
TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
ARTICLE = 790
"""Pixels of a figure's place on the page in a window of 1280."""


@pytest.fixture(autouse=True)
def _in_our_look():
    with mpl.rc_context(style.LOOK):
        yield
    plt.close("all")


def linear(colour: str) -> np.ndarray:
    values = np.array(to_rgb(colour))
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


@pytest.mark.parametrize("colour", style.PALETTE)
def test_a_colour_is_seen_on_white(colour):
    assert 1.05 / (0.05 + linear(colour) @ [0.2126, 0.7152, 0.0722]) >= 3


@pytest.mark.parametrize("sight", SIGHT)
def test_colours_are_told_apart_whatever_cones_a_reader_has(sight):
    places = [
        TO_LAB @ np.cbrt(TO_LMS @ np.clip(SIGHT[sight] @ linear(colour), 0, 1))
        for colour in style.PALETTE
    ]
    apart = [np.linalg.norm(one - other) for one, other in combinations(places, 2)]
    assert min(apart) > 0.065, "the palette that matplotlib offers has 0.03"


# --- names ----------------------------------------------------------------------------------------

TOGETHER = {
    "protocols": list(plots.SERIES.values()),
    "steps": ["the paper", *pd.read_csv(PROJECT / "book/results/protocol.csv")["row"].unique()],
    "masked rows": [*paper.MASKED_ROWS],
    "learning curves": [
        *(cold_start.REMEDIED, cold_start.RIDGE),
        *cold_start.CURVES,
    ],
    "learning curves of the process": [beyond.PROCESS, "kernel ridge", *beyond.CURVES],
    "residuals": ["all", "user+movie bias", "FM: hybrid"],
    "lists": ["most popular", "EASE", "likes from content", beyond.PROCESS, beyond.CONTENT_EASE],
    "tracks": [tracks.NAMES[track] for track in test_beyond_plots.beyond_plots.CALIBRATED],
    "lacking": [f"{share:.0%} of the films lack it" for share in (0, *beyond.SHARES)]
    + ["model that never saw it"],
    "facts": ["movie", "genre", "director", "cast"],
    "sources": ["imdb", "open"],
    "probe of text": ["as the profile orders", "open synopses alone", "random numbers"],
    "probe of meta": ["meta", "meta-open", "meta-freebase", "meta-freebase without genres"],
    "modalities": ["meta", "text", "video", "audio"],
    "gain": ["the paper's network, clean protocol", "the paper's network, as published"],
}
"""Sets of names that figures of the book show beside each other by colour."""


@pytest.mark.parametrize("names", TOGETHER.values(), ids=TOGETHER)
def test_names_that_are_drawn_together_have_colours_of_their_own(names):
    styles = style.styles_of(names)
    assert styles == {name: style.FIXED[name] for name in names}
    alike = 1 if names == TOGETHER["protocols"] else 0  # both controls are grey
    assert len({colour for colour, _ in styles.values()}) == len(names) - alike
    assert len({*styles.values()}) == len(names)


def test_every_kind_of_model_has_a_look_and_no_two_the_same():
    looks = style.styles_of(list(style.MODEL_NAMES.values()))
    assert looks == {name: style.FIXED[name] for name in style.MODEL_NAMES.values()}
    assert len({*looks.values()}) == len(looks)


def test_a_row_and_the_kind_of_its_model_look_alike():
    for row, kind in {
        beyond.PROCESS: "PairProcess",
        "twin towers": "TwinTowers",
        "kernel ridge": "ContentKernelRidge",
        "user+movie bias": "Bias",
        "EASE": "Ease",
        "likes from content": "ContentLikes",
        beyond.CONTENT_EASE: "ContentEase",
    }.items():
        assert style.FIXED[row] == style.FIXED[style.MODEL_NAMES[kind]]


def test_every_row_of_the_reference_that_is_a_model_has_a_fixed_look():
    for table in ("table1", "table2", "baselines", "beyond", "lists", "rating_vectors"):
        rows = pd.read_csv(PROJECT / "book" / "results" / f"{table}.csv")["row"]
        assert {*rows} - {*style.FIXED} == set(), table


def test_unknown_names_keep_their_look_and_take_nobodys():
    known = ["meta", "FM: hybrid"]
    one, other = style.styles_of(["my model", *known]), style.styles_of([*known, "my model"])
    assert list(one) == ["my model", *known]
    assert one == other
    assert one["meta"] == style.FIXED["meta"]
    assert one["my model"][0] not in {one[name][0] for name in known}
    many = [f"model {number}" for number in range(60)]
    assert len({*style.styles_of(many).values()}) == 60
    assert len({colour for colour, _ in style.styles_of(many[:10]).values()}) == 10
    assert len(style.styles_of([f"model {number}" for number in range(101)])) == 101


def test_two_names_of_one_thing_in_one_figure_are_told_apart():
    styles = style.styles_of(["user mean", "means"])
    assert len({*styles.values()}) == 2
    assert styles["user mean"] == style.FIXED["user mean"]


def test_rows_that_a_notebook_draws_in_turn_have_their_own_colours():
    """The chapter on training draws predictions of both rows with the palette of the plots."""
    assert plots.PALETTE[:2] == [style.FIXED[row][0] for row in ("meta", "all")]
    assert {*plots.PALETTE} == {*style.PALETTE}


def test_genres_are_told_apart():
    assert len({*style.GENRES.values()}) == len(style.GENRES) == 19


# --- figures --------------------------------------------------------------------------------------


def similar_films() -> tuple:
    vectors = np.random.default_rng(0).normal(size=(5, 4))
    return feature_plots.similarity(vectors, list("abcde"), of="sentence")


def probed() -> tuple:
    rows = [(name, genre) for name in ("meta", "meta-open") for genre in ("War", "Drama")]
    table = pd.DataFrame(rows, columns=["features", "genre"])
    return feature_plots.genre_probe(table.assign(auc=0.7, control=0.5))


FIGURES = {**test_plots.FIGURES, **test_beyond_plots.FIGURES, "probe": probed}


def looks_in(fig) -> dict[str, set]:
    """Colours and marks in a figure's legends, by name."""
    found: dict[str, set] = {}
    for ax in fig.axes:
        for handle, name in zip(*ax.get_legend_handles_labels(), strict=True):
            line = getattr(handle, "lines", [handle])[0]
            if isinstance(line, plt.Line2D) and line.get_marker() != "None":
                look = (to_hex(line.get_color()), line.get_marker())
                found.setdefault(name, set()).add(look)
    return found


def test_a_name_has_one_look_in_every_figure_and_in_each_a_look_of_its_own():
    everywhere: dict[str, set] = {}
    for name, draw in FIGURES.items():
        looks = looks_in(draw()[0])
        if name != "tuning":  # its two marks differ by their filling
            assert len(set().union(*looks.values())) == len(looks), name
        for label, some in looks.items():
            everywhere.setdefault(label, set()).update(some)
    several = {label for label, some in everywhere.items() if len(some) > 1}
    assert several == set()
    fixed = {label for label in everywhere if label in style.FIXED}
    assert len(fixed) > 20
    for label in fixed:
        colour, marker = style.FIXED[label]
        assert everywhere[label] == {(to_hex(colour), marker)}


@pytest.mark.parametrize("name", FIGURES)
def test_no_letter_is_below_nine_pixels_on_the_page(name):
    fig, _ = FIGURES[name]()
    texts = fig.findobj(lambda artist: isinstance(artist, plt.Text) and artist.get_text().strip())
    fig.canvas.draw()
    shrunk = min(1, ARTICLE / (96 * fig.get_tightbbox().width))
    assert min(text.get_fontsize() for text in texts) * 96 / 72 * shrunk >= 9


# --- how notebooks show them ----------------------------------------------------------------------


def test_a_drawing_is_svg_with_text_and_the_same_bytes_each_time():
    drawn = [showing.drawing(FIGURES["ablation"]()[0]) for _ in range(2)]
    assert drawn[0] == drawn[1]
    assert ">this study, clean</text>" in drawn[0]
    assert not any(trace in drawn[0] for trace in ("<dc:date>", "Matplotlib v", str(PROJECT)))
    assert len(drawn[0]) < 60_000
    assert showing.picture(FIGURES["ablation"]()[0]) is None


def test_a_number_on_a_logarithmic_axis_needs_no_certain_font():
    fig, ax = plt.subplots()
    ax.set(xscale="log", xlim=(1, 1e5))
    assert "font-family: 'DejaVu Sans', sans-serif" in showing.drawing(fig)


def many_marks():
    fig, ax = plt.subplots(figsize=(4, 3))
    ax.scatter(*np.random.default_rng(0).normal(size=(2, showing.MOST_MARKS + 1)), s=4)
    return fig, ax


def a_long_line():
    fig, ax = plt.subplots(figsize=(4, 3))
    ax.plot(np.sin(np.arange(showing.LONGEST_LINE + 1)))
    return fig, ax


def frames():
    fig, ax = plt.subplots(figsize=(4, 3))
    ax.imshow(np.random.default_rng(0).random((9, 9)))
    return fig, ax


@pytest.mark.parametrize("draw", [similar_films, many_marks, a_long_line, frames])
def test_a_picture_has_two_dots_a_pixel(draw):
    fig, _ = draw()
    assert showing.drawing(fig) is None
    file, size = showing.picture(fig)
    assert file == showing.picture(draw()[0])[0], "the same bytes each time"
    shown = Image.open(io.BytesIO(file))
    assert (shown.width // 2, shown.height // 2) == (size["width"], size["height"])
    assert 0.6 < size["width"] / (fig.get_figwidth() * fig.dpi) < 1.1
    assert "Software" not in shown.info


def test_nothing_is_shown_of_an_empty_figure():
    fig = plt.figure()
    assert (showing.drawing(fig), showing.picture(fig)) == (None, None)


CELLS = [
    "import matplotlib.pyplot as plt\nfrom mmrec.reports import plots",
    'plt.plot([1, 2])\nplt.show()\nplt.rcParams["axes.spines.top"]',
    "plt.imshow([[1, 2]])\nplt.show()",
    'plt.rcParams["axes.spines.top"] = True',
    'plt.plot([1, 2])\nplt.show()\nplt.rcParams["axes.spines.top"]',
]


@pytest.mark.slow
def test_a_notebook_that_draws_with_the_package_shows_drawings_and_pictures():
    nbformat, nbclient = (pytest.importorskip(name) for name in ("nbformat", "nbclient"))
    notebook = nbformat.v4.new_notebook(cells=[*map(nbformat.v4.new_code_cell, CELLS)])
    nbclient.NotebookClient(notebook, kernel_name="python3", timeout=120).execute()
    drawn, pictured, _, last = (cell["outputs"] for cell in notebook["cells"][1:])
    assert {*drawn[0]["data"]} == {"image/svg+xml", "text/plain"}
    assert drawn[1]["data"]["text/plain"] == "False", "our look"
    assert {*pictured[0]["data"]} == {"image/png", "text/plain"}
    assert {*pictured[0]["metadata"]["image/png"]} == {"width", "height"}
    assert last[1]["data"]["text/plain"] == "True", "what a reader sets later stays"


def test_a_picture_of_noise_has_one_dot_a_pixel():
    fig, ax = plt.subplots(figsize=(9, 3))
    ax.imshow(np.random.default_rng(0).normal(size=(300, 900)))
    file, size = showing.picture(fig)
    plt.close(fig)
    assert Image.open(io.BytesIO(file)).width < 1.1 * size["width"]
    assert len(file) < 2 * showing.LARGEST
