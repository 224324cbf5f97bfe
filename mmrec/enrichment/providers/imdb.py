"""Facts from IMDb's non-commercial data sets and, only if asked for, storylines from its pages.

The data sets are for personal and non-commercial use and may not be passed on. They hold no plot.
Title pages do, but IMDb's conditions of use forbid collecting them by program without written
consent: whoever switches storylines on has to have it.
"""

import csv
import gzip
import html
import json
import os
import re
import zlib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from mmrec import progress
from mmrec.catalogue import cleaning
from mmrec.catalogue.cleaning import title_key
from mmrec.catalogue.locations import Absent, download
from mmrec.catalogue.matching import assess
from mmrec.catalogue.provider import FILM, REJECTED, VERIFIED, Candidate, Facts, Film, Miss, Movie
from mmrec.enrichment.asking import Answer, Options
from mmrec.enrichment.web import Unanswered, Web
from mmrec.errors import StudyError, local_failures

LICENCE = "IMDb: personal and non-commercial use, no redistribution"
TERMS = (
    "IMDb's conditions of use forbid reading its pages by program without written consent; "
    "you have asked for it."
)
N_CAST = 5

_FILMS = {"movie", "tvMovie", "video", "short"}
_CHUNK_ROWS = 500_000
_SECONDS_BETWEEN_PAGES = 1.0


def provider(web: Web, options: Options) -> "Imdb":
    """The provider, at IMDb's addresses."""
    return Imdb(web, storylines=options.storylines)


class Imdb:
    """The provider.

    Args:
        web: How to ask for pages; its cache keeps the data sets in ``imdb/``. Delete that folder
            to have newer ones.
        storylines: Whether to read title pages.
        datasets_url: Where the data sets lie; ``MMREC_IMDB_DATASETS_URL`` or IMDb's.
        pages_url: Where the title pages lie; ``MMREC_IMDB_URL`` or IMDb's.
    """

    name = "imdb"

    def __init__(
        self,
        web: Web,
        *,
        storylines: bool = False,
        datasets_url: str | None = None,
        pages_url: str | None = None,
    ):
        self._web, self._storylines = web, storylines
        self._datasets = datasets_url or os.environ.get(
            "MMREC_IMDB_DATASETS_URL", "https://datasets.imdbws.com"
        )
        self._pages = pages_url or os.environ.get("MMREC_IMDB_URL", "https://www.imdb.com")

    def find(self, movies: Sequence[Movie]) -> Iterator[Answer]:
        """Looks all movies up in one pass over the data sets; minutes, on the real ones."""
        try:
            chosen, facts = self._read(movies)
        except (Absent, StudyError) as error:
            for movie in movies:
                yield Miss(movie.movie_id, self.name, f"the data sets: {error}")
            return
        for movie in movies:
            film = chosen.get(movie.movie_id)
            if film is None or film.imdb_id is None:
                yield Miss(movie.movie_id, self.name, "no film of that title and year")
                continue
            source = f"{self._pages}/title/{film.imdb_id}/"
            directors, known = facts[film.imdb_id]
            if self._storylines and assess(movie, film).status != REJECTED:
                try:
                    known = replace(known, summary=self._storyline(source, film.imdb_id))
                except Unanswered as error:
                    yield Miss(movie.movie_id, self.name, f"storyline: {error}")
            film = replace(film, directors=directors)
            yield Candidate(movie.movie_id, self.name, film, known, source, LICENCE)

    def _read(
        self, movies: Sequence[Movie]
    ) -> tuple[dict[int, Film], dict[str, tuple[tuple[str, ...], Facts]]]:
        """The film chosen for each movie; directors and facts of each such film."""
        keys = {title_key(title) for movie in movies for title in movie.titles}
        asked = {movie.year for movie in movies if movie.year is not None}
        years = {str(year + apart) for year in asked for apart in (-1, 0, 1)}
        ids = {movie.imdb_id for movie in movies if movie.imdb_id}

        def may_be_wanted(rows: pd.DataFrame) -> pd.Series:
            films = rows["titleType"].isin(_FILMS) & rows["startYear"].isin(years)
            titles = rows.loc[films, ["primaryTitle", "originalTitle"]].fillna("")
            named = titles.apply(lambda column: column.map(title_key).isin(keys)).any(axis=1)
            wanted: pd.Series = named.reindex(rows.index, fill_value=False)
            return rows["tconst"].isin(ids) | wanted

        basics = self._by_id(
            "title.basics",
            "tconst titleType primaryTitle originalTitle startYear runtimeMinutes genres",
            may_be_wanted,
        )
        ratings = self._of("title.ratings", "tconst averageRating numVotes", set(basics.index))
        basics = basics.join(ratings.apply(pd.to_numeric, errors="coerce"))
        titles = basics[["primaryTitle", "originalTitle"]].fillna("")
        basics[["key", "original_key"]] = titles.map(title_key).to_numpy()
        chosen = {movie.movie_id: best for movie in movies if (best := _best(movie, basics))}
        films = {film.imdb_id for film in chosen.values() if film.imdb_id}
        crew = self._of("title.crew", "tconst directors", films)
        cast = self._rows(
            "title.principals",
            "tconst ordering nconst category",
            lambda rows: rows["tconst"].isin(films) & rows["category"].isin(["actor", "actress"]),
        )
        cast["ordering"] = pd.to_numeric(cast["ordering"], errors="coerce")
        cast = cast.dropna(subset=["ordering", "nconst"]).sort_values(["tconst", "ordering"])
        leading = cast.groupby("tconst")["nconst"].apply(lambda people: list(people[:N_CAST]))
        directors = crew["directors"].dropna().str.split(",")
        people = {person for of_one in (*leading, *directors) for person in of_one}
        names = self._of("name.basics", "nconst primaryName", people)["primaryName"].to_dict()

        def named(lists: pd.Series, imdb_id: str) -> tuple[str, ...]:
            found = (names.get(person) for person in lists.get(imdb_id, []))
            return tuple(name for name in found if isinstance(name, str))

        facts = {}
        for imdb_id in films:
            film: dict[Any, Any] = basics.loc[imdb_id].to_dict()
            known = Facts(
                cast=named(leading, imdb_id),
                genres=cleaning.genres(str(film["genres"]).split(",")),
                runtime_minutes=film["runtimeMinutes"],
                imdb_rating=film["averageRating"],
                imdb_votes=film["numVotes"],
            )
            facts[imdb_id] = named(directors, imdb_id), known
        return chosen, facts

    def _of(self, name: str, columns: str, keys: Collection[str]) -> pd.DataFrame:
        """The rows whose first column is among the keys, indexed by it."""
        return self._by_id(name, columns, lambda rows: rows.iloc[:, 0].isin(keys))

    def _by_id(
        self, name: str, columns: str, keep: Callable[[pd.DataFrame], pd.Series]
    ) -> pd.DataFrame:
        """The rows to keep, indexed by their first column; the first of those with one id."""
        rows = self._rows(name, columns, keep)
        first = rows.columns[0]
        return rows.dropna(subset=[first]).drop_duplicates(first).set_index(first)

    def _rows(
        self, name: str, columns: str, keep: Callable[[pd.DataFrame], pd.Series]
    ) -> pd.DataFrame:
        """The rows of a data set to keep, all columns as text; rows of another width are not."""
        path = download(f"{self._datasets}/{name}.tsv.gz", self._web.cache / "imdb")
        try:
            with local_failures(path):
                chunks = pd.read_csv(
                    path,
                    sep="\t",
                    usecols=columns.split(),
                    dtype=str,
                    # Titles hold unbalanced quotes, and some read "None" or "NA".
                    quoting=csv.QUOTE_NONE,
                    na_values="\\N",
                    keep_default_na=False,
                    on_bad_lines="skip",
                    encoding_errors="replace",
                    chunksize=_CHUNK_ROWS,
                )
                kept = [
                    chunk.loc[keep(chunk), columns.split()]
                    for chunk in progress.bar(
                        chunks, total=None, label=f"{name}, half millions of rows"
                    )
                ]
        except (EOFError, OSError, ValueError, zlib.error, gzip.BadGzipFile) as error:
            path.unlink(missing_ok=True)
            raise StudyError(
                f"truncated, damaged or of another form ({error})",
                where=path.name,
                remedy="It was deleted; run again to fetch it anew.",
            ) from error
        found: pd.DataFrame = pd.concat(kept)
        return found

    def _storyline(self, address: str, imdb_id: str) -> str:
        def read(body: bytes) -> str:
            # Another page, such as one to sign in to a network, is no answer.
            page = body.decode(errors="replace")
            if imdb_id not in page or not any(True for _ in _embedded(page)):
                raise ValueError("not the film's page")
            return storyline(page) or ""

        text = self._web.get(address, read=read, keep=bool, pause=_SECONDS_BETWEEN_PAGES)
        if not text:
            raise Unanswered("the page holds no plot where it used to")
        return text


def _best(movie: Movie, basics: pd.DataFrame) -> Film | None:
    """The film that agrees best; among equals the one with the most votes.

    Others that agree as well are its namesakes if they have at least a tenth as many votes.
    """
    keys = {title_key(title) for title in movie.titles}
    same = basics[["key", "original_key"]].isin(keys).any(axis=1)
    found = []
    for imdb_id, row in basics[same | (basics.index == movie.imdb_id)].iterrows():
        titles = (row["primaryTitle"], row["originalTitle"])
        film = Film(titles, row["startYear"], str(imdb_id), kind=FILM)
        votes = cleaning.number(row["numVotes"]) or 0.0
        if film.imdb_id:
            found.append((assess(movie, film), votes, film))
    if not found:
        return None
    found.sort(key=lambda one: (one[0].confidence, one[1], one[2].imdb_id), reverse=True)
    match, votes, film = found[0]
    if movie.imdb_id == film.imdb_id or match.status != VERIFIED:
        return film
    equals = sum(
        other.confidence == match.confidence and 10 * of_other >= votes
        for other, of_other, _ in found
    )
    return replace(film, namesakes=equals - 1)


def storyline(page: str) -> str | None:
    """The plot that a title page carries in its embedded data: the longest, if there are several.

    >>> storyline('<script type="application/ld+json">{"description": "A tide."}</script>')
    'A tide.'
    """
    texts = []
    for tag, data in _embedded(page):
        paths = _PLOTS if "__NEXT_DATA__" in tag else (("description",),)
        texts += [text for path in paths if isinstance(text := _at(data, path), str)]
    plain = [" ".join(html.unescape(re.sub(r"<[^<>]*>", " ", text)).split()) for text in texts]
    return max(plain, key=len, default=None) or None


def _embedded(page: str) -> Iterator[tuple[str, object]]:
    """The data that a page carries in scripts: the script's tag and what its JSON holds."""
    end = 0
    while (start := page.find("<script", end)) >= 0:
        opened = page.find(">", start)
        end = page.find("</script>", opened)
        if opened < 0 or end < 0:
            return
        tag = page[start:opened]
        if 'id="__NEXT_DATA__"' in tag or 'type="application/ld+json"' in tag:
            try:
                yield tag, json.loads(page[opened + 1 : end])
            except (ValueError, RecursionError):
                continue


_PAGE = ("props", "pageProps")
_PLOTS: tuple[tuple[str | int, ...], ...] = (
    (*_PAGE, "mainColumnData", "summaries", "edges", 0, "node", "plotText", "plaidHtml"),
    (*_PAGE, "aboveTheFoldData", "plot", "plotText", "plainText"),
)


def _at(data: Any, path: Sequence[str | int]) -> object:
    for step in path:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return None
    return data
