"""A served model as two files: arrays as safetensors, and what is said in words and names as JSON.

Large arrays are kept in single precision. The JSON names a digest of the shapes of all arrays and
of what is in the small ones, so that files of two different models are not taken for one; it does
not find a large array that was altered.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import load_file
from safetensors.numpy import save as serialised

from mmrec.errors import LocalError, StudyError, local_failures
from mmrec.recommending.blocks import Block
from mmrec.recommending.covariances import Covariance
from mmrec.recommending.served import KINDS, Served
from mmrec.terminal import plain
from mmrec.workspace import atomic_path

FORMAT = 3
"""Version of what is kept; a model of another one has to be trained again."""

ARRAYS, DESCRIPTION = "model.safetensors", "model.json"

NO_MODEL = "there is no model yet"
"""What is wrong where there is none."""

_LARGE = 100_000
"""Entries of an array that is kept in single precision."""

_PLAIN = tuple(
    field.name
    for field in fields(Served)
    if field.name not in ("mean", "noise", "covariances", "blocks", "settings")
)
_OF_BLOCKS = tuple(field.name for field in fields(Block) if field.name != "typical")


@dataclass(frozen=True)
class Film:
    """What a list says of a film, and what reasons and filters need.

    Attributes:
        movie_id: Its id in the catalogue; two ids may be one film.
        film_id: The smallest of the film's ids.
        title: As people write it.
        year: Of release, or None.
        genres, directors, cast: Names.
        own_id: What the owner of a catalogue calls it, given when the model is asked; None in
            MovieLens.
    """

    movie_id: int
    film_id: int
    title: str
    year: int | None
    genres: tuple[str, ...] = ()
    directors: tuple[str, ...] = ()
    cast: tuple[str, ...] = ()
    own_id: str | None = None

    @property
    def name(self) -> str:
        """Title and year."""
        return self.title if self.year is None else f"{self.title} ({self.year})"


@dataclass(frozen=True)
class Model:
    """A served model and the films it knows.

    Attributes:
        served: The fitted process.
        films: In its order.
        facts: Names of the columns of blocks of facts, by block.
        about: Where the model comes from: ``state``, ``profile``, ``features`` and more.
    """

    served: Served
    films: tuple[Film, ...]
    facts: Mapping[str, tuple[str, ...]]
    about: Mapping[str, Any]


def save(model: Model, folder: Path) -> None:
    """Writes a model; a model that was there stays until both files are whole.

    Raises:
        LocalError: The disk is full or may not be written.
    """
    served = model.served
    arrays = {name: np.asarray(getattr(served, name)) for name in _PLAIN}
    arrays["mean"], arrays["noise"] = np.array([served.mean]), np.array([served.noise])
    for kind in KINDS:
        for name in ("prior", "change", "total"):
            arrays[f"{kind}/{name}"] = getattr(served.covariances[kind], name)
    for number, block in enumerate(served.blocks.values()):
        for name in _OF_BLOCKS:
            arrays[f"block {number}/{name}"] = getattr(block, name)
    small = {name: np.ascontiguousarray(_smaller(array)) for name, array in arrays.items()}
    name = _digest(small)
    description = {
        "format": FORMAT,
        "about": dict(model.about),
        "settings": dict(served.settings),
        "blocks": [[name, block.typical] for name, block in served.blocks.items()],
        "facts": {name: list(names) for name, names in model.facts.items()},
        "films": [_listed(film) for film in model.films],
        "arrays": name,
    }
    text = json.dumps(description, ensure_ascii=False)
    # Neither takes its place before both are written: the arrays first, which a full disk stops.
    with atomic_path(folder / DESCRIPTION) as described, atomic_path(folder / ARRAYS) as part:
        described.write_text(text + "\n", encoding="utf-8")
        part.write_bytes(serialised(small, metadata={"model": name}))


def load(folder: Path) -> Model:
    """Reads what :func:`save` wrote.

    Raises:
        StudyError: There is no model, or a file of it is damaged.
        LocalError: A file may not be read.
    """
    remedy = "Train it: mmrec train, or make study for the reference's."
    again = f"Remove the folder. {remedy}"
    try:
        with local_failures(folder):
            arrays = load_file(folder / ARRAYS)
            description = _description(folder)
        return _model(arrays, description)
    except FileNotFoundError as error:
        raise StudyError(NO_MODEL, where=folder, remedy=remedy) from error
    except LocalError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split())[:200]
        raise StudyError(
            f"holds no model that can be read ({type(error).__name__}: {reason})",
            where=folder,
            remedy=again,
        ) from error


def about(folder: Path) -> Mapping[str, Any] | None:
    """Where the model in a folder comes from; None if there is none that can be read.

    Reads the description and of the arrays the head alone, which says whose they are and how long
    the file has to be. An array that was altered is noticed when the model is loaded.
    """
    try:
        description = _description(folder)
        with safe_open(folder / ARRAYS, framework="numpy") as arrays:
            name = (arrays.metadata() or {}).get("model")
        found: Mapping[str, Any] = description["about"]
        return found if name == description["arrays"] else None
    except Exception:  # whatever is wrong with the files, the model has to be trained again
        return None


def _description(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / DESCRIPTION).read_bytes())
    if found.get("format") != FORMAT:
        raise ValueError("it is of another version")
    return found


def _model(arrays: Mapping[str, NDArray[Any]], description: Mapping[str, Any]) -> Model:
    blocks = {
        name: Block(
            **{key: arrays[f"block {number}/{key}"] for key in _OF_BLOCKS},
            typical=typical,
        )
        for number, (name, typical) in enumerate(description["blocks"])
    }
    served = Served(
        **{name: arrays[name] for name in _PLAIN},
        mean=float(arrays["mean"][0]),
        noise=float(arrays["noise"][0]),
        covariances={
            kind: Covariance(*(arrays[f"{kind}/{name}"] for name in ("prior", "change", "total")))
            for kind in KINDS
        },
        blocks=blocks,
        settings=description["settings"],
    )
    films = tuple(_film(row) for row in description["films"])
    if len(films) != len(served.movies) or description["arrays"] != _digest(arrays):
        raise ValueError("its two files are not of one model")
    facts = {name: tuple(names) for name, names in description["facts"].items()}
    return Model(served, films, facts, description["about"])


def films_of(movies: pd.DataFrame) -> tuple[Film, ...]:
    """What a catalogue's movies are called, and their facts."""
    columns = ("movie_id", "film_id", "title", "year", "genres", "directors", "cast")
    return tuple(
        Film(
            int(row["movie_id"]),
            int(row["film_id"]),
            plain(str(row["title"])),
            None if pd.isna(row["year"]) else int(row["year"]),
            _names(row["genres"]),
            _names(row["directors"]),
            _names(row["cast"]),
        )
        for row in movies.reindex(columns=list(columns)).to_dict("records")
    )


def _names(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple | np.ndarray):
        return ()
    return tuple(plain(str(name)) for name in value)


def _listed(film: Film) -> list[Any]:
    return [getattr(film, field.name) for field in fields(Film) if field.name != "own_id"]


def _film(row: list[Any]) -> Film:
    movie_id, film_id, title, year, genres, directors, cast = row
    return Film(movie_id, film_id, title, year, tuple(genres), tuple(directors), tuple(cast))


def _smaller(array: NDArray[Any]) -> NDArray[Any]:
    return array.astype(np.float32) if array.dtype.kind == "f" and array.size > _LARGE else array


def _digest(arrays: Mapping[str, NDArray[Any]]) -> str:
    """Of the small arrays and the shapes of all: enough to tell one model from another."""
    state = hashlib.sha256()
    for name in sorted(arrays):
        array = arrays[name]
        state.update(f"{name} {array.dtype} {array.shape}".encode())
        if array.size <= _LARGE:
            state.update(np.ascontiguousarray(array).tobytes())
    return state.hexdigest()[:16]
