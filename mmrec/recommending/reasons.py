"""Why a film is predicted the rating it is: what the model itself adds up, and nothing else.

Two questions have two answers. *What is the prediction made of?* What everybody thinks of the film,
and a contribution of each film that the person has rated, divided among the blocks of content that
make the two films alike; all of it adds up to the prediction. *What would change without a rating?*
The prediction with it less that without it; as ratings tell partly the same, these do not add up.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from mmrec.recommending.covariances import Floats
from mmrec.recommending.people import Person
from mmrec.recommending.served import EVERYBODY, KINDS, Served
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
        blocks: Names of the blocks, :data:`LEVEL` and :data:`BEYOND` last.
        contributions: Of each film rated by block, [n, n_blocks], in stars. With ``expected`` they
            add up to ``prediction``.
        differences: By how much the prediction would be lower without each rating, [n].
        prediction: Expected rating, not clipped.
    """

    expected: float
    blocks: tuple[str, ...]
    contributions: Floats
    differences: Floats
    prediction: float

    def by_block(self) -> dict[str, float]:
        """Contributions of all films rated, by block."""
        return dict(zip(self.blocks, self.contributions.sum(axis=0).tolist(), strict=True))

    def strongest(self, number: int) -> list[int]:
        """Places of the films rated that the prediction depends on most, the strongest first."""
        order = np.argsort(-np.abs(self.differences), kind="stable")
        return [int(place) for place in order[:number]]


def reasons(person: Person, served: Served, film: int) -> Reasons:
    """Why a person is predicted what he or she is for one film.

    A contribution is divided among the blocks of the film predicted: what it would lose if the
    block told nothing of it. What no block accounts for is due to ratings alone.

    Args:
        person: A person with or without ratings.
        served: The model.
        film: Position of the film.
    """
    at = np.array([film], np.intp)
    whole = person.contributions(at)[0]
    weights = person.prior.weights(person.rated, np.diag(person.coefficients))
    parts = {}
    for name, block in served.blocks.items():
        row = block.rows(block.columns[at], block.present[at]).values[0]
        parts[name] = sum(
            (served.variance(kind, name) * (row @ weights[kind]) for kind in KINDS),
            np.zeros(len(whole)),
        )
    parts[LEVEL] = sum(
        (served.variance(kind, LEVEL) * weights[kind].sum(axis=0) for kind in KINDS),
        np.zeros(len(whole)),
    )
    parts[BEYOND] = whole - sum(parts.values(), np.zeros(len(whole)))
    return Reasons(
        expected=float(person.prior.mean[film]),
        blocks=tuple(parts),
        contributions=np.stack(list(parts.values()), axis=1),
        differences=person.differences(at)[0],
        prediction=float(person.predictions[film]),
    )


def shared_facts(one: Film, other: Film) -> dict[str, list[str]]:
    """What two films have in common: names by ``directors``, ``cast``, ``genres`` and ``years``."""
    found = {
        name: [fact for fact in getattr(one, name) if fact in getattr(other, name)]
        for name in ("directors", "cast", "genres")
    }
    decades = {film.year // 10 for film in (one, other) if film.year is not None}
    if one.year is not None and other.year is not None and len(decades) == 1:
        found["years"] = [f"{decades.pop()}0s"]
    return {name: facts for name, facts in found.items() if facts}


def everybody(served: Served, film: int) -> dict[str, Any]:
    """What a film is worth to everybody, less the mean of all ratings, by block.

    Returns:
        Stars by block; :data:`BEYOND` is what its ratings add to its content.
    """
    parts = {}
    for name, block in served.blocks.items():
        row = block.rows(block.columns[[film]], block.present[[film]]).values[0]
        parts[name] = served.variance(EVERYBODY, name) * float(row @ served.shared_weights)
    parts[LEVEL] = served.variance(EVERYBODY, LEVEL) * float(served.shared_weights.sum())
    parts[BEYOND] = float(served.shared[film]) - sum(parts.values())
    return parts
