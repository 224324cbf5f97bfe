"""The contract of providers: the query, and what a provider returns for a movie.

The study's own files and the web services of ``mmrec enrich`` keep to the same contract: a
`Provider` turns movies into candidates. A provider does not decide which candidates are the right
film: `mmrec.catalogue.matching` does so for all of them by the same rules, and
`mmrec.catalogue.merging` takes each field from the best candidate.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from mmrec import progress
from mmrec.catalogue import cleaning
from mmrec.errors import StudyError

VERIFIED, UNVERIFIED, REJECTED, MISSING = "verified", "unverified", "rejected", "missing"
"""The states of a match; a movie is missing if no provider has a candidate for it."""

FILM = "film"
"""The `Film.kind` of a film."""


@dataclass(frozen=True)
class Movie:
    """A movie asked for.

    Attributes:
        movie_id: Its number in the list.
        title: In natural order, with articles in front.
        year: Of its release, None where the list has none.
        alternate_titles: Other titles, such as the original one.
        imdb_id: ``"tt…"`` where the list gives it, else None.
        genres: Where the list gives them, else empty.
    """

    movie_id: int
    title: str
    year: int | None
    alternate_titles: tuple[str, ...] = ()
    imdb_id: str | None = None
    genres: tuple[str, ...] = ()

    @property
    def titles(self) -> tuple[str, ...]:
        """All its names."""
        return (self.title, *self.alternate_titles)


@dataclass(frozen=True)
class Film:
    """What a provider knows about the identity of a film; matching uses nothing else.

    Values that cannot be what they should be, such as a year of five digits, are dropped.

    Attributes:
        titles: Every title the provider has; the first is shown in tables. Empty if the provider
            keeps no titles.
        year: Of its release, None where unknown.
        imdb_id: ``"tt…"``, or None.
        directors: Names, empty where unknown.
        kind: :data:`FILM`, or what else it is; None where unknown.
        namesakes: Number of other films known to the provider that fit the movie equally well.
    """

    titles: tuple[str, ...] = ()
    year: int | None = None
    imdb_id: str | None = None
    directors: tuple[str, ...] = ()
    kind: str | None = None
    namesakes: int = 0

    def __post_init__(self) -> None:
        _set(self, "titles", cleaning.texts(self.titles))
        _set(self, "directors", cleaning.texts(self.directors))
        year = cleaning.number(self.year)
        _set(self, "year", int(year) if year and 1800 <= year <= 2200 else None)
        _set(self, "imdb_id", cleaning.imdb_id(self.imdb_id))


@dataclass(frozen=True)
class Facts:
    """What a provider says about a film; unknown values keep their defaults.

    Impossible values, such as a runtime of "abc", are dropped, and the other facts are kept.

    Attributes:
        summary: The plot in plain text.
        cast: Names, the leading ones first.
        genres: Names out of `mmrec.catalogue.movielens.GENRES`.
        runtime_minutes: Minutes, above 0.
        imdb_rating: The mean rating of IMDb's users, 1 to 10.
        imdb_votes: By how many users.
        trailer_youtube_id: Of a trailer, 11 characters.
    """

    summary: str | None = None
    cast: tuple[str, ...] = ()
    genres: tuple[str, ...] = ()
    runtime_minutes: float | None = None
    imdb_rating: float | None = None
    imdb_votes: float | None = None
    trailer_youtube_id: str | None = None

    def __post_init__(self) -> None:
        for name in ("summary", "trailer_youtube_id"):
            _set(self, name, cleaning.text(getattr(self, name)))
        for name in ("cast", "genres"):
            _set(self, name, cleaning.texts(getattr(self, name)))
        for name in ("runtime_minutes", "imdb_rating", "imdb_votes"):
            _set(self, name, cleaning.number(getattr(self, name)))


@dataclass(frozen=True)
class Match:
    """How well a candidate agrees with the movie asked for.

    Attributes:
        status: :data:`VERIFIED`, :data:`UNVERIFIED` or :data:`REJECTED`.
        confidence: 0 to 1; 0 for a rejected one.
        reason: In words.
    """

    status: str
    confidence: float
    reason: str


@dataclass(frozen=True)
class Candidate:
    """What a provider has for a movie.

    Attributes:
        movie_id: Of the movie asked for.
        provider: The provider's name.
        film: The identity of the film.
        facts: The facts about it.
        source: Address of the page or file, exact enough to give credit.
        licence: What may be done with the facts.
        match: None for a candidate that identifies a film; `mmrec.catalogue.matching` then decides
            whether it is the right one. A candidate that does not identify a film, such as a
            trailer or a text written for this movie, brings its own match.
    """

    movie_id: int
    provider: str
    film: Film
    facts: Facts
    source: str
    licence: str
    match: Match | None = None


@dataclass(frozen=True)
class Miss:
    """A movie, or one of its fields, that a provider lacks, and why."""

    movie_id: int
    provider: str
    reason: str


class Provider(Protocol):
    """A source of facts about movies, one class in one file.

    ``find`` yields any number of candidates for each movie, as soon as it has them, and a `Miss`
    for what it could not answer. It raises an exception only if no further answer is possible
    (`StudyError`) or this computer fails (`LocalError`).
    """

    name: str
    """The name under which tables list its candidates."""

    def find(self, movies: Sequence[Movie]) -> Iterable[Candidate | Miss]:
        """Looks the movies up, in any order."""
        ...


def collect(
    providers: Iterable[Provider], movies: Sequence[Movie]
) -> tuple[list[Candidate], list[Miss]]:
    """Asks one provider after the other.

    Returns:
        All their candidates, and all their misses.

    Raises:
        StudyError: If a provider raises it, or answers for a movie that was not in the query.
    """
    ids = {movie.movie_id for movie in movies}
    candidates: list[Candidate] = []
    misses: list[Miss] = []
    for provider in providers:
        answers = provider.find(movies)
        for answer in progress.bar(answers, total=len(movies), label=provider.name):
            if answer.movie_id not in ids or answer.provider != provider.name:
                raise StudyError(
                    f"it answers for movie {answer.movie_id} as {answer.provider!r}",
                    where=f"provider {provider.name!r}",
                    remedy="A provider answers under its own name, for the movies asked for.",
                )
            if isinstance(answer, Candidate):
                candidates.append(answer)
            else:
                misses.append(answer)
    return candidates, misses


def by_movie(candidates: Iterable[Candidate]) -> Iterator[tuple[int, list[Candidate]]]:
    """The candidates of each movie, in their order."""
    grouped: dict[int, list[Candidate]] = {}
    for candidate in candidates:
        grouped.setdefault(candidate.movie_id, []).append(candidate)
    yield from grouped.items()


def _set(target: object, name: str, value: object) -> None:
    object.__setattr__(target, name, value)
