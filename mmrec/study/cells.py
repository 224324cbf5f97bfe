"""The code of a notebook: what decides whether its outputs are still its own."""

import io
import json
import tokenize
from pathlib import Path
from typing import Any

from mmrec.errors import StudyError
from mmrec.provenance import digest

INJECTED = "injected-parameters"
"""Tag of the cell that papermill adds."""


def read_notebook(path: Path) -> dict[str, Any]:
    """Reads a notebook.

    Raises:
        StudyError: If it is not there or is no notebook.
    """
    try:
        notebook: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        [cell["source"] for cell in notebook["cells"]]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise StudyError(
            "cannot be read as a notebook", where=path, remedy="Restore it from version control."
        ) from error
    return notebook


def code_cells(notebook: dict[str, Any]) -> list[str]:
    """Sources of the code cells, without the cell that papermill adds."""
    return [
        "".join(cell["source"])
        for cell in notebook["cells"]
        if cell["cell_type"] == "code" and INJECTED not in cell["metadata"].get("tags", [])
    ]


def cells_digest(notebook: dict[str, Any]) -> str:
    """Digest of the code cells; comments, blank lines, prose and outputs do not count.

    Works on the text, not on Python's syntax tree, whose printed form differs between versions of
    Python: the digest of the reference run is committed.
    """
    return digest([without_comments(cell) for cell in code_cells(notebook)])


def without_comments(source: str) -> str:
    """Code without its comments and blank lines; as it is if it is no Python."""
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
