"""The package's own code as a chapter shows it, read from its text."""

import ast
import textwrap
from pathlib import Path

from mmrec.errors import StudyError
from mmrec.provenance import ROOT
from mmrec.study.api.source import Function, definition


def file_of(name: str) -> Path:
    """The file of the package in which a function or class is defined.

    Raises:
        StudyError: There is no such module.
    """
    file = ROOT.joinpath(*name.split(".")[:-1]).with_suffix(".py")
    if not file.is_file():
        raise _absent(name)
    return file


def listing(name: str, only: tuple[str, ...] = ()) -> str:
    """The code of a function or class, without docstrings and empty lines.

    Args:
        name: Dotted, such as ``mmrec.models.siamese_network.SiameseNetwork``.
        only: Of a class, the methods to show below its first line; all of it if none are named.

    Raises:
        StudyError: There is nothing of this name.
    """
    text = file_of(name).read_text(encoding="utf-8")
    node = definition(ast.parse(text).body, name.rpartition(".")[2])
    if node is None:
        raise _absent(name)
    lines = text.splitlines()
    if not only:
        return _code(node, lines)
    assert isinstance(node, ast.ClassDef)
    parts = [(method, definition(node.body, method)) for method in only]
    if lacking := [method for method, part in parts if part is None]:
        raise _absent(f"{name}.{lacking[0]}")
    shown = [_code(part, lines) for _, part in parts if part is not None]
    return f"{lines[node.lineno - 1]}\n" + textwrap.indent("\n\n".join(shown), "    ")


def _code(node: Function | ast.ClassDef, lines: list[str]) -> str:
    """The lines of a definition, without its docstrings and without empty lines."""
    assert node.end_lineno is not None
    hidden = {number for told in _docstrings(node) for number in told}
    first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
    kept = (
        lines[number - 1]
        for number in range(first, node.end_lineno + 1)
        if number not in hidden and lines[number - 1].strip()
    )
    return textwrap.dedent("\n".join(kept))


def _docstrings(node: ast.AST) -> list[range]:
    found = []
    for one in ast.walk(node):
        if isinstance(one, Function | ast.ClassDef) and ast.get_docstring(one) is not None:
            told = one.body[0]
            found.append(range(told.lineno, (told.end_lineno or told.lineno) + 1))
    return found


def _absent(name: str) -> StudyError:
    return StudyError(
        "there is no such function or class in the package",
        where=name,
        remedy="Name one as it is imported, such as mmrec.models.training.fit.",
    )
