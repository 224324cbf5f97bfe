"""Under each table or figure of results there is a link to its file."""

import ast
import json
import re

import pytest

from mmrec.study import table_links
from mmrec.study.stages import STAGES
from mmrec.workspace import PROJECT

RESULTS = {path.stem for path in (PROJECT / "book" / "results").glob("*.csv")}


def chapters() -> dict[str, list[dict]]:
    """Code cells of every chapter."""
    found = {}
    for stage in STAGES:
        path = PROJECT / "notebooks" / f"{stage.name}.ipynb"
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        found[stage.name] = [cell for cell in cells if cell["cell_type"] == "code"]
    return found


CHAPTERS = chapters()


def strings(code: str) -> set[str]:
    return {
        node.value
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def saved(code: str) -> set[str]:
    """Names that a cell saves tables under, where it spells them."""
    calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    return {
        call.args[1].value
        for call in calls
        if ast.unparse(call.func) == "summaries.save" and isinstance(call.args[1], ast.Constant)
    }


@pytest.mark.parametrize("name", CHAPTERS)
def test_what_a_chapter_saves_it_links_and_nothing_else(name):
    cells = CHAPTERS[name]
    shown = {table for cell in cells for table in table_links.shown(cell)}
    code = ["".join(cell["source"]) for cell in cells]
    assert set().union(*map(saved, code)) <= shown <= set().union(*map(strings, code))


def test_every_table_of_the_reference_is_linked_in_a_chapter():
    shown = {table for cells in CHAPTERS.values() for c in cells for table in table_links.shown(c)}
    assert RESULTS - shown == set()


def test_a_cell_with_a_link_shows_something():
    for name, cells in CHAPTERS.items():
        for cell in cells:
            if RESULTS & {*table_links.shown(cell)}:
                shown = [output.get("data", {}) for output in cell["outputs"]]
                kinds = {"text/html", "image/png", "image/svg+xml"}
                assert any(kinds & set(data) for data in shown), (
                    name,
                    cell["id"],
                )


def cell(name: str, *tables: str) -> dict:
    metadata = {table_links.KEY: list(tables)} if tables else {}
    return {"cell_type": "code", "id": name, "metadata": metadata, "source": "", "outputs": []}


def test_links_come_below_their_cells_for_the_files_that_there_are():
    notebook = {"cells": [cell("a", "one"), cell("b"), cell("c", "two", "three", "none")]}
    linked = table_links.with_links(notebook, {"one", "two", "three"})["cells"]
    assert [one["id"] for one in linked] == ["a", "a-files", "b", "c", "c-files"]
    assert linked[1]["source"] == (
        "[Download: {download}`one.csv <../results/one.csv>`]{.results-file}"
    )
    assert re.findall(r"<(\S+)>", linked[4]["source"]) == [
        "../results/two.csv",
        "../results/three.csv",
    ]
    assert table_links.with_links(notebook, set()) == notebook
