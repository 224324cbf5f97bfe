"""MovieLens-100K: its two file formats, read into one canonical form, and its five folds."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from mmrec.errors import StudyError, local_failures

GENRES = (
    "unknown",
    "Action",
    "Adventure",
    "Animation",
    "Children's",
    "Comedy",
    "Crime",
    "Documentary",
    "Drama",
    "Fantasy",
    "Film-Noir",
    "Horror",
    "Musical",
    "Mystery",
    "Romance",
    "Sci-Fi",
    "Thriller",
    "War",
    "Western",
)
FOLDS = ("u1", "u2", "u3", "u4", "u5")
N_RATINGS, N_USERS, N_MOVIES = 100_000, 943, 1_682

# SHA-256 of the canonical form (see `digest`): the same whichever place served the files.
CONTENT = "dee6a9a823abc09b88cda0649f2c5e3939f05282c89b7a590cde649f4b44eef4"

_RATING_COLUMNS = ("user_id", "movie_id", "rating", "timestamp")
_USER_COLUMNS = ("user_id", "age", "gender", "occupation", "zip_code")
_ITEM_COLUMNS = ("movie_id", "raw_title", "release_date", "video_release_date", "url", *GENRES)
_REMEDY = "Delete the damaged copy (or unset MMREC_MIRROR) and run again."

_YEAR = re.compile(r"\s*\((\d{4})\)(?:\s*\(V\))?\s*$")
_ALTERNATE = re.compile(r"^(?P<title>.+?)\s*\((?P<alternate>[^()]+)\)$")
_ARTICLE = re.compile(
    r"^(?P<rest>.+), (?P<article>The|An?|L[aeo']|Les|Il|Das|Der|Die|Det|El|Los|Las|O)$"
)


# The file of the ratings; ratings, users and movies, each with its line in the file.
_Tables = tuple[Path, pd.DataFrame, pd.DataFrame, pd.DataFrame]


@dataclass(frozen=True)
class MovieLens:
    """The data set in canonical form.

    Attributes:
        ratings: ``user_id, movie_id, rating, timestamp`` (integers) in the order of ``u.data``;
            the index, named ``row``, is the position there.
        users: ``user_id, age, gender, occupation, zip_code``, ascending ids.
        movies: ``movie_id, raw_title, title, alternate_title, year, genres``, ascending ids;
            ``genres`` is a list of names out of :data:`GENRES`.
    """

    ratings: pd.DataFrame
    users: pd.DataFrame
    movies: pd.DataFrame


def split_title(raw: str) -> tuple[str, str | None, int | None]:
    """Takes a MovieLens title apart and puts its articles back in front.

    Args:
        raw: E.g. ``"Hate (Haine, La) (1995)"``.

    Returns:
        The title, the alternate title in parentheses, and the year: ``("Hate", "La Haine", 1995)``.
        What is not there is None.
    """
    year = _YEAR.search(raw)
    title = _YEAR.sub("", raw).strip()
    alternate = _ALTERNATE.match(title)
    if alternate:
        title = alternate["title"]
    return (
        _natural(title),
        _natural(alternate["alternate"]) if alternate else None,
        int(year[1]) if year else None,
    )


def _natural(title: str) -> str:
    found = _ARTICLE.match(title)
    if not found:
        return title
    glue = "" if found["article"].endswith("'") else " "
    return f"{found['article']}{glue}{found['rest']}"


def read(folder: Path) -> MovieLens:
    """Reads either the GroupLens files (``u.data`` …) or the RecBole ones (``ml-100k.inter`` …).

    Args:
        folder: Where the files lie. Any number of ratings, users and movies is accepted.

    Raises:
        StudyError: If a file is missing or a line is damaged; the message names file and line.
    """
    folder = Path(folder)
    grouplens = not (folder / "ml-100k.inter").exists()
    reader = _read_grouplens if grouplens else _read_recbole
    ratings_file, ratings, users, movies = reader(folder)
    titles = movies["raw_title"].map(split_title)
    movies["title"] = titles.str[0]
    movies["alternate_title"] = titles.str[1].astype(object)
    movies["year"] = titles.str[2].astype("Int64")
    _check_ratings(ratings_file, ratings, users, movies)
    ratings.index.name = "row"
    columns = ["movie_id", "raw_title", "title", "alternate_title", "year", "genres"]
    return MovieLens(
        ratings.drop(columns="line"),
        users.drop(columns="line").sort_values("user_id", ignore_index=True),
        movies[columns].sort_values("movie_id", ignore_index=True),
    )


def _read_grouplens(folder: Path) -> _Tables:
    items = _lines(folder / "u.item", "|", _ITEM_COLUMNS, "latin-1", ("movie_id", *GENRES))
    flags = items[list(GENRES)].to_numpy().astype(bool)
    items["genres"] = [[name for name, on in zip(GENRES, row, strict=True) if on] for row in flags]
    items["raw_title"] = items["raw_title"].str.strip()
    users = _lines(folder / "u.user", "|", _USER_COLUMNS, "latin-1", ("user_id", "age"))
    path = folder / "u.data"
    return path, _lines(path, "\t", _RATING_COLUMNS, "latin-1", _RATING_COLUMNS), users, items


def _read_recbole(folder: Path) -> _Tables:
    columns = ("movie_id", "title", "year", "class")
    items = _lines(folder / "ml-100k.item", "\t", columns, "utf-8", ("movie_id",), header=True)
    items["raw_title"] = items["title"] + " (" + items["year"] + ")"
    # RecBole cut titles at the last parenthesis; one movie has neither title nor year.
    items.loc[items["title"] == "unkonwn", "raw_title"] = "unknown"
    items["genres"] = items["class"].map(lambda names: sorted(names.split(), key=_genre_rank))
    users = _lines(
        folder / "ml-100k.user", "\t", _USER_COLUMNS, "utf-8", ("user_id", "age"), header=True
    )
    path = folder / "ml-100k.inter"
    ratings = _lines(path, "\t", _RATING_COLUMNS, "utf-8", _RATING_COLUMNS, header=True)
    return path, ratings, users, items


def _genre_rank(name: str) -> int:
    return GENRES.index(name) if name in GENRES else len(GENRES)


def _lines(
    path: Path,
    separator: str,
    columns: Sequence[str],
    encoding: str,
    integers: Sequence[str],
    header: bool = False,
) -> pd.DataFrame:
    """A table of strings and integers, with the file's line number in column ``line``."""
    try:
        with local_failures(path):
            text = path.read_text(encoding=encoding)
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError(f"cannot be read ({error})", where=path, remedy=_REMEDY) from error
    rows = [line.split(separator) for line in text.splitlines()[header:]]
    for number, row in enumerate(rows, start=1 + header):
        if len(row) != len(columns):
            raise StudyError(
                f"{len(row)} fields in place of {len(columns)}",
                where=f"{path}, line {number}",
                remedy=_REMEDY,
            )
    table = pd.DataFrame(rows, columns=list(columns)).astype(object)
    table["line"] = np.arange(len(table)) + 1 + header
    for name in integers:
        numbers = pd.to_numeric(table[name], errors="coerce")
        _refuse(path, table, numbers.isna() | (numbers % 1 != 0), name, "is not a whole number")
        table[name] = numbers.astype("int64")
    return table


def _refuse(path: Path, table: pd.DataFrame, wrong: pd.Series, column: str, why: str) -> None:
    if wrong.any():
        row = table[wrong].iloc[0]
        raise StudyError(
            f"{column.replace('_', ' ')} {row[column]} {why}",
            where=f"{path}, line {row['line']}",
            remedy=_REMEDY,
        )


def _check_ratings(
    path: Path, ratings: pd.DataFrame, users: pd.DataFrame, movies: pd.DataFrame
) -> None:
    _refuse(path, ratings, ~ratings["rating"].between(1, 5), "rating", "is outside 1-5")
    for known, column in ((users, "user_id"), (movies, "movie_id")):
        _refuse(path, ratings, ~ratings[column].isin(known[column]), column, "is not listed")
    twice = ratings.duplicated(["user_id", "movie_id"])
    _refuse(path, ratings, twice, "movie_id", "is rated a second time by the same user")
    for table, column in ((users, "user_id"), (movies, "movie_id")):
        _refuse(path.parent, table, table.duplicated(column), column, "occurs twice")


def digest(data: MovieLens) -> str:
    """SHA-256 of the canonical content: ratings in order, users, movies with title and genres."""
    state = hashlib.sha256()
    movies = data.movies.assign(genres=data.movies["genres"].str.join("|"))
    for table in (data.ratings, data.users, movies[["movie_id", "raw_title", "genres"]]):
        state.update(table.to_csv(sep="\t", index=False, lineterminator="\n").encode())
    return state.hexdigest()


def verify(folder: Path) -> str:
    """Checks that a folder holds MovieLens-100K, all of it and nothing else.

    The counts, the content's digest, and, where the published split files are there, that
    u1 to u5 rebuilt from the ratings equal them.

    Returns:
        The digest of the content.

    Raises:
        StudyError: If anything differs; the message names the file and the line or the count.
    """
    data = read(folder)
    for name, table, expected in (
        ("ratings", data.ratings, N_RATINGS),
        ("users", data.users, N_USERS),
        ("movies", data.movies, N_MOVIES),
    ):
        if len(table) != expected:
            raise StudyError(
                f"{len(table):,} {name} in place of {expected:,}", where=folder, remedy=_REMEDY
            )
    check_splits(data.ratings, Path(folder))
    found = digest(data)
    if found != CONTENT:
        raise StudyError(
            f"the content is not MovieLens-100K's (sha256 {found[:12]}…, not {CONTENT[:12]}…)",
            where=folder,
            remedy=_REMEDY,
        )
    return found


def film_ids(movies: pd.DataFrame) -> "pd.Series[int]":
    """The film behind each movie id: 19 films of MovieLens stand under two ids.

    Two ids are one film if they share a year and a name, where the alternate title in parentheses
    is a name like the title. Nothing but MovieLens decides, so that the folds of new films are
    the same whichever other sources are there.

    Args:
        movies: ``movie_id, title, alternate_title, year``.

    Returns:
        The smallest id of the same film, by the movies' index; a movie without a year is a film
        of its own.
    """
    names = movies[["title", "alternate_title", "year"]].to_dict("records")
    keys = [
        (position, f"{row['year']}: {name.casefold()}")
        for position, row in enumerate(names)
        for name in (row["title"], row["alternate_title"])
        if name and not pd.isna(row["year"])
    ]
    position = np.array([at for at, _ in keys], dtype=np.int64)
    codes, known = pd.factorize(np.array([key for _, key in keys], dtype=object))
    n = len(movies) + len(known)
    links = (np.ones(len(position), bool), (position, len(movies) + codes))
    _, film = connected_components(coo_array(links, shape=(n, n)), directed=False)
    return movies["movie_id"].groupby(film[: len(movies)]).transform("min")


def fold_masks(ratings: pd.DataFrame, n_ratings: int = N_RATINGS) -> dict[str, np.ndarray]:
    """The five published folds: u1's test part is the first fifth of ``u.data``, and so on.

    Args:
        ratings: n rows of the canonical ratings, all or a part; the index named ``row`` tells
            where each stood in ``u.data``.
        n_ratings: Length of the whole ``u.data``.

    Returns:
        ``"u1"`` … ``"u5"``: bool [n], True where a row belongs to the fold's test part.
    """
    if ratings.index.name != "row":
        raise StudyError(
            "the ratings have lost their position in u.data",
            where="fold_masks",
            remedy="Keep the index that the catalogue gives (no reset_index).",
        )
    fold = ratings.index.to_numpy() // (n_ratings // len(FOLDS))
    return {name: fold == number for number, name in enumerate(FOLDS)}


def check_splits(ratings: pd.DataFrame, folder: Path) -> list[str]:
    """Compares the rebuilt folds with the published files, where those exist.

    Returns:
        The names of the folds that were compared.

    Raises:
        StudyError: If a published file differs from the rebuilt fold.
    """
    compared = []
    for name, test in fold_masks(ratings, len(ratings)).items():
        parts = {folder / f"{name}.test": ratings[test], folder / f"{name}.base": ratings[~test]}
        if not all(path.exists() for path in parts):
            continue
        for path, rebuilt in parts.items():
            try:
                with local_failures(path):
                    published = pd.read_csv(path, sep="\t", header=None, dtype="int64").to_numpy()
            except (ValueError, OSError) as error:
                raise StudyError(f"cannot be read ({error})", where=path, remedy=_REMEDY) from error
            expected = rebuilt.sort_values(["user_id", "movie_id"]).to_numpy()
            if not np.array_equal(published, expected):
                raise StudyError(
                    f"it is not the fold {name} rebuilt from the ratings",
                    where=path,
                    remedy=_REMEDY,
                )
        compared.append(name)
    return compared
