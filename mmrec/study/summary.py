"""What a run ends with: Table I on the terminal, and where the book is."""

from mmrec.study.stages import Run


def show(run: Run) -> None:
    """Prints Table I, as the book shows it, and where the book is."""
    table = run.results / "table1.csv"
    if table.exists():
        print(table_one(run))
    say_where(run)


def table_one(run: Run) -> str:
    """Table I for the terminal, under the caption that it has in the book, and its profile."""
    import pandas as pd  # slow to import, and a run that has nothing to do needs neither

    from mmrec.reports import tables

    rows = pd.read_csv(run.results / "table1.csv")
    return f"\n{tables.show(rows, f'Table I, profile {run.profile}')}"


def say_where(run: Run) -> None:
    """Prints where the book is."""
    print(f"\nThe book: {run.pages / 'index.html'}")
