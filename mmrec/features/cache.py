"""From files to a feature table: what pictures, sound and a reader's own modality share."""

import hashlib
import inspect
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

import joblib
import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike

from mmrec import progress
from mmrec.catalogue.tables import Catalogue
from mmrec.errors import StudyError
from mmrec.features.media import demo_trailers
from mmrec.features.table import FeatureTable
from mmrec.workspace import Workspace, atomic_path

TRAILERS_VARIABLE = "MMREC_TRAILERS"
_TRAILER_SUFFIXES = (".mp4", ".webm", ".mkv")
_DROPPED_COLUMNS = ["movie_id", "file", "reason"]

# What each source of media stands in for.
STAND_INS = {
    "trailers": None,
    "posters": "posters for trailers",
    "demo": "demo trailers for trailers",
}

T = TypeVar("T")


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
    instead: str | None = None,
    n_jobs: int = -1,
) -> tuple[FeatureTable, pd.DataFrame]:
    """The feature table of a modality that a function makes of files, one vector per movie.

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
        recipe: What the vector depends on besides the file, in a line. By default the digest of
            the function's own code: a changed function starts anew (what it calls is not seen).
        instead: What the encoder stands in for, e.g. ``"this net for that one"``, or None.
        n_jobs: Parallel processes, as joblib counts them.

    Returns:
        The table, and the files left out: ``movie_id, file, reason``.

    Raises:
        StudyError: If not one file could be used, or vectors differ in length.
    """
    if recipe is None:
        code = hashlib.sha256(inspect.getsource(function).encode()).hexdigest()
        recipe = f"{function.__name__}, code {code[:16]}"
    label = "demo trailers" if source == "demo" else source
    vectors, left_out = vectors_of(
        files,
        function,
        recipe=f"{recipe}; {weights}",
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
    table = FeatureTable(modality, list(vectors), np.stack(list(vectors.values())), provenance)
    return table, left_out


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
            vector = np.atleast_1d(np.asarray(embed(path), np.float32))
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


def most_rated(catalogue: Catalogue, n: int | None) -> list[int]:
    """Ids of the n movies with the most ratings (all movies for None), most rated first.

    Ties go to the smaller id.
    """
    counts = catalogue.ratings["movie_id"].value_counts()
    counts = counts.reindex(sorted(catalogue.movies["movie_id"]), fill_value=0)
    return counts.sort_values(ascending=False, kind="stable").index[:n].astype(int).tolist()


def trailer_sources(
    catalogue: Catalogue,
    workspace: Workspace,
    movie_ids: Sequence[int],
    *,
    demo_movies: int,
    demo_seconds: float,
) -> dict[str, Callable[[], dict[int, Path]]]:
    """Where trailers can come from: ``trailers``, the reader's own, or ``demo``, rendered.

    Args:
        catalogue: What ``mmrec.catalogue.tables.load`` returns.
        workspace: Its cache keeps the demo trailers.
        movie_ids: Of the movies wanted, most rated first.
        demo_movies: How many of them get a demo trailer.
        demo_seconds: Length of a demo trailer.

    Returns:
        Name to a call that gives movie id to file, or raises StudyError.
    """
    return {
        "trailers": partial(own_trailers, movie_ids),
        "demo": partial(
            rendered_trailers, catalogue, workspace, movie_ids[:demo_movies], seconds=demo_seconds
        ),
    }


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
    catalogue: Catalogue, workspace: Workspace, movie_ids: Sequence[int], *, seconds: float
) -> dict[int, Path]:
    """Demo trailers of these movies, from the cache or rendered now."""
    movies = catalogue.movies.set_index("movie_id", drop=False).loc[list(movie_ids)]
    return demo_trailers.render(movies, workspace.cache / "demo_trailers", seconds=seconds)
