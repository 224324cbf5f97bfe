"""The object every modality ends in: vectors keyed by movie id, with their provenance."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mmrec.errors import StudyError
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
        parts: Part names and their columns, in order, covering 0..d without gaps.
        part_present: bool [n, n_parts].
    """

    modality: str
    movie_ids: np.ndarray
    vectors: np.ndarray
    provenance: dict
    parts: dict[str, slice] = None
    part_present: np.ndarray = None

    def __post_init__(self):
        ids = np.asarray(self.movie_ids, dtype=np.int64)
        vectors = np.ascontiguousarray(self.vectors, dtype=np.float32)
        if vectors.ndim != 2 or len(vectors) != len(ids):
            raise self._error(f"{vectors.shape} vectors for {len(ids)} movies")
        parts = self.parts or {self.modality: slice(0, vectors.shape[1])}
        present = self.part_present
        present = np.ones((len(ids), len(parts)), bool) if present is None else np.asarray(present)
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
        if self.part_present.shape != (len(self.movie_ids), len(self.parts)):
            raise self._error(f"part flags of shape {self.part_present.shape}")
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
        return self.vectors.shape[1]

    @property
    def stand_in(self) -> str | None:
        """What this table stands in for, as a caption says it, or None."""
        return self.provenance.get("stand_in")

    @cached_property
    def digest(self) -> str:
        """Hash of ids, vectors and part flags: what a cached result depends on."""
        state = hashlib.sha256(
            json.dumps([(k, v.start, v.stop) for k, v in self.parts.items()]).encode()
        )
        for array in (self.movie_ids, self.vectors, self.part_present):
            state.update(np.ascontiguousarray(array).tobytes())
        return state.hexdigest()[:16]

    def matrix(self, movie_ids: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
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

    def complete(self, movie_ids: Sequence[int]) -> np.ndarray:
        """Which movies have every part that any movie of the table has, bool [m]."""
        used = self.part_present.any(axis=0)
        return (
            self.matrix(movie_ids)[1][:, used].all(axis=1)
            if used.any()
            else np.zeros(len(movie_ids), bool)
        )

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
            table = pq.read_table(path)
            header = json.loads(table.schema.metadata[_METADATA_KEY])
            flat = table["vector"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
            ids = table["movie_id"].to_numpy()
            parts = {name: slice(*bounds) for name, bounds in header["parts"].items()}
            width = max((part.stop for part in parts.values()), default=0)
            flags = np.stack([table[f"has_{name}"].to_numpy() for name in parts], axis=1)
            vectors = flat.reshape(len(ids), width)
        except (pa.ArrowInvalid, KeyError, TypeError, ValueError, OSError) as error:
            reason = " ".join(str(error).split())
            raise StudyError(f"not a feature file ({reason})", where=path, remedy=remedy) from error
        try:
            return cls(header["modality"], ids, vectors, header["provenance"], parts, flags)
        except StudyError as error:
            raise StudyError(error.what, where=path, remedy=remedy) from error


def load_tables(folder: Path, modalities: Iterable[str]) -> dict[str, FeatureTable]:
    """The tables of several modalities, by name, in the order asked for."""
    return {modality: FeatureTable.load(folder / f"{modality}.parquet") for modality in modalities}
