"""Any list of titles and years → a catalogue, by asking providers and merging what they found.

A provider's film counts if title and year agree with the list. Each field comes from the provider
whose film agrees best (the order asked for decides between equals); where others say something
else, that is listed as a conflict and nothing is averaged. Providers that found different films
(another IMDb id) are never mixed.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd

from mmrec import progress
from mmrec.catalogue import matching, movielens, trailer_index
from mmrec.catalogue import tables as catalogue
from mmrec.catalogue.finding import Finding, Miss
from mmrec.catalogue.tables import Catalogue
from mmrec.enrichment import youtube
from mmrec.enrichment.imdb import Imdb
from mmrec.enrichment.web import Web
from mmrec.enrichment.wikipedia import Wikipedia
from mmrec.enrichment.youtube import YouTube
from mmrec.errors import StudyError
from mmrec.workspace import Workspace, atomic_path

PROVIDERS = ("wikipedia", "imdb", "youtube")
YEARS = (1888, 2100)

_FOUND_COLUMNS = ["movie_id", "provider", "title", "year"]
_FOUND_COLUMNS += ["status", "confidence", "reason", "source", "licence"]
_CONFLICT_COLUMNS = ["movie_id", "title", "field", "kept", "kept_from", "other", "other_from"]
# A runtime differs by cut and by country; only what is further apart is a conflict.
_MINUTES_APART = 10


@dataclass(frozen=True)
class Enriched:
    """What became of a list.

    Attributes:
        catalogue: As the study's own, without ratings.
        found: One row per movie and provider that has a film for it: ``movie_id, provider, title,
            year, status, confidence, reason, source, licence``.
        conflicts: ``movie_id, title, field, kept, kept_from, other, other_from``.
        failures: ``movie_id, provider, reason``.
        trailers: Movie id to downloaded file.
    """

    catalogue: Catalogue
    found: pd.DataFrame
    conflicts: pd.DataFrame
    failures: pd.DataFrame
    trailers: dict[int, Path]


def read_list(path: Path) -> pd.DataFrame:
    """Reads a CSV of movies.

    Args:
        path: A CSV in UTF-8 with the columns ``title`` and ``year``, and, if there is more to go
            by, ``movie_id`` (else the row's number) and ``imdb_id``.

    Returns:
        ``movie_id, title, year, imdb_id`` (None where unknown), ascending ids.

    Raises:
        StudyError: If the file or a row of it cannot be used; the message names the row.
    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        what = f"not a CSV in UTF-8 ({' '.join(str(error).split())})"
        raise StudyError(what, where=path, remedy="Save the list as CSV (UTF-8).") from error
    if not isinstance(table.index, pd.RangeIndex):
        what = "a row has more fields than the first row names"
        raise StudyError(what, where=path, remedy="Put titles that hold a comma into quotes.")
    table.columns = [name.strip().lower() for name in table.columns]
    for name in ("title", "year"):
        if name not in table:
            raise StudyError(
                f"no column {name!r}",
                where=path,
                remedy=f"The first row names the columns; it says {', '.join(table.columns)}.",
            )
    if table.empty:
        raise StudyError("no movie in it", where=path, remedy="Write one movie per row.")
    table = table.fillna("").apply(lambda column: column.str.strip())
    numbers = [str(row + 1) for row in range(len(table))]
    ids = table["movie_id"] if "movie_id" in table else pd.Series(numbers)
    imdb_ids = table["imdb_id"] if "imdb_id" in table else pd.Series([""] * len(table))
    years = table["year"].str.removesuffix(".0")
    _refuse(
        path, table["title"], table["title"] == "", "is no title", "Fill it in, or drop the row."
    )
    in_range = years.str.fullmatch(r"\d{4}") & pd.to_numeric(years, errors="coerce").between(*YEARS)
    _refuse(
        path, table["year"], ~in_range, "is no year", f"Give four digits, {YEARS[0]} to {YEARS[1]}."
    )
    _refuse(path, ids, ~ids.str.fullmatch(r"[1-9]\d{0,8}"), "is no id", "Ids are positive numbers.")
    _refuse(path, ids, ids.astype(int).duplicated(), "stands there twice", "Give each its own id.")
    good = imdb_ids.str.fullmatch(r"(?:tt\d{7,9})?")
    _refuse(path, imdb_ids, ~good, "is no IMDb id", "Write tt and its digits, or leave it empty.")
    names = [movielens.split_title(title) for title in table["title"]]
    movies = pd.DataFrame(
        {
            "movie_id": ids.astype(int),
            "title": [title for title, _, _ in names],
            "alternate_title": pd.Series([name for _, name, _ in names], dtype=object),
            "year": years.astype(int),
            "imdb_id": imdb_ids.where(imdb_ids != "", None).astype(object),
        }
    )
    return movies.sort_values("movie_id", ignore_index=True)


def _refuse(path: Path, column: pd.Series, wrong: pd.Series, why: str, remedy: str) -> None:
    if wrong.any():
        row = wrong.to_numpy().argmax()
        # The first row of the file holds the columns' names.
        raise StudyError(
            f"{column.iloc[row]!r} {why}", where=f"{path}, row {row + 2}", remedy=remedy
        )


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
    one repeats without the network. Tables go to ``workspace.root``: ``catalogue/`` as the study
    has it, and ``found.csv``, ``conflicts.csv``, ``failures.csv``.

    Args:
        path: As :func:`read_list` takes it.
        workspace: Where to write, and whose cache to use.
        providers: Out of :data:`PROVIDERS`; the earlier counts more where two agree equally well.
        storylines: Whether to read IMDb's title pages: see `mmrec.enrichment.imdb`.
        trailers: Whether to download the trailers found, into ``trailers/``.
        rate_limit: For trailers, bytes per second at most.
        cookies: For trailers, a ``cookies.txt``.
        web: How to ask; by default patiently.

    Raises:
        StudyError: If the list cannot be used, a provider is unknown, or YouTube refuses the key.
    """
    unknown = [name for name in providers if name not in PROVIDERS]
    if unknown or not providers:
        raise StudyError(
            f"no provider {unknown[0]!r}" if unknown else "no provider named",
            where="providers",
            remedy=f"Choose from {', '.join(PROVIDERS)}.",
        )
    movies = read_list(path)
    web = web or Web(workspace.cache)
    makers = {
        "wikipedia": lambda: Wikipedia(web),
        "imdb": lambda: Imdb(web, storylines=storylines),
        "youtube": lambda: YouTube(web),
    }
    answers = [
        answer
        for name in providers
        for answer in progress.bar(makers[name]().find(movies), total=len(movies), label=name)
    ]
    findings = [answer for answer in answers if isinstance(answer, Finding)]
    misses = [answer for answer in answers if isinstance(answer, Miss)]
    enriched, rejected, conflicts = merge(movies, findings, providers)
    files = {}
    if trailers:
        trailer_index.write(enriched, workspace.root / "trailers")
        named = enriched.set_index("movie_id")["trailer_youtube_id"].dropna().to_dict()
        files, failed = youtube.download(
            named,
            workspace.root / "trailers",
            cache=workspace.cache,
            rate_limit=rate_limit,
            cookies=cookies,
        )
        misses += failed
    built = Catalogue(enriched, *_no_ratings(), rejected, _sources(findings))
    catalogue.save(built, workspace)
    done = Enriched(
        built,
        _found_table(findings),
        conflicts,
        pd.DataFrame(misses, columns=["movie_id", "provider", "reason"]),
        files,
    )
    for name in ("found", "conflicts", "failures"):
        with atomic_path(workspace.root / f"{name}.csv") as part:
            getattr(done, name).to_csv(part, index=False)
    return done


def merge(
    movies: pd.DataFrame, findings: Sequence[Finding], providers: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Puts together what the providers found.

    Returns:
        The tables ``movies`` and ``rejected`` of a catalogue, and the conflicts.
    """
    of_movie: dict[int, list[Finding]] = {}
    for finding in findings:
        of_movie.setdefault(finding.movie_id, []).append(finding)
    rows, rejected, conflicts = [], [], []
    for movie in movies.itertuples():
        ranked = sorted(
            of_movie.get(movie.movie_id, []),
            key=lambda f: (-f.match.confidence, providers.index(f.provider)),
        )
        kept, dropped = _one_film(ranked)
        rows.append(_row(movie, kept, dropped))
        rejected += [
            (movie.movie_id, movie.title, movie.year, f.provider, f.fields.get("imdb_id"), reason)
            for f, reason in dropped
        ]
        conflicts += [(movie.movie_id, movie.title, *conflict) for conflict in _conflicts(ranked)]
    table = pd.DataFrame(rows).astype({"year": "Int64"})
    for name in ("imdb_rating", "imdb_votes", "runtime_minutes"):
        table[name] = table[name].astype(float)
    table.insert(4, "film_id", movielens.film_ids(movies))
    columns = ["movie_id", "title", "year", "provider", "imdb_id", "reason"]
    return (
        table,
        pd.DataFrame(rejected, columns=columns),
        pd.DataFrame(conflicts, columns=_CONFLICT_COLUMNS),
    )


def _one_film(ranked: list[Finding]) -> tuple[list[Finding], list[tuple[Finding, str]]]:
    """Those that speak of one film, best first, and the others with the reason."""
    kept, dropped, imdb_id, whose = [], [], None, None
    for finding in ranked:
        own = finding.fields.get("imdb_id")
        if finding.match.status == matching.REJECTED:
            dropped.append((finding, finding.match.reason))
        elif imdb_id and own and own != imdb_id:
            dropped.append((finding, f"another film ({own}) than {whose}'s ({imdb_id})"))
        else:
            kept.append(finding)
            if own and not imdb_id:
                imdb_id, whose = own, finding.provider
    return kept, dropped


def _row(movie, kept: list[Finding], dropped: list[tuple[Finding, str]]) -> dict:
    def first(name: str) -> tuple[object, str | None]:
        known = ((f.fields[name], f.provider) for f in kept if f.fields.get(name) is not None)
        return next(known, (None, None))

    # A trailer says nothing of the film itself.
    films = [finding for finding in kept if finding.provider != "youtube"]
    if films:
        status, reason = films[0].match.status, f"{films[0].provider}: {films[0].match.reason}"
    elif dropped:
        status, reason = matching.REJECTED, f"{dropped[0][0].provider}: {dropped[0][1]}"
    else:
        status, reason = matching.MISSING, "no provider has a match"
    rating, rating_source = first("imdb_rating")
    summary, summary_source = first("summary")
    directors, directors_source = first("directors")
    cast, cast_source = first("cast")
    return {
        "movie_id": movie.movie_id,
        "title": movie.title,
        "year": movie.year,
        "genres": first("genres")[0] or ["unknown"],
        "imdb_id": movie.imdb_id or first("imdb_id")[0],
        "match_status": status,
        "match_reason": reason,
        "summary": summary,
        "summary_source": summary_source,
        "directors": directors or [],
        "directors_source": directors_source,
        "cast": cast or [],
        "cast_source": cast_source,
        "imdb_rating": rating,
        "imdb_votes": first("imdb_votes")[0],
        "imdb_rating_source": rating_source,
        "runtime_minutes": first("runtime_minutes")[0],
        "trailer_youtube_id": first("trailer_youtube_id")[0],
        "poster": None,
    }


def _conflicts(ranked: list[Finding]) -> list[tuple]:
    """Where an accepted finding contradicts the best one that has the field."""
    standing = [finding for finding in ranked if finding.match.status != matching.REJECTED]
    conflicts = []
    for name, differ in _DIFFER.items():
        values = [
            (value, f.provider)
            for f in standing
            if (value := f.year if name == "year" else f.fields.get(name)) is not None
        ]
        conflicts += [
            (name, *map(_cell, values[0]), *map(_cell, other))
            for other in values[1:]
            if differ(values[0][0], other[0])
        ]
    return conflicts


_DIFFER = {
    "imdb_id": lambda one, other: one != other,
    "year": lambda one, other: one != other,
    "directors": lambda one, other: matching.agree(one, other) is False,
    "runtime_minutes": lambda one, other: abs(one - other) > _MINUTES_APART,
}


def _cell(value: object) -> str:
    return "|".join(value) if isinstance(value, list) else str(value)


def _found_table(findings: Sequence[Finding]) -> pd.DataFrame:
    rows = [
        {**asdict(finding), **asdict(finding.match), "source": finding.source}
        for finding in findings
    ]
    return pd.DataFrame(rows, columns=_FOUND_COLUMNS)


def _no_ratings() -> tuple[pd.DataFrame, pd.DataFrame]:
    whole = pd.Series(dtype="int64")
    ratings = pd.DataFrame(dict.fromkeys(("user_id", "movie_id", "rating", "timestamp"), whole))
    ratings.index.name = "row"
    text = pd.Series(dtype=object)
    users = {"user_id": whole, "age": whole, "gender": text, "occupation": text, "zip_code": text}
    return ratings, pd.DataFrame(users)


def _sources(findings: Sequence[Finding]) -> dict[str, dict]:
    return {
        finding.provider: {
            "place": f"{finding.provider}, movie by movie (see found.csv)",
            "kind": "provider",
            "digest": None,
            "licence": finding.licence,
            "notes": [],
        }
        for finding in findings
    }
