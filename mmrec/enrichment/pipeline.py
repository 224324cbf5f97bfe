"""A reader's own films become a catalogue: providers are asked, and their answers merged.

What the reader's own list and folder say counts first. The providers keep to the contract of the
study's own (`mmrec.catalogue.provider`), and the same rules decide which films are right and whose
word counts: `mmrec.catalogue.matching` and `mmrec.catalogue.merging`.
"""

import importlib
import importlib.util
import pkgutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType

import pandas as pd

from mmrec.catalogue import own, tables, trailer_index
from mmrec.catalogue.matching import Assessed, assess_all
from mmrec.catalogue.merging import merge
from mmrec.catalogue.own import TRAILER, Own
from mmrec.catalogue.provider import Candidate, Miss, Movie, Provider, collect
from mmrec.catalogue.tables import Catalogue
from mmrec.enrichment import providers as folder
from mmrec.enrichment import trailers as videos
from mmrec.enrichment.asking import Options
from mmrec.enrichment.own import folder as own_folder
from mmrec.enrichment.own.files import KINDS
from mmrec.enrichment.web import Web
from mmrec.errors import StudyError
from mmrec.workspace import Workspace, write_csv

PROVIDERS = ("wikipedia", "imdb", "youtube")
"""The providers asked by default, in order of trust."""

_MATCH_COLUMNS = ["movie_id", "provider", "title", "year"]
_MATCH_COLUMNS += ["status", "confidence", "reason", "source", "licence"]


_NOTICE_COLUMNS = ["where", "what", "remedy"]


@dataclass(frozen=True)
class Enriched:
    """The result of enriching a list.

    Attributes:
        catalogue: As the study's own.
        own: The reader's ids, and the files of the films: the reader's, and downloaded trailers.
        matches: One row per candidate: ``movie_id, provider, title, year, status, confidence,
            reason, source, licence``.
        conflicts: As `mmrec.catalogue.merging.Merged` has them.
        failures: ``movie_id, provider, reason``.
        notices: Entries of the reader's own that were left out: ``where, what, remedy``.
    """

    catalogue: Catalogue
    own: Own
    matches: pd.DataFrame
    conflicts: pd.DataFrame
    failures: pd.DataFrame
    notices: pd.DataFrame


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
    """Enriches a list or a folder and writes its catalogue.

    Every answer is kept in the cache as it comes, so an interrupted run resumes, and a finished
    one repeats without asking again. Tables go to ``workspace.root``: ``catalogue/`` as the study
    has it, and ``matches.csv``, ``conflicts.csv``, ``failures.csv``, ``notices.csv``. Nothing in
    the reader's folder is changed.

    Args:
        path: As `mmrec.enrichment.own.folder.read` takes it.
        workspace: Where to write, and whose cache to use.
        providers: As :func:`load` takes them; the earlier counts more where two agree equally
            well, and the reader's own word before all. With none, nobody is asked.
        storylines: Whether to read IMDb's title pages: see `mmrec.enrichment.providers.imdb`.
        trailers: Whether to download the trailers found, into ``trailers/``, for the films of
            which the folder has none.
        rate_limit: For trailers, bytes per second at most.
        cookies: For trailers, a ``cookies.txt``.
        web: How to ask; by default patiently.

    Raises:
        StudyError: If the list cannot be used, a provider is unknown, ``workspace.root`` is a
            file or the folder of the reader's list, or YouTube refuses the key.
        LocalError: If the disk is full or may not be written.
    """
    path, web = Path(path), web or Web(workspace.cache)
    asked = [load(name, web, Options(storylines)) for name in providers]
    _check_out(workspace.root, path)
    given = own_folder.read(path, before=own.earlier_films(workspace))
    movies = given.movies
    candidates, misses = collect([given.provider, *asked], movies)
    assessed = assess_all(movies, candidates, told_by="your list")
    order = [provider.name for provider in (given.provider, *asked)]
    merged = merge(movies, assessed, order=order)
    files = given.own.files
    if trailers:
        downloaded, failed = _download(
            merged.movies, given.own, workspace, rate_limit=rate_limit, cookies=cookies
        )
        files = pd.concat([files, downloaded], ignore_index=True)
        misses += failed
    known = replace(given.own, files=files)
    rated = given.ratings
    built = Catalogue(
        merged.movies, rated.ratings, rated.users, merged.rejected, _sources(candidates)
    )
    own.save(known, workspace)
    tables.save(built, workspace)
    notices = [(one.where, one.what, one.remedy) for one in given.notices]
    done = Enriched(
        built,
        known,
        _matches(movies, assessed),
        merged.conflicts,
        pd.DataFrame(misses, columns=["movie_id", "provider", "reason"]),
        pd.DataFrame(notices, columns=_NOTICE_COLUMNS),
    )
    for name in ("matches", "conflicts", "failures", "notices"):
        write_csv(getattr(done, name), workspace.root / f"{name}.csv")
    return done


def _check_out(out: Path, path: Path) -> None:
    """Refuses to write where the reader's own files are."""
    if out.exists() and not out.is_dir():
        raise StudyError("a file, not a folder", where=out, remedy="Name a folder.")
    home = path if path.is_dir() else path.parent
    theirs = [home, *(home / kind.folder for kind in KINDS.values())]
    if any(out.resolve() == folder.resolve() for folder in theirs):
        raise StudyError(
            "your own films are here, and nothing is written among them",
            where=out,
            remedy="Name another folder for --out.",
        )


def _download(
    movies: pd.DataFrame,
    ours: Own,
    workspace: Workspace,
    *,
    rate_limit: int | None,
    cookies: Path | None,
) -> tuple[pd.DataFrame, list[Miss]]:
    """Downloads the trailers found of the films that have none; rows of `Own.files`, and misses."""
    folder = workspace.root / "trailers"
    trailer_index.write(movies, folder)
    found = movies.set_index("movie_id")["trailer_youtube_id"].dropna()
    found = found.drop(list(ours.paths(TRAILER)), errors="ignore")
    paths, failed = videos.download(
        {int(str(movie_id)): video for movie_id, video in found.items()},
        folder,
        cache=workspace.cache,
        rate_limit=rate_limit,
        cookies=cookies,
    )
    rows = [(movie_id, TRAILER, str(path)) for movie_id, path in paths.items()]
    return pd.DataFrame(rows, columns=ours.files.columns), failed


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
