"""Tasks of the study: doit decides what is out of date, papermill executes the notebooks.

``make`` is the way in; by hand, ``python -m doit profile=quick study``.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

from doit import get_var

from mmrec.settings import Settings
from mmrec.study import (
    book,
    execution,
    film_map,
    model,
    reference,
    staleness,
    summary,
    supervision,
    try_it,
)
from mmrec.study.pages import check
from mmrec.study.reporter import OneLineEach, told
from mmrec.study.stages import STAGES, Run, Stage

Task = dict[str, Any]

RUN = Run.open(get_var("profile") or "quick")

DOIT_CONFIG = {
    "default_tasks": ["study"],
    # Each stage keeps its own record in the workspace; doit's would add nothing to it.
    "backend": "sqlite3",
    "dep_file": ":memory:",
    "reporter": OneLineEach,
    "verbosity": 2,
}


def task_workspace() -> Task:
    """Checks the profile, and takes the workspace for this run alone."""

    def claim() -> None:
        if not RUN.committed:
            Settings.load(RUN.profile)
        supervision.claim(RUN.workspace.root)

    return {"actions": [told(claim)]}


def task_profile() -> Task:
    """Refuses the committed notebooks where a run of a profile is needed."""
    return {"actions": [told(RUN.refuse_committed)]}


def task_notebook() -> Iterator[Task]:
    """Executes the notebooks, one after the other."""
    previous = "workspace"
    for stage in () if RUN.committed else STAGES:

        def current(stage: Stage = stage) -> bool:
            return staleness.is_current(RUN, stage.name, partial(staleness.fingerprint, RUN, stage))

        yield {
            "name": stage.name,
            "actions": [(told(execution.execute), [RUN, stage])],
            "uptodate": [current],
            "task_dep": [previous],
        }
        previous = f"notebook:{stage.name}"


def task_book() -> Task:
    """Builds the book of the run (or, as profile=reference, of the committed notebooks)."""
    known = partial(staleness.book_fingerprint, RUN)
    return {
        "actions": [(told(book.build), [RUN])],
        "uptodate": [partial(staleness.is_current, RUN, "book", known)],
        "task_dep": ["workspace", "notebook"],
    }


def task_model() -> Task:
    """Trains the model that `mmrec recommend` asks."""
    known = partial(model.fingerprint, RUN)
    return {
        "actions": [(told(model.train), [RUN])],
        "uptodate": [partial(staleness.is_current, RUN, model.NAME, known)],
        "task_dep": ["profile", "workspace", "notebook"],
    }


def task_where() -> Task:
    """Builds the book and says where it is."""
    return {"actions": [(summary.say_where, [RUN])], "task_dep": ["book"]}


def task_study() -> Task:
    """Runs the notebooks, trains the model, builds the book, and shows Table I."""
    return {"actions": [(told(summary.show), [RUN])], "task_dep": ["profile", "model", "book"]}


def task_try_it() -> Task:
    """Makes what the page "Try it" computes with, from a run's ratings and the open data."""
    return {"actions": [(told(try_it.make), [RUN])], "task_dep": ["profile", "workspace"]}


def task_map() -> Task:
    """Makes what the page "Map of the films" shows, from a run's features and ratings."""
    return {"actions": [(told(film_map.make), [RUN])], "task_dep": ["profile", "workspace"]}


def task_claims() -> Task:
    """Says which claims of the text hold in a run, and which of its figures no claim covers."""
    return {"actions": [told(lambda: print(book.claims(RUN)))], "task_dep": ["workspace"]}


def task_reference() -> Task:
    """Makes the outputs and tables of the reference profile the committed ones."""
    return {"actions": [(told(reference.renew), [RUN])], "task_dep": ["notebook"]}


def task_pages() -> Task:
    """Opens every page of the book in a browser, and lists what is wrong with it."""
    return {"actions": [(told(check), [RUN])], "task_dep": ["book"]}
