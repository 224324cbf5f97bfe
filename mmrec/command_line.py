"""What every subcommand of ``mmrec`` has in common: its parser, its examples, its exit codes."""

import argparse
import enum
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


class Exit(enum.IntEnum):
    """What a command tells the shell."""

    DONE = 0
    """It did what was asked for."""
    PROBLEM = 1
    """Something stands in the way that you can mend; the message says what, where and how."""
    USAGE = 2
    """The command does not exist or was given what it does not understand; nothing was done."""
    INTERRUPTED = 130
    """Stopped by Ctrl-C. What was finished is kept."""


def add_command(
    commands: "Commands",
    name: str,
    run: Callable[[argparse.Namespace], int],
    *,
    summary: str,
    description: str | None = None,
    examples: Sequence[str] = (),
) -> argparse.ArgumentParser:
    """Adds a subcommand.

    Args:
        commands: What ``add(commands)`` of the subcommand's module was given.
        name: As it is typed.
        run: Does the work with the parsed options and returns the exit code. Imports what is slow
            to import itself, so that ``mmrec --help`` answers at once.
        summary: One line for the list of commands.
        description: The first paragraph of the command's own help; default: the summary.
        examples: Whole command lines that work as they stand, printed after the options.

    Returns:
        The parser, to add arguments to.
    """
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=description or summary,
        epilog="\n".join(["examples:", *(f"  {line}" for line in examples)]) if examples else None,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run, examples=tuple(examples))
    return parser
