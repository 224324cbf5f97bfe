"""The subcommands of ``mmrec``: each is a module ``<its name>.py`` with ``add(commands)``."""
