"""Papermill, started faster: ``python -m mmrec.study.papermill``; see `address_grammars`."""

from mmrec.study import address_grammars


def main() -> None:
    """What the command ``papermill`` does."""
    address_grammars.leave_out()
    from papermill.cli import papermill

    papermill(prog_name="papermill")


if __name__ == "__main__":
    main()
