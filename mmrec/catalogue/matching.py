"""Decides whether a candidate is the film in question.

The study's two scrapes of IMDb each took the first hit of a title search unchecked, and web
services are searched by title as well. One set of rules decides for all of them, by the IMDb id
where the list gives it, titles, years, directors, the kind of the film, what other providers have
found, and the number in the IMDb id. The strongest evidence decides.

The number indicates the year, because IMDb numbered its first entries year by year: of the matches
with a known year, 99.6 % lie within one year of the median of the six neighbouring numbers,
wherever those span no more than a year.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from itertools import combinations
from typing import NamedTuple

import numpy as np

from mmrec.catalogue.cleaning import title_key
from mmrec.catalogue.provider import (
    FILM,
    REJECTED,
    UNVERIFIED,
    VERIFIED,
    Candidate,
    Film,
    Match,
    Movie,
    by_movie,
)

# A release year may be counted by the festival or by the cinema.
YEARS_APART = 1
# With the director confirmed, so much more may lie between the two.
YEARS_APART_SAME_DIRECTOR = 3

_LIKE = 0.85
# A comparison of two texts takes time with their product; no title is longer.
_LONGEST = 300

_ID = "the IMDb id given"
OPEN_DATA = "the open data"
"""Name, in reasons, of the source of directors that were written for the movies themselves."""

_DIRECTOR = "the director agrees with {}"
_SAME_DIRECTOR = "the same director as a match whose year agrees"


class Assessed(NamedTuple):
    """A candidate, and how well it agrees with the movie in question."""

    candidate: Candidate
    match: Match


class ImdbNumbers:
    """The year indicated by the number in an IMDb id.

    Args:
        films: Films with known ids and years.
        last: The highest number that a film of the list can have; later entries are other films.
        neighbours: How many known numbers to look at on either side.
        span: The largest allowed difference between the neighbours' years.
    """

    def __init__(self, films: Iterable[Film], *, last: int, neighbours: int = 3, span: float = 1.0):
        known: dict[int, int] = {}
        for film in films:
            if film.imdb_id and film.year:
                known.setdefault(_number(film.imdb_id), film.year)
        self._numbers = np.array(sorted(known), dtype=np.int64)
        self._years = np.array([known[number] for number in sorted(known)], dtype=np.float64)
        self._last, self._neighbours, self._span = last, neighbours, span

    def too_late(self, imdb_id: str) -> bool:
        """Whether the film was entered after the list was closed."""
        return _number(imdb_id) > self._last

    def year(self, imdb_id: str) -> float:
        """The median year of the neighbouring numbers; NaN where they lie apart, or too late."""
        number = _number(imdb_id)
        below, above = (np.searchsorted(self._numbers, number, side) for side in ("left", "right"))
        near = np.r_[
            self._years[max(0, below - self._neighbours) : below],
            self._years[above : above + self._neighbours],
        ]
        if self.too_late(imdb_id) or len(near) == 0 or near.max() - near.min() > self._span:
            return float("nan")
        return float(np.median(near))


def _number(imdb_id: str) -> int:
    return int(imdb_id[2:])


def same_person(one: str, other: str) -> bool:
    """Whether two spellings mean one person: accents, order, hyphens, a lost apostrophe."""
    first, second = _tokens(one), _tokens(other)
    if not first or not second:
        return False
    if first <= second or second <= first or len(first & second) >= 2:
        return True
    return _likeness(" ".join(sorted(first)), " ".join(sorted(second))) >= _LIKE


def _tokens(name: str) -> set[str]:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return set(re.sub(r"[^a-z0-9 ]", "", plain.replace("-", " ").replace(".", " ")).split())


def agree(ours: Iterable[str], theirs: Iterable[str]) -> bool | None:
    """Whether two lists of people share a person; None if either list is empty."""
    ours, theirs = list(ours), list(theirs)
    if not ours or not theirs:
        return None
    return any(same_person(one, other) for one in ours for other in theirs)


def title_likeness(movie: Movie, titles: Iterable[str]) -> float:
    """The best similarity between a movie's titles and some others, 0 to 1 (the same title).

    Case, accents, punctuation and a leading article do not count.
    """
    wanted = {title_key(title) for title in movie.titles}
    found = {title_key(title) for title in titles}
    if wanted & found:
        return 1.0
    likest = max((_likeness(one, other) for one in wanted for other in found), default=0.0)
    return min(likest, 0.99)


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, one[:_LONGEST], other[:_LONGEST]).ratio()


def assess(
    movie: Movie,
    film: Film,
    *,
    others: Sequence[Film] = (),
    directors: Iterable[str] = (),
    told_by: str = OPEN_DATA,
    numbers: ImdbNumbers | None = None,
) -> Match:
    """Weighs the evidence for one film.

    Args:
        movie: What was asked for.
        film: The film in question.
        others: What other providers found for the same movie.
        directors: Of the movie, as an own source has them; may be empty.
        told_by: Name of that source in reasons.
        numbers: The evidence of IMDb's numbers, if the list ends at a known time.
    """
    if movie.imdb_id and film.imdb_id:
        if movie.imdb_id == film.imdb_id:
            return Match(VERIFIED, 1.0, _ID)
        return Match(REJECTED, 0.0, "another IMDb id than the one given")
    likeness = title_likeness(movie, film.titles) if film.titles else 1.0
    if likeness < _LIKE:
        return Match(REJECTED, 0.0, "another title")
    apart, number_apart = _years_apart(movie, film, numbers)
    director = agree(directors, film.directors)
    same_id = any(film.imdb_id and one.imdb_id == film.imdb_id for one in others)
    rivals = [
        one
        for one in others
        if film.imdb_id and one.imdb_id and one.imdb_id != film.imdb_id and _is_film(one)
    ]
    verified = 0.9 if apart > 0 else 1.0

    if director and not apart > YEARS_APART_SAME_DIRECTOR:
        return Match(VERIFIED, verified, _DIRECTOR.format(told_by))
    if not _is_film(film):
        return Match(REJECTED, 0.0, f"not a film ({str(film.kind).lower()})")
    if numbers and film.imdb_id and numbers.too_late(film.imdb_id):
        return Match(REJECTED, 0.0, "entered in IMDb after the list was closed")
    if director is False and not (same_id and apart <= YEARS_APART):
        return Match(REJECTED, 0.0, f"another director than {told_by}'s")
    if apart <= YEARS_APART:
        namesakes = max((one.namesakes for one in (film, *others)), default=0)
        if likeness < 1:
            return Match(UNVERIFIED, 0.7 * likeness, "a similar title of that year")
        if namesakes:
            reason = f"one of {namesakes + 1} films of that title and year"
            return Match(UNVERIFIED, verified / (namesakes + 1), reason)
        if film.titles:
            return Match(VERIFIED, verified, _agreed(apart))
        return Match(VERIFIED, verified, "the year agrees with the title's")
    right = [one for one in rivals if _years_apart(movie, one, None)[0] <= YEARS_APART]
    if right:
        if any(agree(film.directors, one.directors) for one in right):
            return Match(VERIFIED, verified, _SAME_DIRECTOR)
        return Match(REJECTED, 0.0, "the film that another source found has the right year")
    if number_apart <= YEARS_APART and not any(
        _years_apart(movie, one, numbers)[1] <= YEARS_APART for one in rivals
    ):
        return Match(VERIFIED, verified, "the IMDb number falls in the year of the title")
    if apart > YEARS_APART or number_apart > YEARS_APART:
        return Match(REJECTED, 0.0, "another year than the title's")
    if same_id:
        return Match(VERIFIED, verified, "two sources found the same id")
    if film.titles:
        return Match(UNVERIFIED, 0.5 * likeness, "the title agrees, the year is not known")
    return Match(UNVERIFIED, 0.5, "nothing to compare it with")


def _years_apart(movie: Movie, film: Film, numbers: ImdbNumbers | None) -> tuple[float, float]:
    """Distances of the film's year, and of its IMDb number's, from the movie's; NaN if unknown."""
    nan = float("nan")
    wanted = nan if movie.year is None else movie.year
    year = nan if film.year is None else film.year
    number = numbers.year(film.imdb_id) if numbers and film.imdb_id else nan
    return abs(year - wanted), abs(number - wanted)


def _is_film(film: Film) -> bool:
    return film.kind in (None, FILM)


def _agreed(apart: float) -> str:
    return "the title agrees, the years are next to each other" if apart else "title and year agree"


def assess_all(
    movies: Sequence[Movie],
    candidates: Sequence[Candidate],
    *,
    told_by: str = OPEN_DATA,
    numbers: ImdbNumbers | None = None,
) -> list[Assessed]:
    """Decides for every candidate whether it is the film asked for.

    What one provider knows of a film, another may lack: year and kind count for every candidate
    with the same IMDb id. An IMDb id that was found for two different titles is right for one of
    them at most.

    Args:
        movies: What was asked for.
        candidates: What all providers found.
        told_by: What reasons call the source of the candidates that bring their own match.
        numbers: As :func:`assess` takes it.

    Returns:
        Movie by movie, each movie's candidates in their order.
    """
    by_id = {movie.movie_id: movie for movie in movies}
    known: dict[str, Film] = {}
    for candidate in candidates:
        film = candidate.film
        if film.imdb_id and (film.year or film.kind):
            known.setdefault(film.imdb_id, film)
    assessed = []
    for movie_id, of_one in by_movie(candidates):
        films = {i: _completed(one.film, known) for i, one in enumerate(of_one) if not one.match}
        directors = [name for one in of_one if one.match for name in one.film.directors]
        for i, candidate in enumerate(of_one):
            if candidate.match:
                assessed.append(Assessed(candidate, candidate.match))
                continue
            others = [film for j, film in films.items() if of_one[j].provider != candidate.provider]
            match = assess(
                by_id[movie_id],
                films[i],
                others=others,
                directors=directors,
                told_by=told_by,
                numbers=numbers,
            )
            assessed.append(Assessed(replace(candidate, film=films[i]), match))
    certain = {_ID, _DIRECTOR.format(told_by), _SAME_DIRECTOR}
    return _settle_shared(assessed, by_id, certain)


def _completed(film: Film, known: dict[str, Film]) -> Film:
    if not film.imdb_id or film.imdb_id not in known:
        return film
    same = known[film.imdb_id]
    return replace(film, year=film.year or same.year, kind=film.kind or same.kind)


def _settle_shared(
    assessed: list[Assessed], movies: dict[int, Movie], reasons: set[str]
) -> list[Assessed]:
    """Decides which of two different titles an id belongs to.

    It stays with the title for which the director confirms it, or whose id the list gives (the
    certain reasons); where nothing is certain, nothing is verified. The same title twice, or a
    title that is the other's alternate, is one film.
    """
    claims: dict[str, list[int]] = {}
    for position, (candidate, match) in enumerate(assessed):
        imdb_id = candidate.film.imdb_id
        if imdb_id and not candidate.match and match.status == VERIFIED:
            claims.setdefault(imdb_id, []).append(position)
    settled = list(assessed)
    for positions in claims.values():
        ids = dict.fromkeys(assessed[position].candidate.movie_id for position in positions)
        names = [{name.casefold() for name in movies[one].titles} for one in ids]
        if all(one & other for one, other in combinations(names, 2)):
            continue
        certain = {p for p in positions if assessed[p].match.reason in reasons}
        for position in set(positions) - certain:
            settled[position] = assessed[position]._replace(
                match=Match(REJECTED, 0.0, "the id belongs to another title")
                if certain
                else Match(UNVERIFIED, 0.5, "the same id was found for another title")
            )
    return settled
