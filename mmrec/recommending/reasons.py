"""Why a film is predicted the rating it is: what the model itself adds up, and nothing else.

Two questions have two answers. *What is the prediction made of?* What everybody thinks of the film,
and a contribution of each film that the person has rated, divided among the blocks of content that
make the two films alike; all of it adds up to the prediction. *What would change without a rating?*
The prediction with it less that without it; as ratings tell partly the same, these do not add up.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from mmrec.recommending.covariances import Floats
from mmrec.recommending.people import Person
from mmrec.recommending.served import KINDS, Positions, Served
from mmrec.recommending.storing import Film

LEVEL, BEYOND = "level", "beyond content"
"""What is the same for all films: how high the person rates; and what ratings say of films that
their content does not."""


@dataclass(frozen=True)
class Reasons:
    """Why a film is predicted what it is.

    Attributes:
        expected: What everybody thinks of the film, and of a user of the data set what is known of
            him or her besides: the prediction before any rating of the person.
        contributions: Of each film rated, [n], in stars. With ``expected`` they add up to
            ``prediction``.
        blocks: The same sum by block, :data:`LEVEL` and :data:`BEYOND` last.
        differences: By how much the prediction would be lower without each rating, [n].
        prediction: Expected rating, not clipped.
    """

    expected: float
    contributions: Floats
    blocks: Mapping[str, float]
    differences: Floats
    prediction: float

    def strongest(self, number: int) -> list[int]:
        """Places of the films rated that the prediction depends on most, the strongest first."""
        order = np.argsort(-np.abs(self.differences), kind="stable")
        return [int(place) for place in order[:number]]


def reasons(person: Person, served: Served, films: Positions) -> list[Reasons]:
    """Why a person is predicted what he or she is for some films.

    Args:
        person: A person with or without ratings.
        served: The model.
        films: Positions of k films.
    """
    contributions, differences = person.contributions(films), person.differences(films)
    expected = person.expected(films)
    parts = _by_block(person, served, films, person.coefficients[:, None])
    parts[BEYOND] = contributions.sum(axis=1)[:, None] - _sum(parts, (len(films), 1))
    return [
        Reasons(
            expected=float(expected[row]),
            contributions=contributions[row],
            blocks={name: float(part[row, 0]) for name, part in parts.items()},
            differences=differences[row],
            prediction=float(person.predictions[film]),
        )
        for row, film in enumerate(films.tolist())
    ]


def by_film_and_block(person: Person, served: Served, film: int) -> dict[str, Floats]:
    """Contributions of each film rated, [n] for each block; they add up as those do."""
    at = np.array([film], np.intp)
    found = _by_block(person, served, at, np.diag(person.coefficients))
    parts = {name: part[0] for name, part in found.items()}
    whole = person.contributions(at)[0]
    return parts | {BEYOND: whole - _sum(parts, whole.shape)}


def _by_block(
    person: Person, served: Served, films: Positions, coefficients: Floats
) -> dict[str, Floats]:
    """What each block of the films predicted adds to them, [k, columns of coefficients].

    That is what a film would lose if the block told nothing of it. What no block accounts for is
    due to ratings alone.
    """
    weights = person.weights(coefficients)
    shape = (len(films), coefficients.shape[1])
    parts = {}
    for name, block in served.blocks.items():
        rows = block.of(films)
        parts[name] = _sum(
            {kind: served.variance(kind, name) * (rows @ weights[kind]) for kind in KINDS}, shape
        )
    level = {kind: served.variance(kind, LEVEL) * weights[kind].sum(axis=0) for kind in KINDS}
    return parts | {LEVEL: np.tile(_sum(level, shape[1:]), (shape[0], 1))}


def _sum(parts: Mapping[str, Floats], shape: tuple[int, ...]) -> Floats:
    return np.asarray(sum(parts.values(), np.zeros(shape)))


def shared_facts(one: Film, other: Film) -> dict[str, list[str]]:
    """What two films have in common: names by ``directors``, ``cast``, ``genres`` and ``years``."""
    return sharing(one)(other)


def sharing(one: Film) -> Callable[[Film], dict[str, list[str]]]:
    """What others have in common with a film, asked of many; see :func:`shared_facts`."""
    directors, cast, genres = map(frozenset, (one.directors, one.cast, one.genres))
    decade = None if one.year is None else one.year // 10

    def found(other: Film) -> dict[str, list[str]]:
        shared = {}
        if not directors.isdisjoint(other.directors):
            shared["directors"] = [name for name in one.directors if name in other.directors]
        if not cast.isdisjoint(other.cast):
            shared["cast"] = [name for name in one.cast if name in other.cast]
        if not genres.isdisjoint(other.genres):
            shared["genres"] = [name for name in one.genres if name in other.genres]
        if decade is not None and other.year is not None and other.year // 10 == decade:
            shared["years"] = [f"{decade}0s"]
        return shared

    return found
