"""What a run ends with: Table I on the terminal, and where the book is."""

from mmrec.study.stages import Run

_SHOWN = ("row", "features", "protocol", "RMSE", "precision", "recall", "the paper's RMSE")


def show(run: Run) -> None:
    """Prints Table I, as the book shows it, and where the book is."""
    table = run.results / "table1.csv"
    if table.exists():
        print(table_one(run))
    say_where(run)


def table_one(run: Run) -> str:
    """Table I for the terminal, under a caption that names its profile and its sources."""
    import pandas as pd  # slow to import, and a run that has nothing to do needs neither

    from mmrec.reports import tables

    rows = pd.read_csv(run.results / "table1.csv")
    cited = rows["sources"].dropna().str.split(" | ", regex=False).explode().unique()
    caption = f"Table I, profile {run.profile}, fold {', '.join(sorted(rows['fold'].unique()))}"
    shown = tables.show(rows)
    text = shown.to_string(index=False, na_rep="")
    return "\n".join(["", caption, *(f"  {source}" for source in cited), "", text])


def say_where(run: Run) -> None:
    """Prints where the book is."""
    print(f"\nThe book: {run.pages / 'index.html'}")
