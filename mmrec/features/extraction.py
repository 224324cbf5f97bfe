"""What the encoders of pictures and of sound share: files in, one cached vector per movie out."""

import hashlib
import logging
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import joblib
import numpy as np
import pandas as pd
import torch

from mmrec import progress
from mmrec.data.catalogue import Catalogue
from mmrec.errors import StudyError
from mmrec.features import demo_trailers
from mmrec.workspace import Workspace, atomic_path

TRAILERS_VARIABLE = "MMREC_TRAILERS"
_TRAILER_SUFFIXES = (".mp4", ".webm", ".mkv")
_DROPPED_COLUMNS = ["movie_id", "file", "reason"]

T = TypeVar("T")
log = logging.getLogger(__name__)


def vectors_of(
    files: Mapping[int, Path],
    embed: Callable[[Path], np.ndarray],
    *,
    recipe: str,
    cache: Path,
    label: str,
    n_jobs: int = -1,
) -> tuple[dict[int, np.ndarray], pd.DataFrame]:
    """Embeds each file once, in parallel single-threaded processes.

    A vector is cached by the content of its file and by the recipe, as soon as it is computed, so
    a killed run resumes; a damaged file costs its own movie and nothing else.

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
        Movie id to vector (float32 [d]), and the movies left out: ``movie_id, file, reason``.

    Raises:
        StudyError: If not one file could be embedded.
    """
    distinct = list(dict.fromkeys(files.values()))
    tasks = (joblib.delayed(_vector_of)(path, embed, recipe, cache) for path in distinct)
    done = joblib.Parallel(n_jobs=n_jobs, return_as="generator")(tasks)
    bar = progress.bar(done, total=len(distinct), label=label)
    found = dict(zip(distinct, bar, strict=True))
    good = {m: found[p] for m, p in files.items() if isinstance(found[p], np.ndarray)}
    bad = [(m, p.name, found[p].what) for m, p in files.items() if m not in good]
    if not good:
        raise StudyError(
            f"none of the {len(files)} {label} could be read",
            where=bad[0][1] if bad else cache,
            remedy=bad[0][2] if bad else "Name a source that holds files of these movies.",
        )
    return good, dropped(bad)


def dropped(rows: Sequence[tuple[int, str, str]]) -> pd.DataFrame:
    """The movies a source has but cannot give a vector for: ``movie_id, file, reason``."""
    return pd.DataFrame(rows, columns=_DROPPED_COLUMNS).astype({"movie_id": int})


def _vector_of(
    path: Path, embed: Callable[[Path], np.ndarray], recipe: str, cache: Path
) -> np.ndarray | StudyError:
    try:
        with path.open("rb") as file:
            state = hashlib.file_digest(file, "sha256")
    except OSError as error:
        return StudyError(
            f"cannot be read ({error.strerror})", where=path, remedy="Check the file."
        )
    state.update(recipe.encode())
    stored = cache / state.hexdigest()[:2] / f"{state.hexdigest()[:32]}.npy"
    if stored.exists():
        return np.load(stored)
    try:
        with one_thread():
            vector = np.asarray(embed(path), np.float32)
    except StudyError as error:
        return error
    with atomic_path(stored) as part:
        np.save(part, vector)
    return vector


def ahead(items: Iterable[T], *, depth: int) -> Iterator[T]:
    """Passes items on in their order, the next ones being made in a second thread meanwhile.

    Args:
        items: Something lazy; an error in it is raised here, after the items before it.
        depth: How many finished items may wait.
    """
    end = object()
    source = iter(items)
    with ThreadPoolExecutor(1) as thread:
        waiting = deque(thread.submit(next, source, end) for _ in range(depth))
        while (item := waiting.popleft().result()) is not end:
            yield item
            waiting.append(thread.submit(next, source, end))


@contextmanager
def one_thread() -> Iterator[None]:
    """Results must not depend on the number of workers, nor the workers compete for cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def first_to_be_had(kind: str, names: Sequence[str], attempt: Callable[[str], object]) -> tuple:
    """Goes down an ordered list of names and takes the first that is there.

    Args:
        kind: What the names name, for the messages.
        names: In order of preference.
        attempt: Gives what stands behind a name, or raises StudyError saying why it cannot be had.

    Returns:
        The name, and what ``attempt`` gave for it. Why earlier ones were passed over is logged.

    Raises:
        StudyError: If none can be had.
    """
    refusals = []
    for name in names:
        try:
            result = attempt(name)
        except StudyError as error:
            refusals.append(f"{name}: {error.what}")
            continue
        if refusals:
            log.warning("%s: taking %s (not to be had: %s)", kind, name, "; ".join(refusals))
        return name, result
    raise StudyError(
        "not one can be had (" + "; ".join(refusals) + ")" if refusals else "the list is empty",
        where=kind,
        remedy="Name another one in the profile, or make one of these available.",
    )


def unknown_name(kind: str, name: str, known: Sequence[str]) -> StudyError:
    """The error for a name that is in no list."""
    return StudyError(f"no such name {name!r}", where=kind, remedy=f"Known: {', '.join(known)}.")


def most_rated(catalogue: Catalogue, n: int | None) -> list[int]:
    """Ids of the n movies with the most ratings (all movies for None), most rated first.

    Ties go to the smaller id.
    """
    counts = catalogue.ratings["movie_id"].value_counts()
    counts = counts.reindex(sorted(catalogue.movies["movie_id"]), fill_value=0)
    return counts.sort_values(ascending=False, kind="stable").index[:n].astype(int).tolist()


def own_trailers(movie_ids: Sequence[int]) -> dict[int, Path]:
    """The reader's own trailers, ``<movie_id>.mp4|webm|mkv`` in the folder $MMREC_TRAILERS.

    Raises:
        StudyError: If the variable is not set, or the folder holds no trailer of these movies.
    """
    folder = os.environ.get(TRAILERS_VARIABLE)
    if not folder:
        raise StudyError(
            f"{TRAILERS_VARIABLE} is not set",
            where="trailers",
            remedy="Set it to a folder of files named <movie_id>.mp4, .webm or .mkv.",
        )
    found = {
        movie_id: path
        for movie_id in movie_ids
        for suffix in reversed(_TRAILER_SUFFIXES)
        if (path := Path(folder) / f"{movie_id}{suffix}").exists()
    }
    if not found:
        raise StudyError(
            "no trailer of these movies is in it",
            where=folder,
            remedy="Name the files <movie_id>.mp4, .webm or .mkv.",
        )
    return found


def rendered_trailers(
    catalogue: Catalogue, workspace: Workspace, *, n: int, seconds: float, among: Sequence[int]
) -> dict[int, Path]:
    """Demo trailers of the n most-rated of the movies ``among``, from the cache or rendered now."""
    wanted = list(among)[:n]
    movies = catalogue.movies.set_index("movie_id", drop=False).loc[wanted]
    return demo_trailers.render(movies, workspace.cache / "demo_trailers", seconds=seconds)
