"""Answers of a model: a person's list with its reasons, and who would like a new film."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mmrec.models.base import LEVELS
from mmrec.recommending.lists import Wish, listed
from mmrec.recommending.people import Person, Visitor, interval
from mmrec.recommending.reasons import Reasons, reasons
from mmrec.recommending.served import EVERYBODY, TASTE, Positions, Served
from mmrec.recommending.storing import Model
from mmrec.recommending.users import User


@dataclass(frozen=True)
class Prediction:
    """A rating that is expected, and how far off it may be.

    Attributes:
        rating: In stars, not clipped.
        sd: Standard deviation.
        intervals: For each probability of :data:`~mmrec.models.base.LEVELS` from where to where
            the rating lies with it, kept to the scale.
    """

    rating: float
    sd: float
    intervals: Mapping[float, tuple[float, float]]

    @classmethod
    def of(cls, rating: float, sd: float, served: Served) -> "Prediction":
        """With intervals as wide as held-out ratings asked for."""
        reaches = zip(LEVELS, served.settings["reach"], strict=True)
        return cls(rating, sd, {level: interval(rating, sd, reach) for level, reach in reaches})


@dataclass(frozen=True)
class Recommended:
    """A film that is recommended.

    Attributes:
        film: Its position.
        prediction: What the person would rate it.
        reasons: Why.
    """

    film: int
    prediction: Prediction
    reasons: Reasons


def visitor(model: Model, ratings: Mapping[int, float]) -> Visitor:
    """Somebody who is no user of the data set.

    Args:
        model: The model.
        ratings: By position of the film.
    """
    at = np.array(list(ratings), np.intp)
    return Visitor(model.served.visitor(), at, np.array(list(ratings.values()), np.float64))


def user(model: Model, user_id: int) -> User:
    """A user of the data set.

    Raises:
        StudyError: There is none of that id.
    """
    return User(model.served, model.served.place_of(user_id))


def recommended(
    model: Model, person: Person, wish: Wish, *, among: Positions | None = None
) -> list[Recommended]:
    """A person's list.

    Args:
        model: The model.
        person: Who is shown it.
        wish: What it is to be made of.
        among: Positions of the films that may be in it; by default all.
    """
    films = np.arange(len(model.films), dtype=np.intp) if among is None else among
    places = listed(person, model.served, model.films, wish, among=films)
    return explained(model, person, places)


def explained(model: Model, person: Person, films: Sequence[int]) -> list[Recommended]:
    """What a person would rate some films, and why."""
    if not films:
        return []
    at = np.array(films, np.intp)
    every, sds = reasons(person, model.served, at), person.sds_of(at).tolist()
    return [
        Recommended(film, Prediction.of(why.prediction, sd, model.served), why)
        for film, sd, why in zip(films, sds, every, strict=True)
    ]


@dataclass(frozen=True)
class Reception:
    """How a film would be received by the users of the data set.

    Attributes:
        film: Its position.
        mean: Mean of the users' ratings; its deviation is that of the mean, not of a rating.
        one: Rating by somebody of whom nothing is known.
        users: Ids of the users who would like it most, and their ratings.
        liking: Share of the users who are expected to rate it 4 or better.
    """

    film: int
    mean: Prediction
    one: Prediction
    users: Sequence[tuple[int, Prediction]]
    liking: float


def reception(model: Model, film: int, *, top: int) -> Reception:
    """How a film would be received.

    Args:
        model: The model; the film may have been added to it.
        film: Position of the film.
        top: How many users are named.
    """
    served = model.served
    ratings = served.everybodys_ratings(np.array([film]))[:, 0]
    best = np.argsort(-ratings, kind="stable")[:top]
    found = []
    for place in best.tolist():
        one = User(served, place)
        prediction = Prediction.of(
            float(ratings[place]), float(one.sds_of(np.array([film]))[0]), served
        )
        found.append((int(served.users[place]), prediction))
    shared = float(served.covariances[EVERYBODY].total[film, film])
    taste = float(served.covariances[TASTE].total[film, film])
    mean, n = float(ratings.mean()), len(ratings)
    # Of a film without ratings, what films held out of training say counts, if it is more.
    error = 0.0 if served.counts[film] else float(served.settings["mean_error"])
    return Reception(
        film=film,
        mean=Prediction.of(mean, max(error, float(np.sqrt(shared + taste / n))), served),
        one=Prediction.of(
            float(served.mean + served.shared[film]),
            float(np.sqrt(shared + taste + served.noise)),
            served,
        ),
        users=found,
        liking=float((ratings >= LIKING).mean()),
    )


LIKING = 4.0
"""Expected rating from which on a user counts as one who would like a film."""
