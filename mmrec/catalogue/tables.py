"""Floor two: one clean table of movies, with the provenance of every enriched field.

Paper §III. A field is taken from the first source that has it, in this order: matches that are
verified (the paper's own file before the second scrape), then the open data, then matches that
are neither verified nor rejected. A rejected match gives nothing. Summaries follow the same rule
within the order of sources that the run asks for.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from mmrec.catalogue import matching, movielens, sources
from mmrec.catalogue.providers import details, open_data, published
from mmrec.errors import StudyError
from mmrec.workspace import Workspace, atomic_path

TEXT_SOURCES = ("imdb", "open")
_TABLES = ("movies", "ratings", "users", "rejected")
_LIST_FIELDS = ("genres", "directors", "cast")
_STATUS_ORDER = (matching.VERIFIED, matching.UNVERIFIED, matching.REJECTED)
_NO_MATCH = {"imdb_id": None, "status": matching.MISSING, "reason": "no source has a match"}


@dataclass(frozen=True)
class Catalogue:
    """What floor two leaves behind.

    Attributes:
        movies: One row per movie id, ascending: ``movie_id, title, year, genres, film_id,
            imdb_id, match_status, match_reason, summary, summary_source, directors,
            directors_source, cast, cast_source, imdb_rating, imdb_votes, imdb_rating_source,
            runtime_minutes, trailer_youtube_id, poster``.
        ratings: ``user_id, movie_id, rating, timestamp`` in the order of ``u.data``; the index
            ``row`` is the position there, which the folds are made by.
        users: ``user_id, age, gender, occupation, zip_code``.
        rejected: One row per rejected match: ``movie_id, title, year, provider, imdb_id, reason``.
        sources: Resource name → which place served it, its digest and licence, and why the places
            before it did not serve.
    """

    movies: pd.DataFrame
    ratings: pd.DataFrame
    users: pd.DataFrame
    rejected: pd.DataFrame
    sources: dict[str, dict]

    def most_rated(self, n: int | None = None) -> list[int]:
        """Ids of the n movies with the most ratings (by default of all), most rated first.

        Ties go to the smaller id.
        """
        counts = self.ratings["movie_id"].value_counts()
        counts = counts.reindex(sorted(self.movies["movie_id"]), fill_value=0)
        order = counts.sort_values(ascending=False, kind="stable").index[:n]
        return [int(movie_id) for movie_id in order]


def build(
    workspace: Workspace,
    *,
    text_sources: Sequence[str] = TEXT_SOURCES,
    n_users: int | None = None,
) -> Catalogue:
    """Builds the catalogue from the sources and writes it to ``workspace.catalogue``.

    Args:
        workspace: Where to write, and whose cache keeps the downloads.
        text_sources: Where summaries come from, in order: ``"imdb"``, ``"open"``, or both.
        n_users: Keep only the first n users and their ratings; None keeps all 943.

    Raises:
        StudyError: If MovieLens-100K or the open data cannot be had, a file is damaged, or a
            parameter is out of range. Other sources may be missing; that is recorded.
    """
    unknown = [name for name in text_sources if name not in TEXT_SOURCES]
    if unknown or not text_sources:
        raise StudyError(
            f"no text source {unknown[0]!r}" if unknown else "no text source given",
            where="text_sources",
            remedy=f"Choose from {', '.join(TEXT_SOURCES)}.",
        )
    served = _fetch_all(workspace.cache)
    data = movielens.read(served["ml-100k"].path)
    if n_users is not None and not 1 <= n_users <= len(data.users):
        raise StudyError(
            f"{n_users} users asked for", where="n_users", remedy=f"Give 1 to {len(data.users)}."
        )
    kept = data.users["user_id"].iloc[:n_users]
    movies, rejected = merge(data.movies, served, text_sources)
    built = Catalogue(
        movies,
        data.ratings[data.ratings["user_id"].isin(kept)],
        data.users[data.users["user_id"].isin(kept)],
        rejected,
        {name: place.record() for name, place in served.items()},
    )
    save(built, workspace)
    return built


def save(catalogue: Catalogue, workspace: Workspace) -> None:
    """Writes a catalogue to ``workspace.catalogue``, for :func:`load`."""
    for name in _TABLES:
        with atomic_path(workspace.catalogue / f"{name}.parquet") as part:
            getattr(catalogue, name).to_parquet(part)
    with atomic_path(workspace.catalogue / "sources.json") as part:
        part.write_text(json.dumps(catalogue.sources, indent=1, ensure_ascii=False) + "\n")


def load(workspace: Workspace) -> Catalogue:
    """Reads what :func:`build` wrote.

    Raises:
        StudyError: If the catalogue has not been built, or a file of it is damaged.
    """
    folder = workspace.catalogue
    remedy = "Run notebook 01 (dataset enrichment) with this profile first."
    try:
        tables = {name: pd.read_parquet(folder / f"{name}.parquet") for name in _TABLES}
        record = json.loads((folder / "sources.json").read_text())
    except FileNotFoundError as error:
        raise StudyError("there is no catalogue yet", where=folder, remedy=remedy) from error
    except (OSError, ValueError) as error:
        raise StudyError(f"a damaged catalogue ({error})", where=folder, remedy=remedy) from error
    for name in _LIST_FIELDS:
        tables["movies"][name] = tables["movies"][name].map(list)
    return Catalogue(**tables, sources=record)


def open_only(movies: pd.DataFrame, cache: Path) -> pd.DataFrame:
    """The movies as the open data alone tells them: no text, name or rating of another source.

    Args:
        movies: A catalogue's movies.
        cache: The workspace's cache.

    Returns:
        The same rows; summary, directors and cast of the open data, and no crowd's rating.
    """
    ours = open_data.read(sources.fetch(sources.OPEN_DATA, cache).path).reindex(movies["movie_id"])
    known = {
        "summary": ours["summary"].where(ours["summary"].notna(), None),
        "directors": ours["directors"].map(lambda names: names if isinstance(names, list) else []),
        "cast": ours["cast"].map(lambda names: names if isinstance(names, list) else []),
    }
    origins = ours["title"].notna().map({True: "open", False: None}).to_numpy()
    return movies.assign(
        **{name: column.to_numpy() for name, column in known.items()},
        **{f"{name}_source": origins for name in known},
        imdb_rating=float("nan"),
        imdb_votes=float("nan"),
        imdb_rating_source=None,
    )


def _fetch_all(cache: Path) -> dict[str, sources.Served]:
    needed = (sources.ML_100K, sources.OPEN_DATA)
    welcome = (
        sources.ENHANCED_ITEMS,
        sources.MOVIE_DETAILS,
        sources.POSTERS,
    )
    served = [sources.fetch(resource, cache) for resource in needed]
    served += [sources.fetch_if_there(resource, cache) for resource in welcome]
    return {place.resource: place for place in served}


def merge(
    canonical: pd.DataFrame, served: dict[str, sources.Served], text_sources: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Joins the providers' fields to the MovieLens movies.

    Args:
        canonical: ``movielens.read(...).movies``.
        served: By resource name; a missing one has ``path`` None.
        text_sources: Where summaries come from, in order.

    Returns:
        The tables ``movies`` and ``rejected`` of :class:`Catalogue`.
    """
    tables = {
        name: _read(provider.read, served[resource].path, canonical["movie_id"])
        for name, provider, resource in (
            ("published", published, "enhanced-items"),
            ("details", details, "movie-details"),
            ("open", open_data, "open-data"),
        )
    }
    verdicts = matching.judge_all(canonical, tables["published"], tables["details"], tables["open"])
    status = verdicts.set_index(["movie_id", "provider"])["status"].to_dict()
    posters_of = _posters(verdicts, served["posters"].path)
    order = verdicts["status"].map(_STATUS_ORDER.index)
    best = verdicts.assign(order=order).sort_values(["movie_id", "order"], kind="stable")
    matches = best.drop_duplicates("movie_id").set_index("movie_id").to_dict("index")
    records = []
    for movie in canonical.itertuples():
        ranked = _Ranked(movie.movie_id, tables, status)
        match = matches.get(movie.movie_id, _NO_MATCH)
        records.append(
            {
                "movie_id": movie.movie_id,
                "title": movie.title,
                "year": movie.year,
                "genres": movie.genres,
                "imdb_id": None if match["status"] == matching.REJECTED else match["imdb_id"],
                "match_status": match["status"],
                "match_reason": match["reason"],
                **ranked.summary(text_sources),
                **ranked.field("directors"),
                **ranked.field("cast"),
                **ranked.field("imdb_rating", "imdb_votes"),
                "runtime_minutes": ranked.value("runtime_minutes"),
                "trailer_youtube_id": ranked.own("published", "trailer_youtube_id"),
                "poster": posters_of.get(movie.movie_id),
            }
        )
    movies = pd.DataFrame(records)
    movies["year"] = movies["year"].astype("Int64")
    for name in ("imdb_rating", "imdb_votes", "runtime_minutes"):
        movies[name] = movies[name].astype(float)
    movies.insert(4, "film_id", movielens.film_ids(canonical))
    rejected = verdicts[verdicts["status"] == matching.REJECTED].drop(columns="status")
    rejected = rejected.merge(canonical[["movie_id", "title", "year"]], on="movie_id")
    columns = ["movie_id", "title", "year", "provider", "imdb_id", "reason"]
    return movies, rejected[columns]


def _posters(verdicts: pd.DataFrame, folder: Path | None) -> dict[int, str]:
    """The poster's file name for each movie that has one under an id that was not rejected."""
    names = {path.stem: path.name for path in folder.iterdir()} if folder else {}
    accepted = verdicts[verdicts["status"] != matching.REJECTED]
    pairs = zip(accepted["movie_id"], accepted["imdb_id"], strict=True)
    # Backwards, so that the first provider's id has the last word.
    return {movie_id: names[imdb_id] for movie_id, imdb_id in [*pairs][::-1] if imdb_id in names}


def _read(reader, path: Path | None, movie_ids: pd.Series) -> pd.DataFrame:
    if path is None:
        empty = {"imdb_id": [], "directors": [], "year": [], "kind": []}
        return pd.DataFrame(empty, index=pd.Index([], name="movie_id", dtype="int64"))
    table = reader(path)
    return table[table.index.isin(movie_ids)]


class _Ranked:
    """The sources that know one movie, best first."""

    def __init__(self, movie_id: int, tables: dict[str, pd.DataFrame], status: dict):
        self.movie_id, self.tables = movie_id, tables
        scrapes = [
            (name, status.get((movie_id, name), matching.REJECTED))
            for name in ("published", "details")
        ]
        verified = [name for name, verdict in scrapes if verdict == matching.VERIFIED]
        unverified = [name for name, verdict in scrapes if verdict == matching.UNVERIFIED]
        self.order = [*verified, "open", *unverified]

    def own(self, source: str, name: str):
        """One source's value of a field, None where it has none."""
        table = self.tables[source]
        if name not in table.columns or self.movie_id not in table.index:
            return None
        value = table.at[self.movie_id, name]
        if isinstance(value, list):
            return value or None
        return value if pd.notna(value) else None

    def known(self, name: str) -> Iterator[tuple[str, object]]:
        for source in self.order:
            value = self.own(source, name)
            if value is not None:
                yield source, value

    def value(self, name: str):
        return next((value for _, value in self.known(name)), None)

    def field(self, name: str, *beside: str) -> dict:
        """A field, its source, and the fields that go with it, from the same source."""
        source, value = next(self.known(name), (None, None))
        if value is None and name in _LIST_FIELDS:
            value = []
        others = {other: self.own(source, other) if source else None for other in beside}
        return {name: value, **others, f"{name}_source": source}

    def summary(self, text_sources: Sequence[str]) -> dict:
        wanted = {"open": ["open"], "imdb": [name for name in self.order if name != "open"]}
        texts = dict(self.known("summary"))
        after_open = self.order[self.order.index("open") :]
        order = [(name, source) for name in text_sources for source in wanted[name]]
        # Stable: the order asked for, but a doubtful match behind every certain text.
        order.sort(key=lambda pair: pair[0] == "imdb" and pair[1] in after_open)
        name, source = next(((n, s) for n, s in order if s in texts), (None, None))
        return {"summary": texts.get(source), "summary_source": name}
