"""``mmrec enrich``: films of your own become a catalogue."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mmrec.command_line import Exit, add_command, names, tell
from mmrec.errors import StudyError

if TYPE_CHECKING:
    from mmrec.command_line import Commands
    from mmrec.enrichment.pipeline import Enriched

NOBODY = "none"
"""In the place of providers: only the reader's own files are read."""


def add(commands: "Commands") -> None:
    """Adds ``mmrec enrich``."""
    command = add_command(
        commands,
        "enrich",
        enrich,
        summary="films of your own → a catalogue",
        description="Reads a list of films, or a folder with a list, trailers, posters, synopses "
        "and ratings,\nqueries the providers, and writes a catalogue. Your own files take "
        "precedence and are never\nchanged.",
        examples=[
            "mmrec enrich festival --out build/festival --providers none",
            "mmrec enrich my_movies.csv --out build/mine",
            "mmrec enrich my_movies.csv --out build/mine --trailers --rate-limit 2M",
        ],
    )
    command.add_argument(
        "films",
        type=Path,
        help="CSV with the columns title and year, or a folder that contains such a movies.csv",
    )
    command.add_argument("--out", type=Path, required=True, help="folder to write to")
    command.add_argument(
        "--providers",
        default="wikipedia,imdb,youtube",
        help=f"in order of trust, or {NOBODY} (default: %(default)s)",
    )
    command.add_argument(
        "--trailers", action="store_true", help="download the trailers that were found"
    )
    command.add_argument(
        "--rate-limit", help="with --trailers, the most to download per second: 500K, 2M"
    )
    command.add_argument("--cookies", type=Path, help="with --trailers, a cookies.txt")
    command.add_argument(
        "--imdb-storylines",
        action="store_true",
        help="read IMDb's title pages, which its conditions of use forbid without consent",
    )


def enrich(options: argparse.Namespace) -> int:
    """Enriches films.

    Returns:
        0; every failure is raised.

    Raises:
        StudyError: If an option cannot be used, or the providers know none of the films.
    """
    from yt_dlp.utils import parse_bytes

    from mmrec.enrichment import pipeline
    from mmrec.enrichment.providers.imdb import TERMS
    from mmrec.workspace import Workspace

    rate_limit = parse_bytes(options.rate_limit) if options.rate_limit else None
    if options.rate_limit and not rate_limit:
        raise StudyError(
            f"{options.rate_limit!r} is no rate", where="--rate-limit", remedy="Write 500K or 2M."
        )
    if options.imdb_storylines:
        print(TERMS, file=sys.stderr)
    for option, value in (("--rate-limit", options.rate_limit), ("--cookies", options.cookies)):
        if value is not None and not options.trailers:
            raise StudyError(
                "only downloads need it, and none was asked for",
                where=option,
                remedy="Add --trailers, or leave it out.",
            )
    named = names(options.providers, "--providers") or []
    providers = [] if named == [NOBODY] else named
    workspace = Workspace(options.out.resolve(), Workspace.open("enrich").cache)
    done = pipeline.run(
        options.films,
        workspace,
        providers=providers,
        storylines=options.imdb_storylines,
        trailers=options.trailers,
        rate_limit=rate_limit,
        cookies=options.cookies,
    )
    _show(done, workspace.root, asked=bool(providers))
    if providers and done.matches["status"].eq("rejected").all():
        raise StudyError(
            "nothing is known of any film beside its title and year",
            where=workspace.root / "failures.csv",
            remedy="See there and in matches.csv what the providers said; once they answer, or "
            "titles and years are corrected, run the same command again.",
        )
    return Exit.DONE


def _show(done: "Enriched", out: Path, *, asked: bool) -> None:
    """Prints what there is now, and what was left out."""
    movies, ratings = done.catalogue.movies, done.catalogue.ratings
    notices = [
        f"{notice.where}: {notice.what}. {notice.remedy}" for notice in done.notices.itertuples()
    ]
    tell(notices, rest=f"in {out / 'notices.csv'}")
    statuses = movies["match_status"].value_counts().to_dict()
    print(f"{len(movies)} movies: {statuses if asked else 'no provider was asked'}")
    for name in ("summary", "directors", "imdb_rating", "trailer_youtube_id"):
        known = movies[name].map(lambda value: value not in (None, []) and value == value)
        print(f"  {name:<20}{known.sum()}")
    for kind, number in done.own.files["kind"].value_counts().sort_index(ascending=False).items():
        print(f"  {f'{kind} files':<20}{number}")
    if len(ratings):
        print(f"  {'ratings':<20}{len(ratings)}, of {ratings['user_id'].nunique()} users")
    for name in ("conflicts", "failures", "notices"):
        print(f"  {name:<20}{len(getattr(done, name))}, in {out / name}.csv")
