"""Any list of titles and years → a catalogue, by asking providers and merging what they found.

The providers keep to the contract of the study's own (`mmrec.catalogue.provider`), and the same
rules decide which films are right and whose word counts: `mmrec.catalogue.matching` and
`mmrec.catalogue.merging`.
"""

import importlib
import importlib.util
import pkgutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import pandas as pd

from mmrec.catalogue import tables, trailer_index
from mmrec.catalogue.matching import Assessed, assess_all
from mmrec.catalogue.merging import merge
from mmrec.catalogue.provider import Candidate, Movie, Provider, collect
from mmrec.catalogue.tables import Catalogue
from mmrec.enrichment import providers as folder
from mmrec.enrichment import trailers as videos
from mmrec.enrichment.asking import Options
from mmrec.enrichment.lists import read_list
from mmrec.enrichment.web import Web
from mmrec.errors import StudyError
from mmrec.workspace import Workspace, write_csv

PROVIDERS = ("wikipedia", "imdb", "youtube")
"""The providers asked by default, in order of trust."""

_MATCH_COLUMNS = ["movie_id", "provider", "title", "year"]
_MATCH_COLUMNS += ["status", "confidence", "reason", "source", "licence"]


@dataclass(frozen=True)
class Enriched:
    """What became of a list.

    Attributes:
        catalogue: As the study's own, without ratings.
        matches: One row per candidate: ``movie_id, provider, title, year, status, confidence,
            reason, source, licence``.
        conflicts: As `mmrec.catalogue.merging.Merged` has them.
        failures: ``movie_id, provider, reason``.
        trailers: Movie id to downloaded file.
    """

    catalogue: Catalogue
    matches: pd.DataFrame
    conflicts: pd.DataFrame
    failures: pd.DataFrame
    trailers: dict[int, Path]


def run(
    path: Path,
    workspace: Workspace,
    *,
    providers: Sequence[str] = PROVIDERS,
    storylines: bool = False,
    trailers: bool = False,
    rate_limit: int | None = None,
    cookies: Path | None = None,
    web: Web | None = None,
) -> Enriched:
    """Enriches a list and writes its catalogue.

    Every answer is kept in the cache as it comes, so an interrupted run resumes, and a finished
    one repeats without asking again. Tables go to ``workspace.root``: ``catalogue/`` as the study
    has it, and ``matches.csv``, ``conflicts.csv``, ``failures.csv``.

    Args:
        path: As `mmrec.enrichment.lists.read_list` takes it.
        workspace: Where to write, and whose cache to use.
        providers: As :func:`load` takes them; the earlier counts more where two agree equally
            well.
        storylines: Whether to read IMDb's title pages: see `mmrec.enrichment.providers.imdb`.
        trailers: Whether to download the trailers found, into ``trailers/``.
        rate_limit: For trailers, bytes per second at most.
        cookies: For trailers, a ``cookies.txt``.
        web: How to ask; by default patiently.

    Raises:
        StudyError: If the list cannot be used, a provider is unknown, ``workspace.root`` is a
            file, or YouTube refuses the key.
        LocalError: If the disk is full or may not be written.
    """
    web = web or Web(workspace.cache)
    asked = [load(name, web, Options(storylines)) for name in providers]
    if not asked:
        raise StudyError("no provider named", where="providers", remedy=f"Known: {_known()}.")
    movies = read_list(path)
    if workspace.root.exists() and not workspace.root.is_dir():
        raise StudyError("a file, not a folder", where=workspace.root, remedy="Name a folder.")
    candidates, misses = collect(asked, movies)
    assessed = assess_all(movies, candidates)
    merged = merge(movies, assessed, order=[provider.name for provider in asked])
    files: dict[int, Path] = {}
    if trailers:
        trailer_index.write(merged.movies, workspace.root / "trailers")
        named = merged.movies.set_index("movie_id")["trailer_youtube_id"].dropna()
        files, failed = videos.download(
            {int(str(movie_id)): video for movie_id, video in named.items()},
            workspace.root / "trailers",
            cache=workspace.cache,
            rate_limit=rate_limit,
            cookies=cookies,
        )
        misses += failed
    built = Catalogue(merged.movies, *_no_ratings(), merged.rejected, _sources(candidates))
    tables.save(built, workspace)
    done = Enriched(
        built,
        _matches(movies, assessed),
        merged.conflicts,
        pd.DataFrame(misses, columns=["movie_id", "provider", "reason"]),
        files,
    )
    for name in ("matches", "conflicts", "failures"):
        write_csv(getattr(done, name), workspace.root / f"{name}.csv")
    return done


def load(name: str, web: Web, options: Options) -> Provider:
    """Makes a provider.

    Args:
        name: Of a file in ``mmrec/enrichment/providers``, without ``.py``; or the path of a file
            elsewhere, with it. The file has a function ``provider(web, options)``.
        web: How to ask services.
        options: What the reader has asked for.

    Raises:
        StudyError: If there is no such file, or no such function in it.
    """
    module = _module(name)
    if not hasattr(module, "provider"):
        raise StudyError(
            "it has no function 'provider'",
            where=name,
            remedy="Define provider(web, options), which returns the provider.",
        )
    made: Provider = module.provider(web, options)
    return made


def _module(name: str) -> ModuleType:
    unknown = StudyError(f"no provider {name!r}", where="providers", remedy=f"Known: {_known()}.")
    if not name.endswith(".py"):
        if name not in _names():
            raise unknown
        return importlib.import_module(f"{folder.__name__}.{name}")
    spec = importlib.util.spec_from_file_location(Path(name).stem, name)
    if spec is None or spec.loader is None or not Path(name).is_file():
        raise unknown
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _names() -> list[str]:
    return sorted(found.name for found in pkgutil.iter_modules(folder.__path__))


def _known() -> str:
    return f"{', '.join(_names())}, or the path of a .py file"


def _matches(movies: Sequence[Movie], assessed: Sequence[Assessed]) -> pd.DataFrame:
    order = {movie.movie_id: number for number, movie in enumerate(movies)}
    rows = [
        (
            one.movie_id,
            one.provider,
            next(iter(one.film.titles), one.film.imdb_id),
            one.film.year,
            match.status,
            match.confidence,
            match.reason,
            one.source,
            one.licence,
        )
        for one, match in sorted(assessed, key=lambda pair: order[pair.candidate.movie_id])
    ]
    return pd.DataFrame(rows, columns=_MATCH_COLUMNS).astype({"year": "Int64"})


def _no_ratings() -> tuple[pd.DataFrame, pd.DataFrame]:
    whole = pd.Series(dtype="int64")
    ratings = pd.DataFrame(dict.fromkeys(("user_id", "movie_id", "rating", "timestamp"), whole))
    ratings.index.name = "row"
    text = pd.Series(dtype=object)
    users = {"user_id": whole, "age": whole, "gender": text, "occupation": text, "zip_code": text}
    return ratings, pd.DataFrame(users)


def _sources(candidates: Sequence[Candidate]) -> dict[str, dict[str, object]]:
    return {
        candidate.provider: {
            "place": f"{candidate.provider}, movie by movie (see matches.csv)",
            "kind": "provider",
            "digest": None,
            "licence": candidate.licence,
            "notes": [],
        }
        for candidate in candidates
    }
