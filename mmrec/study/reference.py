"""The outputs and tables of a run of the reference profile, for the project."""

import json
import shutil
from typing import Any

from mmrec.errors import StudyError, local_failures
from mmrec.settings import REFERENCE
from mmrec.study.cells import read_notebook
from mmrec.study.record import NAME
from mmrec.study.stages import STAGES, Run, matching, short
from mmrec.workspace import atomic_path


def renew(run: Run) -> None:
    """Commits a run of the reference profile; refuses any other."""
    if run.profile != REFERENCE:
        print(f"Only the profile {REFERENCE} is committed.")
        return
    commit(run)
    print("Copied to notebooks/ and book/results/: look at the difference, then commit.")


def commit(run: Run) -> None:
    """Copies the outputs of a run into the project's notebooks, and its tables into the book.

    The prose of the project is kept, since editing it does not require running a notebook again.
    Progress bars and warnings are left out.

    Raises:
        StudyError: If a notebook has cells that the executed one lacks.
    """
    for stage in STAGES:
        path = run.sources / f"{stage.name}.ipynb"
        notebook = with_outputs(read_notebook(path), run, stage.name)
        text = json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
        with atomic_path(path) as part:
            part.write_text(text, encoding="utf-8")
    target = run.book / "results"
    with local_failures(target):
        target.mkdir(exist_ok=True)
        for file in matching(["*.csv", NAME], run.results):
            shutil.copy(file, target)


def with_outputs(notebook: dict[str, Any], run: Run, name: str) -> dict[str, Any]:
    """A notebook with the outputs that its cells have in the executed one."""
    path = run.executed / f"{name}.ipynb"
    executed = {cell["id"]: cell for cell in read_notebook(path)["cells"] if "outputs" in cell}
    for cell in notebook["cells"]:
        if "outputs" not in cell:
            continue
        if cell["id"] not in executed:
            raise StudyError(
                f"cell {cell['id']} was not executed",
                where=short(path),
                remedy="Run the reference profile again, then this command.",
            )
        done = executed[cell["id"]]
        cell["outputs"] = [one for one in done["outputs"] if one.get("name") != "stderr"]
        cell["execution_count"] = done["execution_count"]
    return notebook
