"""Links to the files behind a chapter's tables and figures.

A cell that shows a table of results, or a figure of one, names it in its metadata, such as
``"results": ["table1"]`` for ``table1.csv``.
"""

from collections.abc import Collection
from typing import Any

KEY = "results"
"""Key in the metadata of a cell."""

CLASS = "results-file"
"""Class of the line with the links, for the style sheet of the book."""


def shown(cell: dict[str, Any]) -> list[str]:
    """Names of the tables that a cell shows, without ``.csv``."""
    return list(cell["metadata"].get(KEY, []))


def with_links(notebook: dict[str, Any], written: Collection[str]) -> dict[str, Any]:
    """A notebook with a line of links below each cell that shows tables of results.

    Args:
        notebook: A chapter of the book, which lies beside the folder ``results``.
        written: Names of the tables that the run wrote; other tables get no link.
    """
    cells = []
    for cell in notebook["cells"]:
        cells.append(cell)
        files = [f"{name}.csv" for name in shown(cell) if name in written]
        if files:
            links = ", ".join(f"{{download}}`{file} <../results/{file}>`" for file in files)
            line = f"[Download: {links}]{{.{CLASS}}}"
            of_cell = {"cell_type": "markdown", "id": f"{cell['id']}-files", "metadata": {}}
            cells.append({**of_cell, "source": line})
    return {**notebook, "cells": cells}
