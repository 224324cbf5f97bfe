"""Answers as people read them, and as programs do: aligned text, and plain data for JSON."""

from collections.abc import Sequence
from typing import Any

from mmrec.models.rating_scale import HIGHEST, LOWEST
from mmrec.recommending.answers import Prediction, Reception, Recommended
from mmrec.recommending.new_films import Added
from mmrec.recommending.people import Person
from mmrec.recommending.reasons import by_film_and_block, shared_facts, sharing
from mmrec.recommending.storing import Film, Model

Users = Sequence[tuple[int | str, Prediction]]

SCHEMA = 1
"""Version of the form of ``--json``."""

SHOWN = 0.8
"""Probability of the interval that people are shown."""

N_REASONS = 2
"""Films that a line of reasons names."""

_WORDS = {
    "facts": "facts",
    "facts-unrated": "facts",
    "imdb": "IMDb's ratings and votes",
    "meta-freebase": "encyclopedia",
    "genres": "genres",
    "directors": "director",
    "cast": "cast",
    "years": "year",
    "text": "synopsis",
    "video": "pictures",
    "audio": "sound",
    "walks": "encyclopedia",
    "rating": "IMDb rating",
    "votes": "IMDb votes",
    "level": "how high you rate",
    "beyond content": "ratings alone",
}
_LONGEST = 48

_GUESSED = "guessed from the rest"
"""What is said of a block that a film lacks."""


def word(block: str) -> str:
    """What a block is called in a sentence."""
    part = block.split(": ")[-1]
    return _WORDS.get(part, part)


def guessed(model: Model, film: int) -> list[str]:
    """Blocks that a film lacks and that are guessed from its others."""
    return [name for name, block in model.served.blocks.items() if block.is_guessed(film)]


# --- for people ---------------------------------------------------------------------------------


def list_of(model: Model, person: Person, found: Sequence[Recommended]) -> list[str]:
    """Lines of a list: rank, expected rating, interval, title, and what it rests on."""
    if not found:
        return ["No film fits."]
    width = min(_LONGEST, max(len(model.films[one.film].name) for one in found))
    lines = [f"     stars  {SHOWN:.0%} between  {'film':<{width}}  genres"]
    for rank, one in enumerate(found, start=1):
        film = model.films[one.film]
        name, genres = _fit(film.name, width), ", ".join(film.genres)
        lines.append(f"{rank:>3}  {_rating(one.prediction)}  {name}  {genres}".rstrip())
        if because := _because(model, person, one):
            lines.append(f"{'':26}{because}")
    return lines


def why(model: Model, person: Person, one: Recommended) -> list[str]:
    """Lines of everything that one prediction is made of; they add up to it."""
    film, reasons = model.films[one.film], one.reasons
    names = [model.films[place].name for place in person.rated.tolist()]
    width = min(_LONGEST, max(map(len, [film.name, "what everybody thinks of it", *names])))
    lines = [
        f"{film.name}: {reasons.prediction:.2f} stars",
        "",
        f"{'what everybody thinks of it':<{width}}  {reasons.expected:>6.2f}",
    ]
    order = reasons.strongest(len(names))
    parts = by_film_and_block(person, model.served, one.film)
    for place in order:
        largest = sorted(parts, key=lambda name: -abs(parts[name][place]))[:3]
        by_block = ", ".join(f"{word(name)} {parts[name][place]:+.2f}" for name in largest)
        total = float(reasons.contributions[place])
        lines.append(f"{_fit(names[place], width)}  {total:>+6.2f}  {by_block}")
    lines += ["", "By block of content:"]
    guesses = guessed(model, one.film)
    lines += [
        f"  {word(name):<{width - 2}}  {value:>+6.2f}{f'  {_GUESSED}' if name in guesses else ''}"
        for name, value in sorted(reasons.blocks.items(), key=lambda one: -abs(one[1]))
        if value  # exactly nothing is what a block says of a film without it or a guess at it
    ]
    lines += ["", "Without it the prediction would be:"]
    for place in order:
        without = reasons.prediction - float(reasons.differences[place])
        shared = _shares(film, model, person, place)
        lines.append(f"  {_fit(names[place], width - 2)}  {without:>6.2f}{shared}")
    return lines


def of_one(prediction: Prediction) -> list[str]:
    """Lines on one prediction and how sure it is."""
    told = [
        f"{level:.0%} between {low:.1f} and {high:.1f}"
        for level, (low, high) in prediction.intervals.items()
    ]
    return [f"expected rating {prediction.rating:.1f}; {'; '.join(told)}"]


def known_of(added: Added) -> str:
    """What is known of a new film and what is not, in one line."""
    there = dict.fromkeys(word(name) for name, number in added.known.items() if number)
    strange = dict.fromkeys(word(name) for name in added.unfamiliar)
    (place,) = added.places
    guesses = guessed(added.model, place)
    instead = dict.fromkeys(word(name) for name in guesses)
    absent = dict.fromkeys(
        word(name)
        for name, number in added.known.items()
        if not number and name not in [*added.unfamiliar, *guesses]
    )
    parts = [f"known of it: {', '.join(there) or 'nothing'}"]
    parts += [f"{name}: not among those the model knows" for name in strange]
    parts += [f"{_GUESSED}: {', '.join(instead)}"] if instead else []
    parts += [f"not known: {', '.join(absent)}"] if absent else []
    return "; ".join(parts)


def reception_of(model: Model, found: Reception, added: Added, users: Users) -> list[str]:
    """Lines on how a film would be received, the users as they are called."""
    film = model.films[found.film]
    low, high = found.mean.intervals[SHOWN]
    lines = [
        film.name,
        f"  {known_of(added)}",
        f"  mean rating {found.mean.rating:.1f}, {SHOWN:.0%} between {low:.1f} and {high:.1f}; "
        f"{found.liking:.0%} of the users are expected to rate it 4 or better",
        "",
        f"  user   stars  {SHOWN:.0%} between",
    ]
    lines += [f"  {user:>4}  {_rating(prediction)}".rstrip() for user, prediction in users]
    return lines


def _rating(prediction: Prediction) -> str:
    low, high = prediction.intervals[SHOWN]
    clipped = min(max(prediction.rating, LOWEST), HIGHEST)
    return f"{clipped:>6.1f}   {low:.1f} – {high:.1f}  "


def _because(model: Model, person: Person, one: Recommended) -> str:
    """The films rated that a prediction rests on most, and what it has in common with them."""
    told = []
    for place in one.reasons.strongest(N_REASONS):
        other = model.films[int(person.rated[place])]
        difference = float(one.reasons.differences[place])
        shared = _shares(model.films[one.film], model, person, place)
        told.append(f"{difference:+.2f} by {_fit(other.title, _LONGEST).strip()}{shared}")
    return "; ".join(told)


def _shares(film: Film, model: Model, person: Person, place: int) -> str:
    """What two films have in common, in parentheses; nothing if that is nothing."""
    facts = shared_facts(film, model.films[int(person.rated[place])])
    names = [name for some in facts.values() for name in some]
    return f" ({', '.join(names[:4])})" if names else ""


def _fit(text: str, width: int) -> str:
    return f"{text:<{width}}" if len(text) <= width else f"{text[: width - 1]}…"


# --- for programs -------------------------------------------------------------------------------


def list_data(model: Model, person: Person, found: Sequence[Recommended]) -> list[dict[str, Any]]:
    """A list as data."""
    rated = rated_data(model, person)
    return [
        {
            "rank": rank,
            **film_data(model.films[one.film]),
            **explained_data(model, person, one, rated),
        }
        for rank, one in enumerate(found, start=1)
    ]


def rated_data(model: Model, person: Person) -> list[dict[str, Any]]:
    """The films that a person has rated as data, and the ratings."""
    return [
        {**film_data(model.films[place]), "rating": rating}
        for place, rating in zip(person.rated.tolist(), person.ratings.tolist(), strict=True)
    ]


def film_data(film: Film) -> dict[str, Any]:
    """A film as data.

    ``movie_id`` is null for one that is not in the model's catalogue, ``id`` for one that is in no
    catalogue of a reader's own.
    """
    return {
        "movie_id": film.movie_id if film.movie_id > 0 else None,
        "id": film.own_id,
        "title": film.title,
        "year": film.year,
        "genres": list(film.genres),
    }


def prediction_data(prediction: Prediction) -> dict[str, Any]:
    """A prediction as data."""
    return {
        "prediction": prediction.rating,
        "sd": prediction.sd,
        "intervals": {
            f"{level:.0%}".removesuffix("%"): list(bounds)
            for level, bounds in prediction.intervals.items()
        },
    }


def explained_data(
    model: Model,
    person: Person,
    one: Recommended,
    rated: Sequence[dict[str, Any]],
    *,
    whole: bool = False,
) -> dict[str, Any]:
    """A prediction and its reasons as data.

    Args:
        model: The model.
        person: The person.
        one: The prediction.
        rated: What :func:`rated_data` says of the person.
        whole: Whether the contribution of each film is divided among the blocks.
    """
    reasons, places = one.reasons, person.rated.tolist()
    shared = sharing(model.films[one.film])
    contributions, differences = reasons.contributions.tolist(), reasons.differences.tolist()
    films = [
        {
            **rated[place],
            "contribution": contributions[place],
            "difference": differences[place],
            "shared": shared(model.films[places[place]]),
        }
        for place in reasons.strongest(len(places))
    ]
    if whole:
        parts = by_film_and_block(person, model.served, one.film)
        for place, told in zip(reasons.strongest(len(places)), films, strict=True):
            told["blocks"] = {name: float(part[place]) for name, part in parts.items()}
    return {
        **prediction_data(one.prediction),
        "ratings": int(model.served.counts[one.film]),
        "guessed": guessed(model, one.film),
        "reasons": {
            "expected": reasons.expected,
            "blocks": dict(reasons.blocks),
            "films": films,
        },
    }


def known_data(added: Added) -> dict[str, Any]:
    """What is known of a new film, as data."""
    return {
        "blocks": {name: bool(number) for name, number in added.known.items()},
        "unfamiliar": list(added.unfamiliar),
    }


def reception_data(model: Model, found: Reception, added: Added, users: Users) -> dict[str, Any]:
    """How a film would be received, as data, the users as they are called."""
    return {
        **film_data(model.films[found.film]),
        **known_data(added),
        "guessed": guessed(model, found.film),
        "mean": prediction_data(found.mean),
        "one": prediction_data(found.one),
        "liking": found.liking,
        "users": [{"user": user, **prediction_data(prediction)} for user, prediction in users],
    }
