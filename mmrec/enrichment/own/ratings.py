"""A reader's own ratings: a CSV of users, films and stars, with any ids."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from mmrec.catalogue.movielens import N_RATINGS
from mmrec.enrichment.lists import rows
from mmrec.enrichment.own.names import Names
from mmrec.errors import StudyError

COLUMNS = {
    "user": ("user", "user_id"),
    "film": ("film", "movie", "film_id", "movie_id", "id", "title"),
    "rating": ("rating", "stars"),
}
"""What is read → the columns that it may be in; the first that is there."""

LOWEST, HIGHEST = 1, 5
"""Ends of the scale, in stars."""


class Ratings(NamedTuple):
    """Ratings in the study's form.

    Attributes:
        ratings: ``user_id, movie_id, rating, timestamp`` as `mmrec.catalogue.tables.Catalogue` has
            them; the time is not known and 0. Rows are in a random order, the same every time: the
            index, which folds are made by, spreads them over the places of MovieLens' ratings.
        users: ``user_id, age, gender, occupation, zip_code``. Nothing is known of the users, and
            all have the same: models leave out traits in which users do not differ.
        ids: ``user_id, id``: the reader's names for the users.
        notices: Ratings that are left out: of films that are not in the list, or given twice.
    """

    ratings: pd.DataFrame
    users: pd.DataFrame
    ids: pd.DataFrame
    notices: list[StudyError]


def none() -> Ratings:
    """No ratings and no users."""
    return _tables([], [])


def read(path: Path, names: Names) -> Ratings:
    """Reads ratings.

    Args:
        path: A CSV in UTF-8 with the columns ``user``, ``film`` and ``rating``. A film is named by
            its id in the list, by title and year, or by its title.
        names: The films of the list.

    Raises:
        StudyError: If the file cannot be read, a column is missing, a cell is empty, a rating is
            none from 1 to 5, or no rating is of a film in the list. The message names the row.
        LocalError: If the file may not be read.
    """
    given: dict[tuple[str, int], tuple[int, float]] = {}
    wrong: list[StudyError] = []
    unknown: dict[str, list[int]] = {}
    ambiguous: dict[str, list[int]] = {}
    notices: list[StudyError] = []
    place: dict[str, str] = {}
    n = 0
    for line, cells in rows(path):
        place = place or _columns(list(cells), path)
        where = f"{path}, row {line}"
        user, film, said = (cells[place[name]] for name in ("user", "film", "rating"))
        n += 1
        rating = _stars(said)
        if rating is None or not user or not film:
            wrong.append(_refused(where, user, film, said))
            continue
        meant = names.find(film)
        if len(meant) != 1:
            (ambiguous if meant else unknown).setdefault(film, []).append(line)
            continue
        pair = (user, meant[0])
        if pair in given:
            before, _ = given[pair]
            what = f"user {user!r} rates {film!r} again (before in row {before}); the last counts"
            notices.append(StudyError(what, where=where, remedy="Drop one of the two rows."))
        given[pair] = (line, rating)
    if wrong:
        more = f" (and {len(wrong) - 1:,} more rows are wrong)" if len(wrong) > 1 else ""
        first = wrong[0]
        raise StudyError(first.what + more, where=first.where, remedy=first.remedy)
    for films, why in ((unknown, "is not in the list"), (ambiguous, "is the name of several")):
        for film, lines in films.items():
            what = f"film {film!r} {why}; {_count(lines)} left out"
            remedy = "Name a film by its id in the list, or by title and year."
            notices.append(StudyError(what, where=f"{path}, row {lines[0]}", remedy=remedy))
    if not given:
        raise StudyError(
            f"none of its {n:,} ratings is of a film in the list" if n else "no ratings in it",
            where=path,
            remedy="Name films by their ids in the list or by their titles, or drop the file.",
        )
    pairs = [(user, movie_id, rating) for (user, movie_id), (_, rating) in given.items()]
    return _tables(pairs, notices)


def _columns(columns: Sequence[str], path: Path) -> dict[str, str]:
    place = {}
    for name, known in COLUMNS.items():
        column = next((one for one in known if one in columns), None)
        if column is None:
            raise StudyError(
                f"no column {name!r}",
                where=path,
                remedy="The first row names the columns user, film and rating, with commas "
                f"between: it says {', '.join(columns)!r}.",
            )
        place[name] = column
    return place


def _stars(said: str) -> float | None:
    try:
        rating = float(said)
    except ValueError:
        return None
    return rating if LOWEST <= rating <= HIGHEST else None


def _refused(where: str, user: str, film: str, said: str) -> StudyError:
    for name, cell in (("user", user), ("film", film)):
        if not cell:
            return StudyError(f"the {name} is missing", where=where, remedy="Fill it in.")
    return StudyError(
        f"rating {said!r} is outside {LOWEST}-{HIGHEST}",
        where=where,
        remedy="Ratings are stars, 1 to 5, such as 4 or 3.5: bring another scale to this one.",
    )


def _count(lines: Sequence[int]) -> str:
    return "1 rating" if len(lines) == 1 else f"{len(lines):,} ratings"


def _tables(pairs: Sequence[tuple[str, int, float]], notices: list[StudyError]) -> Ratings:
    table = pd.DataFrame(list(pairs), columns=["user", "movie_id", "rating"])
    number, people = pd.factorize(table["user"])
    ratings = pd.DataFrame(
        {
            "user_id": number.astype(np.int64) + 1,
            "movie_id": table["movie_id"].astype(np.int64),
            "rating": table["rating"].astype(np.float64),
            "timestamp": np.zeros(len(table), np.int64),
        }
    )
    if (ratings["rating"] % 1 == 0).all():
        ratings["rating"] = ratings["rating"].astype(np.int64)
    order = np.random.default_rng(0).permutation(len(ratings))
    ratings = ratings.iloc[order].reset_index(drop=True)
    places = np.arange(len(ratings)) * (N_RATINGS / max(len(ratings), 1))
    ratings.index = pd.Index(places, name="row")
    user_ids = np.arange(1, len(people) + 1)
    users = pd.DataFrame({"user_id": user_ids, "age": 0, "gender": "", "occupation": ""})
    ids = pd.DataFrame({"user_id": user_ids, "id": pd.Series(people, dtype=object)})
    return Ratings(ratings, users.assign(zip_code="").astype(_USERS), ids, notices)


_USERS: dict[str, Any] = {
    "user_id": "int64",
    "age": "int64",
    "gender": object,
    "occupation": object,
}
