"""The ``mmrec`` command: for what is not the study itself. The study runs by ``make study``."""

import argparse
import importlib
import logging
import os
import pkgutil
import sys
from pathlib import Path

from mmrec import __version__, commands
from mmrec.command_line import Exit
from mmrec.errors import Problem, local_failures


def parser() -> argparse.ArgumentParser:
    """The command line, with every module of `mmrec.commands` as a subcommand."""
    made = argparse.ArgumentParser(
        prog="mmrec", description=__doc__.replace("``", ""), epilog="mmrec COMMAND --help: examples"
    )
    made.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    subcommands = made.add_subparsers(required=True, metavar="command")
    for module in pkgutil.iter_modules(commands.__path__, f"{commands.__name__}."):
        importlib.import_module(module.name).add(subcommands)
    return made


def main() -> None:
    """Entry point of the ``mmrec`` command."""
    options = parser().parse_args()
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    code: int = Exit.PROBLEM
    try:
        with local_failures(Path.cwd()):
            code = options.run(options)
            sys.stdout.flush()
    except BrokenPipeError:  # nobody reads on, as after `| head`: what is left is said to nobody
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except Problem as error:
        sys.exit(str(error))  # printed as it is, with the code Exit.PROBLEM
    except KeyboardInterrupt:
        message = "interrupted; what was finished is kept, run the same command to go on"
        print(message, file=sys.stderr)
        code = Exit.INTERRUPTED
    sys.exit(code)


if __name__ == "__main__":
    main()
