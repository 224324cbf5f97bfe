"""Jupyter Book on all cores and without needless work: ``python -m mmrec.study.jupyter_book``.

The command ``jupyter-book`` reads and writes page after page; Sphinx can do so in several
processes. The grammars of addresses are left out; see `mmrec.study.address_grammars`. Each citation
looks its style up among the entry points of all installed packages; here it does so once. Python's
search for cycles of objects that nobody refers to is off: it would go through the million nodes of
all pages over and over, and once more at the end; that is a third of the time, to save a few
hundred MB.

What the book is made of may still be in the making: the libraries are loaded at once, and the work
begins when the standard input has ended (by hand: ``< /dev/null``).
"""

import gc
import os
import sys
from functools import cache, partial
from importlib import import_module

from mmrec.study import address_grammars
from mmrec.study.staleness import MARKUP

SLOWEST = ("myst_nb.core.execute", "sphinx_book_theme", "sphinxcontrib.bibtex", *MARKUP)
"""Modules that Sphinx would load later, one after the other, while nothing else is done."""


def main() -> None:
    """What the command ``jupyter-book`` does."""
    gc.disable()
    address_grammars.leave_out()
    from jupyter_book import sphinx
    from pybtex import plugin  # type: ignore[import-untyped]

    plugin.find_plugin = cache(plugin.find_plugin)
    sphinx.build_sphinx = partial(sphinx.build_sphinx, jobs=os.cpu_count())
    from jupyter_book.cli.main import main as command

    for module in SLOWEST:
        import_module(module)
    sys.stdin.read()
    try:
        command(prog_name="jupyter-book")
    finally:
        gc.freeze()


if __name__ == "__main__":
    main()
