"""The project's own synopses and facts, written for MovieLens-100K and free to share."""

from pathlib import Path

import pandas as pd

from mmrec.errors import StudyError

COLUMNS = (
    "movie_id",
    "title",
    "year",
    "synopsis",
    "directors",
    "cast",
    "country",
    "language",
    "adapted",
    "period",
    "place",
    "themes",
)
_LISTS = ("directors", "cast", "themes")


def read(path: Path) -> pd.DataFrame:
    """Reads ``open_data/movies.csv``.

    Returns:
        One row per movie, indexed by ``movie_id``, all columns of the file; ``directors``,
        ``cast`` and ``themes`` as lists, ``summary`` for the synopsis.

    Raises:
        StudyError: If a column is missing, an id is no number or stands there twice.
    """
    remedy = "Mend the file, or install the project again."
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8")
    except (OSError, ValueError) as error:
        raise StudyError(f"cannot be read ({error})", where=path, remedy=remedy) from error
    missing = [name for name in COLUMNS if name not in table]
    if missing:
        raise StudyError(f"no column {missing[0]!r}", where=path, remedy=remedy)
    for line, (name, again) in enumerate(
        zip(table["movie_id"], table["movie_id"].duplicated(), strict=True), start=2
    ):
        if again or not name.isdigit():
            what = "stands there twice" if again else "is no number"
            raise StudyError(
                f"movie id {name!r} {what}", where=f"{path}, row {line}", remedy=remedy
            )
    for name in _LISTS:
        table[name] = [[part for part in cell.split("|") if part] for cell in table[name]]
    table["movie_id"] = table["movie_id"].astype(int)
    table["year"] = pd.to_numeric(table["year"], errors="coerce")
    table["summary"] = table["synopsis"].str.strip().replace("", None)
    return table.drop(columns="synopsis").set_index("movie_id").sort_index()
