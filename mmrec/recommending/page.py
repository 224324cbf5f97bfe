r"""A small copy of the model for a web page: the most-rated films, and a covariance of low rank.

The covariance between what a visitor thinks of two films becomes :math:`L L^\top` plus a diagonal,
so that a page needs a few hundred kilobytes and one linear solve. A page that reads the file and
:class:`SmallModel`, which reads the same file, are to give the same numbers.

The file is made by a model of open data (:mod:`mmrec.recommending.open_model`) and holds nothing
that may not be published: no rating of any user, and nothing of IMDb's.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mmrec.errors import StudyError
from mmrec.recommending import lists
from mmrec.recommending.covariances import Floats
from mmrec.recommending.given import DISLIKE, LIKE
from mmrec.recommending.people import Visitor
from mmrec.recommending.served import EVERYBODY, TASTE, Positions, Prior
from mmrec.recommending.storing import Film, Model
from mmrec.workspace import atomic_path

FORMAT = 1
"""Version of the file's form."""

FILMS, RANK = 500, 32
"""Films in the file, and the rank of their covariance."""

EXAMPLE = {"Fargo": 5, "Groundhog Day": 5, "Star Trek: The Motion Picture": 2, "Speed": 2}
"""What the page shows until somebody rates a film: nobody's ratings, made up."""

WELL_KNOWN = 0.5
"""Stars per standard deviation of popularity, where a visitor asks for well-known films first. All
films of the page are known so well that by default there are none."""

_BEFORE, _AFTER = "globalThis.smallModel = ", ";\n"
"""What makes a script of the JSON: a page that is opened from a disk may load no other file."""

_ROUNDS = 20
_LARGEST = 32_767


@dataclass(frozen=True)
class SmallModel:
    """The model of the page.

    Attributes:
        films: ``title, year, themes, directors, cast`` of each of the n films.
        mean: Expected ratings of a visitor of whom nothing is known, [n].
        factor: L, [n, r].
        diagonal: What is added to the diagonal, [n].
        noise: Variance of a single rating.
        blocks: By block of content the part of each film's row of L that is due to it, [n, r]: the
            part of the covariance of films i and k due to it is its row i times row k of L.
        popularity: How often a film was rated, in standard deviations of its logarithm, [n].
        about: ``likes_count_as`` and ``dislikes_count_as`` in stars, ``reach`` of the intervals,
            ``popularity`` and ``diversity`` (the weights), ``example`` (places of films, and
            stars), the ``scale``, and where the model comes from.
    """

    films: list[dict[str, Any]]
    mean: Floats
    factor: Floats
    diagonal: Floats
    noise: float
    blocks: Mapping[str, Floats]
    popularity: Floats
    about: Mapping[str, Any]

    def visitor(self) -> Prior:
        """A visitor, as the small model sees one."""

        def variance(films: Positions) -> Floats:
            return np.asarray((self.factor[films] ** 2).sum(axis=1) + self.diagonal[films])

        def covariance(films: Positions, at: Positions) -> Floats:
            same = films[:, None] == at
            return np.asarray(self.factor[films] @ self.factor[at].T + same * self.diagonal[at])

        def applied(at: Positions, coefficients: Floats) -> Floats:
            found = self.factor @ (self.factor[at].T @ coefficients)
            found[at] += self.diagonal[at] * coefficients
            return np.asarray(found)

        def weights(at: Positions, coefficients: Floats) -> Mapping[str, Floats]:
            raise NotImplementedError("blocks of the small model are told by `shares`")

        return Prior(self.mean, self.noise, variance, covariance, applied, weights)

    def person(self, ratings: Mapping[int, float]) -> Visitor:
        """A visitor with ratings, by the places of the films."""
        at = np.array(sorted(ratings), np.intp)
        return Visitor(self.visitor(), at, np.array([ratings[place] for place in at.tolist()]))

    def shares(self, person: Visitor) -> dict[str, Floats]:
        """What each block adds to the predictions of all films, [n] each.

        What is left of a prediction less its mean is due to the film itself, beyond its content.
        """
        pulled = self.factor[person.rated].T @ person.coefficients
        return {name: part @ pulled for name, part in self.blocks.items()}

    def listed(self, person: Visitor, wish: lists.Wish) -> list[int]:
        """Places of the films of a list, best first."""
        films = [
            Film(place, place, film["title"], film["year"], film["themes"])
            for place, film in enumerate(self.films)
        ]
        everything = np.arange(len(films), dtype=np.intp)
        return lists.ordered(person, self.popularity, films, wish, among=everything)

    @cached_property
    def text(self) -> str:
        """The file: a script that sets ``smallModel``.

        Matrices are base64 of 16-bit integers times a step.
        """
        given = json.dumps(
            {
                "format": FORMAT,
                "about": dict(self.about),
                "films": self.films,
                "noise": self.noise,
                "mean": self.mean.tolist(),
                "diagonal": self.diagonal.tolist(),
                "popularity": self.popularity.tolist(),
                "rank": self.factor.shape[1],
                "factor": _packed(self.factor),
                "blocks": {name: _packed(part) for name, part in self.blocks.items()},
            },
            ensure_ascii=False,
            separators=(",", ":"),
        )
        return f"{_BEFORE}{given}{_AFTER}"

    @classmethod
    def read(cls, path: Path) -> "SmallModel":
        """Reads what :func:`export` wrote.

        Raises:
            StudyError: It is no such file.
        """
        try:
            text = path.read_text(encoding="utf-8")
            given = json.loads(text.removeprefix(_BEFORE).removesuffix(_AFTER))
            rank = given["rank"]
            return cls(
                films=given["films"],
                mean=np.array(given["mean"]),
                factor=_unpacked(given["factor"], rank),
                diagonal=np.array(given["diagonal"]),
                noise=given["noise"],
                blocks={name: _unpacked(part, rank) for name, part in given["blocks"].items()},
                popularity=np.array(given["popularity"]),
                about=given["about"],
            )
        except (OSError, ValueError, LookupError, TypeError) as error:
            raise StudyError(
                f"is not the file of a page ({type(error).__name__})",
                where=path,
                remedy="Export it again.",
            ) from error


def export(model: Model, path: Path, *, films: int = FILMS, rank: int = RANK) -> SmallModel:
    """Writes the file of a page.

    Args:
        model: One of open data alone.
        path: The file, a script.
        films: How many films at most, those with the most ratings of those that have a title.
        rank: Of the covariance; at most the number of films.

    Returns:
        The small model as it is read from the file.

    Raises:
        StudyError: The model has read more than open data.
    """
    made = small(model, films=films, rank=rank)
    with atomic_path(path) as part:
        part.write_text(made.text, encoding="utf-8")
    return SmallModel.read(path)


def small(model: Model, *, films: int = FILMS, rank: int = RANK) -> SmallModel:
    """The small model; see :func:`export`."""
    read = set(model.about["features"])
    if closed := sorted(name for name in read if not name.endswith("-open")):
        raise StudyError(
            f"the model has read {closed[0]}, which may not be published",
            where="page",
            remedy="Export the model of open data, mmrec.recommending.open_model.",
        )
    at = _most_rated(model, films)
    served, prior = model.served, model.served.visitor()
    covariance = prior.covariance(at, at)
    factor, diagonal = factorised((covariance + covariance.T) / 2, min(rank, len(at)))
    settings = served.settings
    names = [model.films[place].title for place in at]
    return SmallModel(
        films=[
            {
                "title": film.title,
                "year": film.year,
                "themes": list(film.genres),
                "directors": list(film.directors),
                "cast": list(film.cast),
            }
            for film in (model.films[place] for place in at)
        ],
        mean=np.round(prior.mean[at], 5),
        factor=factor,
        diagonal=np.round(diagonal, 6),
        noise=round(served.noise, 6),
        blocks=_blocks(model, at, factor),
        popularity=np.round(lists.popularity(served)[at], 3),
        about={
            "likes_count_as": LIKE,
            "dislikes_count_as": DISLIKE,
            "reach": [round(value, 4) for value in settings["reach"]],
            "popularity": WELL_KNOWN,
            "diversity": lists.DIVERSITY,
            "example": [
                [names.index(one), stars] for one, stars in EXAMPLE.items() if one in names
            ],
            "scale": [1, 5],
            "content": "open synopses and facts of this project, CC-BY-4.0",
            "learned_from": "MovieLens-100K; no rating of a single user is in this file",
        },
    )


def factorised(covariance: Floats, rank: int) -> tuple[Floats, Floats]:
    """The nearest :math:`L L^T` to a covariance off its diagonal, and what the diagonal lacks.

    Principal factors: the diagonal is replaced by what the factors explain of it, again and again.

    Returns:
        L [n, rank] and the rest of the diagonal [n], not negative.
    """
    diagonal = covariance.diagonal().copy()
    explained = diagonal.copy()
    factor = np.zeros((len(covariance), rank))
    for _ in range(_ROUNDS):
        reduced = covariance.copy()
        reduced[np.diag_indices_from(reduced)] = explained
        values, vectors = np.linalg.eigh(reduced)
        factor = vectors[:, -rank:] * np.sqrt(np.maximum(values[-rank:], 0))
        explained = np.minimum((factor**2).sum(axis=1), diagonal)
    return factor, np.maximum(diagonal - (factor**2).sum(axis=1), 0)


def _most_rated(model: Model, films: int) -> NDArray[np.intp]:
    """Places of the most-rated films with a title, each film once."""
    order = np.argsort(-model.served.counts, kind="stable")
    places: dict[int, int] = {}
    for place in order.tolist():
        if model.films[place].title:
            places.setdefault(model.films[place].film_id, place)
    return np.array(list(places.values())[:films], np.intp)


def _blocks(model: Model, at: Positions, factor: Floats) -> dict[str, Floats]:
    """The part of each row of L that a block of content, or the level, is due to.

    The covariance of film i with film k is a sum over the blocks of film i; each block's part of
    it, [n, n], is projected on L.
    """
    served = model.served
    weights = served.visitor().weights(at, np.eye(len(at)))
    back = factor @ np.linalg.pinv(factor.T @ factor)
    found = {}
    for name, block in served.blocks.items():
        rows = block.of(at)
        part = sum(
            (served.variance(kind, name) * (rows @ weights[kind]) for kind in (EVERYBODY, TASTE)),
            np.zeros((len(at), len(at))),
        )
        found[name.split(": ")[1]] = part @ back
    level = sum(
        (served.variance(kind, "level") * weights[kind].sum(axis=0) for kind in (EVERYBODY, TASTE)),
        np.zeros(len(at)),
    )
    return found | {"level": np.tile(level, (len(at), 1)) @ back}


def _packed(matrix: Floats) -> dict[str, Any]:
    step = float(np.abs(matrix).max() / _LARGEST) or 1.0
    whole = np.round(matrix / step).astype("<i2")
    return {"step": step, "data": base64.b64encode(whole.tobytes()).decode("ascii")}


def _unpacked(given: Mapping[str, Any], rank: int) -> Floats:
    whole = np.frombuffer(base64.b64decode(given["data"]), "<i2").reshape(-1, rank)
    return whole * float(given["step"])
