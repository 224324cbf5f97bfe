"""Is the film that a title search found the film that MovieLens means?

Two scrapes of IMDb, made apart, each matched MovieLens titles by a search whose first hit was
taken unseen. What can be held against each other: the year in the MovieLens title, the year and
kind of the hit, the two scrapes' ids, the director as the open data has him, and the IMDb id's
number. The strongest evidence decides.

The number tells the year, since IMDb numbered its first entries year by year: of the matches whose
year is known, 99.6 % have it within one of the median of the six neighbouring numbers, where those
span no more than a year. It is the year as IMDb had it when MovieLens copied its titles.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import combinations

import numpy as np
import pandas as pd

VERIFIED, UNVERIFIED, REJECTED, MISSING = "verified", "unverified", "rejected", "missing"

# MovieLens-100K ends in April 1998. IMDb numbers its entries as they come: of the matches whose
# year agrees, 999 in 1,000 lie below 131,000. A higher number is an entry made later.
LAST_ID = 140_000
# A release year may be counted by the festival or by the cinema.
YEARS_APART = 1
# With the director confirmed, so much more may lie between the two.
YEARS_APART_SAME_DIRECTOR = 3


@dataclass(frozen=True)
class Candidate:
    """What one provider found for a movie.

    Attributes:
        imdb_id: ``"tt…"``.
        directors: As the provider has them.
        year: Of the film with that id, NaN where unknown.
        number_year: The year that the id's number falls in, NaN where that is not clear.
        kind: ``"film"``, or what else it is.
    """

    imdb_id: str
    directors: tuple[str, ...] = ()
    year: float = float("nan")
    number_year: float = float("nan")
    kind: str = "film"


@dataclass(frozen=True)
class Verdict:
    """``status`` is verified, unverified or rejected; ``reason`` says by what evidence."""

    status: str
    reason: str


def same_person(one: str, other: str) -> bool:
    """Whether two spellings mean one person: accents, order, hyphens, a lost apostrophe."""
    first, second = _tokens(one), _tokens(other)
    if not first or not second:
        return False
    if first <= second or second <= first or len(first & second) >= 2:
        return True
    spelled = [" ".join(sorted(tokens)) for tokens in (first, second)]
    return SequenceMatcher(None, *spelled).ratio() >= 0.85


def _tokens(name: str) -> set[str]:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return set(re.sub(r"[^a-z0-9 ]", "", plain.replace("-", " ").replace(".", " ")).split())


def agree(ours: Iterable[str], theirs: Iterable[str]) -> bool | None:
    """Whether two lists of directors share a person; None if either list is empty."""
    ours, theirs = list(ours), list(theirs)
    if not ours or not theirs:
        return None
    return any(same_person(one, other) for one in ours for other in theirs)


def judge(
    year: float, known_directors: Iterable[str], found: Candidate, other: Candidate | None
) -> Verdict:
    """Weighs the evidence for one provider's match.

    Args:
        year: In the MovieLens title; NaN where it has none.
        known_directors: As the open data has them; may be empty.
        found: The match in question.
        other: What the other provider found for the same movie, if anything.
    """
    director = agree(known_directors, found.directors)
    apart, number_apart = abs(found.year - year), abs(found.number_year - year)
    same_id = other is not None and other.imdb_id == found.imdb_id
    rival = other is not None and not same_id and other.kind == "film"
    if director and not apart > YEARS_APART_SAME_DIRECTOR:
        return Verdict(VERIFIED, "the director agrees with the open data")
    if found.kind != "film":
        return Verdict(REJECTED, f"not a film ({found.kind.lower()})")
    if int(found.imdb_id[2:]) > LAST_ID:
        return Verdict(REJECTED, "entered in IMDb after MovieLens-100K was closed")
    if director is False and not (same_id and apart <= YEARS_APART):
        return Verdict(REJECTED, "another director than the open data's")
    if apart <= YEARS_APART:
        return Verdict(VERIFIED, "the year agrees with the MovieLens title")
    if rival and abs(other.year - year) <= YEARS_APART:
        if agree(found.directors, other.directors):
            return Verdict(VERIFIED, "the same director as a match whose year agrees")
        return Verdict(REJECTED, "the other scrape's match, another film, has the right year")
    if number_apart <= YEARS_APART and not (rival and abs(other.number_year - year) <= YEARS_APART):
        return Verdict(VERIFIED, "the IMDb number falls in the MovieLens title's year")
    if apart > YEARS_APART or number_apart > YEARS_APART:
        return Verdict(REJECTED, "another year than the MovieLens title's")
    if same_id:
        return Verdict(VERIFIED, "both scrapes found the same id")
    return Verdict(UNVERIFIED, "nothing to compare it with")


def number_years(
    facts: pd.Series, neighbours: int = 3, span: float = 1.0
) -> Callable[[str], float]:
    """Tells the year from an IMDb id's number.

    Args:
        facts: Known years, indexed by IMDb id.
        neighbours: How many known numbers to look at on either side.
        span: The most that the neighbours' years may lie apart.

    Returns:
        A function from an id to the median year of its neighbours, NaN where they lie apart or
        the number is above :data:`LAST_ID`.
    """
    numbers = np.array([int(imdb_id[2:]) for imdb_id in facts.index], dtype=np.int64)
    order = np.argsort(numbers)
    numbers, years = numbers[order], facts.to_numpy()[order]

    def year_of(imdb_id: str) -> float:
        number = int(imdb_id[2:])
        below, above = np.searchsorted(numbers, number), np.searchsorted(numbers, number, "right")
        near = np.r_[years[max(0, below - neighbours) : below], years[above : above + neighbours]]
        if number > LAST_ID or len(near) == 0 or near.max() - near.min() > span:
            return float("nan")
        return float(np.median(near))

    return year_of


def judge_all(
    movies: pd.DataFrame, published: pd.DataFrame, details: pd.DataFrame, open_data: pd.DataFrame
) -> pd.DataFrame:
    """Judges every match of both scrapes.

    Args:
        movies: Canonical MovieLens movies.
        published: As `enrichment.published.read` gives it; it knows no years of its own.
        details: As `enrichment.details.read` gives it.
        open_data: As `enrichment.open_data.read` gives it.

    Returns:
        One row per movie and provider with a match: ``movie_id, provider, imdb_id, status,
        reason``; "published" before "details".
    """
    facts = details.dropna(subset=["imdb_id"]).drop_duplicates("imdb_id").set_index("imdb_id")
    year_of_number = number_years(facts["year"].dropna())
    known = facts[["year", "kind"]].to_dict("index")
    candidates = {}
    for provider, table in (("published", published), ("details", details)):
        matched = table.dropna(subset=["imdb_id"])
        for movie_id, imdb_id, directors in zip(
            matched.index, matched["imdb_id"], matched["directors"], strict=True
        ):
            candidates[movie_id, provider] = Candidate(
                imdb_id,
                tuple(directors),
                number_year=year_of_number(imdb_id),
                **known.get(imdb_id, {}),
            )
    years = movies.set_index("movie_id")["year"].astype(float)
    directors = open_data["directors"].to_dict()
    rows = []
    for movie_id, year in years.items():
        both = {name: candidates.get((movie_id, name)) for name in ("published", "details")}
        for provider, found in both.items():
            if found is None:
                continue
            other = both["details" if provider == "published" else "published"]
            verdict = judge(year, directors.get(movie_id, ()), found, other)
            rows.append((movie_id, provider, found.imdb_id, verdict.status, verdict.reason))
    verdicts = pd.DataFrame(rows, columns=["movie_id", "provider", "imdb_id", "status", "reason"])
    return _settle_shared(verdicts, movies)


def _settle_shared(verdicts: pd.DataFrame, movies: pd.DataFrame) -> pd.DataFrame:
    """One id found for two different titles is right for one of them at most.

    It stays with the title for which the director confirms it; where he confirms neither, neither
    is verified. The same title twice, or a title that is the other's alternate, is one film.
    """
    names = {
        movie.movie_id: {name.casefold() for name in (movie.title, movie.alternate_title) if name}
        for movie in movies.itertuples()
    }
    standing = verdicts[verdicts["status"] == VERIFIED]
    for _, claims in standing.groupby("imdb_id"):
        ids = claims["movie_id"].unique()
        if all(names[one] & names[other] for one, other in combinations(ids, 2)):
            continue
        confirmed = claims["reason"].str.contains("director")
        doubtful = claims.index[~confirmed]
        verdicts.loc[doubtful, ["status", "reason"]] = (
            (REJECTED, "the id belongs to another title")
            if confirmed.any()
            else (UNVERIFIED, "the same id was found for another title")
        )
    return verdicts
