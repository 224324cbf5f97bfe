"""What a provider gives for a movie, and how far a title and a year agree with those asked for.

A provider is a class with a ``name`` and ``find(movies)``, a generator that yields a `Finding` or
a `Miss` per movie as it gets them. ``movies`` has ``movie_id``, ``title``, ``year`` and
``imdb_id`` (None where it is not known).
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from mmrec.catalogue import matching, movielens

# Words that name one of MovieLens' genres, as IMDb and Wikidata use them.
_GENRE_WORDS = {
    "Action": "action|martial arts|superhero",
    "Adventure": "adventure",
    "Animation": "animat|anime",
    "Children's": "child|famil",
    "Comedy": "comed|sitcom",
    "Crime": "crime|gangster|heist",
    "Documentary": "documentary",
    "Drama": "drama",
    "Fantasy": "fantasy",
    "Film-Noir": "film.?noir|neo-noir",
    "Horror": "horror|slasher",
    "Musical": "music",
    "Mystery": "mystery|detective|whodunit",
    "Romance": "roman[ct]",
    "Sci-Fi": "sci-fi|science fiction|cyberpunk",
    "Thriller": "thriller",
    "War": "war|anti-war",
    "Western": "western",
}


@dataclass(frozen=True)
class Match:
    """How well a film found agrees with the one asked for.

    Attributes:
        status: As in `mmrec.catalogue.matching`: verified, unverified or rejected.
        confidence: 0 to 1.
        reason: In words.
    """

    status: str
    confidence: float
    reason: str


@dataclass(frozen=True)
class Finding:
    """What a provider found for a movie.

    Attributes:
        movie_id: Of the movie asked for.
        provider: Its name.
        title: As the provider has it.
        year: As the provider has it, or None.
        match: Whether it is the film asked for.
        source: Address of the page or file, exact enough to give credit.
        licence: What may be done with the fields.
        fields: Those of the columns listed in this package's docstring, and ``genres``, that the
            provider knows.
    """

    movie_id: int
    provider: str
    title: str
    year: int | None
    match: Match
    source: str
    licence: str
    fields: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Miss:
    """A movie, or a field of it, that a provider could not give, and why."""

    movie_id: int
    provider: str
    reason: str


def title_key(title: str) -> str:
    """What two spellings of a title have in common: no case, accents, punctuation or article."""
    natural = movielens.split_title(str(title))[0]
    plain = unicodedata.normalize("NFKD", natural.casefold().replace("&", " and "))
    letters = "".join(mark for mark in plain if not unicodedata.combining(mark))
    words = re.sub(r"[^\w\s]|_", " ", letters.replace("'", "").replace("’", "")).split()
    return " ".join(words[1:] if words[:1] in (["the"], ["a"], ["an"]) and words[1:] else words)


def judge(movie, titles: Iterable[str], year: int | None, imdb_id: str | None = None) -> Match:
    """Weighs title and year, or the IMDb id where the list gives one.

    Args:
        movie: Row of the movies asked for.
        titles: Every title the provider has for the film it found.
        year: Its year.
        imdb_id: Its IMDb id.
    """
    if movie.imdb_id and imdb_id:
        if movie.imdb_id == imdb_id:
            return Match(matching.VERIFIED, 1.0, "the IMDb id given")
        return Match(matching.REJECTED, 0.0, "another IMDb id than the one given")
    wanted, found = title_key(movie.title), [title_key(title) for title in titles if title]
    likeness = max((SequenceMatcher(None, wanted, one).ratio() for one in found), default=0.0)
    apart = None if year is None else abs(year - movie.year)
    if likeness < 0.85:
        return Match(matching.REJECTED, 0.0, "another title")
    if apart is not None and apart > matching.YEARS_APART:
        return Match(matching.REJECTED, 0.0, f"another year ({year})")
    if apart is None:
        return Match(matching.UNVERIFIED, 0.5 * likeness, "the title agrees, the year is not known")
    if wanted not in found:
        return Match(matching.UNVERIFIED, 0.7 * likeness, "a similar title of that year")
    if apart:
        return Match(matching.VERIFIED, 0.9, "the title agrees, the years are next to each other")
    return Match(matching.VERIFIED, 1.0, "title and year agree")


def movielens_genres(labels: Iterable[str]) -> list[str]:
    """Those of MovieLens' genres that the labels name, in MovieLens' order."""
    text = " | ".join(label.lower() for label in labels)
    return [name for name, words in _GENRE_WORDS.items() if re.search(rf"\b(?:{words})", text)]
