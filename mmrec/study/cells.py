"""The code of a notebook, which decides whether its outputs are up to date."""

import io
import json
import tokenize
from pathlib import Path
from typing import Any

from mmrec.errors import StudyError
from mmrec.provenance import digest

INJECTED = "injected-parameters"
"""Tag of the cell that papermill adds."""

EXERCISE = "exercise"
"""Tag of a cell that answers an exercise: it reads results of its chapter and writes none."""


def read_notebook(path: Path) -> dict[str, Any]:
    """Reads a notebook.

    Raises:
        StudyError: If it does not exist or is not a notebook.
    """
    try:
        notebook: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        [cell["source"] for cell in notebook["cells"]]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise StudyError(
            "cannot be read as a notebook", where=path, remedy="Restore it from version control."
        ) from error
    return notebook


def code_cells(notebook: dict[str, Any], *, exercises: bool = False) -> list[str]:
    """Sources of the code cells, without the cell that papermill adds.

    Args:
        notebook: As :func:`read_notebook` returns it.
        exercises: Whether cells that answer exercises are included. No result depends on them.
    """
    left_out = {INJECTED} if exercises else {INJECTED, EXERCISE}
    return [
        "".join(cell["source"])
        for cell in notebook["cells"]
        if cell["cell_type"] == "code" and left_out.isdisjoint(cell["metadata"].get("tags", []))
    ]


def cells_digest(notebook: dict[str, Any], *, exercises: bool = False) -> str:
    """Digest of the code cells; comments, blank lines, prose and outputs do not count.

    Cells that answer exercises read results and write none. The digest that a run records omits
    them, so that an exercise can be added to a chapter without running its experiments again. The
    digest that decides whether a chapter is executed again includes them.

    Works on the text, not on Python's syntax tree, whose printed form differs between versions of
    Python: the digest of the reference run is committed.
    """
    cells = code_cells(notebook, exercises=exercises)
    return digest([without_comments(cell) for cell in cells])


def without_comments(source: str) -> str:
    """Code without its comments and blank lines; unchanged if it is not Python."""
    lines = source.splitlines()
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (tokenize.TokenError, SyntaxError):
        return source
    inside: set[int] = set()  # rows within a string that spans several
    for token in tokens:
        (first, column), (last, _) = token.start, token.end
        if token.type == tokenize.COMMENT:
            lines[first - 1] = lines[first - 1][:column]
        inside |= set(range(first, last))
    kept = [
        line if row in inside or row + 1 in inside else line.rstrip()
        for row, line in enumerate(lines)
        if row in inside or row + 1 in inside or line.strip()
    ]
    return "\n".join(kept)
