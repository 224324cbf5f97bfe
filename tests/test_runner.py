"""What makes a notebook run again, and what is said when it stops."""

import json
import signal

import pytest

import dodo
from mmrec.settings import Settings
from mmrec.workspace import Workspace

FIRST, LAST = "01_dataset_enrichment", "09_rating_vectors"


def write(folder, name, code="from mmrec.errors import StudyError", prose="# Title", epochs=1):
    cells = [
        {"cell_type": "markdown", "metadata": {}, "source": prose},
        {"cell_type": "code", "metadata": {}, "source": code, "outputs": []},
        {
            "cell_type": "code",
            "metadata": {"tags": ["parameters"]},
            "source": f"epochs: int = {epochs}  # passes",
            "outputs": [],
        },
    ]
    (folder / f"{name}.ipynb").write_text(json.dumps({"cells": cells}))


@pytest.fixture
def study(tmp_path, monkeypatch):
    """A study of two notebooks in a workspace of its own."""
    monkeypatch.setattr(dodo, "NOTEBOOKS", tmp_path)
    monkeypatch.setattr(dodo, "WORKSPACE", Workspace(tmp_path / "run", tmp_path / "cache"))
    for variable in dodo.SOURCE_FOLDERS:
        monkeypatch.delenv(variable, raising=False)
    dodo.source_folders.cache_clear()
    for name in (FIRST, LAST):
        write(tmp_path, name)
    yield tmp_path
    dodo.source_folders.cache_clear()


def states():
    dodo.source_folders.cache_clear()
    return dodo.state(FIRST), dodo.state(LAST)


def test_prose_and_outputs_run_nothing_again(study):
    before = states()
    write(study, FIRST, prose="# Another title")
    assert states() == before


@pytest.mark.parametrize("change", [{"code": "import mmrec.errors\n1"}, {"epochs": 2}])
def test_code_and_parameters_run_it_again(study, change):
    before = states()
    write(study, FIRST, **change)
    assert states()[0] != before[0]
    assert states()[1] == before[1]


def test_what_earlier_notebooks_left_runs_the_later_ones_again(study):
    before = states()
    features = study / "run" / "features"
    features.mkdir(parents=True)
    (features / "text.parquet").write_text("vectors")
    first, last = states()
    assert (first, last != before[1]) == (before[0], True)
    (features / "text.parquet").write_text("other vectors")
    assert states()[1] != last
    (features / "text.parquet").write_text("vectors")
    assert states()[1] == last


@pytest.mark.parametrize("variable", dodo.SOURCE_FOLDERS)
def test_a_source_folder_runs_the_first_floors_again(study, monkeypatch, variable):
    before = states()
    folder = study / "sources"
    folder.mkdir()
    monkeypatch.setenv(variable, str(folder))
    empty = states()
    (folder / "1.mp4").write_text("film")
    filled = states()
    assert len({before[0], empty[0], filled[0]}) == 3
    assert before[1] == empty[1] == filled[1]


def test_a_notebook_depends_on_the_settings_it_reads_and_no_others():
    quick = Settings.load("quick")
    used = dodo.settings_used(["Settings.load(profile)", "f(run.epochs, n=run.seeds[0])"], quick)
    assert used == {"seeds": quick.seeds, "epochs": quick.epochs}


@pytest.mark.parametrize(
    ("code", "error", "said"),
    [
        (
            1,
            {"ename": "StudyError", "evalue": "x.csv: bad line. Mend it.\nmore"},
            "x.csv: bad line. Mend it.",
        ),
        (1, {"ename": "KeyError", "evalue": "'x'"}, "KeyError: 'x'"),
        (1, None, "DeadKernelError: Kernel died"),
        (-signal.SIGINT, None, "Interrupted: the same command continues where it stopped."),
        (-signal.SIGKILL, None, "Ended from outside (SIGKILL); out of memory, perhaps."),
    ],
)
def test_a_stop_is_told_in_one_line(tmp_path, code, error, said):
    outputs = [{"output_type": "error", **error}] if error else []
    part, log = tmp_path / "x.part.ipynb", tmp_path / "x.log"
    part.write_text(json.dumps({"cells": [{"outputs": outputs}]}))
    log.write_text("Traceback\nDeadKernelError: Kernel died\n\n")
    assert dodo.failure(code, part, log) == said


def test_a_half_written_notebook_hides_no_reason(tmp_path):
    part, log = tmp_path / "x.part.ipynb", tmp_path / "x.log"
    part.write_text("")
    log.write_text("No such kernel\n")
    assert dodo.failure(1, part, log) == "No such kernel"


def test_table_one_is_shown_with_its_sources():
    rows = [
        {"row": "text", "fold": "u1", "rmse_mean": "1.03124", "rmse_sd": "0.00111",
         "paper_rmse": "1.054", "sources": "meta: graph (a; b) | text: open synopses"},
        {"row": "user mean", "fold": "u1", "rmse_mean": "1.063", "rmse_sd": "", "paper_rmse": "",
         "sources": ""},
    ]  # fmt: skip
    lines = dodo.as_text(rows).splitlines()
    assert lines[2:4] == ["  meta: graph (a; b)", "  text: open synopses"]
    assert lines[-2].split() == ["text", "1.031", "±", "0.001", "1.054"]
    assert lines[-1].split() == ["user", "mean", "1.063"]


def test_the_runs_page_tells_time_sources_and_versions():
    record = {
        "profile": "quick",
        "machine": {"python": "3.11.7", "cores": 2, "capabilities": ["avx2"]},
        "versions": {"numpy": "2.4.6"},
        "sources": {"ml-100k": {"place": "mirror (ml-100k)", "licence": "research use"}},
        "stages": {FIRST: {"seconds": 90.0, "peak_memory_mb": 250}},
    }
    page = dodo.hardware.page(record)
    for told in (
        "time in all | 1.5 min |",
        f"| `{FIRST}` | 90 | 0.2 |",
        "mirror (ml-100k)",
        "| numpy | 2.4.6 |",
    ):
        assert told in page
    assert "No record" in dodo.hardware.page({})
