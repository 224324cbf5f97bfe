"""Builds the study's catalogue: MovieLens, two scrapes of IMDb, the open data, and posters.

Paper §III. A field is taken from the first source that has it, in this order: matches that are
verified (the paper's own file before the second scrape), then the open data, then matches that
are neither verified nor rejected. A rejected match provides no field. Summaries follow the same
rule within the order of sources that the run asks for.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from mmrec.catalogue import movielens, own, sources, tables
from mmrec.catalogue.matching import Assessed, ImdbNumbers, assess_all
from mmrec.catalogue.merging import merge
from mmrec.catalogue.provider import REJECTED, Movie, Provider, collect
from mmrec.catalogue.providers.details import Details
from mmrec.catalogue.providers.open_data import OpenData
from mmrec.catalogue.providers.published import Published
from mmrec.catalogue.tables import Catalogue
from mmrec.errors import StudyError
from mmrec.workspace import Workspace

TEXT_SOURCES = {"imdb": (Published.name, Details.name), "open": (OpenData.name,)}
"""Sources of summaries, and the providers behind each name."""

# MovieLens-100K ends in April 1998. IMDb numbers its entries as they come: of the matches whose
# year agrees, 999 in 1,000 lie below 131,000. A higher number is an entry made later.
LAST_IMDB_NUMBER = 140_000


def build(
    workspace: Workspace,
    *,
    text_sources: Sequence[str] = tuple(TEXT_SOURCES),
    n_users: int | None = None,
) -> Catalogue:
    """Builds the catalogue from the sources and writes it to ``workspace.catalogue``.

    Args:
        workspace: Where to write, and whose cache keeps the downloads.
        text_sources: Where summaries come from, in order: ``"imdb"``, ``"open"``, or both.
        n_users: Keep only the first n users and their ratings; None keeps all 943.

    Raises:
        LocalError: If the disk is full, or a file may not be read or written.
        StudyError: If MovieLens-100K or the open data are not available, a file is damaged, a
            parameter is out of range, or the workspace holds a catalogue of a reader's own. Other
            sources may be missing; that is recorded.
    """
    own.refuse(workspace)
    unknown = [name for name in text_sources if name not in TEXT_SOURCES]
    if unknown or not text_sources:
        raise StudyError(
            f"no text source {unknown[0]!r}" if unknown else "no text source given",
            where="text_sources",
            remedy=f"Choose from {', '.join(TEXT_SOURCES)}.",
        )
    ratings = sources.fetch(sources.ML_100K, workspace.cache)
    served = {
        sources.OPEN_DATA: sources.fetch(sources.OPEN_DATA, workspace.cache),
        sources.ENHANCED_ITEMS: sources.fetch_if_there(sources.ENHANCED_ITEMS, workspace.cache),
        sources.MOVIE_DETAILS: sources.fetch_if_there(sources.MOVIE_DETAILS, workspace.cache),
        sources.POSTERS: sources.fetch_if_there(sources.POSTERS, workspace.cache),
    }
    data = movielens.read(_there(ratings))
    if n_users is not None and not 1 <= n_users <= len(data.users):
        raise StudyError(
            f"{n_users} users asked for", where="n_users", remedy=f"Give 1 to {len(data.users)}."
        )
    kept = data.users["user_id"].iloc[:n_users]
    movies, rejected = enrich(
        data.movies,
        {resource.name: place.path for resource, place in served.items()},
        text_sources,
    )
    built = Catalogue(
        movies,
        data.ratings[data.ratings["user_id"].isin(kept)],
        data.users[data.users["user_id"].isin(kept)],
        rejected,
        {place.resource: place.record() for place in (ratings, *served.values())},
    )
    tables.save(built, workspace)
    return built


def enrich(
    canonical: pd.DataFrame, paths: Mapping[str, Path | None], text_sources: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Joins the providers' fields to the MovieLens movies.

    Args:
        canonical: ``movielens.read(...).movies``.
        paths: Name of a resource to its file or folder; the catalogue is built without those that
            are None or missing.
        text_sources: Where summaries come from, in order.

    Returns:
        The tables ``movies`` and ``rejected`` of `Catalogue`.
    """
    asked = movies_of(canonical)
    there = providers(paths)
    assessed = match(asked, there)
    origin = {name: text for text in TEXT_SOURCES for name in TEXT_SOURCES[text]}
    merged = merge(
        asked,
        assessed,
        order=[provider.name for provider in there],
        summaries=[name for text in text_sources for name in TEXT_SOURCES[text]],
    )
    posters = _posters(assessed, paths.get(sources.POSTERS.name))
    movies = merged.movies
    for name, values in (
        ("summary_source", [origin.get(provider) for provider in movies["summary_source"]]),
        ("poster", [posters.get(movie_id) for movie_id in movies["movie_id"]]),
    ):
        movies[name] = pd.Series(values, movies.index, dtype=object)
    return movies, merged.rejected


def movies_of(canonical: pd.DataFrame) -> list[Movie]:
    """MovieLens' movies in the form in which providers are queried."""
    return [
        Movie(
            movie_id=row["movie_id"],
            title=row["title"],
            year=None if pd.isna(row["year"]) else int(row["year"]),
            alternate_titles=(row["alternate_title"],) if row["alternate_title"] else (),
            genres=tuple(row["genres"]),
        )
        for row in canonical.to_dict("records")
    ]


def providers(paths: Mapping[str, Path | None]) -> list[Provider]:
    """The providers whose files are available, in order of trust."""
    known: dict[str, Callable[[Path], Provider]] = {
        sources.ENHANCED_ITEMS.name: Published,
        sources.MOVIE_DETAILS.name: Details,
        sources.OPEN_DATA.name: OpenData,
    }
    return [make(path) for name, make in known.items() if (path := paths.get(name))]


def match(movies: Sequence[Movie], asked: Iterable[Provider]) -> list[Assessed]:
    """Collects the providers' candidates for MovieLens' movies, and decides which are right."""
    candidates, _ = collect(asked, movies)
    numbers = ImdbNumbers((one.film for one in candidates), last=LAST_IMDB_NUMBER)
    return assess_all(movies, candidates, numbers=numbers)


def _there(served: sources.Served) -> Path:
    assert served.path is not None, f"{served.resource} is needed"
    return served.path


def _posters(assessed: Iterable[Assessed], folder: Path | None) -> dict[int, str]:
    """The poster's file name for each movie that has one under an id that was not rejected."""
    files = {path.stem: path.name for path in folder.iterdir()} if folder else {}
    posters: dict[int, str] = {}
    for candidate, verdict in assessed:
        imdb_id = candidate.film.imdb_id
        if imdb_id in files and verdict.status != REJECTED:
            posters.setdefault(candidate.movie_id, files[imdb_id])
    return posters
