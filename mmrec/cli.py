"""The ``mmrec`` command: for what is not the study itself. The study runs by ``make study``."""

import argparse
import os
import sys

from mmrec.data import sources
from mmrec.errors import StudyError
from mmrec.machine import describe, versions
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


def main() -> None:
    """Entry point of the ``mmrec`` command."""
    parser = argparse.ArgumentParser(prog="mmrec", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")
    command = commands.add_parser("doctor", help="what is installed, and which sources serve here")
    command.set_defaults(run=doctor)
    arguments = parser.parse_args()
    try:
        sys.exit(arguments.run())
    except StudyError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
