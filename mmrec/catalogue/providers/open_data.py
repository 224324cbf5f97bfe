"""The project's own synopses and facts, written for MovieLens-100K and free to share."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from mmrec.catalogue import sources
from mmrec.catalogue.matching import YEARS_APART
from mmrec.catalogue.provider import VERIFIED, Candidate, Facts, Film, Match, Movie
from mmrec.errors import StudyError, local_failures

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


class OpenData:
    """The provider.

    Args:
        path: ``open_data/movies.csv``.
    """

    name = "open"

    def __init__(self, path: Path):
        self._path = Path(path)

    def find(self, movies: Sequence[Movie]) -> Iterator[Candidate]:
        """The entry of each movie; it was written for this movie and needs no matching.

        Raises:
            StudyError: As :func:`read`.
        """
        table = read(self._path)
        # Behind a verified match of the larger sources, before a doubtful one.
        match = Match(VERIFIED, 0.8, "written for this movie of MovieLens")
        wanted = table[table.index.isin([movie.movie_id for movie in movies])]
        source, licence = sources.OPEN_DATA.what, sources.OPEN_DATA.licence
        for row in wanted.reset_index().to_dict("records"):
            film = Film((row["title"],), row["year"], directors=tuple(row["directors"]))
            facts = Facts(summary=row["summary"], cast=tuple(row["cast"]))
            yield Candidate(row["movie_id"], self.name, film, facts, source, licence, match)


def only(movies: pd.DataFrame, cache: Path) -> pd.DataFrame:
    """The movies as described by the open data alone, without other texts, names or ratings.

    Args:
        movies: A catalogue's movies.
        cache: The workspace's cache.

    Returns:
        The same rows; summary, directors and cast of the open data, and no rating of IMDb's.

    Raises:
        StudyError: If the movies are not MovieLens'.
    """
    path = sources.fetch(sources.OPEN_DATA, cache).path
    ours = read(path or Path()).reindex(movies["movie_id"])
    years = movies["year"].to_numpy(np.float64, na_value=np.nan)
    others = np.abs(years - ours["year"].to_numpy(np.float64)) > YEARS_APART
    if others.any():
        row = int(others.argmax())
        film = movies.iloc[row]
        raise StudyError(
            f"movie {film['movie_id']} is {film['title']!r}, and {ours['title'].iloc[row]!r} in "
            "the open data, which are MovieLens'",
            where="catalogue",
            remedy="Of films of your own, mmrec features makes what chapters 02 and 05 make here.",
        )
    known = {
        "summary": ours["summary"].map(lambda text: text if isinstance(text, str) else None),
        "directors": ours["directors"].map(lambda names: names if isinstance(names, list) else []),
        "cast": ours["cast"].map(lambda names: names if isinstance(names, list) else []),
    }
    origins = ours["title"].notna().map({True: OpenData.name, False: None}).to_numpy()
    return movies.assign(
        **{name: column.to_numpy() for name, column in known.items()},
        **{f"{name}_source": origins for name in known},
        imdb_rating=float("nan"),
        imdb_votes=float("nan"),
        imdb_rating_source=None,
    )


def read(path: Path) -> pd.DataFrame:
    """Reads ``open_data/movies.csv``.

    Returns:
        One row per movie, indexed by ``movie_id``, all columns of the file; ``directors``,
        ``cast`` and ``themes`` as lists, ``summary`` for the synopsis.

    Raises:
        StudyError: If a column is missing, an id is not a number or occurs twice.
    """
    remedy = "Mend the file, or install the project again."
    try:
        with local_failures(path):
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
            what = "occurs twice" if again else "is not a number"
            raise StudyError(
                f"movie id {name!r} {what}", where=f"{path}, row {line}", remedy=remedy
            )
    for name in _LISTS:
        table[name] = [[part for part in cell.split("|") if part] for cell in table[name]]
    table["movie_id"] = table["movie_id"].astype(int)
    table["year"] = pd.to_numeric(table["year"], errors="coerce")
    table["summary"] = table["synopsis"].str.strip().replace("", None)
    return table.drop(columns="synopsis").set_index("movie_id").sort_index()
