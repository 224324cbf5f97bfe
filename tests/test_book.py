"""The book builds without a warning, and its drawings are what their script draws."""

import json
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import dodo

PROJECT = Path(__file__).resolve().parents[1]
BOOK = PROJECT / "book"


def _has_outputs(path: Path) -> bool:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return any(cell.get("outputs") for cell in cells)


def test_the_book_builds_from_the_committed_notebooks(notebooks):
    """Warnings are errors: an unknown citation, label or page fails here."""
    if {path.stem for path in notebooks} != set(dodo.STAGES) or not all(
        map(_has_outputs, notebooks)
    ):
        pytest.skip("the reference run is not committed yet")
    command = [sys.executable, "-m", "doit", "profile=reference", "book"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    pages = PROJECT / "build" / "test" / "reference" / "book"
    assert (pages / "index.html").exists()
    for page in pages.rglob("*.html"):
        loaded = re.findall(
            r'<(?:script|img|iframe)[^>]+src="(https?:)?//[^"]+"'
            r'|<link[^>]+rel="stylesheet"[^>]+href="(?:https?:)?//',
            page.read_text(encoding="utf-8"),
        )
        assert not loaded, f"{page.name} needs the network to be read"


def test_the_table_of_contents_lists_every_stage_in_order():
    contents = (BOOK / "_toc.yml").read_text(encoding="utf-8")
    listed = re.findall(r"notebooks/(\w+)", contents)
    assert listed == list(dodo.STAGES)


def test_every_page_is_in_the_table_of_contents():
    contents = yaml.safe_load((BOOK / "_toc.yml").read_text(encoding="utf-8"))
    chapters = [chapter["file"] for part in contents["parts"] for chapter in part["chapters"]]
    assert {path.stem for path in BOOK.glob("*.md")} <= {contents["root"], *chapters}


def test_drawings_are_what_the_script_draws(tmp_path):
    script = runpy.run_path(str(BOOK / "figures" / "draw.py"))
    names = set()
    for figure in script["FIGURES"]:
        drawn = tmp_path / f"{figure.__name__}.svg"
        figure().save(drawn)
        assert drawn.read_bytes() == (BOOK / "figures" / drawn.name).read_bytes(), drawn.name
        names.add(drawn.name)
    assert names == {path.name for path in (BOOK / "figures").glob("*.svg")}
