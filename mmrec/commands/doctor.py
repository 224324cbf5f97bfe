"""``mmrec doctor``: what the study finds on this computer."""

import argparse
from typing import TYPE_CHECKING

from mmrec.command_line import Exit, add_command

if TYPE_CHECKING:
    from mmrec.command_line import Commands


def add(commands: "Commands") -> None:
    """Adds ``mmrec doctor``."""
    add_command(
        commands,
        "doctor",
        diagnose,
        summary="what is installed, and which sources are available here",
        description="Reports what is installed, which sources and encoders are available, which "
        "of them are\nstand-ins, and which settings are made. Run it first if something does not "
        "work.\nDownloads only the sources themselves.",
        examples=["mmrec doctor"],
    )


def diagnose(options: argparse.Namespace) -> int:
    """Prints what the study finds here.

    Returns:
        0 if the study can run, 1 if a package or the ratings are missing.
    """
    from mmrec import doctor

    del options  # it has none
    sections, runs = doctor.report()
    print(doctor.shown(sections))
    return Exit.DONE if runs else Exit.PROBLEM
