"""Lists: which films of those predicted a person is shown, and in which order.

Films with the highest predicted ratings make a poor list: many of them are little known, and alike.
Two numbers, in stars, say how much is given up for films that more people have seen, and for films
unlike those already listed.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mmrec.models.base import LIKED
from mmrec.models.list_gain import LISTED, ndcg_share
from mmrec.recommending.covariances import Floats
from mmrec.recommending.people import Person
from mmrec.recommending.served import Positions, Served
from mmrec.recommending.storing import Film

POPULARITIES = (0.0, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0)
"""Weights of popularity to choose from, in stars per standard deviation."""

ENOUGH = 0.75
"""Share of the best NDCG@10 that will do. Held-out ratings flatter popular films: they are of what
people came to watch, not of what they would have liked. Much less, and lists fill with films that
hardly anybody has rated; more, and everybody is shown the same."""

DIVERSITY = 0.5
"""Stars that a film gives up for being just like one that is listed before it."""

_AT_ONCE = 256
"""Users whose lists are made together where a weight is chosen."""

_POOL = 10
"""Films looked at for each place of a list: those further down are too far off to be listed."""


@dataclass(frozen=True)
class Wish:
    """What a list is to be made of.

    Attributes:
        top: Films in it.
        genres: A film must have one of them; all films if there are none.
        years: First and last year; None leaves an end open. A film of unknown year is listed only
            if both are.
        popularity: Stars for each standard deviation by which the logarithm of the number of a
            film's ratings is above the mean.
        diversity: Stars that a film gives up for being just like one that is listed before it.
    """

    top: int = LISTED
    genres: Collection[str] = ()
    years: tuple[int | None, int | None] = (None, None)
    popularity: float = 0.0
    diversity: float = DIVERSITY


def popularity(served: Served) -> Floats:
    """How often films were rated, as a logarithm of mean 0 and standard deviation 1, [m]."""
    return _standard(np.log1p(served.counts.astype(np.float64)))


def listed(
    person: Person, served: Served, films: Sequence[Film], wish: Wish, *, among: Positions
) -> list[int]:
    """Positions of the films of a list, best first.

    Args:
        person: Who is shown it. Films that the person has rated are not listed.
        served: The model.
        films: Its films.
        wish: What the list is to be made of.
        among: Positions of the films that may be listed at all.
    """
    return ordered(person, popularity(served), films, wish, among=among)


def ordered(
    person: Person, popular: Floats, films: Sequence[Film], wish: Wish, *, among: Positions
) -> list[int]:
    """The same, of films whose popularity is told, [m]."""
    rated = {films[place].film_id for place in person.rated.tolist()}
    score = person.predictions + wish.popularity * popular
    best: dict[int, int] = {}  # each film once
    for place in among[np.argsort(-score[among], kind="stable")].tolist():
        film = films[place]
        if film.film_id not in rated and _fits(film, wish):
            best.setdefault(film.film_id, place)
    pool = np.array(list(best.values())[: wish.top * _POOL], np.intp)
    if not wish.diversity or len(pool) < 2:
        return [int(place) for place in pool[: wish.top]]
    order = diversified(score[pool], person.correlation(pool), wish.diversity, wish.top)
    return [int(pool[place]) for place in order]


def diversified(score: Floats, correlation: Floats, diversity: float, top: int) -> list[int]:
    """Maximal marginal relevance: each place goes to the best film, its likeness taken off.

    Args:
        score: In stars, [k].
        correlation: Of the films with each other, [k, k].
        diversity: What a correlation of 1 with a film listed before costs.
        top: Places.
    """
    chosen: list[int] = []
    likest = np.zeros(len(score))
    left = np.ones(len(score), bool)
    for _ in range(min(top, len(score))):
        best = int(np.argmax(np.where(left, score - diversity * likest, -np.inf)))
        chosen.append(best)
        left[best] = False
        likest = np.maximum(likest, correlation[best])
    return chosen


def best_popularity(
    score: Callable[[list[int]], Floats],
    train: pd.DataFrame,
    validation: pd.DataFrame,
    movies: pd.Index,
) -> float:
    """The smallest weight of popularity that puts the held-out likes of users high enough.

    Users come a few at a time, and those without a like not at all: nothing is as large as all
    users times all films.

    Args:
        score: Predicted ratings of some users [n], by id, and all films, [n, m].
        train: ``user_id, movie_id``: what is not to be listed, and how popular films are.
        validation: ``user_id, movie_id, rating`` that were held out; likes of films that are in
            ``train`` count.
        movies: Ids of the films, [m].

    Returns:
        The first of :data:`POPULARITIES` with :data:`ENOUGH` of the highest NDCG@10, which is 0
        if nothing was liked.
    """
    counts = np.bincount(movies.get_indexer(pd.Index(train["movie_id"])), minlength=len(movies))
    popular = _standard(np.log1p(counts.astype(np.float64)))
    known = validation["movie_id"].isin(train["movie_id"])
    likes = validation[known & (validation["rating"] >= LIKED)]
    asking = np.unique(likes["user_id"])
    total = np.zeros(len(POPULARITIES))
    for start in range(0, len(asking), _AT_ONCE):
        users = pd.Index(asking[start : start + _AT_ONCE])
        scores = np.where(_pairs(train, users, movies), -np.inf, score(users.tolist()))
        liked = _pairs(likes, users, movies)
        total += len(users) * np.array(
            [ndcg(scores + weight * popular, liked) for weight in POPULARITIES]
        )
    return POPULARITIES[int(np.argmax(total >= ENOUGH * total.max()))]


def _pairs(table: pd.DataFrame, users: pd.Index, movies: pd.Index) -> NDArray[np.bool_]:
    """Which pairs of some users and all films are in a table, bool [n, m]."""
    found = np.zeros((len(users), len(movies)), bool)
    some = table[table["user_id"].isin(users)]
    rows = users.get_indexer(pd.Index(some["user_id"]))
    found[rows, movies.get_indexer(pd.Index(some["movie_id"]))] = True
    return found


def ndcg(scores: Floats, liked: NDArray[np.bool_]) -> float:
    """Mean NDCG@10 of the users with a like; 0 if there are none."""
    some = liked.any(axis=1)
    if not some.any():
        return 0.0
    order = np.argsort(-scores[some], axis=1, kind="stable")[:, :LISTED]
    hits = np.take_along_axis(liked[some], order, axis=1)
    rank = np.where(hits, np.arange(1, order.shape[1] + 1), np.inf)
    n_relevant = np.broadcast_to(liked[some].sum(axis=1, keepdims=True), rank.shape)
    return float(ndcg_share(rank, n_relevant).sum(axis=1).mean())


def _standard(values: Floats) -> Floats:
    deviation = float(values.std())
    return np.asarray((values - values.mean()) / (deviation or 1.0))


def _fits(film: Film, wish: Wish) -> bool:
    first, last = wish.years
    if film.year is None:
        in_years = first is None and last is None
    else:
        in_years = (first is None or first <= film.year) and (last is None or film.year <= last)
    return in_years and (not wish.genres or bool(set(wish.genres) & set(film.genres)))
