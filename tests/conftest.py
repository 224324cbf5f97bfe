"""Prepares what the tests share: a build folder of their own, and small copies of the notebooks."""

import os
import shutil
from pathlib import Path

import hypothesis
import pytest

# The same examples in every run, on however slow a machine.
hypothesis.settings.register_profile(
    "study", deadline=None, derandomize=True, database=None, max_examples=60
)
hypothesis.settings.load_profile("study")

PROJECT = Path(__file__).resolve().parents[1]
BUILD = PROJECT / "build" / "test"
COPIES = BUILD / "notebooks"

# pytest silently drops a folder of `testpaths` that is not there when it starts.
COPIES.mkdir(parents=True, exist_ok=True)
# Kernels inherit this: no test touches the results of a run.
os.environ["MMREC_BUILD"] = str(BUILD)


def pytest_configure(config: pytest.Config) -> None:
    """With nbval: every notebook's copy gets the smoke parameters and keeps its stored outputs."""
    if not (config.getoption("nbval", False) or config.getoption("nbval_lax", False)):
        return
    import papermill

    shutil.rmtree(COPIES)
    shutil.rmtree(BUILD / "smoke", ignore_errors=True)
    COPIES.mkdir()
    for notebook in sorted((PROJECT / "notebooks").glob("*.ipynb")):
        papermill.execute_notebook(
            notebook,
            COPIES / notebook.name,
            parameters={"profile": "smoke"},
            prepare_only=True,
            progress_bar=False,
        )


@pytest.fixture(scope="session")
def notebooks() -> list[Path]:
    """The committed notebooks, in order."""
    return sorted((PROJECT / "notebooks").glob("*.ipynb"))
