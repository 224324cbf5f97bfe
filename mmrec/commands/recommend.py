"""``mmrec recommend``: films for a person, or people for a film, and the reasons."""

import argparse
import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mmrec.command_line import Exit, add_command, tell

if TYPE_CHECKING:
    import pandas as pd

    from mmrec.command_line import Commands
    from mmrec.recommending.asking import Asked
    from mmrec.recommending.exchange import Answer

_FACTS = ("title", "year", "genre", "director", "cast", "synopsis", "imdb_rating", "imdb_votes")
_OF_LISTS = ("genres", "years", "popularity", "diversity")


def add(commands: "Commands") -> None:
    """Adds ``mmrec recommend``."""
    command = add_command(
        commands,
        "recommend",
        recommend,
        summary="films for a person, or people for a new film, and the reasons",
        description=(
            "Queries the model that `make study` or `mmrec train` wrote. A person is a user of\n"
            "MovieLens (--user), or anybody who names liked and disliked films or a file of\n"
            "ratings. A film that is in no data set is described by --film or by the options\n"
            "after it."
        ),
        examples=[
            'mmrec recommend --like Fargo --like "Pulp Fiction"',
            'mmrec recommend --like Alien --dislike "Toy Story" --genres Horror,Sci-Fi'
            " --years 1970-1985",
            "mmrec recommend --ratings my_ratings.csv --top 20 --json",
            "mmrec recommend --user 42 --why Fargo",
            'mmrec recommend --title "The Lighthouse Keeper" --year 1998 --genre Drama'
            ' --synopsis "A widow keeps the light burning. One night a ship answers."',
            "mmrec recommend my_movies --like Fargo",
        ],
    )
    command.add_argument(
        "workspace",
        nargs="?",
        default="quick",
        help="a profile that was run, or a folder of your own films (default: %(default)s)",
    )
    command.add_argument(
        "--reference",
        default="quick",
        metavar="PROFILE",
        help="the profile whose model rates your own films if they have no model "
        "(default: %(default)s)",
    )
    who = command.add_argument_group("for whom")
    who.add_argument("--user", metavar="ID", help="a user of the model's own ratings")
    who.add_argument(
        "--like", action="append", default=[], metavar="TITLE", help="a liked film; repeatable"
    )
    who.add_argument(
        "--dislike",
        action="append",
        default=[],
        metavar="TITLE",
        help="a disliked film; repeatable",
    )
    who.add_argument(
        "--ratings",
        type=Path,
        metavar="CSV",
        help="columns title, rating (1-5) and optionally year",
    )
    for name, default in (("like", "5"), ("dislike", "1")):
        who.add_argument(
            f"--{name}-counts",
            default=default,
            metavar="STARS",
            help=f"stars that a {name} counts as (default: %(default)s)",
        )
    which = command.add_argument_group("which films")
    which.add_argument(
        "--top", type=int, default=10, metavar="N", help="number of films (default: %(default)s)"
    )
    which.add_argument("--genres", metavar="A,B", help="only films of at least one of these genres")
    which.add_argument(
        "--years", metavar="FROM-TO", help="only films of these years: 1990-1995, 1990-, or 1994"
    )
    which.add_argument(
        "--popularity",
        type=float,
        metavar="STARS",
        help="stars added for each standard deviation by which the logarithm of a film's number"
        " of ratings exceeds the mean (default: chosen in training on held-out likes)",
    )
    which.add_argument(
        "--diversity",
        type=float,
        metavar="STARS",
        help="stars subtracted from a film that equals one listed before it (default: 0.5)",
    )
    which.add_argument("--why", metavar="TITLE", help="all components of one prediction")
    film = command.add_argument_group("a new film")
    film.add_argument("--film", type=Path, metavar="FILE", help="CSV or JSON with the known facts")
    film.add_argument("--title")
    film.add_argument("--year")
    for name in ("genre", "director", "cast"):
        film.add_argument(f"--{name}", action="append", metavar="NAME", help="repeatable")
    film.add_argument("--synopsis", metavar="TEXT|FILE")
    film.add_argument("--poster", type=Path, metavar="FILE")
    film.add_argument("--trailer", type=Path, metavar="FILE")
    film.add_argument("--imdb-rating", metavar="STARS", help="if it exists, 1 to 10")
    film.add_argument("--imdb-votes", metavar="N")
    command.add_argument("--json", action="store_true", help="machine-readable output")


def recommend(options: argparse.Namespace) -> int:
    """Answers on standard output; notices about ignored input go to standard error."""
    told = {name: value for name in _FACTS if (value := getattr(options, name)) is not None}
    if wrong := _misused(options, bool(told)):
        print(f"mmrec recommend: {wrong} (see mmrec recommend --help)", file=sys.stderr)
        return Exit.USAGE
    from mmrec.recommending import asking, given

    film, files = None, {"poster": options.poster, "trailer": options.trailer}
    if options.film is not None or told:
        known = given.read_film(options.film) if options.film is not None else {}
        if options.synopsis is not None:
            told["synopsis"] = given.synopsis(options.synopsis)
        known |= {given.FACTS.get(name, name): value for name, value in told.items()}
        files = {name: path or known.get(name) for name, path in files.items()}
        film = given.film(known, where=str(options.film or "--title"))
    asked = asking.ask(options.workspace, options.reference)
    answer = _answered(options, asked, film, files)
    if options.json:
        print(json.dumps(answer.data, ensure_ascii=False, indent=1, allow_nan=False))
    else:
        tell(answer.notices)
        print("\n".join(answer.lines))
    return Exit.DONE


def _misused(options: argparse.Namespace, film: bool) -> str | None:
    """Why a command line cannot be answered, or None."""
    named = bool(options.like or options.dislike or options.ratings)
    if options.user is not None and named:
        return "give --user, or films and ratings, not both"
    if not (options.user is not None or named or film or options.film):
        return "say for whom (--like, --ratings, --user), or which film (--title, --film)"
    film = film or options.film is not None
    if options.why is not None and film:
        return "--why is for films that are there; a new film's reasons are shown as they are"
    if not film and (stray := _given(options, ("poster", "trailer"))):
        return f"--{stray} is of a new film; say which by --title or --film"
    if (film or options.why is not None) and (stray := _given(options, _OF_LISTS)):
        return f"--{stray} is for lists of films, and none is asked for"
    if options.top < 1:
        return "--top is 1 or more"
    for name in ("popularity", "diversity"):
        if not math.isfinite(getattr(options, name) or 0):
            return f"--{name} is a number of stars"
    if (options.diversity or 0) < 0:
        return "--diversity is 0 or more"
    return None


def _given(options: argparse.Namespace, names: tuple[str, ...]) -> str | None:
    """The first of some options that was given, or None."""
    return next((name for name in names if getattr(options, name) is not None), None)


def _answered(
    options: argparse.Namespace,
    asked: "Asked",
    film: "pd.DataFrame | None",
    files: dict[str, Path | None],
) -> "Answer":
    from mmrec.recommending import given

    somebody = None
    if options.user is not None:
        somebody = asked.user(options.user)
    elif options.like or options.dislike or options.ratings:
        counts = {"like": options.like_counts, "dislike": options.dislike_counts}
        stars = {
            name: given.stars(value, where=f"--{name}-counts") for name, value in counts.items()
        }
        somebody = asked.visitor(
            likes=options.like, dislikes=options.dislike, ratings=options.ratings, **stars
        )
    if film is not None:
        return asked.about_film(film, somebody, top=options.top, **files)
    assert somebody is not None  # `_misused` has seen to it
    if options.why is not None:
        return asked.why(somebody, options.why)
    wish = asked.wish(
        top=options.top,
        genres=options.genres,
        years=options.years,
        popularity=options.popularity,
        diversity=options.diversity,
    )
    return asked.for_person(somebody, wish)
