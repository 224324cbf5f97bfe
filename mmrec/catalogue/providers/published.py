"""The enrichment that the paper's authors published: IMDb text and facts, and trailer ids.

Paper §III. The file keeps the IMDb id that a title search found, unseen, but not the matched
title or year; whether the match is the right film is for the catalogue to judge.
"""

import re
from pathlib import Path

import pandas as pd

from mmrec.catalogue import cleaning
from mmrec.errors import StudyError

_COLUMNS = (
    "movie id",
    "IMDb URL",
    "Summary",
    "Cast",
    "Director",
    "Rating",
    "Runtime",
    "No. of ratings",
    "YT-Trailer ID",
)


def read(path: Path) -> pd.DataFrame:
    """Reads ``items.csv``.

    Returns:
        One row per movie with an IMDb match or a trailer id, indexed by ``movie_id``.

    Raises:
        StudyError: If the file is no CSV or lacks a column.
    """
    try:
        table = pd.read_csv(path, usecols=list(_COLUMNS), dtype=object).set_index("movie id")
    except (ValueError, OSError) as error:
        raise StudyError(
            f"not the published enrichment ({error})", where=path, remedy="Get the file again."
        ) from error
    frame = pd.DataFrame(index=table.index.astype(int).rename("movie_id"))
    frame["imdb_id"] = table["IMDb URL"].map(cleaning.imdb_id).to_numpy()
    frame["directors"] = [cleaning.names([name]) for name in table["Director"]]
    frame["cast"] = [cleaning.names(str(cast).split("|")) for cast in table["Cast"]]
    frame["summary"] = table["Summary"].map(cleaning.plot).to_numpy()
    frame["imdb_rating"] = table["Rating"].astype(float).to_numpy()
    frame["imdb_votes"] = table["No. of ratings"].map(cleaning.votes).to_numpy(float)
    frame["runtime_minutes"] = table["Runtime"].astype(float).to_numpy()
    frame["trailer_youtube_id"] = table["YT-Trailer ID"].map(_video_id).to_numpy()
    return frame[frame["imdb_id"].notna() | frame["trailer_youtube_id"].notna()]


def _video_id(value: object) -> str | None:
    found = re.fullmatch(r"[\w-]{11}", cleaning.known(value) or "")
    return found[0] if found else None
