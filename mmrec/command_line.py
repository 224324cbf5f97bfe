"""What every subcommand of ``mmrec`` has in common: its parser, its examples, its exit codes."""

import argparse
import enum
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from mmrec.errors import StudyError
from mmrec.terminal import plain

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]


class Exit(enum.IntEnum):
    """What a command tells the shell.

    Attributes:
        meaning: What the code says, for people.
    """

    meaning: str

    DONE = 0, "The command succeeded."
    PROBLEM = 1, "There is a problem that you can fix. The message says what it is and how."
    USAGE = 2, "The command or an option does not exist, or a value is missing. Nothing was done."
    INTERRUPTED = 130, "The command was stopped by Ctrl-C. Finished work is kept."

    def __new__(cls, code: int, meaning: str) -> "Exit":
        """A number with its meaning."""
        made = int.__new__(cls, code)
        made._value_ = code
        made.meaning = meaning
        return made


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


def names(text: str | None, option: str) -> list[str] | None:
    """The names that an option gives, separated by commas, each of them once.

    Args:
        text: What was typed, or None if the option was not given.
        option: As it is typed, for the message.

    Raises:
        StudyError: If it gives none.
    """
    if text is None:
        return None
    found = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if not found:
        remedy = "Give names, separated by commas, or leave the option out."
        raise StudyError("no name in it", where=option, remedy=remedy)
    return found


MOST_NOTICES = 20
"""Lines that :func:`tell` prints of one kind."""


def tell(notices: Iterable[str], *, rest: str = "not shown") -> None:
    """Prints what was left out to stderr, each in one line that a terminal cannot take amiss.

    Args:
        notices: What to say.
        rest: Where those beyond :data:`MOST_NOTICES` are.
    """
    lines = [plain(notice) for notice in notices]
    for line in lines[:MOST_NOTICES]:
        print(line, file=sys.stderr)
    if len(lines) > MOST_NOTICES:
        print(f"… and {len(lines) - MOST_NOTICES:,} more, {rest}", file=sys.stderr)
