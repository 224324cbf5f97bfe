"""Cleans scraped and downloaded fields."""

import math
import re
import unicodedata
from collections.abc import Iterable
from numbers import Real

from mmrec.catalogue import movielens

_SIGNATURE = re.compile(r"—[^—]*$")
_PLACEHOLDERS = ("It looks like we don't have any",)
_NOTHING = {"", "nan", "none", "#name?"}
_SUFFIXES = {"": 1, "K": 1_000, "M": 1_000_000}


def known(value: object) -> str | None:
    """The trimmed string, or None for what spreadsheets and scrapers write for "unknown"."""
    said = str(value).strip()
    return None if said.lower() in _NOTHING or said in ("<NA>", "NaT") else said


# Words that name one of MovieLens' genres, as IMDb and Wikidata use them.
_GENRES = {
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


def plot(value: object) -> str | None:
    """A summary without its closing "—author <e-mail>", or None if it contains no plot."""
    said = known(value)
    if said is None or said.startswith(_PLACEHOLDERS):
        return None
    return _SIGNATURE.sub("", said).strip() or None


def names(values: Iterable[object] | None) -> list[str]:
    """The known names of a list."""
    return [name for name in map(known, values or []) if name]


def text(value: object) -> str | None:
    """A trimmed string that every file can hold, or None for anything else.

    Half a surrogate pair, as broken JSON has it, becomes a replacement character.
    """
    if not isinstance(value, str):
        return None
    whole = value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return whole.strip() or None


def texts(values: object) -> tuple[str, ...]:
    """The non-empty strings of a list; empty for anything that is not a list."""
    if not isinstance(values, list | tuple):
        return ()
    return tuple(found for found in map(text, values) if found)


def number(value: object) -> float | None:
    """A positive, finite number, given as such or as digits; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, Real | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) and found > 0 else None


def title_key(title: str) -> str:
    """A key that is the same for two spellings of a title.

    Case, accents, punctuation and a leading article do not count, nor do a year or another name in
    parentheses at the end.

    >>> title_key("Matrix, The (1999)") == title_key("the MATRIX!")
    True
    """
    return words_key(movielens.split_title(title)[0])


def words_key(said: str) -> str:
    """The words of a text without case, accents, punctuation and a leading article."""
    plain = unicodedata.normalize("NFKD", said.casefold().replace("&", " and "))
    letters = "".join(mark for mark in plain if not unicodedata.combining(mark))
    words = re.sub(r"[^\w\s]|_", " ", letters.replace("'", "").replace("’", "")).split()
    return " ".join(words[1:] if words[:1] in (["the"], ["a"], ["an"]) and words[1:] else words)


def genres(labels: Iterable[str]) -> tuple[str, ...]:
    """Those of MovieLens' genres that the labels name, in MovieLens' order."""
    said = " | ".join(label.lower() for label in labels)
    return tuple(name for name, words in _GENRES.items() if re.search(rf"\b(?:{words})", said))


def votes(value: object) -> int | None:
    """``"930K"`` is 930,000."""
    found = re.fullmatch(r"(\d{1,12}(?:\.\d{0,6})?)([KM]?)", known(value) or "", re.ASCII)
    return round(float(found[1]) * _SUFFIXES[found[2]]) if found else None


def minutes(value: object) -> int | None:
    """``"3h 48min"`` is 228; a year or an age rating in its place is None."""
    found = re.fullmatch(r"(?:(\d{1,3})h)? ?(?:(\d{1,4})min)?", known(value) or "", re.ASCII)
    total = 60 * int(found[1] or 0) + int(found[2] or 0) if found else 0
    return total or None


def imdb_id(url: object) -> str | None:
    """The ``tt…`` of an IMDb address."""
    found = re.search(r"tt\d{7,10}", url, re.ASCII) if isinstance(url, str) else None
    return found[0] if found else None
