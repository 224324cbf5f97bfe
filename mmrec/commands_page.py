"""The book's page on the subcommands of ``mmrec``, made from their parsers.

``python -m mmrec.commands_page`` writes it anew.
"""

import argparse

from mmrec import cli
from mmrec.command_line import Exit
from mmrec.workspace import PROJECT

TARGET = PROJECT / "book" / "commands.md"

_HEAD = """# Commands

The study itself runs by `make study` ({doc}`how_to_rerun`). The command `mmrec`, in `.venv/bin/`,
is for everything else. `mmrec --help` lists its subcommands, `mmrec COMMAND --help` shows the
options of a subcommand with examples, and `mmrec --version` prints the version. This page contains
the same information.

## Exit codes

| code | meaning |
|---|---|
"""
_AFTER_CODES = """
A problem is reported in one line on the standard error stream: where it is, what it is, and what to
do. A Python traceback, which also ends with code 1, indicates a bug in the program.
"""


def subcommands() -> dict[str, argparse.ArgumentParser]:
    """The parsers of all subcommands, by name."""
    for action in cli.parser()._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def text() -> str:
    """The whole page in Markdown."""
    codes = "".join(f"| {code.value} | {code.meaning} |\n" for code in Exit)
    return _HEAD + codes + _AFTER_CODES + "".join(map(_part, subcommands().items()))


def _part(command: tuple[str, argparse.ArgumentParser]) -> str:
    name, parser = command
    about = " ".join((parser.description or "").split())
    lines = ["", f"## mmrec {name}", "", about[:1].upper() + about[1:].rstrip(".") + ".", ""]
    lines += ["```bash", *parser.get_default("examples"), "```"]
    options = [action for action in parser._actions if action.dest != "help"]
    if options:
        lines += ["", "| argument | meaning |", "|---|---|", *map(_row, options)]
    return "\n".join(lines) + "\n"


def _row(action: argparse.Action) -> str:
    """A row of the table of arguments: how it is written, and what it is."""
    value = action.metavar or (action.dest.upper() if action.nargs != 0 else "")
    if action.choices:
        value = "{" + ",".join(map(str, action.choices)) + "}"
    names = action.option_strings or [action.dest.upper()]
    written = f"{', '.join(names)} {value if action.option_strings else ''}".strip()
    told = (action.help or "").replace("%(default)s", str(action.default)).replace("%%", "%")
    needed = " (must be given)" if action.option_strings and action.required else ""
    return f"| `{written}` | {told.replace('|', chr(92) + '|')}{needed} |"


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
