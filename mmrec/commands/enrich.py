"""``mmrec enrich``: a list of movies becomes a catalogue and, if asked for, features."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mmrec.command_line import Exit, add_command
from mmrec.errors import StudyError

if TYPE_CHECKING:
    from mmrec.command_line import Commands
    from mmrec.enrichment.pipeline import Enriched
    from mmrec.workspace import Workspace


def add(commands: "Commands") -> None:
    """Adds ``mmrec enrich``."""
    command = add_command(
        commands,
        "enrich",
        enrich,
        summary="a list of titles and years → catalogue, features",
        examples=[
            "mmrec enrich my_movies.csv --out my_movies",
            "mmrec enrich my_movies.csv --out my_movies --providers wikipedia --features",
            "mmrec enrich my_movies.csv --out my_movies --features --trailers --rate-limit 2M",
        ],
    )
    command.add_argument("list", type=Path, help="CSV with the columns title and year")
    command.add_argument("--out", type=Path, required=True, help="folder to write to")
    command.add_argument(
        "--providers",
        default="wikipedia,imdb,youtube",
        help="in order of trust (default: %(default)s)",
    )
    command.add_argument("--features", action="store_true", help="embed what was found")
    command.add_argument(
        "--word-vectors",
        default="en_core_web_md,corpus",
        help="for --features, the first that is available (default: %(default)s)",
    )
    command.add_argument("--trailers", action="store_true", help="download the trailers found")
    command.add_argument("--rate-limit", help="for --trailers, per second at most: 500K, 2M")
    command.add_argument("--cookies", type=Path, help="for --trailers, a cookies.txt")
    command.add_argument(
        "--imdb-storylines",
        action="store_true",
        help="read IMDb's title pages, which its conditions of use forbid without consent",
    )


def enrich(options: argparse.Namespace) -> int:
    """Enriches a list of movies and, if asked for, embeds what was found.

    Returns:
        0 if something was found and embedded as far as asked for, else 1.
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
    workspace = Workspace(options.out.resolve(), Workspace.open("enrich").cache)
    done = pipeline.run(
        options.list,
        workspace,
        providers=[name.strip() for name in options.providers.split(",")],
        storylines=options.imdb_storylines,
        trailers=options.trailers,
        rate_limit=rate_limit,
        cookies=options.cookies,
    )
    movies = done.catalogue.movies
    print(f"{len(movies)} movies: {movies['match_status'].value_counts().to_dict()}")
    for name in ("summary", "directors", "imdb_rating", "trailer_youtube_id"):
        known = movies[name].map(lambda value: value not in (None, []) and value == value)
        print(f"  {name:<20}{known.sum()}")
    for name in ("conflicts", "failures"):
        print(f"  {name:<20}{len(getattr(done, name))}, in {workspace.root / name}.csv")
    found_nothing = movies["match_status"].isin(["missing", "rejected"]).all()
    embedded = not options.features or _embed(done, workspace, options.word_vectors.split(","))
    return Exit.PROBLEM if found_nothing or not embedded else Exit.DONE


def _embed(done: "Enriched", workspace: "Workspace", word_vectors: list[str]) -> bool:
    """Embeds what was found; prints and lists what could not be.

    Returns:
        Whether every modality has a table.
    """
    import pandas as pd

    from mmrec.features import from_list
    from mmrec.study.supervision import guard_children
    from mmrec.workspace import write_csv

    guard_children(workspace.root)
    complete, left_out = True, []
    for one in from_list.embed(
        done.catalogue.movies, done.trailers, word_vectors=word_vectors, cache=workspace.cache
    ):
        for row in one.left_out.itertuples():
            print(f"  {one.modality:<20}not movie {row.movie_id}: {row.reason}", file=sys.stderr)
        left_out.append(one.left_out.assign(modality=one.modality))
        if one.table is None:
            print(f"  {one.modality:<20}none: {one.problem}", file=sys.stderr)
            complete = False
            continue
        path = workspace.features / f"{one.modality}.parquet"
        one.table.save(path)
        size = f"{len(one.table.movie_ids)} × {one.table.width}"
        failed = f"; {len(one.left_out)} files could not be used" if len(one.left_out) else ""
        print(f"  {one.modality:<20}{size}, in {path}{failed}")
    columns = ["movie_id", "modality", "file", "reason"]
    write_csv(pd.concat(left_out)[columns], workspace.root / "left_out.csv")
    return complete
