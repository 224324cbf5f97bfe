"""The book of a run, built by Jupyter Book from pages, executed notebooks and result tables."""

import json
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import yaml

from mmrec.errors import local_failures
from mmrec.study import added_pages, extent, record, supervision, table_captions, table_links
from mmrec.study.api import pages as api
from mmrec.study.cells import cells_digest, code_cells, read_notebook
from mmrec.study.record import RunRecord
from mmrec.study.stages import STAGES, Run, matching, short
from mmrec.study.staleness import book_fingerprint, forget, package_digest, remember
from mmrec.study.supervision import Stopped
from mmrec.workspace import PROJECT

CITATION = PROJECT / "CITATION.cff"

NOTICE = """\
:::{admonition} Outputs of an earlier version
:class: warning
The outputs on this page were made by an earlier version of the code that is shown with them. The
next reference run renews them; [](../this_run.md) lists the pages concerned.
:::
"""


def build(run: Run) -> None:
    """Builds the book in a folder of its own, then puts it in the place of the last one.

    Raises:
        Stopped: If Jupyter Book is interrupted, fails, or has anything to warn of.
        StudyError: If a committed notebook or the committed record cannot be read.
        LocalError: If the disk is full or may not be written.
    """
    state = book_fingerprint(run)
    forget(run, "book")
    staged, log = run.workspace.root / "book-src", run.logs / "book.log"

    def stage() -> None:
        with local_failures(staged):
            _stage(run, staged)

    command = [sys.executable, "-m", "mmrec.study.jupyter_book", "build", str(staged)]
    command += ["-W", "-n", "--keep-going"]
    code, _ = supervision.run(command, log, run.workspace.root, meanwhile=stage)
    if code:
        raise Stopped(f"{_warnings(log)}\nLog: {short(log)}")
    with local_failures(run.pages):
        if run.pages.exists():
            os.replace(run.pages, staged / "old")
        os.replace(staged / "_build" / "html", run.pages)
        shutil.rmtree(staged, ignore_errors=True)
    remember(run, "book", state=state, left=matching(["**/*"], run.pages))


def changed(notebooks: dict[str, dict[str, Any]], known: RunRecord | None) -> dict[str, str]:
    """The stages whose code has changed since their outputs were computed, and what changed.

    Args:
        notebooks: The notebooks that the book shows, by stage.
        known: The record of the run that computed their outputs.
    """
    found = {}
    for name, notebook in notebooks.items():
        stage = known.stages.get(name) if known else None
        if stage is None:
            continue
        if stage.cells != cells_digest(notebook):
            found[name] = "the notebook's own code"
        elif stage.package not in (None, package_digest(code_cells(notebook))):
            found[name] = "the package behind it, or the version of a library"
    return found


def below_title(page: str, text: str) -> str:
    """A page in Markdown with some text below its title, which is its first line."""
    title, _, rest = page.partition("\n")
    return f"{title}\n\n{text}\n{rest}" if text else page


def noted(notebook: dict[str, Any], text: str) -> dict[str, Any]:
    """A notebook with some text below its title, which is the first line of its first cell."""
    first, *rest = notebook["cells"]
    source = below_title("".join(first["source"]), text)
    return {**notebook, "cells": [{**first, "source": source}, *rest]}


def _stage(run: Run, staged: Path) -> None:
    shutil.rmtree(staged, ignore_errors=True)
    shutil.copytree(run.book, staged, ignore=shutil.ignore_patterns("results"))
    known = record.read(run)
    notebooks = {
        stage.name: read_notebook(run.executed / f"{stage.name}.ipynb")
        for stage in STAGES
        if (run.executed / f"{stage.name}.ipynb").exists()
    }
    differ, note = changed(notebooks, known), extent.note(run)
    tables = matching(["*.csv"], run.results)
    (staged / "results").mkdir(exist_ok=True)
    for table in tables:
        shutil.copy(table, staged / "results")
    (staged / "notebooks").mkdir()
    for name, notebook in notebooks.items():
        shown = table_captions.with_captions(notebook)
        shown = table_links.with_links(shown, {table.stem for table in tables})
        if differ.get(name) == "the notebook's own code":
            shown = noted(shown, NOTICE)
        shown = noted(shown, note)
        text = json.dumps(shown, ensure_ascii=False)
        (staged / "notebooks" / f"{name}.ipynb").write_text(text, encoding="utf-8")
    added = {
        "this_run": record.page(known, differ) + ("" if run.committed else _not_so(staged)),
        "cite": added_pages.citation(CITATION),
        "downloads": added_pages.downloads(staged / "results", list(notebooks)),
        "in_a_browser": added_pages.in_a_browser(_address(staged / "_config.yml")),
    }
    for name, page in added.items():
        (staged / f"{name}.md").write_text(page, encoding="utf-8")
    for path in (staged / "intro.md", staged / "this_run.md"):
        path.write_text(below_title(path.read_text(encoding="utf-8"), note), encoding="utf-8")
    for name, page in api.pages(api.callers()).items():
        (staged / "api" / f"{name}.rst").write_text(page, encoding="utf-8")
    _draw(staged)
    _configure(staged / "_config.yml", strict=run.committed)


def written_pages(run: Run) -> dict[str, Path]:
    """Every page that is written, by its name in the book, and the README."""
    found = {path.stem: path for path in sorted(run.book.glob("*.md"))}
    notebooks = {f"notebooks/{s.name}": run.executed / f"{s.name}.ipynb" for s in STAGES}
    return {
        **found,
        **{name: path for name, path in notebooks.items() if path.exists()},
        "README": run.book.parent / "README.md",
    }


def claims(run: Run) -> str:
    """The result of each claim on a run, and the figures in prose that no claim covers."""
    from mmrec.study.claims import report  # takes pandas, which most runs do not need

    return report.listing(run.results, written_pages(run))


def _not_so(staged: Path) -> str:
    """A section on the sentences of a staged book that do not hold in its run.

    The reference book needs none, since there a claim that does not hold stops the build.
    """
    from mmrec.study.claims import prose, report

    texts = {
        path.relative_to(staged).with_suffix("").as_posix(): prose.text_of(path)
        for path in matching(["*.md", "notebooks/*.ipynb"], staged)
    }
    return report.section(report.findings(staged / "results"), texts)


def _draw(staged: Path) -> None:
    """Draws the figure of the opening page from the tables of the run."""
    from mmrec.reports import headline

    headline.draw(staged / "results", staged / "figures" / "headline.svg")


def _address(config: Path) -> str:
    """The address of the repository, on which the buttons of the book depend; may be empty."""
    address: str = yaml.safe_load(config.read_text(encoding="utf-8"))["repository"]["url"]
    return address


def _configure(path: Path, *, strict: bool) -> None:
    """Tells Sphinx whether a claim that does not hold stops the build."""
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    config["sphinx"]["config"]["claims_strict"] = strict
    path.write_text(yaml.safe_dump(config, allow_unicode=True, sort_keys=False), encoding="utf-8")


def _warnings(log: Path) -> str:
    """The first lines of a log that contain a warning or an error."""
    text = re.sub(r"\x1b\[[0-9;]*m", "", log.read_text(encoding="utf-8", errors="replace"))
    told = [line for line in text.splitlines() if re.search(r"WARNING|ERROR|Error:", line)]
    return "\n".join(told[:5]) or "jupyter-book failed without a warning"
