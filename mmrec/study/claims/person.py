"""Claims about what one person is recommended, and why: chapter 13."""

import re
from collections import Counter

from mmrec.reports.results import Absent, Results
from mmrec.study.claims.claim import Check, check

CONTENT, CONTROL, LIKES = (
    "process over pairs",
    "content dealt out at random",
    "likes from content",
)
MAKERS = ("The Big Lebowski", "Miller's Crossing")


def lists_differ_by_content(r: Results) -> Check:
    """With content and with content of other films, three films of ten are the same."""
    shared = len({*_films(r, CONTENT)} & {*_films(r, CONTROL)})
    others = len(_films(r, CONTENT)) - shared
    return check((shared, others) == (3, 7), shared=shared, others=others)


def the_control_lists_what_everybody_likes(r: Results) -> Check:
    """Without content of its own the process lists films that nearly everybody likes."""
    return _in_order(r, CONTROL, "Star Wars", "Schindler's List", "Casablanca")


def content_lists_the_same_makers(r: Results) -> Check:
    """With content the process lists films that the ten ratings speak for."""
    return _in_order(r, CONTENT, "Dr. Strangelove", "A Close Shave", "The Hudsucker Proxy")


def likes_go_furthest(r: Results) -> Check:
    """*Likes from content* begins with two films by the same makers, which no other list has."""
    lists = {name: _films(r, name) for name in r.table("person_lists").columns[1:]}
    having = [name for name, films in lists.items() if {*MAKERS} & {*films}]
    found = having == [LIKES] and tuple(lists[LIKES][:2]) == MAKERS
    return check(found, lists=", ".join(having) or "none")


def reasons_for_a_film(r: Results) -> Check:
    """Two films rated 5 raise the prediction for Pulp Fiction, one that was rated 4 lowers it."""
    fargo, arizona, suspects = (
        _number(r, "person_reasons", film, "adds")
        for film in ("Fargo", "Raising Arizona", "The Usual Suspects")
    )
    return check(
        min(fargo, arizona) > 0 > suspects,
        fargo=_stars(fargo),
        arizona=_stars(arizona),
        suspects=_stars(suspects),
    )


def directors_tell_films_apart(r: Results) -> Check:
    """Directors add to two films that the reader is recommended, and take from a third."""
    pulp, strangelove, godfather = (
        _number(r, "person_blocks", film, "directors")
        for film in ("Pulp Fiction", "Dr. Strangelove", "The Godfather")
    )
    return check(
        min(pulp, strangelove) > 0.1 and godfather < 0,
        pulp=_stars(pulp),
        strangelove=_stars(strangelove),
        godfather=_stars(godfather),
    )


def a_film_that_is_told(r: Results) -> Check:
    """Genres and year raise the reader's prediction and lower everybody's; the rest adds little."""
    told = ("nothing", "its genres", "and its synopsis", "and its trailer")
    reader = [_number(r, "person_new_film", row, "prediction") for row in told]
    everybody = [_number(r, "person_new_film", row, "everybody") for row in told[:2]]
    synopsis, trailer = reader[2] - reader[1], reader[3] - reader[2]
    return check(
        abs(reader[0] - everybody[0]) < 0.05
        and reader[1] > reader[0]
        and everybody[1] < everybody[0]
        and 0 < trailer < synopsis < 0.05,
        nothing=_stars(reader[0]),
        everybody=_stars(everybody[0]),
        genres=_stars(reader[1]),
        genres_everybody=_stars(everybody[1]),
        synopsis=_stars(synopsis),
        trailer=_stars(trailer),
    )


def the_crowd_nearly_cancels(r: Results) -> Check:
    """The crowd's rating and its votes together add little, except to a film with few votes."""
    films = (*("Pulp Fiction", "Monty Python", "The Godfather", "Dr. Strangelove"), "A Close Shave")
    *four, shave = (
        sum(_number(r, "person_blocks", film, column) for column in ("rating", "votes"))
        for film in films
    )
    return check(
        min(four) > 0 and max(four) < shave / 2,
        least=_stars(min(four)),
        most=_stars(max(four)),
        shave=_stars(shave),
    )


def rating_and_votes_oppose(r: Results) -> Check:
    """To the first four films the crowd's rating adds half a star and its votes take a third."""
    films = ("Pulp Fiction", "Monty Python", "The Godfather", "Dr. Strangelove")
    rating, votes = (
        [_number(r, "person_blocks", film, column) for film in films]
        for column in ("rating", "votes")
    )
    return check(
        min(rating) > 0.4 and max(votes) < -0.3,
        least=_stars(min(rating)),
        most=_stars(max(rating)),
        votes_least=_stars(max(votes)),
        votes_most=_stars(min(votes)),
    )


def reasons_overlap(r: Results) -> Check:
    """Ratings left out one by one change the prediction by less than they add together."""
    rows = r.table("person_reasons")
    if not {"adds", "lower_without"} <= {*rows}:
        raise Absent("person_reasons lacks a column")
    bars, points = float(rows["adds"].sum()), float(rows["lower_without"].sum())
    return check(0 < points < bars / 2, bars=_stars(bars), points=_stars(points))


def few_films_are_shared(r: Results) -> Check:
    """Two films are in four of six lists, none is in more."""
    lists = [_films(r, str(name)) for name in r.table("person_lists").columns[1:]]
    numbers = Counter(film for one in lists for film in {*one})
    often = {film for film, number in numbers.items() if number >= 4}
    return check(
        often == {"Pulp Fiction", "Monty Python and the Holy Grail"}
        and max(numbers.values()) == 4
        and len(lists) == 6,
        places=sum(map(len, lists)),
        films=len(numbers),
    )


def _films(r: Results, column: str) -> list[str]:
    """Titles of a list, without year and second title."""
    rows = r.table("person_lists")
    if column not in rows:
        raise Absent(f"person_lists has no column {column}")
    return [re.sub(r"( or:.*)? \(\d+\)$", "", str(film)) for film in rows[column]]


def _in_order(r: Results, column: str, *titles: str) -> Check:
    """Whether films stand in a list, in this order."""
    places = [film for film in _films(r, column) if film in titles]
    return check(places == [*titles], listed=", ".join(places) or "none")


def _number(r: Results, table: str, key: str, column: str) -> float:
    """A number of a table by the beginning of its row."""
    rows = r.table(table)
    rows = rows[rows.iloc[:, 0].str.startswith(key)]
    if len(rows) != 1 or column not in rows:
        raise Absent(f"{table} has {len(rows)} rows of {key}, or no column {column}")
    return float(rows[column].iloc[0])


def _stars(value: float) -> str:
    """A number of stars as prose has it: two decimals, its sign told in words."""
    return f"{abs(value):.2f}"


DECLARED = (
    lists_differ_by_content,
    the_control_lists_what_everybody_likes,
    content_lists_the_same_makers,
    likes_go_furthest,
    reasons_for_a_film,
    directors_tell_films_apart,
    a_film_that_is_told,
    the_crowd_nearly_cancels,
    rating_and_votes_oppose,
    reasons_overlap,
    few_films_are_shared,
)
