"""One digest for code: what a result was computed by, down to the libraries' versions.

Notebooks, results and cached features ask the same question, "has anything changed that this
depends on?", and get the same answer: the abstract syntax of a module and of every module of the
package that it imports, directly or not, and the versions of the libraries that these import.
Comments, docstrings and layout do not count.
"""

import ast
import hashlib
import json
import sys
from collections.abc import Iterable
from functools import cache
from importlib import metadata
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
ROOT = PACKAGE.parent


def imports(source: str) -> frozenset[str]:
    """Dotted names that a piece of code imports, at its top or inside a function.

    Notebook magics are passed over; code that does not parse imports nothing (running it will
    say so).
    """
    lines = ["" if line.lstrip().startswith(("%", "!")) else line for line in source.splitlines()]
    try:
        tree = ast.parse("\n".join(lines))
    except SyntaxError:
        return frozenset()
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(names)


def modules(names: Iterable[str]) -> set[Path]:
    """Files of the package behind dotted names, the packages' ``__init__`` included."""
    files = set()
    for name in names:
        parts = name.split(".")
        if parts[0] != PACKAGE.name:
            continue
        for depth in range(1, len(parts) + 1):
            path = ROOT.joinpath(*parts[:depth])
            files |= {f for f in (path.with_suffix(".py"), path / "__init__.py") if f.exists()}
    return files


def closure(names: Iterable[str]) -> set[Path]:
    """Files of the package that dotted names stand for, and all that these import."""
    known: set[Path] = set()
    waiting = modules(names)
    while waiting:
        file = waiting.pop()
        known.add(file)
        waiting |= modules(_imported(file)) - known
    return known


def libraries(files: Iterable[Path]) -> dict[str, str]:
    """Version of each installed distribution that the files import."""
    known = _distributions()
    tops = {name.split(".")[0] for file in files for name in _imported(file)}
    found = {name for top in tops - {PACKAGE.name} for name in known.get(top, ())}
    return {name: metadata.version(name) for name in sorted(found)}


def code_digest(*names: str) -> str:
    """Digest of modules, of all that they import from the package, and of the libraries' versions.

    Args:
        names: Dotted names of modules, such as ``"mmrec.models.siamese"``; a name within a module
            stands for the module.
    """
    return _code_digest(tuple(sorted(names)))


@cache
def _code_digest(names: tuple[str, ...]) -> str:
    files = closure(names)
    return digest(
        {
            "code": {file.relative_to(ROOT).as_posix(): _syntax(file) for file in files},
            "libraries": libraries(files),
            "python": list(sys.version_info[:2]),
        }
    )


def digest(value: object) -> str:
    """Digest of anything JSON can hold, 16 hexadecimal digits."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


@cache
def _imported(file: Path) -> frozenset[str]:
    return imports(file.read_text(encoding="utf-8"))


@cache
def _syntax(file: Path) -> str:
    return syntax_digest(file.read_text(encoding="utf-8"))


def syntax_digest(source: str) -> str:
    """Digest of a module's abstract syntax, without comments, docstrings and layout."""
    return tree_digest(ast.parse(source))


def tree_digest(tree: ast.Module) -> str:
    """The same of a tree, whose docstrings are removed on the way."""
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            body[:] = [item for item in body if not _is_docstring(item)]
    return hashlib.sha256(ast.dump(tree).encode()).hexdigest()


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


@cache
def _distributions() -> dict[str, list[str]]:
    return dict(metadata.packages_distributions())
