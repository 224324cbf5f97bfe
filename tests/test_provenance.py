"""What a digest of code depends on: every function of every module behind it, and no comment."""

import ast
import io
import tokenize
from pathlib import Path

import pytest

from mmrec import provenance

MODULES = sorted(provenance.PACKAGE.rglob("*.py"))
FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef


def name(module: Path) -> str:
    parts = module.relative_to(provenance.ROOT).with_suffix("").parts
    return ".".join(parts)


def with_comments(source: str) -> str:
    """The same code with a comment at the end of every line, as far as the line can carry one."""
    lines = source.splitlines()
    inside = set()  # a comment within a string, or behind a backslash, would be no comment
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        inside |= set(range(token.start[0], token.end[0]))
    return "\n".join(
        line if number in inside or line.endswith("\\") else f"{line}  # told"
        for number, line in enumerate(lines, start=1)
    )


@pytest.mark.parametrize("module", MODULES, ids=name)
def test_every_function_of_a_module_counts_and_no_comment_does(module):
    source = module.read_text(encoding="utf-8")
    before = provenance.syntax_digest(source)
    assert provenance.syntax_digest(with_comments(source)) == before
    tree = ast.parse(source)
    assert provenance.syntax_digest(ast.unparse(tree)) == before, "layout does not count"
    for node in ast.walk(tree):
        if isinstance(node, FUNCTIONS):
            body, node.body = node.body, [ast.parse("raise SystemError").body[0]]
            assert provenance.tree_digest(tree) != before, node.name
            node.body = body


@pytest.mark.parametrize("root", ["mmrec.experiments.runner", "mmrec.features.media.video"])
def test_a_result_depends_on_every_module_that_it_imports_and_on_no_other(monkeypatch, root):
    digest = provenance._code_digest.__wrapped__
    monkeypatch.setattr(provenance, "libraries", lambda files: {})  # slow, and tested below
    before, behind = digest((root,)), provenance.closure([root])
    assert len(behind) > 10
    syntax = provenance._syntax
    for changed in MODULES:
        monkeypatch.setattr(
            provenance, "_syntax", lambda file, of=changed: "new" if file == of else syntax(file)
        )
        assert (digest((root,)) != before) == (changed in behind), name(changed)


def test_a_librarys_version_counts(monkeypatch):
    digest = provenance._code_digest.__wrapped__
    before = digest(("mmrec.features.table",))
    version = provenance.metadata.version
    monkeypatch.setattr(
        provenance.metadata, "version", lambda of: "0" if of == "numpy" else version(of)
    )
    assert digest(("mmrec.features.table",)) != before


def test_a_function_imports_what_its_body_imports():
    code = "def f():\n    from mmrec.errors import StudyError\n"
    assert "mmrec.errors" in provenance.imports(code)
    assert provenance.imports("%matplotlib inline\nimport numpy") == {"numpy"}
    assert provenance.imports("broken (") == frozenset()
