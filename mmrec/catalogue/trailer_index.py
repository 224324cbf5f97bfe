"""The index beside a folder of trailers, ``trailers.csv``: which film each numbered file shows.

A trailer is named by a number, and a number says nothing by itself: 1 is Toy Story in
MovieLens-100K and the first row in a list of the reader's own. The index names the film, so that
trailers can be used in any catalogue that has the film.
"""

from pathlib import Path
from typing import Any

import pandas as pd

from mmrec.catalogue import matching
from mmrec.catalogue.cleaning import title_key
from mmrec.errors import StudyError, local_failures
from mmrec.workspace import write_csv

NAME = "trailers.csv"
_COLUMNS = ["movie_id", "title", "year"]
_REMEDY = f"{NAME} has the columns movie_id, title and year: correct it, or delete it."


def write(movies: pd.DataFrame, folder: Path) -> None:
    """Writes the index of a list of movies, beside what an earlier list left in the folder.

    Args:
        movies: ``movie_id, title, year``; whether there is a trailer of each does not matter.
        folder: Where the trailers are or will be.

    Raises:
        StudyError: If the folder's index gives one of the numbers to another film: the file under
            that number would then be taken for this one.
    """
    ours = movies[_COLUMNS]
    earlier = read(folder)
    if earlier is not None:
        both = earlier.merge(ours, on="movie_id", suffixes=("_before", ""))
        for row in both.to_dict("records"):
            title, year, title_before, year_before = (
                row[name] for name in ("title", "year", "title_before", "year_before")
            )
            if not _same_film(title, year, title_before, year_before):
                raise StudyError(
                    f"movie {row['movie_id']} is {title_before} ({_shown(year_before)}) in "
                    f"it, and {title} ({_shown(year)}) in this list",
                    where=folder / NAME,
                    remedy="Give each list an output folder of its own.",
                )
        if ours["movie_id"].isin(earlier["movie_id"]).all():
            return  # It says all that this list has to say, and may be the reader's own.
        rest = earlier[~earlier["movie_id"].isin(ours["movie_id"])]
        ours = pd.concat([ours, rest]) if len(rest) else ours
    write_csv(ours.sort_values("movie_id"), folder / NAME)


def read(folder: Path) -> pd.DataFrame | None:
    """Reads the index of a folder of trailers.

    Returns:
        ``movie_id`` (int), ``title`` and ``year`` (Int64, missing where it is not known), or None
        if the folder has no index.

    Raises:
        StudyError: If the index cannot be read; the message names the row.
    """
    path = folder / NAME
    try:
        with local_failures(path):
            table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except FileNotFoundError:
        return None
    except ValueError as error:
        reason = " ".join(str(error).split())
        raise StudyError(f"cannot be read ({reason})", where=path, remedy=_REMEDY) from error
    table.columns = table.columns.str.strip()
    if missing := [name for name in _COLUMNS if name not in table]:
        raise StudyError(f"no column {missing[0]!r}", where=path, remedy=_REMEDY)
    table = table[_COLUMNS].apply(lambda column: column.str.strip())
    repeated = table["movie_id"].duplicated()
    for name, wrong, why in (
        ("movie_id", ~table["movie_id"].str.fullmatch(r"[1-9]\d{0,8}"), "is not an id"),
        ("movie_id", repeated, "is given twice"),
        ("title", table["title"] == "", "is not a title"),
        ("year", ~table["year"].str.fullmatch(r"(?:\d{4}(?:\.0)?)?"), "is not a year"),
    ):
        if wrong.any():
            row = int(wrong.to_numpy().argmax())
            what = f"{table[name].iloc[row]!r} {why}"
            raise StudyError(what, where=f"{path}, row {row + 2}", remedy=_REMEDY)
    years = pd.to_numeric(table["year"].replace("", None)).astype("Int64")
    index: pd.DataFrame = table.astype({"movie_id": int}).assign(year=years)
    return index


def resolve(index: pd.DataFrame, movies: pd.DataFrame) -> dict[int, int]:
    """Finds the films of an index in a catalogue, by title and year.

    Titles agree but for case, accents, punctuation and articles; years by
    `mmrec.catalogue.matching.YEARS_APART`, the nearest year deciding. A year that either side
    does not know agrees with any, if the number is the same on both sides.

    Args:
        index: Rows of :func:`read`.
        movies: A catalogue's movies: ``movie_id, title, year``.

    Returns:
        The catalogue's movie id → the number in the index. Two ids of one film share a number.
    """
    by_title = index.assign(key=index["title"].map(title_key)).groupby("key")
    rows = {str(key): group for key, group in by_title}
    found: dict[int, int] = {}
    for movie in movies[_COLUMNS].to_dict("records"):
        candidates = rows.get(title_key(movie["title"]))
        if candidates is None:
            continue
        apart = (candidates["year"] - movie["year"]).abs()
        near = candidates[(apart <= matching.YEARS_APART).fillna(False)]
        if near.empty:
            near = candidates[apart.isna() & (candidates["movie_id"] == movie["movie_id"])]
        else:
            near = near.loc[[apart[near.index].idxmin()]]
        if len(near):
            found[int(movie["movie_id"])] = int(near["movie_id"].iloc[0])
    return found


def _same_film(title: str, year: Any, other_title: str, other_year: Any) -> bool:
    if title_key(title) != title_key(other_title):
        return False
    known = not pd.isna(year) and not pd.isna(other_year)
    return not known or abs(int(str(year)) - int(str(other_year))) <= matching.YEARS_APART


def _shown(year: Any) -> str:
    return "year unknown" if pd.isna(year) else str(year)
