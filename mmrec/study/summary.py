"""The last output of a run: Table I on the terminal, and where the book is."""

from mmrec.provenance import code_digest, digest
from mmrec.study import extent
from mmrec.study.stages import Run
from mmrec.study.staleness import contents, is_current, remember
from mmrec.workspace import atomic_path


def show(run: Run) -> None:
    """Prints Table I, as the book shows it, and where the book is.

    The text is cached, because importing the formatter takes seconds and most runs change nothing.
    """
    table, text = run.results / "table1.csv", run.workspace.root / "table1.txt"
    if table.exists():
        state = digest([contents([table], run.results), code_digest("mmrec.reports.tables")])
        if not is_current(run, "table1", lambda: state):
            with atomic_path(text) as part:
                part.write_text(table_one(run), encoding="utf-8")
            remember(run, "table1", state=state, left=[text])
        print(text.read_text(encoding="utf-8"))
    say_where(run)


def table_one(run: Run) -> str:
    """Table I for the terminal, under the caption that it has in the book, and its profile."""
    import pandas as pd

    from mmrec.reports import tables

    rows = pd.read_csv(run.results / "table1.csv")
    part = f", {some}" if (some := extent.covered(run)) else ""
    return f"\n{tables.show(rows, f'Table I, profile {run.profile}{part}')}"


def say_where(run: Run) -> None:
    """Prints where the book is."""
    print(f"\nThe book: {run.pages / 'index.html'}")
