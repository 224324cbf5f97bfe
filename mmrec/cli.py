"""The ``mmrec`` command: for what is not the study itself. The study runs by ``make study``."""

import argparse
import logging
import os
import sys
from pathlib import Path

from mmrec.catalogue import sources
from mmrec.errors import Problem, StudyError
from mmrec.hardware import describe, versions
from mmrec.workspace import Workspace

FOLDERS = {
    "MMREC_BUILD": "where runs are kept (default: build/)",
    "MMREC_MIRROR": "copies of the original sources",
    "MMREC_TRAILERS": "your own trailers, <movie_id>.mp4",
}


def doctor() -> int:
    """Prints what the study finds here; fetches and verifies every source, as the study would.

    Returns:
        0 if the study can run, 1 if a package or the ratings are missing.
    """
    print("Machine")
    for name, value in describe().items():
        print(f"  {name:<14}{', '.join(value) if isinstance(value, list) else value}")

    print("\nPackages")
    found = versions()
    missing = [name for name, version in found.items() if version is None]
    print(f"  {len(found) - len(missing)} of {len(found)} declared packages are installed")
    for name in missing:
        print(f"  {name} is missing: pip install -c constraints.txt -e '.[test]'")

    print("\nFolders")
    for name, what in FOLDERS.items():
        print(f"  {name:<16}{os.environ.get(name) or 'not set':<24}{what}")

    print("\nSources")
    cache = Workspace.open("doctor").cache
    served = [sources.fetch_if_there(resource, cache) for resource in sources.RESOURCES]
    for resource, answer in zip(sources.RESOURCES, served, strict=True):
        if answer.kind == "missing":
            print(f"  {resource.name:<16}missing: {resource.what}\n{'':<18}{resource.remedy}")
        else:
            print(f"  {resource.name:<16}{answer.place}")
    ratings = next(answer for answer in served if answer.resource == sources.ML_100K.name)
    return int(bool(missing) or ratings.kind == "missing")


def enrich(options: argparse.Namespace) -> int:
    """Enriches a list of movies and, if asked for, embeds what was found.

    Returns:
        0 if something was found and embedded as far as asked for, else 1.
    """
    # What downloads and decodes is slow to import, and `doctor` has to tell if it is missing.
    from yt_dlp.utils import parse_bytes

    from mmrec.enrichment import pipeline as enrichment
    from mmrec.enrichment.imdb import TERMS

    rate_limit = parse_bytes(options.rate_limit) if options.rate_limit else None
    if options.rate_limit and not rate_limit:
        raise StudyError(
            f"{options.rate_limit!r} is no rate", where="--rate-limit", remedy="Write 500K or 2M."
        )
    if options.imdb_storylines:
        print(TERMS, file=sys.stderr)
    workspace = Workspace(options.out.resolve(), Workspace.open("enrich").cache)
    done = enrichment.run(
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
    return int(found_nothing or not embedded)


def _embed(done, workspace: Workspace, word_vectors: list[str]) -> bool:
    from mmrec.features import from_list

    complete = True
    for modality, table in from_list.embed(
        done.catalogue.movies, done.trailers, word_vectors=word_vectors, cache=workspace.cache
    ):
        if isinstance(table, StudyError):
            print(f"  {modality:<20}none: {table}", file=sys.stderr)
            complete = False
            continue
        path = workspace.features / f"{modality}.parquet"
        table.save(path)
        print(f"  {modality:<20}{len(table.movie_ids)} × {table.width}, in {path}")
    return complete


def main() -> None:
    """Entry point of the ``mmrec`` command."""
    parser = argparse.ArgumentParser(prog="mmrec", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")
    command = commands.add_parser("doctor", help="what is installed, and which sources serve here")
    command.set_defaults(run=lambda _: doctor())
    command = commands.add_parser("enrich", help="a list of titles and years → catalogue, features")
    command.set_defaults(run=enrich)
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
        help="for --features, the first to be had (default: %(default)s)",
    )
    command.add_argument("--trailers", action="store_true", help="download the trailers found")
    command.add_argument("--rate-limit", help="for --trailers, per second at most: 500K, 2M")
    command.add_argument("--cookies", type=Path, help="for --trailers, a cookies.txt")
    command.add_argument(
        "--imdb-storylines",
        action="store_true",
        help="read IMDb's title pages, which its conditions of use forbid without consent",
    )
    arguments = parser.parse_args()
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    try:
        sys.exit(arguments.run(arguments))
    except Problem as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit("interrupted; what was found is kept, run the same command to go on")


if __name__ == "__main__":
    main()
