"""The part of MovieLens-100K that a run covers, which its pages and its Table I must state."""

from mmrec.settings import REFERENCE, Settings
from mmrec.study.stages import Run


def covered(run: Run) -> str:
    """The part of the data that a run covers; empty if that is all of it.

    Raises:
        StudyError: If the profile of the run cannot be read.
    """
    whole = Settings.load(REFERENCE)
    settings = whole if run.committed else Settings.load(run.profile)
    parts = []
    if settings.n_users < whole.n_users:
        parts.append(f"ratings of the first {settings.n_users:,} of {whole.n_users:,} users")
    if settings.n_movies < whole.n_movies:
        most_rated = f"{settings.n_movies:,} most-rated of {whole.n_movies:,} movies"
        parts.append(f"features of the {most_rated}")
    return " and ".join(parts)


def note(run: Run) -> str:
    """A note in Markdown for the pages of a run, empty if it covers all of the data.

    Raises:
        StudyError: If the profile of the run cannot be read.
    """
    if not (part := covered(run)):
        return ""
    return f"""\
:::{{admonition}} Part of the data
:class: note
This run covers the {part}. Its results differ from those on the whole of MovieLens-100K, which the
reference run (profile `{REFERENCE}`) covers.
:::
"""
