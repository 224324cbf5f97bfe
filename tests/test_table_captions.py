"""Every table of the book has a caption, from its code or from the metadata of its cell."""

import json
import re

import pytest

from mmrec.study import table_captions
from mmrec.study.stages import STAGES
from mmrec.workspace import PROJECT


def chapter(name: str) -> dict:
    path = PROJECT / "notebooks" / f"{name}.ipynb"
    return json.loads(path.read_text(encoding="utf-8"))


def tables(notebook: dict) -> list[tuple[str, str]]:
    """Cell and HTML of every table."""
    outputs = [
        (cell["id"], output) for cell in notebook["cells"] for output in cell.get("outputs", [])
    ]
    html = [
        (cell, "".join(output.get("data", {}).get("text/html", ""))) for cell, output in outputs
    ]
    return [(cell, text) for cell, text in html if "<table" in text]


@pytest.mark.parametrize("name", [stage.name for stage in STAGES])
def test_every_table_has_a_caption(name):
    shown = table_captions.with_captions(chapter(name))
    bare = [cell for cell, html in tables(shown) if not re.search(r"<caption[^>]*>\S", html)]
    assert bare == []


@pytest.mark.parametrize("name", [stage.name for stage in STAGES])
def test_no_caption_is_lost(name):
    """A cell with a caption has a table to carry it."""
    notebook = chapter(name)
    named = {c["id"] for c in notebook["cells"] if table_captions.KEY in c["metadata"]}
    assert named <= {cell for cell, _ in tables(notebook)}


def cell(html: str | list[str], **metadata: str) -> dict:
    output = {"output_type": "execute_result", "data": {"text/html": html, "text/plain": "1"}}
    return {"cell_type": "code", "id": "x", "metadata": metadata, "outputs": [output]}


def shown(one: dict) -> str:
    (found,) = table_captions.with_captions({"cells": [one]})["cells"]
    return "".join(found["outputs"][0]["data"]["text/html"])


def test_a_table_without_a_caption_gets_that_of_its_cell():
    html = shown(
        cell(['<div>\n<table class="a">\n', "<tr></tr></table></div>"], caption="A < \\1.")
    )
    assert re.search(r'<table class="a">\s*<caption[^>]*>A &lt; \\1\.</caption>\s*<tr>', html)


def test_a_caption_of_the_cell_follows_that_of_the_code():
    html = shown(cell("<table><caption>Errors.</caption></table>", caption="From facts alone."))
    assert html == "<table><caption>Errors. From facts alone.</caption></table>"


def test_what_has_no_caption_to_add_stays_as_it_is():
    text = {"cell_type": "markdown", "id": "t", "metadata": {"caption": "No table."}}
    notebook = {"cells": [cell("<table></table>"), text]}
    assert table_captions.with_captions(notebook) == notebook
