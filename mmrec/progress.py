"""Progress bars that reach the terminal and stay out of notebook outputs."""

import os
import sys
from collections.abc import Iterable
from typing import TypeVar

from tqdm import tqdm

T = TypeVar("T")
TERMINAL = "MMREC_TERMINAL"
"""Environment variable: the terminal device to draw on; the runner of the notebooks sets it."""


def bar(items: Iterable[T], *, total: int, label: str) -> Iterable[T]:
    """Passes items on, with a bar on the terminal and nothing where there is none.

    A kernel's own stderr ends up in the notebook, where a bar's times would make every run's
    output another one; so the bar goes to the terminal the study was started from.
    """
    device = os.environ.get(TERMINAL)
    if not device:
        yield from tqdm(
            items, total=total, desc=label, disable=not sys.stderr.isatty(), leave=False
        )
        return
    with open(device, "w", encoding="utf-8") as terminal:
        yield from tqdm(
            items, total=total, desc=label, file=terminal, leave=False, dynamic_ncols=True
        )
