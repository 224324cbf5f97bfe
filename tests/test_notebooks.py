"""Notebooks stay thin, tidy and publishable."""

import ast
import json
import re
from pathlib import Path

import pytest

from mmrec.study.cells import EXERCISE
from mmrec.study.stages import STAGES

PROJECT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((PROJECT / "notebooks").glob("*.ipynb"))
MOST_CELLS = 25
MOST_LINES = 15
DEFINITIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
# Of a cell that shows readers how to write a function of their own.
TAUGHT = "teaching"
# What a cell that answers an exercise must not do, since the record of a run leaves it out.
MAKES_RESULTS = r"runner\.run\(|\bsave\(|\.to_(csv|parquet)\("
LARGEST_OUTPUT = 400_000  # characters; the map of all films, as a picture, has about half of them

# Registries and mirrors are the reader's own affair; keys and passwords even more so.
HOSTS = r"https?://[^\s\"]*/(?:simple|packages)/|--(?:extra-)?index-url"
SECRETS = r"AIza[0-9A-Za-z_-]{30}|gh[pousr]_[0-9A-Za-z]{30}|sk-[0-9A-Za-z]{30}|BEGIN [A-Z ]*PRIVATE"
PATHS = r"(?<![\w.:/])/(?:home|root|Users|tmp|work|mnt|opt|var|usr)/\w"


def code_cells(notebook: dict) -> list[dict]:
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def source(cell: dict) -> str:
    return "".join(cell["source"])


def problems(notebook: dict) -> list[str]:
    """What is wrong with a notebook's form, a line each."""
    cells, found = code_cells(notebook), []
    if len(cells) > MOST_CELLS:
        found.append(f"{len(cells)} code cells")
    for cell in cells:
        name, code = cell.get("id", "?"), source(cell)
        if code.count("\n") + 1 > MOST_LINES:
            found.append(f"cell {name} has {code.count(chr(10)) + 1} lines")
        if EXERCISE in cell["metadata"].get("tags", []) and re.search(MAKES_RESULTS, code):
            found.append(f"cell {name} answers an exercise and makes a result")
        if re.search(r"^\s*[%!]", code, re.MULTILINE):
            found.append(f"cell {name} holds a magic or a shell command")
            continue
        for node in ast.walk(ast.parse(code)):
            taught = isinstance(node, ast.FunctionDef) and TAUGHT in cell["metadata"].get(
                "tags", []
            )
            if isinstance(node, DEFINITIONS) and not taught:
                found.append(f"cell {name} defines {node.name}")
            if isinstance(node, ast.Import | ast.ImportFrom) and cell is not cells[0]:
                found.append(f"cell {name} imports: do it in the first code cell")
    tagged = [cell for cell in cells if "parameters" in cell["metadata"].get("tags", [])]
    if [cell for cell in cells[1:2] if cell in tagged] != tagged or not tagged:
        found.append("the second code cell, and no other, must be tagged “parameters”")
    for cell in tagged:
        for line in source(cell).splitlines():
            if line and not re.match(r"\w+: .+ = .+  # \S", line):
                found.append(f"parameter without type or comment: {line}")
    if notebook["metadata"].get("kernelspec", {}).get("name") != "python3":
        found.append("the kernel is not python3")
    if (notebook["nbformat"], notebook["nbformat_minor"]) != (4, 5):
        found.append("the format is not 4.5")
    return found


def unfit(notebook: dict) -> list[str]:
    """What must not be published, a line each."""
    found = []
    for cell in notebook["cells"]:
        name = cell.get("id", "?")
        texts = [source(cell)]
        for output in cell.get("outputs", []):
            size = len(json.dumps(output))
            if size > LARGEST_OUTPUT:
                found.append(f"cell {name} has an output of {size:,} characters")
            if output["output_type"] == "error":
                found.append(f"cell {name} holds an error")
            if output.get("name") == "stderr":
                found.append(f"cell {name} holds what was said on stderr")
            data = {"text/plain": output.get("text", ""), **output.get("data", {})}
            texts += ["".join(v) for k, v in data.items() if k.startswith(("text/", "image/svg"))]
            if any("widget" in kind for kind in data):
                found.append(f"cell {name} holds a widget")
        for what, pattern in {"path": PATHS, "host": HOSTS, "secret": SECRETS}.items():
            if hit := re.search(pattern, "\n".join(texts)):
                found.append(f"cell {name} tells a {what}: {hit.group()}")
    return found


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_thin(path):
    assert problems(json.loads(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_may_be_published(path):
    assert unfit(json.loads(path.read_text(encoding="utf-8"))) == []


def rebound(cells: list[str]) -> set[str]:
    """Names that one cell imports and another takes for something else."""
    nodes = [node for code in cells for node in ast.walk(ast.parse(code))]
    imports = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    imported = {(n.asname or n.name).split(".")[0] for node in imports for n in node.names}
    named = [node for node in nodes if isinstance(node, ast.Name)]
    return imported & {node.id for node in named if isinstance(node.ctx, ast.Store)}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_keeps_the_names_it_imports(path):
    cells = code_cells(json.loads(path.read_text(encoding="utf-8")))
    assert rebound([source(cell) for cell in cells]) == set()


def test_a_name_taken_twice_is_noticed():
    assert rebound(["from mmrec.reports import tables", "tables = {}"]) == {"tables"}
    assert rebound(["from mmrec.reports import tables as t", "tables = t.show()"]) == set()


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_as_run_from_top_to_bottom(path):
    counts = [
        cell["execution_count"] for cell in code_cells(json.loads(path.read_text(encoding="utf-8")))
    ]
    if not any(counts):
        pytest.skip("not run yet")
    assert counts == list(range(1, len(counts) + 1))


def test_every_notebook_has_its_place_in_the_order():
    assert {path.stem for path in NOTEBOOKS} <= {stage.name for stage in STAGES}


def test_one_cell_of_the_book_teaches_by_a_function():
    tags = [
        cell["metadata"].get("tags", [])
        for path in NOTEBOOKS
        for cell in code_cells(json.loads(path.read_text(encoding="utf-8")))
    ]
    assert sum(TAUGHT in of_one for of_one in tags) <= 1


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_chapter_poses_one_question_and_ends_with_the_answer(path):
    """The first paragraph below the title and the level; the last section before the exercises."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    text = "\n\n".join(source(cell) for cell in cells if cell["cell_type"] == "markdown")
    title, level, first, *_ = text.split("\n\n")
    assert title.startswith("# ")
    assert level.startswith("*Level: ")
    assert first.count("?") == 1
    sections = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert [name for name in sections if name != "Exercises"][-1] == "Answer"


def cell(code: str, tags=(), outputs=()) -> dict:
    return {
        "cell_type": "code",
        "id": "x",
        "source": code,
        "metadata": {"tags": list(tags)},
        "outputs": list(outputs),
    }


GOOD = [cell("import numpy"), cell('profile: str = "paper"  # its name', ["parameters"])]


def notebook(cells: list[dict]) -> dict:
    kernel = {"kernelspec": {"name": "python3"}}
    return {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}


def test_a_good_notebook_has_no_problem():
    assert problems(notebook(GOOD)) == []
    assert problems(notebook([*GOOD, cell("def f():\n    pass", [TAUGHT])])) == []
    assert unfit(notebook(GOOD)) == []


@pytest.mark.parametrize(
    "cells",
    [
        [*GOOD, *[cell("1")] * 24],
        [*GOOD, cell("\n" * 15)],
        [*GOOD, cell("def f():\n    pass")],
        [*GOOD, cell("class C:\n    pass", [TAUGHT])],
        [*GOOD, cell("import os")],
        [*GOOD, cell("%time 1")],
        [GOOD[0]],
        [GOOD[0], cell('profile = "paper"', ["parameters"])],
        [*GOOD, GOOD[1]],
        [*GOOD, cell('summaries.save(found, "found", workspace)', ["exercise"])],
    ],
)
def test_a_bad_form_is_found(cells):
    assert problems(notebook(cells))


@pytest.mark.parametrize(
    "bad",
    [
        cell("", outputs=[{"output_type": "stream", "name": "stdout", "text": "/home/me/x"}]),
        cell("", outputs=[{"output_type": "stream", "name": "stderr", "text": "3/3"}]),
        cell("", outputs=[{"output_type": "error", "ename": "E", "evalue": ""}]),
        cell("", outputs=[{"output_type": "display_data", "data": {"text/plain": "a" * 500_000}}]),
        cell("path = '/tmp/x'"),
    ],
)
def test_what_must_not_be_published_is_found(bad):
    assert unfit(notebook([*GOOD, bad]))
