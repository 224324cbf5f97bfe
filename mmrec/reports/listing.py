"""Code of the package as a chapter shows it: what a function does, without what is said of it."""

import ast
import inspect
import textwrap
from collections.abc import Callable
from typing import Any


def listing(*functions: Callable[..., Any]) -> str:
    """The source of functions without docstrings and empty lines, for a block of code.

    The text is the package's own at the time of the run, so that a chapter cannot fall behind it.
    """
    return "\n\n".join(_without_docstring(function) for function in functions)


def _without_docstring(function: Callable[..., Any]) -> str:
    text = textwrap.dedent(inspect.getsource(function))
    (node,) = ast.parse(text).body
    assert isinstance(node, ast.FunctionDef)
    told = node.body[0] if ast.get_docstring(node) is not None else None
    hidden = range(told.lineno, (told.end_lineno or told.lineno) + 1) if told else range(0)
    lines = enumerate(text.splitlines(), start=1)
    return "\n".join(line for number, line in lines if number not in hidden and line.strip())
