"""How a notebook shows its figures: drawings as SVG, pictures as PNG with two dots a pixel.

`mmrec.reports.style`, which every notebook imports through what it draws with, calls
:func:`dress`, so that the notebooks themselves say ``plt.show()`` and no more. Outside of a
notebook nothing happens.
"""

import re
import sys
from collections.abc import Mapping
from importlib import import_module
from io import BytesIO
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.collections import PathCollection, QuadMesh
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from PIL import Image

MOST_MARKS, LONGEST_LINE = 1_000, 20_000
"""Marks, and points of a line, beyond which a figure is smaller and faster as a picture."""

COLOURS = 256
"""Of a picture, at most: at two dots a pixel it is then smaller than with all colours at one."""

LARGEST = 200_000
"""Bytes of a picture beyond which it has one dot a pixel, as noise does not compress."""

_ONE_FONT = re.compile(r"(font-family: '[^'\"]*')([;\"])")
_NO_TRACES = {"svg": {"Date": None, "Creator": None}, "png": {"Software": None}}


def dress(look: Mapping[str, Any]) -> None:
    """Has the notebook that this is called in show its figures in our form and look.

    Whatever the notebook sets later stays.

    Args:
        look: Settings of matplotlib, on top of its own.
    """
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is None:
        return
    # On its first import the backend chooses its own form for figures: this comes before ours.
    import_module("matplotlib_inline.backend_inline")
    plt.style.use(["default", dict(look)])
    formatters = shell.display_formatter.formatters
    formatters["image/svg+xml"].for_type(Figure, drawing)
    formatters["image/png"].for_type(Figure, picture)


def is_drawing(fig: Figure) -> bool:
    """Whether a figure is made of lines, text and not too many marks."""
    marks = 0
    for artist in fig.findobj():
        if isinstance(artist, AxesImage | QuadMesh):
            return False
        if isinstance(artist, Line2D) and np.size(artist.get_xdata()) > LONGEST_LINE:
            return False
        if isinstance(artist, PathCollection):
            marks += np.shape(artist.get_offsets())[0]
        marks += isinstance(artist, Patch)
    return marks <= MOST_MARKS


def drawing(fig: Figure) -> str | None:
    """A figure as SVG with its text as text; None if it is no drawing or is empty."""
    if not is_drawing(fig) or not fig.axes:
        return None
    # Numbers on a logarithmic axis name one font alone, which few readers have.
    return _ONE_FONT.sub(r"\1, sans-serif\2", _printed(fig, "svg").decode())


def picture(fig: Figure) -> tuple[bytes, dict[str, int]] | None:
    """A figure as PNG, two dots a pixel unless that is :data:`LARGEST`; None for a drawing.

    Returns:
        The file, and its ``width`` and ``height`` on the page, in pixels.
    """
    if is_drawing(fig) or not fig.axes:
        return None
    file, size = _few_colours(fig, 2)
    if len(file) > LARGEST:
        file, _ = _few_colours(fig, 1)
    return file, size


def _few_colours(fig: Figure, dots: int) -> tuple[bytes, dict[str, int]]:
    """A figure as PNG with so many dots a pixel, and its size on the page."""
    drawn = Image.open(BytesIO(_printed(fig, "png", dpi=dots * fig.dpi))).convert("RGB")
    file = BytesIO()
    few = drawn.quantize(COLOURS, dither=Image.Dither.NONE)
    few.save(file, "PNG", optimize=True)
    return file.getvalue(), {"width": drawn.width // dots, "height": drawn.height // dots}


def _printed(fig: Figure, form: str, **options: Any) -> bytes:
    file = BytesIO()
    fig.savefig(file, format=form, bbox_inches="tight", metadata=_NO_TRACES[form], **options)
    return file.getvalue()
