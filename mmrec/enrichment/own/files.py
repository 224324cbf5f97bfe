"""Which trailer, poster and synopsis in a folder belongs to which film."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from mmrec.catalogue.own import POSTER, TRAILER
from mmrec.enrichment.lists import Row
from mmrec.enrichment.own.names import Names
from mmrec.errors import StudyError, local_failures

SYNOPSIS = "synopsis"


class Kind(NamedTuple):
    """A kind of files: the folder they lie in, and how their names end."""

    folder: str
    suffixes: tuple[str, ...]


KINDS = {
    TRAILER: Kind("trailers", (".mp4", ".webm", ".mkv", ".mov", ".avi", ".mpg", ".mpeg")),
    POSTER: Kind("posters", (".jpg", ".jpeg", ".png", ".webp")),
    SYNOPSIS: Kind("synopses", (".txt", ".md")),
}
"""Kind → where it lies. A column of the list that is named like a kind names its files."""

_LARGEST_SYNOPSIS = 1_000_000
_IGNORED = {"thumbs.db", "desktop.ini"}


class Found(NamedTuple):
    """The files of the films.

    Attributes:
        files: Kind → movie id → file.
        notices: Files that belong to no film or to several, and cells that name no file; each is
            left out, and told once.
    """

    files: dict[str, dict[int, Path]]
    notices: list[StudyError]


def match(folder: Path, rows: Sequence[Row], names: Names, *, listed: Path, scan: bool) -> Found:
    """Finds the files of films: those that the list names, then those that are named like a film.

    Nothing is changed or moved.

    Args:
        folder: Where ``trailers/``, ``posters/`` and ``synopses/`` may be.
        rows: The films.
        names: The same films, by name.
        listed: The list, for messages.
        scan: Whether to look into the three folders, or to take only what the list names.
    """
    titles = {row.movie.movie_id: f"{row.movie.title} ({row.movie.year})" for row in rows}
    files: dict[str, dict[int, Path]] = {}
    notices: list[StudyError] = []
    for name, kind in KINDS.items():
        files[name] = {}
        for row in rows:
            cell = row.cells.get(name, "")
            if cell and (path := _named(cell, folder, kind)):
                files[name][row.movie.movie_id] = path
            elif cell and (name != SYNOPSIS or cell.lower().endswith(kind.suffixes)):
                what = f"{name} {cell!r}: there is no such file"
                remedy = f"Give its name in {kind.folder}/, or empty the cell."
                notices.append(StudyError(what, where=f"{listed}, row {row.line}", remedy=remedy))
        if scan:
            notices += _scanned(folder / kind.folder, kind, names, titles, files[name])
        for movie_id, path in list(files[name].items()):
            if path.is_file() and not path.stat().st_size:
                del files[name][movie_id]
                what = f"empty (0 bytes), so {titles[movie_id]} has no {name}"
                notices.append(StudyError(what, where=path, remedy="Get the file again."))
    return Found(files, notices)


def _scanned(
    folder: Path, kind: Kind, names: Names, titles: Mapping[int, str], files: dict[int, Path]
) -> Iterator[StudyError]:
    """Adds the files of a folder that are named like one film; yields those that are not."""
    named = set(files.values())
    for path in _listing(folder):
        if path in named:
            continue
        if path.suffix.lower() not in kind.suffixes:
            remedy = f"These are read: {', '.join(kind.suffixes)}."
            yield StudyError("not read", where=path, remedy=remedy)
            continue
        found = names.of_file(path.stem)
        remedy = "Name it by the film's id or by title and year, or in the list."
        if not found:
            yield StudyError("belongs to no film of the list", where=path, remedy=remedy)
        elif len(found) > 1:
            some = ", ".join(titles[movie_id] for movie_id in found[:3])
            what = f"may belong to {len(found)} films ({some}), and is left out"
            yield StudyError(what, where=path, remedy=remedy)
        elif found[0] in files:
            taken = files[found[0]].name
            what = f"a second file of {titles[found[0]]}; {taken} is taken"
            yield StudyError(what, where=path, remedy="Take one of the two out of the folder.")
        else:
            files[found[0]] = path


def read_synopses(paths: Mapping[int, Path]) -> tuple[dict[int, str], list[StudyError]]:
    """Reads synopses, text in UTF-8; one that cannot be read is reported and left out."""
    texts: dict[int, str] = {}
    notices = []
    for movie_id, path in paths.items():
        try:
            texts[movie_id] = _text(path)
        except StudyError as error:
            notices.append(error)
    return texts, notices


def _text(path: Path) -> str:
    remedy = "Save it as text in UTF-8."
    if not path.is_file():
        raise StudyError("not a regular file", where=path, remedy=remedy)
    try:
        with local_failures(path), path.open("rb") as file:
            content = file.read(_LARGEST_SYNOPSIS + 1)
    except OSError as error:
        raise StudyError(f"cannot be read ({error.strerror})", where=path, remedy=remedy) from error
    if len(content) > _LARGEST_SYNOPSIS:
        what = f"larger than a synopsis can be ({_LARGEST_SYNOPSIS / 1e6:g} MB)"
        raise StudyError(what, where=path, remedy="Shorten it.")
    try:
        text = content.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        line = content[: error.start].count(10) + 1
        what = f"not in UTF-8 (byte 0x{content[error.start]:02x})"
        raise StudyError(what, where=f"{path}, row {line}", remedy=remedy) from error
    if not text or "\0" in text:
        what = "empty" if not text else "not a text (it holds a zero byte)"
        raise StudyError(what, where=path, remedy=remedy)
    return text


def _named(cell: str, folder: Path, kind: Kind) -> Path | None:
    """The file that a cell names, from the folder of its kind or from that of the list."""
    for path in (folder / kind.folder / cell, folder / cell):
        if path.suffix.lower() in kind.suffixes and os.path.exists(path):
            return path
    return None


def _listing(folder: Path) -> Iterable[Path]:
    """What lies in a folder, in order, without what file managers leave there."""
    if not folder.is_dir():
        return []
    with local_failures(folder):
        paths = sorted(folder.iterdir())
    return [
        path
        for path in paths
        if not path.name.startswith(".") and path.name.lower() not in _IGNORED
    ]
