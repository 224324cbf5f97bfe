"""Compares the open data with other sources: are the films the right ones, and the words its own?

``python -m mmrec.open_data.check MIRROR`` prints the figures of the book's data card. ``MIRROR``
is a folder laid out like ``$MMREC_MIRROR``; the Freebase graph comes from the package registry.
The other sources' matches are judged without the open data, so that its own directors cannot
decide which of them count.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mmrec.catalogue import build, matching, movielens
from mmrec.catalogue.matching import Assessed
from mmrec.catalogue.provider import VERIFIED
from mmrec.catalogue.providers import details, published
from mmrec.errors import StudyError
from mmrec.features import text
from mmrec.features.graph import triples
from mmrec.open_data import freebase, schema
from mmrec.workspace import Workspace

RUN = 6
_PATHS = {
    "enhanced-items": "enhanced-ml-100k/items.csv",
    "movie-details": "movielens-details/movielens100k_details.json",
}


@dataclass(frozen=True)
class Mirror:
    """The other sources, read from a folder.

    Attributes:
        folder: Laid out like ``$MMREC_MIRROR``.
    """

    folder: Path

    @cached_property
    def movielens(self) -> movielens.MovieLens:
        """MovieLens-100K."""
        return movielens.read(self.folder / "ml-100k")

    @cached_property
    def scrapes(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Both scrapes as they are, wrong matches included."""
        first, second = (self.folder / path for path in _PATHS.values())
        return published.read(first), details.read(second)

    @cached_property
    def movies(self) -> pd.DataFrame:
        """The catalogue's movies, indexed by ``movie_id``, built without the open data."""
        merged, _ = build.enrich(self.movielens.movies, self._paths, ("imdb",))
        return merged.set_index("movie_id", drop=False).rename_axis(None)

    @cached_property
    def matches(self) -> list[Assessed]:
        """Both scrapes' matches with MovieLens' movies."""
        asked = build.movies_of(self.movielens.movies)
        return build.match(asked, build.providers(self._paths))

    @property
    def _paths(self) -> dict[str, Path | None]:
        return {name: self.folder / path for name, path in _PATHS.items()}


def share_of_ratings(ours: pd.DataFrame, mirror: Mirror) -> float:
    """Share of the ratings that are of movies with an entry, 0 to 1."""
    return float(mirror.movielens.ratings["movie_id"].isin(ours.index).mean())


def shared_runs(ours: pd.DataFrame, mirror: Mirror, n: int = RUN) -> Iterator[tuple[int, str]]:
    """Runs of n words that a synopsis has in common with a text on the same movie."""
    for scrape in mirror.scrapes:
        theirs = scrape["summary"].dropna()
        both = ours.index.intersection(theirs.index)
        for movie_id, our, their in zip(both, ours["summary"][both], theirs[both], strict=True):
            common = _runs(str(our), n) & _runs(str(their), n)
            yield from ((int(movie_id), " ".join(run)) for run in sorted(common))


def _runs(told: str, n: int) -> set[tuple[str, ...]]:
    spoken = schema.words(told)
    return {tuple(spoken[i : i + n]) for i in range(len(spoken) - n + 1)}


def named_people(ours: pd.DataFrame, mirror: Mirror) -> Iterator[tuple[int, str]]:
    """Full names of the movie's own directors and cast that a synopsis holds."""
    for movie_id, synopsis in zip(ours.index, ours["summary"], strict=True):
        for scrape in mirror.scrapes:
            for field in ("directors", "cast"):
                people = scrape[field].get(movie_id, ())
                named = schema.names_in(synopsis, people)
                yield from ((int(movie_id), name) for name in named)


def people_compared(ours: pd.DataFrame, mirror: Mirror, field: str) -> pd.Series:
    """Whether the entry shares a person with the movie's verified matches.

    Args:
        ours: As `schema.load` gives it.
        mirror: The other sources.
        field: ``"directors"`` or ``"cast"``.

    Returns:
        bool by movie id, for the movies with a verified match that names anyone. Either match
        may be the one that agrees: the first scrape names a single director of several.
    """
    people: dict[int, list[str]] = {}
    for candidate, match in mirror.matches:
        if candidate.match is None and match.status == VERIFIED:
            theirs = candidate.film.directors if field == "directors" else candidate.facts.cast
            people.setdefault(candidate.movie_id, []).extend(theirs)
    compared = {
        movie_id: matching.agree(named, people[movie_id])
        for movie_id, named in zip(ours.index, ours[field], strict=True)
        if movie_id in people
    }
    return pd.Series(compared, dtype=object).dropna().astype(bool)


def ranks(ours: pd.DataFrame, mirror: Mirror, cache: Path) -> pd.Series:
    """Where each synopsis finds its own film among the summaries of all movies.

    Both are embedded as the study embeds texts (`mmrec.features.text.embed`) and compared by
    cosine. The ids of one film count as one.

    Args:
        ours: As `schema.load` gives it.
        mirror: The other sources; matches that were judged wrong stand for no film.
        cache: Keeps the sentence vectors.

    Returns:
        Rank by movie id, 1 for the nearest, for the movies that have a summary to be found.
    """
    theirs = mirror.movies[mirror.movies["summary"].notna()]
    asked = ours.loc[ours.index.intersection(theirs.index)]
    queries = asked.rename_axis("movie_id").reset_index().assign(summary_source="open")
    near = _unit(text.embed(queries, cache=cache).vectors)
    table = text.embed(theirs, cache=cache)
    films = theirs.loc[table.movie_ids, "film_id"].to_numpy()
    likeness = pd.DataFrame(near @ _unit(table.vectors).T, index=queries["movie_id"], columns=films)
    by_film = likeness.T.groupby(level=0).max().T
    order = by_film.rank(axis=1, ascending=False, method="min").astype(int)
    own = mirror.movies.loc[order.index, "film_id"]
    return pd.Series([order.at[i, film] for i, film in own.items()], index=order.index)


def _unit(vectors: NDArray[np.floating]) -> NDArray[np.floating]:
    unit: NDArray[np.floating] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def triple_counts(ours: pd.DataFrame) -> pd.Series:
    """How many subject–verb–object triples the parser finds in each synopsis."""
    parser = triples.load_parser()
    found = [
        sum(len(triples.read(sentence.as_doc())) for sentence in document.sents)
        for document in parser.pipe(ours["summary"])
    ]
    return pd.Series(found, index=ours.index)


def figures(ours: pd.DataFrame, mirror: Mirror, cache: Path) -> Iterator[str]:
    """The measured figures, a line each."""
    counts = ours["summary"].str.split().str.len()
    yield f"movies: {len(ours):,}, {share_of_ratings(ours, mirror):.1%} of the ratings"
    yield f"words a synopsis: mean {counts.mean():.1f}, {counts.min()} to {counts.max()}"
    runs = list(shared_runs(ours, mirror))
    yield f"runs of {RUN} words shared with a text on the same movie: {len(runs)} {runs or ''}"
    people = list(named_people(ours, mirror))
    yield f"names of directors or cast in a synopsis: {len(people)} {people or ''}"
    for field in ("directors", "cast"):
        agreed = people_compared(ours, mirror, field)
        differ = agreed.index[~agreed].tolist()
        yield f"{field} agree: {agreed.mean():.1%} of {len(agreed):,}; not {differ}"
    yield from freebase_figures(ours, cache)
    found = triple_counts(ours)
    yield f"three triples or more: {(found >= 3).mean():.1%} of the synopses"
    rank = ranks(ours, mirror, cache)
    yield (
        f"own film found: rank 1 in {(rank == 1).mean():.1%}, rank 1 to 10 in "
        f"{(rank <= 10).mean():.1%} of {len(rank):,}; beyond {rank.index[rank > 10].tolist()}"
    )


def freebase_figures(ours: pd.DataFrame, cache: Path) -> Iterator[str]:
    """A line for each fact that is compared with Freebase, or why none is."""
    try:
        facts, ids = freebase.load(ours, cache)
    except StudyError as error:
        yield f"not compared with Freebase: {error}"
        return
    for field in freebase.IDS:
        agreed = freebase.compared(ours, facts, ids, field)
        differ = agreed.index[~agreed].tolist()
        yield f"{field} known to Freebase: {agreed.sum():,} of {len(agreed):,}; not {differ}"


def main() -> int:
    """Prints the figures; says in one line what is missing."""
    parser = argparse.ArgumentParser(prog="python -m mmrec.open_data.check", description=__doc__)
    parser.add_argument("mirror", type=Path, help="folder laid out like $MMREC_MIRROR")
    mirror = Mirror(parser.parse_args().mirror)
    try:
        for line in figures(schema.load(), mirror, Workspace.open("check").cache):
            print(line, flush=True)
    except StudyError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
