"""``mmrec train``: trains the model that ``mmrec recommend`` uses on a workspace's ratings."""

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from mmrec.command_line import Exit, add_command, names
from mmrec.errors import StudyError

if TYPE_CHECKING:
    from mmrec.command_line import Commands


def add(commands: "Commands") -> None:
    """Adds ``mmrec train``."""
    command = add_command(
        commands,
        "train",
        train,
        summary="ratings and features → the model that recommends",
        description=(
            "Learns from all ratings of a workspace and writes its folder model/. `make study`\n"
            "does this for its own workspace. If ratings, features and code are unchanged,\n"
            "nothing happens. MovieLens-100K takes about a minute, and more users or films take\n"
            "longer. What does not fit into the free memory is refused at once."
        ),
        examples=[
            "mmrec train",
            "mmrec train paper --features facts-unrated,text",
            "mmrec train my_movies",
        ],
    )
    command.add_argument(
        "workspace",
        nargs="?",
        default="quick",
        help="a profile, or a folder that mmrec enrich has filled (default: %(default)s)",
    )
    command.add_argument(
        "--features",
        help="feature tables to learn from (default: those available of facts-unrated, text,"
        " video, audio, meta-freebase, imdb)",
    )


def train(options: argparse.Namespace) -> int:
    """Trains, or says that there is nothing to do."""
    from mmrec.recommending import training

    workspace = training.workspace_of(options.workspace)
    features = names(options.features, "--features")
    folder = workspace.root / training.FOLDER
    try:
        current = training.is_current(workspace, features=features)
    except StudyError as error:
        if not Path(error.where).is_relative_to(workspace.catalogue):
            raise
        raise StudyError(
            error.what,
            where=error.where,
            remedy=f"Films of your own: mmrec enrich FILMS --out {workspace.root}. "
            f"MovieLens: {error.remedy}",
        ) from error
    if current:
        print(f"{folder} is up to date")
        return Exit.DONE
    print(
        "training; all of MovieLens takes about a minute, more users or films take longer",
        file=sys.stderr,
    )
    started = time.perf_counter()
    model = training.train(workspace, features=features)
    about, seconds = model.about, time.perf_counter() - started
    print(f"{about['ratings']:,} ratings of {about['films']:,} films by {about['users']:,} users")
    for name, provenance in about["features"].items():
        stand_in = provenance.get("stand_in")
        print(f"  {name:<16}{provenance['source']}{f' ({stand_in})' if stand_in else ''}")
    rmse = model.served.settings["validation_rmse"]
    print(f"RMSE on the tenth held out to choose by: {rmse:.3f}")
    print(f"{folder}, {seconds:.0f} s")
    return Exit.DONE
