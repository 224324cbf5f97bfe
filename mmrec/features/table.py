"""The object every modality ends in: vectors keyed by movie id, with their provenance."""

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import ArrayLike, NDArray

from mmrec.errors import StudyError, local_failures
from mmrec.workspace import atomic_path

MAGNITUDE_LIMIT = 1e6
_METADATA_KEY = b"mmrec"


@dataclass(frozen=True)
class FeatureTable:
    """Feature vectors of one modality, keyed by movie id, never by row order.

    A vector may have named parts (the paper's meta vector has ``triples``, ``genres``,
    ``director`` and ``rating``). A part that is unknown for a movie is stored as zeros and
    flagged absent; a movie stands in the table if at least one of its parts is known.

    Attributes:
        modality: ``"text"``, ``"video"``, ``"audio"``, ``"meta"`` or one of the reader's own.
        movie_ids: int64 [n], ascending and distinct.
        vectors: float32 [n, d].
        provenance: How the vectors came to be: ``encoder``, ``weights``, ``recipe``, ``source``
            (which input was read) and ``stand_in`` (what it stands in for, or None).
        parts: Part names and their columns, in order, covering 0..d without gaps; by default one
            part, named like the modality.
        part_present: bool [n, n_parts]; by default all of them.
    """

    modality: str
    movie_ids: NDArray[np.int64]
    vectors: NDArray[np.float32]
    provenance: dict[str, Any]
    parts: dict[str, slice] = field(default_factory=dict)
    part_present: NDArray[np.bool_] = None  # type: ignore[assignment]  # always set below

    def __post_init__(self) -> None:
        given = np.asarray(self.movie_ids)
        if given.ndim != 1 or (given.size and given.dtype.kind not in "iu"):
            raise self._error(f"movie ids of type {given.dtype} and shape {given.shape}")
        ids = given.astype(np.int64)
        vectors = np.ascontiguousarray(self.vectors, dtype=np.float32)
        if vectors.ndim != 2 or len(vectors) != len(ids):
            raise self._error(f"{vectors.shape} vectors for {len(ids)} movies")
        parts = self.parts or {self.modality: slice(0, vectors.shape[1])}
        flags = cast("NDArray[np.bool_] | None", self.part_present)
        present = np.ones((len(ids), len(parts)), bool) if flags is None else np.asarray(flags)
        if present.shape != (len(ids), len(parts)):
            raise self._error(f"part flags of shape {present.shape}")
        order = np.argsort(ids, kind="stable")
        for name, value in {
            "movie_ids": ids[order],
            "vectors": vectors[order],
            "parts": dict(parts),
            "part_present": present[order].astype(bool),
        }.items():
            if isinstance(value, np.ndarray):
                value.flags.writeable = False
            object.__setattr__(self, name, value)
        self._check()

    def _error(self, what: str) -> StudyError:
        return StudyError(
            what,
            where=f"{self.modality} features",
            remedy=f"Delete the {self.modality} feature file and run its notebook again.",
        )

    def _check(self) -> None:
        repeated = self.movie_ids[1:][np.diff(self.movie_ids) == 0]
        if len(repeated):
            raise self._error(f"movie {repeated[0]} stands there twice")
        bounds = [(part.start, part.stop) for part in self.parts.values()]
        ends = [0, *(stop for _, stop in bounds)]
        if [start for start, _ in bounds] != ends[:-1] or ends[-1] != self.width:
            raise self._error(f"parts {bounds} do not cover its {self.width} columns")
        for name, wrong in {
            "is not a finite number": ~np.isfinite(self.vectors),
            f"is larger than {MAGNITUDE_LIMIT:g}": np.abs(self.vectors) > MAGNITUDE_LIMIT,
        }.items():
            if wrong.any():
                row, column = np.argwhere(wrong)[0]
                value = self.vectors[row, column]
                raise self._error(f"movie {self.movie_ids[row]}, column {column}: {value:g} {name}")

    @property
    def width(self) -> int:
        """Length d of a vector."""
        return int(self.vectors.shape[1])

    @property
    def stand_in(self) -> str | None:
        """What this table stands in for, as a caption says it, or None."""
        stand_in = self.provenance.get("stand_in")
        return None if stand_in is None else str(stand_in)

    @cached_property
    def digest(self) -> str:
        """Hash of ids, vectors and part flags: what a cached result depends on."""
        state = hashlib.sha256(
            json.dumps([(k, v.start, v.stop) for k, v in self.parts.items()]).encode()
        )
        for array in (self.movie_ids, self.vectors, self.part_present):
            state.update(np.ascontiguousarray(array).tobytes())
        return state.hexdigest()[:16]

    def matrix(self, movie_ids: ArrayLike) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Vectors in the order asked for.

        Args:
            movie_ids: m ids, in any order, known to the table or not.

        Returns:
            ``X`` float32 [m, d] with zeros for absent movies, and ``present`` bool [m, n_parts].
        """
        wanted = np.asarray(movie_ids, dtype=np.int64)
        vectors = np.zeros((len(wanted), self.width), np.float32)
        present = np.zeros((len(wanted), len(self.parts)), bool)
        if len(self.movie_ids):
            at = np.searchsorted(self.movie_ids, wanted).clip(max=len(self.movie_ids) - 1)
            known = self.movie_ids[at] == wanted
            vectors[known] = self.vectors[at[known]]
            present[known] = self.part_present[at[known]]
        return vectors, present

    def complete(self, movie_ids: ArrayLike) -> NDArray[np.bool_]:
        """Which movies have every part that any movie of the table has, bool [m]."""
        used = self.part_present.any(axis=0)
        present = self.matrix(movie_ids)[1][:, used]
        return np.asarray(present.all(axis=1) & used.any(), bool)

    def without(self, *names: str) -> "FeatureTable":
        """The table with the named parts cut out, for an ablation."""
        unknown = set(names) - set(self.parts)
        if unknown:
            raise StudyError(
                f"no part {sorted(unknown)[0]!r}",
                where=f"{self.modality} features",
                remedy=f"The parts are {', '.join(self.parts)}.",
            )
        kept = [name for name in self.parts if name not in names]
        flags = [list(self.parts).index(name) for name in kept]
        present = self.part_present[:, flags]
        rows = present.any(axis=1)
        parts, start = {}, 0
        for name in kept:
            width = self.parts[name].stop - self.parts[name].start
            parts[name] = slice(start, start + width)
            start += width
        vectors = np.concatenate([self.vectors[:, self.parts[name]] for name in kept], axis=1)
        return replace(
            self,
            movie_ids=self.movie_ids[rows],
            vectors=vectors[rows],
            parts=parts,
            part_present=present[rows],
            provenance={**self.provenance, "without": sorted(names)},
        )

    def save(self, path: Path) -> None:
        """Writes one parquet file, atomically, with the provenance in its metadata."""
        header = {
            "modality": self.modality,
            "provenance": self.provenance,
            "parts": {name: [part.start, part.stop] for name, part in self.parts.items()},
        }
        flat = pa.array(self.vectors.ravel())
        table = pa.table(
            {
                "movie_id": self.movie_ids,
                "vector": pa.FixedSizeListArray.from_arrays(flat, max(self.width, 1)),
                **{f"has_{name}": self.part_present[:, i] for i, name in enumerate(self.parts)},
            }
        ).replace_schema_metadata({_METADATA_KEY: json.dumps(header)})
        with atomic_path(Path(path)) as part:
            pq.write_table(table, part)

    @classmethod
    def load(cls, path: Path) -> "FeatureTable":
        """Reads what :meth:`save` wrote.

        Raises:
            StudyError: If the file is missing, is no feature file, or holds NaN, infinite or
                implausibly large numbers; the message names the movie and the column.
        """
        remedy = "Run the notebook of this modality again, or delete the file and run the study."
        if not Path(path).exists():
            raise StudyError("there is no such feature file", where=path, remedy=remedy)
        try:
            with local_failures(path):
                return cls(*_fields(pq.read_table(path)))
        except StudyError as error:
            raise StudyError(error.what, where=path, remedy=remedy) from error
        except (pa.ArrowException, LookupError, TypeError, ValueError, OSError) as error:
            reason = " ".join(str(error).split())
            raise StudyError(f"not a feature file ({reason})", where=path, remedy=remedy) from error


def _fields(table: pa.Table) -> tuple[Any, ...]:
    """The fields of a `FeatureTable`, each column and each entry of the header of its type."""
    metadata = table.schema.metadata or {}
    header = json.loads(metadata[_METADATA_KEY])
    if not isinstance(header, dict):
        raise TypeError("a header that is no object")
    modality, provenance, bounds = header["modality"], header["provenance"], header["parts"]
    kinds = {"modality": (modality, str), "provenance": (provenance, dict), "parts": (bounds, dict)}
    for name, (value, kind) in kinds.items():
        if not isinstance(value, kind):
            raise TypeError(f"{name} in the header is of type {type(value).__name__}")
    parts = {}
    for name, (start, stop) in bounds.items():
        if not (isinstance(start, int) and isinstance(stop, int)):
            raise TypeError(f"part {name!r} has no whole numbers for its bounds")
        parts[name] = slice(start, stop)
    ids = _column(table, "movie_id", pa.types.is_integer)
    vectors = _column(table, "vector", pa.types.is_fixed_size_list)
    flat = vectors.flatten()
    if not pa.types.is_floating(flat.type) or flat.null_count:
        raise TypeError(f"vectors of {flat.type}, {flat.null_count} of them missing")
    flags = [_column(table, f"has_{name}", pa.types.is_boolean).to_numpy(False) for name in parts]
    width = max((part.stop for part in parts.values()), default=0)
    return (
        modality,
        ids.to_numpy(),
        flat.to_numpy(zero_copy_only=False).reshape(len(ids), width),
        provenance,
        parts,
        np.stack(flags, axis=1),
    )


def _column(table: pa.Table, name: str, is_right: Callable[[pa.DataType], bool]) -> pa.Array:
    column = table[name].combine_chunks()
    if not is_right(column.type) or column.null_count:
        raise TypeError(f"column {name!r} is of {column.type}, {column.null_count} values missing")
    return column


def load_tables(folder: Path, modalities: Iterable[str]) -> dict[str, FeatureTable]:
    """The tables of several modalities, by name, in the order asked for."""
    return {modality: FeatureTable.load(folder / f"{modality}.parquet") for modality in modalities}
