"""Vectors of files, each computed once and stored under the content of its file.

Pictures, sound and a reader's own modality share this code.
"""

import hashlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from mmrec import progress
from mmrec.errors import StudyError
from mmrec.features.table import MAGNITUDE_LIMIT, FeatureTable
from mmrec.features.threads import one_thread
from mmrec.workspace import atomic_path, kept

STAND_INS = {
    "trailers": None,
    "posters": "posters for trailers",
    "demo": "demo trailers for trailers",
}
"""What each source of media stands in for."""

_LABELS = {"demo": "demo trailers"}
_DROPPED_COLUMNS = ["movie_id", "file", "reason"]
_REMEDY = "Get the file again, or take it out of the folder: the study runs without it."


def embed(
    files: Mapping[int, Path],
    function: Callable[[Path], ArrayLike],
    *,
    modality: str,
    cache: Path,
    source: str = "trailers",
    encoder: str | None = None,
    weights: str = "none",
    recipe: str | None = None,
    code: str | None = None,
    instead: str | None = None,
    n_jobs: int = -1,
) -> tuple[FeatureTable, pd.DataFrame]:
    """The feature table of a modality that a function computes from files, one vector per movie.

    This is all that a modality of the reader's own needs: a function and a name. Saved as
    ``features/<modality>.parquet``, the table can be named in ``Experiment(modalities=…)``.

    Args:
        files: Movie id to file; several ids may share one.
        function: Maps a file to its vector [d] or to a number; raises StudyError for a file that
            it cannot use, which then costs its own movie and nothing else.
        modality: Name of the table, and of the folder of ``cache`` that keeps finished vectors.
        cache: The workspace's cache.
        source: Where the files come from, a key of :data:`STAND_INS`.
        encoder: What the provenance calls the function; its own name by default.
        weights: What the provenance says of weights.
        recipe: What is computed, in a line; the function's name by default.
        code: Digest of the code that computes it. Vectors are kept for the same file, recipe,
            weights and code. By default the digest of the function's own code: a changed function
            starts anew (what it calls is not seen).
        instead: What the encoder stands in for, e.g. ``"this net for that one"``, or None.
        n_jobs: Parallel processes, as joblib counts them.

    Returns:
        The table, and the files left out: ``movie_id, file, reason``.

    Raises:
        StudyError: If not one file could be used, or vectors differ in length.
    """
    if code is None:
        code = hashlib.sha256(inspect.getsource(function).encode()).hexdigest()[:16]
    recipe = recipe or f"{function.__name__}, code {code}"
    label = _LABELS.get(source, source)
    vectors, left_out = vectors_of(
        files,
        function,
        recipe=f"{recipe}; {weights}; {code}",
        cache=cache / modality,
        label=label,
        n_jobs=n_jobs,
    )
    shapes = sorted({vector.shape for vector in vectors.values()})
    if len(shapes) > 1 or len(shapes[0]) != 1:
        raise StudyError(
            f"vectors of the shapes {', '.join(map(str, shapes))}",
            where=f"{modality} features",
            remedy="The function must give every movie one vector of the same length.",
        )
    provenance = {
        "encoder": encoder or function.__name__,
        "weights": weights,
        "recipe": recipe,
        "source": f"{label} of {len(vectors):,} movies",
        "stand_in": "; ".join(filter(None, [STAND_INS[source], instead])) or None,
    }
    table = FeatureTable(
        modality, np.array(list(vectors)), np.stack(list(vectors.values())), provenance
    )
    return table, left_out


def vectors_of(
    files: Mapping[int, Path],
    embed: Callable[[Path], ArrayLike],
    *,
    recipe: str,
    cache: Path,
    label: str,
    n_jobs: int = -1,
) -> tuple[dict[int, NDArray[np.float32]], pd.DataFrame]:
    """Embeds each file once, in parallel single-threaded processes.

    A vector is cached by the content of its file and by the recipe, as soon as it is computed, so
    a killed run resumes; a damaged file affects only its own movie. A cached vector that
    cannot be read is computed again.

    Within ``joblib.parallel_config("dask")`` the workers of a Dask cluster do the same, and the
    vectors come back through the cluster. Each file is opened, and each vector cached, where it is
    worked on: the workers need the files under the caller's paths, on a disk they all see.
    Where ``cache`` is not such a disk, every worker keeps its own, and only its own, work.

    Args:
        files: Movie id to file; several ids may share one.
        embed: A file's vector [d]; must be picklable for more than one process.
        recipe: Everything besides the file that the vector depends on.
        cache: Folder of the cached vectors.
        label: What the progress bar counts.
        n_jobs: Parallel processes, as joblib counts them.

    Returns:
        Movie id to vector (float32 [d], finite), and the movies left out:
        ``movie_id, file, reason``.

    Raises:
        LocalError: If the disk is full or may not be written.
        StudyError: If not one file could be embedded.
    """
    distinct = list(dict.fromkeys(files.values()))
    tasks = (joblib.delayed(_vector_of)(path, embed, recipe, cache) for path in distinct)
    done = joblib.Parallel(n_jobs=n_jobs, return_as="generator")(tasks)
    bar = progress.bar(done, total=len(distinct), label=label)
    outcome = dict(zip(distinct, bar, strict=True))
    good: dict[int, NDArray[np.float32]] = {}
    bad: list[tuple[int, str, str]] = []
    for movie_id, path in files.items():
        result = outcome[path]
        if isinstance(result, StudyError):
            bad.append((movie_id, path.name, result.what))
        else:
            good[movie_id] = result
    if not good:
        raise StudyError(
            f"none of the {len(files)} {label} could be read",
            where=bad[0][1] if bad else cache,
            remedy=bad[0][2] if bad else "Name a source that holds files of these movies.",
        )
    return good, dropped(bad)


def dropped(rows: Sequence[tuple[int, str, str]]) -> pd.DataFrame:
    """Movies of a source whose files give no vector: ``movie_id, file, reason``."""
    return pd.DataFrame(rows, columns=_DROPPED_COLUMNS).astype({"movie_id": int})


def _vector_of(
    path: Path, embed: Callable[[Path], ArrayLike], recipe: str, cache: Path
) -> NDArray[np.float32] | StudyError:
    if not path.is_file():  # a pipe would be waited for
        reason = "it is no regular file" if path.exists() else "there is no such file"
        return StudyError(f"cannot be read ({reason})", where=path, remedy=_REMEDY)
    try:
        with path.open("rb") as file:
            state = hashlib.file_digest(file, "sha256")
    except OSError as error:
        return StudyError(f"cannot be read ({error.strerror})", where=path, remedy=_REMEDY)
    state.update(recipe.encode())
    stored = cache / state.hexdigest()[:2] / f"{state.hexdigest()[:32]}.npy"
    vector = kept(stored, _read)
    if vector is not None:
        return vector
    try:
        with one_thread():
            vector = _checked(np.asarray(embed(path), np.float32), path)
    except StudyError as error:
        return error
    with atomic_path(stored) as part:
        np.save(part, vector)
    return vector


def _read(stored: Path) -> NDArray[np.float32]:
    vector = np.load(stored, allow_pickle=False)
    if vector.dtype != np.float32:
        raise ValueError(f"{vector.dtype} numbers")
    return _checked(vector, stored)


def _checked(vector: NDArray[np.float32], path: Path) -> NDArray[np.float32]:
    vector = np.atleast_1d(vector)
    if not (np.abs(vector) <= MAGNITUDE_LIMIT).all():  # False for NaN as well
        what = f"its vector holds NaN, or numbers beyond {MAGNITUDE_LIMIT:g}"
        raise StudyError(what, where=path, remedy=_REMEDY)
    return vector
