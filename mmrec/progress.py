"""Progress bars that reach the terminal and stay out of notebook outputs."""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TextIO, TypeVar

from tqdm import tqdm

T = TypeVar("T")
TERMINAL = "MMREC_TERMINAL"
"""Environment variable: the terminal device to draw on; the runner of the notebooks sets it."""


class _Forgiving:
    """A terminal that may go away: what cannot be drawn any more is not drawn."""

    def __init__(self, terminal: TextIO):
        self.terminal = terminal
        self.encoding = terminal.encoding

    def write(self, text: str) -> None:
        with suppress(OSError, ValueError):
            self.terminal.write(text)
            self.terminal.flush()

    def flush(self) -> None:
        """Nothing is held back."""

    def fileno(self) -> int:
        return self.terminal.fileno()


def bar(items: Iterable[T], *, total: int | None, label: str) -> Iterator[T]:
    """Passes items on, with a bar on the terminal and nothing where there is none.

    A kernel's own stderr ends up in the notebook, where a bar's times would make every run's
    output another one; so the bar goes to the terminal the study was started from. A terminal
    that belongs to another user, or that has been closed, costs the bar and nothing else.

    Args:
        items: What to pass on.
        total: How many there are.
        label: What is being done, before the bar.
    """
    with _terminal() as terminal:
        yield from tqdm(
            items,
            total=total,
            desc=label,
            file=terminal,
            disable=terminal is None,
            leave=False,
            dynamic_ncols=True,
        )


@contextmanager
def _terminal() -> Iterator[_Forgiving | None]:
    """The terminal that the runner names, else our own stderr if it is one, else none."""
    device = os.environ.get(TERMINAL)
    if not device:
        yield _Forgiving(sys.stderr) if sys.stderr.isatty() else None
        return
    try:
        terminal = open(device, "w", encoding="utf-8")  # noqa: SIM115
    except OSError:
        yield None
        return
    try:
        yield _Forgiving(terminal)
    finally:
        with suppress(OSError):
            terminal.close()
