"""Who owns each part of an export, and whether it may be passed on.

In doubt it may not: data of an unknown source are left out of a shareable export.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from mmrec.catalogue import sources
from mmrec.catalogue.tables import Catalogue
from mmrec.features.table import FeatureTable

SOURCED_FIELDS = {
    "summary": "summary_source",
    "directors": "directors_source",
    "cast": "cast_source",
    "imdb_rating": "imdb_rating_source",
    "imdb_votes": "imdb_rating_source",
}
"""Field of a catalogue → the column that names the provider of its value."""


@dataclass(frozen=True)
class Terms:
    """What may be done with the data of one source.

    Attributes:
        source: Whose data it is.
        licence: What its owner allows, in a line.
        shareable: Whether it may be passed on, given the credit.
        credit: What to say when it is passed on or published about; may be empty.
    """

    source: str
    licence: str
    shareable: bool
    credit: str = ""


MOVIELENS = Terms(
    "MovieLens-100K, GroupLens, University of Minnesota",
    sources.ML_100K.licence,
    False,
    "F. M. Harper and J. A. Konstan, The MovieLens Datasets: History and Context, "
    "ACM TiiS 5(4), 2015, doi:10.1145/2827872",
)
OPEN_DATA = Terms(
    "open synopses and facts for MovieLens-100K, the mmrec contributors",
    "CC BY 4.0",
    True,
    "Open synopses and facts for MovieLens-100K, by the mmrec contributors, CC-BY-4.0",
)
IMDB = Terms(
    "IMDb",
    "IMDb's conditions: personal and non-commercial use, no redistribution",
    False,
    "Information courtesy of IMDb (imdb.com), used with permission",
)
PUBLISHED = Terms("the paper's published enrichment", sources.ENHANCED_ITEMS.licence, False)
PUBLISHED_AUDIO = Terms("the paper's published vectors", sources.ENHANCED_AUDIO.licence, False)
DETAILS = Terms("movielens-details", sources.MOVIE_DETAILS.licence, False)
POSTERS = Terms("posters of the films", sources.POSTERS.licence, False)
TRAILERS = Terms("trailers of the films", "property of the film studios: no redistribution", False)
DEMO = Terms(
    "demo trailers, rendered by this program from MovieLens' genres",
    "pictures MIT, genres MovieLens': no redistribution",
    False,
)
FREEBASE = Terms(
    "Freebase, linked to MovieLens by KB4Rec and by the titles of MovieLens Latest",
    "Freebase: CC BY 2.5; the links: research use",
    False,
)
WIKIPEDIA = Terms(
    "Wikipedia and Wikidata",
    "texts CC BY-SA 4.0, facts CC0",
    True,
    "Wikipedia's authors: credits.csv names the revision behind every movie",
)
YOUTUBE = Terms("YouTube", "YouTube's terms of service: no redistribution", False)
OWN_LIST = Terms("your own list of films", "yours", True)
OWN_GENRES = Terms(
    "genres of your own films",
    "yours, or IMDb's, or Wikidata's: a catalogue does not tell them apart; left out of what is "
    "shareable",
    False,
)
OWN_FILES = Terms("your own files", "yours to decide; left out of what is shareable", False)
OWN_RATINGS = Terms("your own ratings", "yours; they are about people, so ask them", False)
RUN = Terms("figures measured by this run", "yours", True)

PROVIDERS = {
    "open": OPEN_DATA,
    "imdb": IMDB,
    "published": PUBLISHED,
    "details": DETAILS,
    "wikipedia": WIKIPEDIA,
    "youtube": YOUTUBE,
    "own files": OWN_FILES,
}
"""Provider, as a catalogue's ``…_source`` columns name it → its terms."""

_LABELS = {
    "open synopses": OPEN_DATA,
    "IMDb storylines": IMDB,
    "wikipedia": WIKIPEDIA,
    "own files": OWN_FILES,
    "posters": POSTERS,
    "trailers": TRAILERS,
    "demo trailers": DEMO,
    "published audio vectors": PUBLISHED_AUDIO,
    "the catalogue's IMDb ratings": IMDB,
}
"""How the provenance of a feature table calls its source → its terms."""

_NAMES_OF_PEOPLE = {"director": "directors", "directors": "directors", "cast": "cast"}
_NUMBERS_OF_IMDB = ("rating", "votes")


def of_provider(name: str) -> Terms:
    """The terms of a provider; one that this program does not know is yours to check."""
    return PROVIDERS.get(name) or unknown(name)


def unknown(name: str) -> Terms:
    """Terms for a source that this program does not know."""
    return Terms(name, "not known to this program: yours to check", False)


def of_list(catalogue: Catalogue) -> Terms:
    """The terms of titles and years: MovieLens', or those of your own list."""
    return MOVIELENS if is_movielens(catalogue) else OWN_LIST


def of_genres(catalogue: Catalogue) -> Terms:
    """The terms of genres: MovieLens', or those of whoever named the genres of your own films."""
    return MOVIELENS if is_movielens(catalogue) else OWN_GENRES


def of_ratings(catalogue: Catalogue) -> Terms:
    """The terms of ratings, users, and of everything that tells who has rated what."""
    return MOVIELENS if is_movielens(catalogue) else OWN_RATINGS


def is_movielens(catalogue: Catalogue) -> bool:
    """Whether the catalogue's movies and ratings are those of MovieLens-100K."""
    return sources.ML_100K.name in catalogue.sources


def of_movies(catalogue: Catalogue) -> tuple[Terms, ...]:
    """All terms that apply to the table of movies as it is."""
    found = [of_list(catalogue)]
    if catalogue.movies["genres"].map(len).any():
        found.append(of_genres(catalogue))
    for column in dict.fromkeys(SOURCED_FIELDS.values()):
        found += _of_column(catalogue.movies, column)
    if catalogue.movies["trailer_youtube_id"].notna().any():
        found.append(PUBLISHED if is_movielens(catalogue) else YOUTUBE)
    if catalogue.movies["imdb_id"].notna().any():
        found.append(PUBLISHED if is_movielens(catalogue) else IMDB)
    return distinct(found)


def of_features(table: FeatureTable, catalogue: Catalogue) -> dict[str, tuple[Terms, ...]]:
    """The terms of every part of a feature table, by its name.

    A vector is derived from what it describes, and has the terms of that.
    """
    terms = {}
    for part in table.parts:
        if part == "years":
            found = [of_list(catalogue)]
        elif part == "genres":
            found = [of_genres(catalogue)]
        elif part in _NUMBERS_OF_IMDB:
            found = [IMDB]
        elif part in _NAMES_OF_PEOPLE:
            found = _of_column(catalogue.movies, SOURCED_FIELDS[_NAMES_OF_PEOPLE[part]])
        else:
            found = _of_labels(str(table.provenance.get("source") or table.modality))
        terms[part] = distinct(found) or (unknown(f"part {part} of {table.modality}"),)
    return terms


def distinct(terms: Iterable[Terms]) -> tuple[Terms, ...]:
    """Each of the terms once, in order of first appearance."""
    return tuple(dict.fromkeys(terms))


def all_shareable(terms: Iterable[Terms]) -> bool:
    """Whether something that has all of these terms may be passed on."""
    return all(one.shareable for one in terms)


def _of_column(movies: pd.DataFrame, column: str) -> list[Terms]:
    return [of_provider(str(name)) for name in movies[column].dropna().unique()]


def _of_labels(source: str) -> list[Terms]:
    if source.startswith("Freebase,"):
        return [FREEBASE]
    labels = [
        re.sub(r" (of|on) [\d,]+ movies$", "", told) for told in re.split(r", (?=[^\d])", source)
    ]
    return [_LABELS.get(label) or unknown(label) for label in labels]
