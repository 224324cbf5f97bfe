"""The book builds without a warning, and its drawings are what their script draws."""

import json
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

from mmrec.errors import StudyError
from mmrec.provenance import digest
from mmrec.study import book, execution, extent, record, reference
from mmrec.study.cells import cells_digest, read_notebook
from mmrec.study.record import RunRecord
from mmrec.study.stages import STAGES, Run
from mmrec.workspace import Workspace

PROJECT = Path(__file__).resolve().parents[1]
BOOK = PROJECT / "book"


def _has_outputs(path: Path) -> bool:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return any(cell.get("outputs") for cell in cells)


def test_the_book_builds_from_the_committed_notebooks(notebooks):
    """Warnings are errors: an unknown citation, label or page fails here."""
    if {path.stem for path in notebooks} != {stage.name for stage in STAGES} or not all(
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
    sidebar = (pages / "intro.html").read_text(encoding="utf-8")
    numbered = re.findall(r'href="notebooks/(\w+)\.html">(\d+)\. ', sidebar)
    assert dict(numbered) == {stage.name: str(int(stage.name[:2])) for stage in STAGES}


def test_the_table_of_contents_lists_every_stage_in_order():
    contents = (BOOK / "_toc.yml").read_text(encoding="utf-8")
    listed = re.findall(r"notebooks/(\w+)", contents)
    assert listed == [stage.name for stage in STAGES]


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


# --- outputs and the code that made them ----------------------------------------------------------


def notebook(*code: str, title="# Title\n\nText."):
    cells = [{"cell_type": "markdown", "id": "title", "metadata": {}, "source": title}]
    for number, source in enumerate(code):
        cell = {"cell_type": "code", "id": f"c{number}", "metadata": {}, "source": source}
        cells.append({**cell, "outputs": [], "execution_count": 1})
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def run_record(**stages) -> RunRecord:
    return RunRecord.model_validate(
        {
            "profile": "quick",
            "hardware": {
                "python": "3.11.7",
                "system": "Linux",
                "processor": "one",
                "cores": 2,
                "capabilities": ["avx2"],
            },
            "versions": {"numpy": "2.4.6"},
            "sources": {"ml-100k": {"place": "mirror (ml-100k)", "licence": "research use"}},
            "stages": {
                name: {"seconds": 90, "peak_memory_mb": 250, **stage}
                for name, stage in stages.items()
            },
        }
    )


def test_a_page_whose_code_has_changed_since_says_so():
    made = notebook("import numpy", "1")
    known = run_record(a={"cells": cells_digest(made)}, b={"cells": cells_digest(made)})
    now = {"a": notebook("import numpy  # vectors", "\n1"), "b": notebook("import numpy", "2")}
    assert book.changed(now, known) == {"b": "the notebook's own code"}
    assert book.changed(now, None) == {}
    first, *rest = book.noted(now["b"], book.NOTICE)["cells"]
    assert first["source"] == f"# Title\n\n{book.NOTICE}\n\nText."
    assert rest == now["b"]["cells"][1:]


def test_a_package_that_has_changed_since_is_listed_on_the_page_of_the_run():
    made = notebook("import mmrec.errors")
    known = run_record(a={"cells": cells_digest(made), "package": digest("another")})
    assert book.changed({"a": made}, known)["a"].startswith("the package behind it")
    page = record.page(known, book.changed({"a": made}, known))
    assert "| `a` | the package behind it" in page


@pytest.mark.parametrize(
    ("profile", "part"),
    [
        ("paper", ""),
        ("reference", ""),
        (
            "smoke",
            "ratings of the first 120 of 943 users "
            "and features of the 60 most-rated of 1,682 movies",
        ),
    ],
)
def test_a_run_states_which_part_of_the_data_it_covers(tmp_path, profile, part):
    run = Run(profile, Workspace(tmp_path / "run", tmp_path / "cache"))
    assert extent.covered(run) == part
    assert (f"This run covers the {part}." in extent.note(run)) == bool(part)


def test_every_page_with_results_states_the_part_of_the_data(tmp_path):
    class Part(Run):
        executed = Run.sources

    run = Part("smoke", Workspace(tmp_path / "run", tmp_path / "cache"))
    run.results.mkdir(parents=True)
    book._stage(run, tmp_path / "staged")
    told = {path for path in (tmp_path / "staged").rglob("*.*") if _says(path, extent.note(run))}
    expected = ["intro.md", "this_run.md", *(f"notebooks/{stage.name}.ipynb" for stage in STAGES)]
    assert told == {tmp_path / "staged" / page for page in expected}


def _says(page: Path, text: str) -> bool:
    if page.suffix == ".ipynb":
        return text in "".join(read_notebook(page)["cells"][0]["source"])
    return page.suffix == ".md" and text in page.read_text(encoding="utf-8")


def test_an_injected_cell_does_not_count():
    made = notebook("1")
    cell = {"cell_type": "code", "metadata": {"tags": ["injected-parameters"]}, "source": "2"}
    assert cells_digest({"cells": [*made["cells"], cell]}) == cells_digest(made)


def test_an_exercise_counts_for_an_execution_but_not_for_the_record():
    made = notebook("1")
    answers = [
        {"cell_type": "code", "metadata": {"tags": ["hide-cell", "exercise"]}, "source": source}
        for source in ("2", "3")
    ]
    with_one, with_other = ({"cells": [*made["cells"], answer]} for answer in answers)
    assert cells_digest(with_one) == cells_digest(made)
    known = run_record(a={"cells": cells_digest(made)})
    assert book.changed({"a": with_one}, known) == {}
    whole = [cells_digest(one, exercises=True) for one in (made, with_one, with_other)]
    assert len({*whole}) == 3
    assert whole[0] == cells_digest(made)


def test_the_committed_record_knows_the_code_of_every_stage():
    known = record.read(Run.open("reference"))
    assert set(known.stages) == {stage.name for stage in STAGES}


def test_every_page_with_older_outputs_carries_the_notice(tmp_path):
    run = Run("reference", Workspace(tmp_path / "run", tmp_path / "cache"))
    book._stage(run, tmp_path / "staged")
    known = record.read(run)
    for stage in STAGES:
        committed = read_notebook(run.sources / f"{stage.name}.ipynb")
        staged = (tmp_path / "staged" / "notebooks" / f"{stage.name}.ipynb").read_text()
        differs = cells_digest(committed) != known.stages[stage.name].cells
        assert ("made by an earlier version of the code" in staged) == differs


def test_the_runs_page_tells_time_sources_and_versions():
    page = record.page(run_record(first={"cells": "0"}), {})
    for told in (
        "time of the last executions | 1.5 min |",
        "| `first` | 90 | 0 | 0.2 |",
        "mirror (ml-100k)",
        "| numpy | 2.4.6 |",
    ):
        assert told in page
    assert "No record" in record.page(None, {})
    trained = record.page(run_record(first={"cells": "0", "training_seconds": 1200}), {})
    assert "| `first` | 90 | 20 | 0.2 |" in trained


@pytest.mark.parametrize("text", ["", "{", "[]", '{"profile": "quick"}', '{"profile": 3}'])
def test_a_damaged_record_of_a_run_is_begun_again(tmp_path, text):
    run = Run("smoke", Workspace(tmp_path / "run", tmp_path / "cache"))
    run.results.mkdir(parents=True)
    (run.results / "run.json").write_text(text)
    assert record.read(run) is None
    done = {"seconds": 1.0, "peak_memory_mb": 10, "cells": "0"}
    record.add(run, "first", record.StageRecord(**done))
    record.add(run, "second", record.StageRecord(**done))
    assert list(record.read(run).stages) == ["first", "second"]


def test_a_damaged_committed_record_is_an_error_and_stays(tmp_path):
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "run.json").write_text("{")
    run = Run("reference", Workspace(tmp_path, tmp_path), book=tmp_path)
    with pytest.raises(StudyError, match=r"run\.json.*Restore it from version control"):
        record.read(run)
    assert (tmp_path / "results" / "run.json").exists()


def test_a_training_behind_two_tables_counts_once(tmp_path):
    folder = tmp_path / "tables"
    folder.mkdir()
    for name, hashes in (("one", ["a", "a", "b"]), ("two", ["b", "c"])):
        runs = pd.DataFrame({"hash": hashes, "train_seconds": [60.0] * len(hashes)})
        runs.to_parquet(folder / f"{name}.parquet")
    left = [*folder.glob("*"), tmp_path / "runs.parquet", tmp_path / "a.ipynb"]
    assert execution._training_seconds(left) == 180
    assert execution._training_seconds(left[2:]) == 0


# --- what becomes the committed reference ---------------------------------------------------------


def output(name: str, text: str) -> dict:
    return {"output_type": "stream", "name": name, "text": text}


@pytest.fixture
def reference_run(tmp_path):
    """A run of the reference profile whose notebooks have been executed."""
    run = Run(
        "paper",
        Workspace(tmp_path / "run", tmp_path / "cache"),
        sources=tmp_path / "notebooks",
        book=tmp_path / "book",
    )
    for folder in (run.sources, run.executed, run.results, run.book):
        folder.mkdir(parents=True)
    for stage in STAGES:
        path = f"{stage.name}.ipynb"
        (run.sources / path).write_text(json.dumps(notebook("1", "2", title="# Newer prose")))
        executed = notebook("1", "2")
        for number, cell in enumerate(executed["cells"][1:], start=1):
            cell["execution_count"] = number
            cell["outputs"] = [output("stderr", "3/3"), output("stdout", f"made by {number}")]
        (run.executed / path).write_text(json.dumps(executed))
    (run.results / "table1.csv").write_text("row\n")
    (run.results / "run.json").write_text("{}")
    (run.results / "runs.parquet").write_text("")
    return run


def test_outputs_and_tables_become_the_committed_ones_and_prose_stays(reference_run):
    reference.commit(reference_run)
    committed = read_notebook(reference_run.sources / f"{STAGES[0].name}.ipynb")
    title, first, second = committed["cells"]
    assert title["source"] == "# Newer prose"
    assert first["outputs"] == [output("stdout", "made by 1")]
    assert second["execution_count"] == 2
    copied = {path.name for path in (reference_run.book / "results").iterdir()}
    assert copied == {"table1.csv", "run.json"}


def test_a_cell_that_was_not_executed_is_not_committed(reference_run):
    path = reference_run.sources / f"{STAGES[0].name}.ipynb"
    path.write_text(json.dumps(notebook("1", "2", "3")))
    with pytest.raises(StudyError, match="cell c2 was not executed"):
        reference.commit(reference_run)
    assert read_notebook(path) == notebook("1", "2", "3")
