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
from collections.abc import Callable, Iterator, Sequence

import pandas as pd

from mmrec import progress
from mmrec.catalogue import matching
from mmrec.catalogue.finding import Finding, Match, Miss, judge, movielens_genres, title_key
from mmrec.catalogue.locations import Absent, download
from mmrec.enrichment.web import Unanswered, Web
from mmrec.errors import StudyError

LICENCE = "IMDb: personal and non-commercial use, no redistribution"
TERMS = (
    "IMDb's conditions of use forbid reading its pages by program without written consent; "
    "you have asked for it."
)
N_CAST = 5

_FILMS = {"movie", "tvMovie", "video", "short"}
_CHUNK_ROWS = 500_000
_SECONDS_BETWEEN_PAGES = 1.0
_SCRIPT = re.compile(
    r'<script[^>]*(?:id="(__NEXT_DATA__)"|type="application/(ld)\+json")[^>]*>(.*?)</script>',
    re.DOTALL,
)


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

    def find(self, movies: pd.DataFrame) -> Iterator[Finding | Miss]:
        """Looks all movies up in one pass over the data sets; minutes, on the real ones."""
        try:
            chosen, facts = self._read(movies)
        except (Absent, StudyError) as error:
            for movie_id in movies["movie_id"]:
                yield Miss(movie_id, self.name, f"the data sets: {error}")
            return
        for movie in movies.itertuples():
            if movie.movie_id not in chosen:
                yield Miss(movie.movie_id, self.name, "no film of that title and year")
                continue
            imdb_id, title, year, match = chosen[movie.movie_id]
            fields, source = (
                {"imdb_id": imdb_id, **facts[imdb_id]},
                f"{self._pages}/title/{imdb_id}/",
            )
            if self._storylines and match.status != matching.REJECTED:
                try:
                    fields["summary"] = self._storyline(source)
                except Unanswered as error:
                    yield Miss(movie.movie_id, self.name, f"storyline: {error}")
            yield Finding(movie.movie_id, self.name, title, year, match, source, LICENCE, fields)

    def _read(self, movies: pd.DataFrame) -> tuple[dict, dict]:
        """The film chosen for each movie, and each such film's facts."""
        keys = set(movies["title"].map(title_key))
        years = {year + apart for year in movies["year"] for apart in (-1, 0, 1)}
        years = {str(year) for year in years}
        ids = set(movies["imdb_id"].dropna())

        def may_be_wanted(rows: pd.DataFrame) -> pd.Series:
            films = rows["titleType"].isin(_FILMS) & rows["startYear"].isin(years)
            titles = rows.loc[films, ["primaryTitle", "originalTitle"]].fillna("")
            named = titles.apply(lambda column: column.map(title_key).isin(keys)).any(axis=1)
            return rows["tconst"].isin(ids) | named.reindex(rows.index, fill_value=False)

        basics = self._rows(
            "title.basics",
            "tconst titleType primaryTitle originalTitle startYear runtimeMinutes genres",
            may_be_wanted,
        ).set_index("tconst")
        ratings = self._of("title.ratings", "tconst averageRating numVotes", basics.index)
        basics = basics.join(ratings.set_index("tconst").astype(float))
        titles = basics[["primaryTitle", "originalTitle"]].fillna("")
        basics[["key", "original_key"]] = titles.map(title_key).to_numpy()
        chosen = {
            movie.movie_id: best for movie in movies.itertuples() if (best := _best(movie, basics))
        }
        films = {imdb_id for imdb_id, *_ in chosen.values()}
        crew = self._of("title.crew", "tconst directors", films)
        cast = self._of("title.principals", "tconst ordering nconst category", films)
        cast = cast[cast["category"].isin(["actor", "actress"])]
        cast = cast.astype({"ordering": int}).sort_values(["tconst", "ordering"])
        cast = cast.groupby("tconst")["nconst"].apply(lambda people: list(people[:N_CAST]))
        directors = crew.set_index("tconst")["directors"].dropna().str.split(",")
        people = {person for of_one in (*cast, *directors) for person in of_one}
        names = self._of("name.basics", "nconst primaryName", people)
        names = names.set_index("nconst")["primaryName"].dropna().to_dict()

        def named(lists: pd.Series, imdb_id: str) -> list[str]:
            return [names[person] for person in lists.get(imdb_id, []) if person in names]

        facts = {}
        for imdb_id, film in basics.loc[sorted(films)].iterrows():
            known = {
                "directors": named(directors, imdb_id),
                "cast": named(cast, imdb_id),
                "genres": movielens_genres(str(film["genres"]).split(",")),
                "runtime_minutes": pd.to_numeric(film["runtimeMinutes"], errors="coerce"),
                "imdb_rating": film["averageRating"],
                "imdb_votes": film["numVotes"],
            }
            facts[imdb_id] = {
                name: value
                for name, value in known.items()
                if (value if isinstance(value, list) else pd.notna(value))
            }
        return chosen, facts

    def _of(self, name: str, columns: str, keys: Sequence[str]) -> pd.DataFrame:
        """The rows whose first column is among the keys."""
        wanted = set(keys)
        return self._rows(name, columns, lambda rows: rows.iloc[:, 0].isin(wanted))

    def _rows(
        self, name: str, columns: str, keep: Callable[[pd.DataFrame], pd.Series]
    ) -> pd.DataFrame:
        """The rows of a data set to keep, all columns as text."""
        path = download(f"{self._datasets}/{name}.tsv.gz", self._web.cache / "imdb")
        try:
            chunks = pd.read_csv(
                path,
                sep="\t",
                usecols=columns.split(),
                dtype=str,
                # Titles hold unbalanced quotes, and some read "None" or "NA".
                quoting=csv.QUOTE_NONE,
                na_values="\\N",
                keep_default_na=False,
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
        return pd.concat(kept)

    def _storyline(self, address: str) -> str:
        page = self._web.get(address, read=bytes.decode, pause=_SECONDS_BETWEEN_PAGES)
        text = storyline(page)
        if not text:
            raise Unanswered("the page holds no plot where it used to")
        return text


def _best(movie, basics: pd.DataFrame) -> tuple[str, str, int | None, Match] | None:
    """The film that agrees best; among equals the one with the most votes.

    It is in doubt if another one has at least a tenth as many.
    """
    same = basics[["key", "original_key"]].eq(title_key(movie.title)).any(axis=1)
    judged = []
    for imdb_id, film in basics[same | (basics.index == movie.imdb_id)].iterrows():
        year = int(film["startYear"]) if pd.notna(film["startYear"]) else None
        match = judge(movie, [film["primaryTitle"], film["originalTitle"]], year, imdb_id)
        votes = film["numVotes"] if pd.notna(film["numVotes"]) else 0
        judged.append((match.confidence, votes, imdb_id, film["primaryTitle"], year, match))
    if not judged:
        return None
    judged.sort(key=lambda one: one[:3], reverse=True)
    confidence, votes, imdb_id, title, year, match = judged[0]
    rivals = sum(other[0] == confidence and 10 * other[1] >= votes for other in judged)
    if rivals > 1 and match.status == matching.VERIFIED:
        reason = f"{match.reason}; the most voted-for of {rivals} such films"
        match = Match(matching.UNVERIFIED, confidence / rivals, reason)
    return imdb_id, title, year, match


def storyline(page: str) -> str | None:
    """The plot that a title page carries in its embedded data, the longest of the places it has."""
    texts = []
    for next_data, _, content in _SCRIPT.findall(page):
        try:
            data = json.loads(content)
        except ValueError:
            continue
        paths = _PLOTS if next_data else (("description",),)
        texts += [text for path in paths if isinstance(text := _at(data, path), str)]
    plain = [" ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split()) for text in texts]
    return max(plain, key=len, default=None) or None


_PAGE = ("props", "pageProps")
_PLOTS = (
    (*_PAGE, "mainColumnData", "summaries", "edges", 0, "node", "plotText", "plaidHtml"),
    (*_PAGE, "aboveTheFoldData", "plot", "plotText", "plainText"),
)


def _at(data: object, path: Sequence[str | int]) -> object:
    for step in path:
        try:
            data = data[step]
        except (KeyError, IndexError, TypeError):
            return None
    return data
