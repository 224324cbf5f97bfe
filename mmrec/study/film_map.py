"""The files of the book's page "Map of the films": places, neighbours, and a picture."""

from pathlib import Path

from mmrec.study.stages import Run, short
from mmrec.workspace import atomic_path

FOLDER = Path("_extra") / "map"
"""In the folder of the book; it is copied into the book as ``map``."""

FILMS, PICTURE = "films.js", "picture.svg"


def make(run: Run) -> None:
    """Writes both files into the pages of the book, from the features and ratings of a run.

    Takes minutes; the model of tastes is stored in the run's workspace.

    Raises:
        StudyError: The run has no catalogue yet, or too few films have content.
    """
    from mmrec.recommending import film_map, film_map_picture

    folder = run.book / FOLDER
    made = film_map.export(film_map.make(run.workspace), folder / FILMS)
    with atomic_path(folder / PICTURE) as part:
        part.write_text(film_map_picture.drawn(made), encoding="utf-8")
    spaces = ", ".join(f"{name} {len(space.films):,}" for name, space in made.spaces.items())
    sizes = ", ".join(
        f"{name} {(folder / name).stat().st_size:,} bytes" for name in (FILMS, PICTURE)
    )
    print(f"{len(made.films):,} films: {spaces}.")
    print(f"{short(folder)}: {sizes}. Look at the page, then commit.")
