"""Merges the findings of all providers into one row per movie.

Each field comes from the candidate that agrees best with the movie; between equals, the order of
the providers decides. A rejected candidate provides nothing, and candidates that are two different
films are never mixed. Where providers contradict each other, nothing is averaged.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from mmrec.catalogue import matching, movielens, tables
from mmrec.catalogue.matching import Assessed
from mmrec.catalogue.provider import MISSING, REJECTED, VERIFIED, Candidate, Match, Movie

CONFLICT_COLUMNS = ["movie_id", "title", "field", "kept", "kept_from", "other", "other_from"]
# A runtime differs by cut and by country; only what is further apart is a conflict.
_MINUTES_APART = 10


@dataclass(frozen=True)
class Merged:
    """The merged candidates.

    Attributes:
        movies: As `mmrec.catalogue.tables.Catalogue` has them, in the movies' order.
        rejected: Likewise.
        conflicts: Where an accepted candidate contradicts the one whose word was kept:
            ``movie_id, title, field, kept, kept_from, other, other_from``.
    """

    movies: pd.DataFrame
    rejected: pd.DataFrame
    conflicts: pd.DataFrame


def merge(
    movies: Sequence[Movie],
    assessed: Sequence[Assessed],
    *,
    order: Sequence[str],
    summaries: Sequence[str] | None = None,
) -> Merged:
    """Merges the findings of the providers.

    Args:
        movies: What was asked for.
        assessed: What `mmrec.catalogue.matching.assess_all` gives.
        order: The providers' names; of two that agree equally well, the earlier one counts.
        summaries: The providers whose summaries may be taken, in order; a doubtful match stands
            behind every certain one. By default, all in ``order``.
    """
    of_movie: dict[int, list[Assessed]] = {}
    for one in assessed:
        of_movie.setdefault(one.candidate.movie_id, []).append(one)
    rows, rejected, conflicts = [], [], []
    for movie in movies:
        ranked = sorted(
            of_movie.get(movie.movie_id, []),
            key=lambda one: (-one.match.confidence, order.index(one.candidate.provider)),
        )
        kept, dropped = _one_film(ranked)
        rows.append(_row(movie, kept, dropped, order if summaries is None else summaries))
        rejected += [
            (
                movie.movie_id,
                movie.title,
                movie.year,
                one.candidate.provider,
                one.candidate.film.imdb_id,
                one.match.reason,
            )
            for one in dropped
        ]
        accepted = [one.candidate for one in ranked if one.match.status != REJECTED]
        conflicts += [(movie.movie_id, movie.title, *said) for said in _conflicts(accepted)]
    table = tables.movies_table(rows)
    asked = pd.DataFrame(
        [
            (one.movie_id, one.title, next(iter(one.alternate_titles[::-1]), None), one.year)
            for one in movies
        ],
        columns=["movie_id", "title", "alternate_title", "year"],
    ).astype({"alternate_title": object, "year": "Int64"})
    table["film_id"] = movielens.film_ids(asked).to_numpy()
    return Merged(
        table,
        pd.DataFrame(rejected, columns=tables.REJECTED_COLUMNS).astype({"year": "Int64"}),
        pd.DataFrame(conflicts, columns=CONFLICT_COLUMNS),
    )


def _one_film(ranked: Iterable[Assessed]) -> tuple[list[Assessed], list[Assessed]]:
    """The candidates of one film, best first, and the others with the reason."""
    kept: list[Assessed] = []
    dropped: list[Assessed] = []
    best: Candidate | None = None
    for one in ranked:
        film = one.candidate.film
        if one.match.status == REJECTED:
            dropped.append(one)
        elif best and film.imdb_id and film.imdb_id != best.film.imdb_id:
            reason = f"another film than the one from {best.provider}"
            dropped.append(one._replace(match=Match(REJECTED, 0.0, reason)))
        else:
            kept.append(one)
            if film.imdb_id and not best:
                best = one.candidate
    return kept, dropped


def _row(
    movie: Movie, kept: list[Assessed], dropped: list[Assessed], summaries: Sequence[str]
) -> dict[str, object]:
    ranked = [one.candidate for one in kept]
    match = _match(kept, dropped)
    plot = _first(_for_summaries(kept, summaries), lambda one: one.facts.summary)
    directors = _first(ranked, lambda one: one.film.directors)
    cast = _first(ranked, lambda one: one.facts.cast)
    rating = _first(ranked, lambda one: one.facts.imdb_rating)
    genres = _first(ranked, lambda one: one.facts.genres)
    runtime = _first(ranked, lambda one: one.facts.runtime_minutes)
    trailer = _first(ranked, lambda one: one.facts.trailer_youtube_id)
    named = _first(ranked, lambda one: one.film.imdb_id)
    return {
        "movie_id": movie.movie_id,
        "title": movie.title,
        "year": movie.year,
        "genres": list(movie.genres or (genres.facts.genres if genres else ("unknown",))),
        "imdb_id": movie.imdb_id or (named.film.imdb_id if named else None),
        "match_status": match.status,
        "match_reason": match.reason,
        "summary": plot.facts.summary if plot else None,
        "summary_source": plot.provider if plot else None,
        "directors": list(directors.film.directors) if directors else [],
        "directors_source": directors.provider if directors else None,
        "cast": list(cast.facts.cast) if cast else [],
        "cast_source": cast.provider if cast else None,
        "imdb_rating": rating.facts.imdb_rating if rating else None,
        "imdb_votes": rating.facts.imdb_votes if rating else None,
        "imdb_rating_source": rating.provider if rating else None,
        "runtime_minutes": runtime.facts.runtime_minutes if runtime else None,
        "trailer_youtube_id": trailer.facts.trailer_youtube_id if trailer else None,
    }


def _first(
    candidates: Iterable[Candidate], value: Callable[[Candidate], object]
) -> Candidate | None:
    """The first candidate that has a value."""
    return next((one for one in candidates if value(one)), None)


def _for_summaries(kept: Iterable[Assessed], order: Sequence[str]) -> list[Candidate]:
    allowed = [one for one in kept if one.candidate.provider in order]
    allowed.sort(
        key=lambda one: (one.match.status != VERIFIED, order.index(one.candidate.provider))
    )
    return [one.candidate for one in allowed]


def _match(kept: Iterable[Assessed], dropped: Iterable[Assessed]) -> Match:
    """The match of the movie: that of the best candidate that identifies a film."""
    for one in (*kept, *dropped):
        if one.candidate.match is None:
            return one.match
    return Match(MISSING, 0.0, "no source has a match")


def _conflicts(accepted: Sequence[Candidate]) -> list[tuple[str, str, str, str, str]]:
    """The contradictions of a candidate with the best one that has the field."""
    conflicts = []
    for name, (value, differ) in _COMPARED.items():
        known = [(value(one), one.provider) for one in accepted if value(one)]
        conflicts += [
            (name, _cell(known[0][0]), known[0][1], _cell(other), provider)
            for other, provider in known[1:]
            if differ(known[0][0], other)
        ]
    return conflicts


def _cell(value: object) -> str:
    if isinstance(value, tuple):
        return "|".join(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


_COMPARED: dict[str, tuple[Callable[[Candidate], object], Callable[..., bool]]] = {
    "imdb_id": (lambda one: one.film.imdb_id, lambda a, b: a != b),
    "year": (lambda one: one.film.year, lambda a, b: a != b),
    "directors": (lambda one: one.film.directors, lambda a, b: matching.agree(a, b) is False),
    "runtime_minutes": (
        lambda one: one.facts.runtime_minutes,
        lambda a, b: abs(a - b) > _MINUTES_APART,
    ),
}
