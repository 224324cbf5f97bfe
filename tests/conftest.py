"""Prepares what the tests share: a build folder of their own, and small copies of the notebooks."""

import os
import shutil
from pathlib import Path
from typing import Any

# Workers of `pytest -n` share the cores: one thread each. Told before any library that counts them.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import hypothesis
import pytest

# The same examples in every run, on however slow a machine.
hypothesis.settings.register_profile(
    "study", deadline=None, derandomize=True, database=None, max_examples=60
)
hypothesis.settings.load_profile("study")

# Thousands of small files are written here, and no test survives a power cut: waiting for the disk
# at each of them would cost a fifth of the time.
os.fsync = lambda descriptor: None

PROJECT = Path(__file__).resolve().parents[1]
BUILD = PROJECT / "build" / "test"
COPIES = BUILD / "notebooks"

# pytest silently drops a folder of `testpaths` that is not there when it starts.
COPIES.mkdir(parents=True, exist_ok=True)
# Kernels inherit this: no test touches the results of a run.
os.environ["MMREC_BUILD"] = str(BUILD)


# Modules that train networks, embed media, build the book or start other processes, and tests that
# do so within others. `make check` leaves them out, `make test` runs them.
SLOW_MODULES = {
    "test_audio",
    "test_benchmark",
    "test_comparisons",
    "test_content_models",
    "test_contributing",
    "test_determinism",
    "test_enrich",
    "test_execution",
    "test_experiment",
    "test_experiment_runs",
    "test_exporting",
    "test_film_map",
    "test_graph",
    "test_inference",
    "test_lenskit_models",
    "test_lists",
    "test_models",
    "test_new_films_added",
    "test_own_page",
    "test_pipeline",
    "test_provenance",
    "test_recommend",
    "test_registry",
    "test_runner",
    "test_seal",
    "test_served_training",
    "test_store",
    "test_summaries",
    "test_toolbox_export",
    "test_training",
    "test_training_benchmark",
    "test_try_it",
    "test_video",
    "test_youtube",
}
SLOW_TESTS = {
    "test_the_book_builds_from_the_committed_notebooks",
    "test_no_text_covers_another_and_axes_have_units",
    "test_languages_and_countries_agree_with_freebase",
    "test_skipping_what_is_not_needed_changes_no_pixel",
}
# What begins first, after the notebooks: left to the end, one of these would keep one worker alone.
LONGEST = ("test_try_it", "test_own_page", "test_book")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what takes seconds, and puts it first, so that workers end with small things."""
    for item in items:
        if item.path.stem in SLOW_MODULES or item.name.split("[")[0] in SLOW_TESTS:
            item.add_marker(pytest.mark.slow)
    items.sort(key=lambda item: _turn(item.path))


def _turn(path: Path) -> int:
    """Place in the order of modules; those with the same keep the order they have."""
    if path.suffix == ".ipynb":
        return 0
    if path.stem in LONGEST:
        return 1 + LONGEST.index(path.stem)
    return 1 + len(LONGEST) + (path.stem not in SLOW_MODULES)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With `-n`: a module stays on one worker, and all notebooks on one, in their order."""
    from xdist.scheduler import LoadFileScheduling

    class Modules(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return "notebooks" if file.endswith(".ipynb") else file

    config.option.loadscopereorder = False  # in the order of collection, not the largest first
    return Modules(config, log)


def pytest_configure(config: pytest.Config) -> None:
    """With nbval: every notebook's copy gets the smoke parameters and keeps its stored outputs."""
    if not (config.getoption("nbval", False) or config.getoption("nbval_lax", False)):
        return
    if hasattr(config, "workerinput"):
        return  # the process that started this worker has made them
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
