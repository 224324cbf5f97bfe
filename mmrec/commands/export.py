"""``mmrec export``: writes the data of a run in the format of another program."""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mmrec.command_line import Exit, add_command, names
from mmrec.errors import StudyError

if TYPE_CHECKING:
    from mmrec.command_line import Commands
    from mmrec.exporting.output import Output
    from mmrec.workspace import Workspace

FORMATS = ("csv", "parquet", "recbole", "cornac", "mmrec-toolbox", "lenskit")
NONE = "none"


def add(commands: "Commands") -> None:
    """Adds ``mmrec export``."""
    command = add_command(
        commands,
        "export",
        export,
        summary="catalogue, features, folds and predictions for other programs",
        description="Writes the results of a run in the format of another program: the "
        "catalogue, the\nfeatures, the folds, and the predictions of the trained models. "
        "MANIFEST.json and\nLICENCES.md in the folder state the owner of each file and whether it "
        "may be\nredistributed.",
        examples=[
            "mmrec export paper --to recbole --out exported/recbole",
            "mmrec export paper --to cornac --out exported/cornac --features text,video --folds u1",
            "mmrec export paper --to parquet --out exported/open --shareable",
            "mmrec export my_movies --to csv --out exported/my_movies --tables none",
        ],
    )
    command.add_argument(
        "workspace", help="a profile that was run, or a folder written by `mmrec enrich`"
    )
    command.add_argument("--to", required=True, choices=FORMATS, help="the format")
    command.add_argument(
        "--out", type=Path, required=True, help="a new folder, or the folder of an earlier export"
    )
    command.add_argument(
        "--shareable",
        action="store_true",
        help="leave out everything that may not be redistributed",
    )
    command.add_argument("--features", metavar="NAMES", help="such as text,meta (default: all)")
    command.add_argument(
        "--folds",
        metavar="NAMES",
        help="such as u1,item2 (default: the published and the cold ones)",
    )
    command.add_argument(
        "--tables",
        metavar="NAMES",
        help="result tables whose runs and predictions are exported, such as "
        "u1_single,u1_lists (default: all)",
    )
    command.add_argument(
        "--seed",
        type=int,
        default=0,
        help="seed of the folds' validation parts (default: %(default)s)",
    )


def export(options: argparse.Namespace) -> int:
    """Writes an export and prints what is in it.

    Returns:
        0; every failure is raised.
    """
    from mmrec.exporting import contents, output

    if options.seed < 0:
        raise StudyError(
            f"{options.seed} is no seed", where="--seed", remedy="Name a whole number from 0."
        )
    gathered = contents.collect(
        _workspace(options.workspace),
        features=_names(options.features, "--features"),
        folds=_names(options.folds, "--folds"),
        tables_of_runs=_names(options.tables, "--tables"),
        seed=options.seed,
        shareable=options.shareable,
    )
    with output.create(
        options.out, gathered, form=options.to, shareable=options.shareable
    ) as folder:
        _writers()[options.to](folder)
    rated = gathered.ratings is not None and f"{len(gathered.ratings):,} ratings"
    counts = [
        f"{len(gathered.movies):,} movies",
        *([rated] if rated else []),
        f"{len(gathered.features)} modalities",
        f"{len(gathered.folds) - len(folder.left_out)} folds",
        f"{len(gathered.predicted)} runs' predictions",
    ]
    print(f"{', '.join(counts)}: {len(folder.files)} files in {options.out}")
    for one in folder.lacking:
        print(f"  left out: {one.what} ({one.why})")
    closed = [one for one in folder.terms if not one.shareable]
    for whose in closed:
        print(f"  may not be passed on: what is of {whose.source} ({whose.licence})")
    if not closed:
        print(f"  all of it may be passed on, with the credits in {output.LICENCES}")
    return Exit.DONE


def _writers() -> dict[str, Callable[["Output"], None]]:
    from mmrec.exporting import cornac, lenskit, mmrec_toolbox, plain, recbole

    return {
        "csv": plain.write_csv_files,
        "parquet": plain.write_parquet_files,
        "recbole": recbole.write,
        "cornac": cornac.write,
        "mmrec-toolbox": mmrec_toolbox.write,
        "lenskit": lenskit.write,
    }


def _workspace(name: str) -> "Workspace":
    """The workspace of a profile or of a folder."""
    from mmrec.workspace import Workspace

    of_profile = Workspace.open(name)
    if of_profile.catalogue.is_dir():
        return of_profile
    folder = Path(name).resolve()
    if (folder / "catalogue").is_dir():
        return Workspace(folder, of_profile.cache)
    raise StudyError(
        "neither a profile that was run nor a folder with a catalogue",
        where=name,
        remedy="Run `make study` on the profile, or `mmrec enrich` on your list, first.",
    )


def _names(text: str | None, option: str) -> Sequence[str] | None:
    found = names(text, option)
    return [] if found == [NONE] else found
