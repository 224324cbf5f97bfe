"""What a module offers to others, read from its text: names, definitions, docstrings.

Nothing is imported. To import the whole package takes a dozen seconds, most of them for libraries
that a page about it does not need.
"""

import ast
import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mmrec.provenance import PACKAGE

_PROPERTIES = {"property", "cached_property"}

Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = Function | ast.ClassDef | ast.Assign | ast.AnnAssign


@dataclass(frozen=True)
class Item:
    """A function, a class, a constant, or a method or property of a class.

    Attributes:
        kind: A directive of Sphinx's Python domain: ``function``, ``class``, ``method``,
            ``property`` or ``data``.
        name: Within the module, such as ``Workspace.open``.
        node: Its definition.
        doc: Its docstring, without indentation; empty if it has none.
        parts: Methods and properties of a class that have a docstring.
    """

    kind: str
    name: str
    node: Definition
    doc: str
    parts: tuple["Item", ...] = ()


@dataclass(frozen=True)
class Module:
    """A module of the package.

    Attributes:
        name: Its dotted name.
        doc: Its docstring.
        items: What is public in it, in the order of the text.
        imported: Dotted names of what it imports, by the name that it has there.
    """

    name: str
    doc: str
    items: tuple[Item, ...]
    imported: Mapping[str, str]


@dataclass(frozen=True)
class Names:
    """Some modules, and where each of their public names is described.

    Attributes:
        modules: By dotted name.
    """

    modules: Mapping[str, Module]

    @cached_property
    def described(self) -> dict[str, str]:
        """Dotted names of all that is public, and of what each is described under.

        A field of a class is described under the class.
        """
        found = {name: name for name, module in self.modules.items() if module.items}
        for module in self.modules.values():
            for item in module.items:
                whole = f"{module.name}.{item.name}"
                if isinstance(item.node, ast.ClassDef):
                    found |= {f"{whole}.{name}": whole for name in _fields(item.node)}
                for one in (item, *item.parts):
                    found[f"{module.name}.{one.name}"] = f"{module.name}.{one.name}"
        return found

    @cached_property
    def classes(self) -> frozenset[str]:
        """Dotted names of the classes, which are all that a type can link to."""
        return frozenset(
            f"{module.name}.{item.name}"
            for module in self.modules.values()
            for item in module.items
            if item.kind == "class"
        )

    def find_class(self, name: str, module: Module) -> str | None:
        """As `find`, if it is a class."""
        found = self.find(name, module)
        return found if found in self.classes else None

    def error(self, name: str) -> str | None:
        """The only class of this name, if there is one: docstrings name errors without a module."""
        found = [one for one in self.classes if one.rpartition(".")[2] == name]
        return found[0] if len(found) == 1 else None

    def find(self, name: str, module: Module, within: str = "") -> str | None:
        """What a name in the text of a module stands for.

        Args:
            name: As it is written there, dotted or not.
            module: Where it is written.
            within: Name of the class around it.

        Returns:
            The dotted name under which it is described, or None if it is not.
        """
        first, dot, rest = name.partition(".")
        wanted = [f"{module.name}.{within}.{name}"] if within else []
        wanted += [f"{module.name}.{name}", name]
        if first in module.imported:
            wanted.append(module.imported[first] + dot + rest)
        return next((self.described[one] for one in wanted if one in self.described), None)


def read(parts: Iterable[str], package: Path = PACKAGE) -> Names:
    """The modules of some parts of the package.

    Args:
        parts: Folders of the package, or its modules without ``.py``, such as ``study/book``.
        package: Folder of the package.
    """
    files = [
        file
        for part in parts
        for file in (package / f"{part}.py", *sorted((package / part).rglob("*.py")))
        if file.exists()
    ]
    modules = (_module(file, package.parent) for file in files)
    return Names({module.name: module for module in modules})


def definition(body: Iterable[ast.stmt], name: str) -> Function | ast.ClassDef | None:
    """The last definition of a function or class of this name among statements, if there is one."""
    found = [
        node
        for node in body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and node.name == name
    ]
    return found[-1] if found else None


def decorators(node: Function | ast.ClassDef) -> set[str]:
    """Last parts of the names of what decorates a definition."""
    called = (one.func if isinstance(one, ast.Call) else one for one in node.decorator_list)
    return {ast.unparse(one).rpartition(".")[2] for one in called}


def fields(node: ast.ClassDef) -> list[ast.AnnAssign]:
    """The typed assignments in a class that are public."""
    return [
        one
        for one in node.body
        if isinstance(one, ast.AnnAssign)
        and isinstance(one.target, ast.Name)
        and not one.target.id.startswith("_")
        and "ClassVar" not in ast.unparse(one.annotation)
    ]


def _fields(node: ast.ClassDef) -> set[str]:
    """Names of fields and other values of a class: typed, assigned, or told in its docstring."""
    told = re.findall(r"^ {4}(\w+): ", ast.get_docstring(node) or "", re.MULTILINE)
    typed = [ast.unparse(one.target) for one in fields(node)]
    assigned = [
        target.id
        for one in node.body
        if isinstance(one, ast.Assign)
        for target in one.targets
        if isinstance(target, ast.Name)
    ]
    return {*told, *typed, *assigned}


def _module(file: Path, root: Path) -> Module:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    parts = file.relative_to(root).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    return Module(
        name,
        ast.get_docstring(tree) or "",
        tuple(_items(tree)),
        dict(_imported(tree)),
    )


def _imported(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                yield alias.asname or alias.name, f"{node.module}.{alias.name}"


def _items(tree: ast.Module) -> Iterator[Item]:
    following: list[ast.stmt | None] = [*tree.body[1:], None]
    for node, after in zip(tree.body, following, strict=True):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if _public(node.name) and node is definition(tree.body, node.name):
                yield Item("function", node.name, node, ast.get_docstring(node) or "")
        elif isinstance(node, ast.ClassDef):
            if _public(node.name):
                doc = ast.get_docstring(node) or ""
                yield Item("class", node.name, node, doc, tuple(_parts(node)))
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            doc = _text(after)
            if doc and isinstance(target, ast.Name) and _public(target.id):
                yield Item("data", target.id, node, doc)


def _parts(owner: ast.ClassDef) -> Iterator[Item]:
    for node in owner.body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        doc = ast.get_docstring(node)
        if doc and _public(node.name) and node is definition(owner.body, node.name):
            kind = "property" if _PROPERTIES & decorators(node) else "method"
            yield Item(kind, f"{owner.name}.{node.name}", node, doc)


def _public(name: str) -> bool:
    return not name.startswith("_")


def _text(node: ast.stmt | None) -> str:
    """The string that stands alone below an assignment, as its docstring."""
    value = node.value if isinstance(node, ast.Expr) else None
    text = value.value if isinstance(value, ast.Constant) else None
    return inspect.cleandoc(text) if isinstance(text, str) else ""
