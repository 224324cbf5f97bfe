"""Vectors of a reader's own files; a file that cannot be used is listed, even the only one."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path

import joblib
import pandas as pd

from mmrec.errors import StudyError
from mmrec.features.absent import nothing
from mmrec.features.cache import dropped
from mmrec.features.table import FeatureTable

FEW = 8
"""Number of files that are embedded in this process, since starting others takes longer."""

Files = Mapping[int, Path]
Made = tuple[FeatureTable, pd.DataFrame]


def embedded(modality: str, embed: Callable[[Files], Made], files: Files) -> Made:
    """Embeds files, of which possibly none can be used.

    Args:
        modality: Name of the table.
        embed: Gives the table of some files and the files left out, or raises StudyError if none
            of them can be used.
        files: Movie id to file, at least one.

    Returns:
        The table, of no film if no file can be used, and the files left out:
        ``movie_id, file, reason``.

    Raises:
        StudyError: If the error is not due to the files.
    """
    few = joblib.parallel_config("sequential") if len(files) <= FEW else nullcontext()
    with few:
        try:
            return embed(files)
        except StudyError:
            rows = []
            for movie_id, path in files.items():
                try:
                    embed({movie_id: path})
                except StudyError as error:
                    # Of one file it says what is wrong with it in the place of a remedy.
                    rows.append((movie_id, path.name, error.remedy))
            if len(rows) < len(files):
                raise
            return nothing(modality, none_of(len(files))), dropped(rows)


def none_of(n: int) -> str:
    """Why there is no table from this many files."""
    return f"none of the {n} files could be used"


def joined(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Merges several lists of files left out; each file appears once."""
    some = [part for part in parts if len(part)]
    return pd.concat(some, ignore_index=True).drop_duplicates() if some else dropped([])
