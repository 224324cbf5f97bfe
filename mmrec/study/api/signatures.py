"""Signatures as Sphinx's Python domain reads them, with links to the package's own types."""

import ast
from collections.abc import Callable
from copy import deepcopy

from mmrec.study.api.source import Function, Item, decorators, fields

Find = Callable[[str], str | None]
"""From a name in the code to the dotted name of a class of the package, if it is one."""

LONGEST_VALUE = 60
"""Characters of a constant's value that are shown; a longer one is left out."""

_RECORDS = {"NamedTuple", "BaseModel"}


def signature(item: Item, find: Find) -> str:
    """Arguments in brackets and the result; empty for what cannot be called.

    A class that is a record has its fields for arguments, another one those of ``__init__``.
    """
    node = item.node
    if item.kind in ("function", "method"):
        assert isinstance(node, Function)
        return _called(node, find, bound=item.kind == "method")
    if isinstance(node, ast.ClassDef):
        return _made(node, find)
    return ""


def options(item: Item, find: Find) -> dict[str, str]:
    """Options of the directive, with their values."""
    node = item.node
    if item.kind == "property":
        assert isinstance(node, Function)
        return {"type": _type(node.returns, find)} if node.returns else {}
    if item.kind == "method":
        assert isinstance(node, Function)
        known = {"classmethod", "staticmethod", "abstractmethod"} & decorators(node)
        return dict.fromkeys(sorted(known), "")
    if isinstance(node, ast.Assign | ast.AnnAssign):
        told = {"type": _type(node.annotation, find)} if isinstance(node, ast.AnnAssign) else {}
        value = ast.unparse(node.value) if node.value else ""
        if 0 < len(value) <= LONGEST_VALUE and "\n" not in value:
            told["value"] = value
        return told
    return {}


def bases(item: Item, find: Find) -> list[str]:
    """Classes of the package that a class is made from, by their dotted names."""
    if not isinstance(item.node, ast.ClassDef):
        return []
    names = (ast.unparse(_bare(base)) for base in item.node.bases)
    return [found for name in names if (found := find(name))]


def _bare(base: ast.expr) -> ast.expr:
    return base.value if isinstance(base, ast.Subscript) else base


def _called(node: Function, find: Find, *, bound: bool) -> str:
    arguments = deepcopy(node.args)
    if bound and "staticmethod" not in decorators(node):
        (arguments.posonlyargs or arguments.args).pop(0)
    everything = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    for one in (*everything, arguments.vararg, arguments.kwarg):
        if one and one.annotation:
            one.annotation = _linked(one.annotation, find)
    result = f" -> {_type(node.returns, find)}" if node.returns else ""
    return f"({ast.unparse(arguments)}){result}"


def _made(node: ast.ClassDef, find: Find) -> str:
    named = {ast.unparse(_bare(base)).rpartition(".")[2] for base in node.bases}
    if "dataclass" in decorators(node) or named & _RECORDS:
        told = []
        for one in fields(node):
            told.append(f"{ast.unparse(one.target)}: {_type(one.annotation, find)}{_default(one)}")
        return f"({', '.join(told)})"
    for method in node.body:
        if isinstance(method, ast.FunctionDef) and method.name == "__init__":
            return _called(method, find, bound=True).partition(" -> ")[0]
    return ""


def _default(one: ast.AnnAssign) -> str:
    if one.value is None:
        return ""
    made = isinstance(one.value, ast.Call)  # such as field(default_factory=dict)
    return " = ..." if made else f" = {ast.unparse(one.value)}"


def _type(annotation: ast.expr, find: Find) -> str:
    return ast.unparse(_linked(deepcopy(annotation), find))


def _linked(annotation: ast.expr, find: Find) -> ast.expr:
    linked = _Links(find).visit(annotation)
    assert isinstance(linked, ast.expr)
    return linked


class _Links(ast.NodeTransformer):
    """Writes ``~mmrec.room.module.Name`` for a name of the package, which shows its last part."""

    def __init__(self, find: Find):
        self.find = find

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        if not isinstance(node.value, str):
            return node
        return _linked(ast.parse(node.value, mode="eval").body, self.find)

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        if ast.unparse(node.value).rpartition(".")[2] == "Literal":
            return node
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self._link(node)

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        return self._link(node)

    def _link(self, node: ast.Name | ast.Attribute) -> ast.expr:
        found = self.find(ast.unparse(node))
        if found is None:
            return node
        return ast.UnaryOp(ast.Invert(), ast.parse(found, mode="eval").body)
