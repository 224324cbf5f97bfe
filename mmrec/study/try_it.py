"""The files of the book's page "Try it": a small model of open data, and a picture."""

from pathlib import Path

from mmrec.study.stages import Run, short
from mmrec.workspace import atomic_path

FOLDER = Path("_extra") / "try_it"
"""In the folder of the book; it is copied into the book as ``try_it``."""

MODEL, PICTURE = "model.js", "picture.svg"


def make(run: Run) -> None:
    """Writes both files into the pages of the book, from the ratings of a run.

    Takes minutes; the model itself is stored in the run's workspace.

    Raises:
        StudyError: The run has no catalogue yet.
    """
    from mmrec.recommending import open_model, page, page_picture

    folder = run.book / FOLDER
    model = page.export(open_model.train(run.workspace), folder / MODEL)
    with atomic_path(folder / PICTURE) as part:
        part.write_text(page_picture.drawn(model), encoding="utf-8")
    sizes = ", ".join(
        f"{name} {(folder / name).stat().st_size:,} bytes" for name in (MODEL, PICTURE)
    )
    print(f"{short(folder)}: {sizes}. Look at the page, then commit.")
