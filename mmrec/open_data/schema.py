"""What every entry of the open data has to keep to, and the one way to load it."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd

from mmrec.catalogue.providers import open_data
from mmrec.errors import StudyError
from mmrec.open_data import PATH, PERIODS, THEMES

SENTENCES = 3
WORDS = (25, 60)
SENTENCE_WORDS = 5
MAX_CAST = 5
MAX_THEMES = 5
YEARS = (1890, 1998)

# Words that judge, that tell of success, or that speak of the film and not of its plot.
FORBIDDEN = frozenset(
    {
        "acclaimed",
        "award",
        "awards",
        "best",
        "blockbuster",
        "classic",
        "famous",
        "film",
        "films",
        "gripping",
        "hilarious",
        "hit",
        "hits",
        "masterpiece",
        "movie",
        "movies",
        "oscar",
        "oscars",
        "remake",
        "sequel",
        "sequels",
        "starring",
        "stories",
        "story",
        "unforgettable",
    }
)
_SENTENCE = re.compile(r"[^.]+\.")
_MARKS = re.compile(r"[;:!?()\"“”–—|\n]| - ")
_YEAR = re.compile(r"\b(?:1[89]|20)\d\d\b")


def load() -> pd.DataFrame:
    """Reads the open data and checks every entry.

    Returns:
        One row per movie, indexed by ``movie_id``, ascending: ``title``, ``year`` (int),
        ``summary`` (the synopsis), ``directors``, ``cast`` and ``themes`` (lists of str),
        ``country``, ``language``, ``adapted`` (bool), ``period``, ``place``.

    Raises:
        StudyError: If the file cannot be read, or an entry breaks a rule: the first one found.
    """
    table = open_data.read(PATH)
    for movie_id, what, remedy in problems(table):
        raise StudyError(what, where=f"{PATH.name}, movie {movie_id}", remedy=remedy)
    return table.assign(year=table["year"].astype(int), adapted=table["adapted"] == "true")


def problems(table: pd.DataFrame) -> Iterator[tuple[int, str, str]]:
    """Rules that entries break, as (movie id, what is wrong, what to do).

    Args:
        table: As `mmrec.catalogue.providers.open_data.read` gives it.
    """
    for movie_id, entry in zip(table.index, table.to_dict("records"), strict=True):
        for what, remedy in (*_of_facts(entry), *_of_synopsis(entry)):
            yield movie_id, what, remedy


def words(text: str) -> list[str]:
    """Lower-case words without accents and apostrophes: what two texts are compared by."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.findall(r"[a-z0-9]+", plain.replace("'", ""))


def names_in(text: str, names: Iterable[str]) -> list[str]:
    """The full names that a text holds; a single name may be a character's, and is no match."""
    spelled = f" {' '.join(words(text))} "
    full = [name for name in names if len(words(name)) > 1]
    return [name for name in full if f" {' '.join(words(name))} " in spelled]


def _of_facts(entry: dict[Any, Any]) -> Iterator[tuple[str, str]]:
    for name in ("title", "country", "language", "place"):
        if not entry[name] or entry[name] != entry[name].strip():
            yield f"{name} {entry[name]!r}", f"Give the {name}, without spaces around it."
    if "," in entry["place"]:
        yield f"place {entry['place']!r}", "Name one place, without a comma."
    year = entry["year"]
    if not (YEARS[0] <= year <= YEARS[1] and year == int(year)):
        yield f"year {year}", "Give the year of the MovieLens title."
    if entry["adapted"] not in ("true", "false"):
        yield f"adapted {entry['adapted']!r}", "Write true or false."
    if entry["period"] not in PERIODS:
        yield f"period {entry['period']!r}", "Choose one of mmrec.open_data.PERIODS."
    unknown = [theme for theme in entry["themes"] if theme not in THEMES]
    if unknown:
        yield f"theme {unknown[0]!r}", "Choose from mmrec.open_data.THEMES."
    for name, least, most in (
        ("directors", 1, None),
        ("cast", 1, MAX_CAST),
        ("themes", 1, MAX_THEMES),
    ):
        values = entry[name]
        if len(values) < least or (most and len(values) > most) or len(set(values)) < len(values):
            limit = f"{least} to {most}" if most else f"at least {least}"
            yield f"{len(values)} {name} ({'|'.join(values)})", f"Give {limit}, each once."


def _of_synopsis(entry: dict[Any, Any]) -> Iterator[tuple[str, str]]:
    text = entry["summary"] or ""
    sentences = [sentence.strip() for sentence in _SENTENCE.findall(text)]
    if len(sentences) != SENTENCES or " ".join(sentences) != text:
        yield (
            f"a synopsis of {len(sentences)} sentences",
            f"Write {SENTENCES}, each ended by the only full stop in it, one space between them.",
        )
    count = len(text.split())
    if not WORDS[0] <= count <= WORDS[1]:
        yield f"a synopsis of {count} words", f"Write {WORDS[0]} to {WORDS[1]}."
    if any(len(sentence.split()) < SENTENCE_WORDS for sentence in sentences):
        yield "a very short sentence", f"Give each sentence {SENTENCE_WORDS} words or more."
    if mark := _MARKS.search(text):
        yield f"the mark {mark[0]!r} in the synopsis", "Use commas and full stops alone."
    if year := _YEAR.search(text):
        yield f"the year {year[0]} in the synopsis", "Leave dates out."
    if told := sorted(FORBIDDEN & set(words(text))):
        yield f"the word {told[0]!r} in the synopsis", "Tell the plot alone, without judgement."
    if named := names_in(text, [*entry["directors"], *entry["cast"]]):
        yield f"the name {named[0]!r} in the synopsis", "Name characters, not the people."
