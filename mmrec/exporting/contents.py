"""What an export holds, before any format: collected once, so that no format can pass on more."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mmrec import progress
from mmrec.catalogue import own as own_catalogue
from mmrec.catalogue import tables
from mmrec.catalogue.providers import open_data
from mmrec.catalogue.tables import MOVIE_COLUMNS, Catalogue
from mmrec.errors import StudyError
from mmrec.evaluation.folds import FOLDS, Roles, divide, fold_of
from mmrec.experiments import store
from mmrec.exporting import terms
from mmrec.exporting.terms import SOURCED_FIELDS, Terms
from mmrec.features.table import FeatureTable
from mmrec.open_data import PATH as OPEN_DATA
from mmrec.workspace import Workspace

RATING_COLUMNS = ["user_id", "movie_id", "rating", "timestamp"]
USER_COLUMNS = ["user_id", "age", "gender", "occupation", "zip_code"]
ROLES = ("train", "validation", "test")

_FEW_RATINGS = "too few ratings for this fold"


@dataclass(frozen=True)
class LeftOut:
    """Something that the workspace has and the export has not.

    Attributes:
        what: Its name.
        why: The licence that forbids it, or another reason.
    """

    what: str
    why: str


@dataclass(frozen=True)
class Contents:
    """What is exported.

    Attributes:
        name: Of the data set, by the workspace: letters, digits, ``_`` and ``-``.
        movies: One row per movie, ascending, with the columns of a catalogue.
        users: ``user_id, age, gender, occupation, zip_code``; None if there are none.
        ratings: ``user_id, movie_id, rating, timestamp``; None if there are none.
        features: Modality → table.
        folds: Name → roles of the ratings.
        runs: One row per run and table; None if nothing has been trained.
        companions: Tables that go along with every format, by name: ``credits`` (where the
            accepted facts on each movie come from: ``movie_id, provider, source, licence``), and
            of films of your own ``movie_ids`` and ``user_ids`` (number, and your ``id``).
        terms: What → the terms it is under. The keys are ``movies``, ``users``, ``ratings``,
            ``folds``, ``runs``, ``predictions``, ``features/<modality>``, and those of the
            companions.
        left_out: What is missing here and why.
        predicted: Hashes of the runs that have predictions.
    """

    name: str
    movies: pd.DataFrame
    users: pd.DataFrame | None
    ratings: pd.DataFrame | None
    features: dict[str, FeatureTable]
    folds: dict[str, Roles]
    runs: pd.DataFrame | None
    companions: dict[str, pd.DataFrame]
    terms: dict[str, tuple[Terms, ...]]
    left_out: tuple[LeftOut, ...] = ()
    predicted: tuple[str, ...] = ()
    _workspace: Workspace | None = field(default=None, repr=False)

    def predictions(self) -> Iterator[tuple[str, pd.DataFrame]]:
        """Hash of a run, and its ``user_id, movie_id, prediction``; a bar on the terminal."""
        assert self._workspace is not None or not self.predicted
        for name in progress.bar(self.predicted, total=len(self.predicted), label="predictions"):
            assert self._workspace is not None
            yield name, store.predictions(self._workspace, name)

    def matrix(self, modality: str) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Vectors of all movies in their order, float32 [n, d], and which are known, bool [n]."""
        vectors, present = self.features[modality].matrix(self.movies["movie_id"])
        return vectors, np.asarray(present.any(axis=1), bool)


def collect(
    workspace: Workspace,
    *,
    features: Sequence[str] | None = None,
    folds: Sequence[str] | None = None,
    tables_of_runs: Sequence[str] | None = None,
    seed: int = 0,
    shareable: bool = False,
) -> Contents:
    """Gathers what a workspace has.

    Args:
        workspace: With a catalogue at least.
        features: Modalities; by default all there are.
        folds: Names of folds; by default the published ones and the cold ones, or for ratings of
            your own those of the second drawing and the cold ones, as far as the ratings suffice.
        tables_of_runs: Tables of results whose runs and predictions go along; by default all.
        seed: Of the validation parts of the folds.
        shareable: Whether to leave out all that may not be passed on.

    Raises:
        StudyError: If there is no catalogue, or something that was named does not exist.
    """
    catalogue = _whole(tables.load(workspace))
    left_out: list[LeftOut] = []
    applying: dict[str, tuple[Terms, ...]] = {"movies": terms.of_movies(catalogue)}
    movies, rated = catalogue.movies, terms.of_ratings(catalogue)
    if shareable and not terms.all_shareable(applying["movies"]):
        movies, applying["movies"] = _shareable_movies(catalogue)
        forbidden = [one for one in terms.of_movies(catalogue) if not one.shareable]
        left_out += [
            LeftOut("fields of movies", f"{one.source}: {one.licence}") for one in forbidden
        ]
    users, ratings = None, None
    roles: dict[str, Roles] = {}
    runs, predicted = _runs(workspace, tables_of_runs)
    if len(catalogue.ratings):
        if shareable and not rated.shareable:
            what = ["ratings", "users", "folds", *(["predictions"] if predicted else [])]
            left_out += [LeftOut(name, f"{rated.source}: {rated.licence}") for name in what]
            predicted = ()
        else:
            ratings, users = catalogue.ratings[RATING_COLUMNS], catalogue.users
            roles, impossible = _folds(catalogue, folds, seed)
            left_out += [LeftOut(f"fold {name}", why) for name, why in impossible.items()]
            applying |= dict.fromkeys(("ratings", "users", "folds"), (rated,))
    if runs is not None:
        applying["runs"] = (terms.RUN,)
    if predicted:
        applying["predictions"] = (rated, terms.RUN)
    kept: dict[str, FeatureTable] = {}
    for name, table in _features(workspace, features).items():
        of_parts = terms.of_features(table, catalogue)
        closed = [part for part, some in of_parts.items() if not terms.all_shareable(some)]
        if shareable and closed:
            reasons = terms.distinct(one for part in closed for one in of_parts[part])
            why = "; ".join(f"{one.source}: {one.licence}" for one in reasons if not one.shareable)
            left_out.append(LeftOut(f"features {name}, {', '.join(closed)}", why))
            if len(closed) == len(of_parts):
                continue
            table = table.without(*closed)
        kept[name] = table
        applying[f"features/{name}"] = terms.distinct(
            one for part in table.parts for one in of_parts[part]
        )
    companions = _companions(workspace, movies, with_users=ratings is not None)
    of_companions = {"credits": terms.RUN, "movie_ids": terms.OWN_LIST, "user_ids": rated}
    applying |= {name: (of_companions[name],) for name in companions}
    return Contents(
        _plain(workspace.root.name),
        movies,
        users,
        ratings,
        kept,
        roles,
        runs,
        companions,
        applying,
        tuple(left_out),
        predicted,
        workspace,
    )


def _whole(catalogue: Catalogue) -> Catalogue:
    """The catalogue with every column that it may have, movies in the order of their ids."""
    movies = _movies(catalogue.movies).sort_values("movie_id")
    users = catalogue.users.reindex(columns=USER_COLUMNS)
    for name in ("gender", "occupation", "zip_code"):
        users[name] = _only(users[name], users[name].notna())
    return Catalogue(
        movies.reset_index(drop=True)[list(MOVIE_COLUMNS)],
        catalogue.ratings,
        users,
        catalogue.rejected,
        catalogue.sources,
    )


def _movies(told: pd.DataFrame) -> pd.DataFrame:
    """A table of movies with every column; lists that are not known are empty."""
    rows = [{str(name): cell for name, cell in row.items()} for row in told.to_dict("records")]
    movies = tables.movies_table(rows)
    for name in ("genres", "directors", "cast"):
        movies[name] = [cell if isinstance(cell, list) else [] for cell in movies[name]]
    return movies


def _shareable_movies(catalogue: Catalogue) -> tuple[pd.DataFrame, tuple[Terms, ...]]:
    """The movies by what may be passed on of them: the open data, or the open fields of a list."""
    if terms.is_movielens(catalogue):
        ours = open_data.read(OPEN_DATA)
        ours = ours[ours.index.isin(catalogue.movies["movie_id"])].reset_index()
        told = ours[["movie_id", "title", "year", "summary", "directors", "cast"]]
        sourced = {f"{name}_source": "open" for name in ("summary", "directors", "cast")}
        return _movies(told.assign(**sourced)), (terms.OPEN_DATA,)
    movies, applying = catalogue.movies.copy(), [terms.OWN_LIST]
    for name, column in SOURCED_FIELDS.items():
        kept = movies[column].isin(_open_providers())
        applying += [terms.of_provider(name) for name in movies.loc[kept, column].unique()]
        movies[name] = _only(movies[name], kept)
    for column in dict.fromkeys(SOURCED_FIELDS.values()):
        movies[column] = _only(movies[column], movies[column].isin(_open_providers()))
    for name in ("imdb_id", "runtime_minutes", "trailer_youtube_id", "poster", "match_reason"):
        movies[name] = None
    movies["genres"] = [[] for _ in movies.index]
    return _movies(movies), terms.distinct(applying)


def _only(column: pd.Series, rows: pd.Series) -> pd.Series:
    """The column with None outside of some rows."""
    cells = [cell if there else None for cell, there in zip(column, rows, strict=True)]
    return pd.Series(cells, column.index, dtype=object)


def _open_providers() -> set[str]:
    return {name for name, one in terms.PROVIDERS.items() if one.shareable}


def _features(workspace: Workspace, named: Sequence[str] | None) -> dict[str, FeatureTable]:
    there = sorted(path.stem for path in workspace.features.glob("*.parquet"))
    for name in named or ():
        if name not in there:
            raise StudyError(
                f"there are no features {name!r}",
                where=workspace.features,
                remedy=f"There are: {', '.join(there) or 'none'}.",
            )
    return {
        name: FeatureTable.load(workspace.features / f"{name}.parquet")
        for name in (there if named is None else named)
    }


def _folds(
    catalogue: Catalogue, named: Sequence[str] | None, seed: int
) -> tuple[dict[str, Roles], dict[str, str]]:
    """Roles by fold, and why those of the default that are not possible are not."""
    films = catalogue.movies.set_index("movie_id")["film_id"]
    if named is not None:
        chosen = {fold_of(name).name: name for name in named}
        return {name: divide(catalogue.ratings, films, fold=name, seed=seed) for name in chosen}, {}
    warm_drawing = not terms.is_movielens(catalogue)
    default = [
        name for name, fold in FOLDS.items() if fold.check == (warm_drawing and not fold.new)
    ]
    roles, impossible = {}, {}
    for name in default:
        try:
            roles[name] = divide(catalogue.ratings, films, fold=name, seed=seed)
        except StudyError as error:
            impossible[name] = f"{_FEW_RATINGS} ({error.what})"
    return roles, impossible


def _runs(
    workspace: Workspace, named: Sequence[str] | None
) -> tuple[pd.DataFrame | None, tuple[str, ...]]:
    """The runs, and the hashes of those that have predictions."""
    path = workspace.results / "runs.parquet"
    if not path.exists():
        if named:
            raise StudyError(
                "nothing has been trained yet",
                where=workspace.results,
                remedy="Run the study on this profile, or export without tables.",
            )
        return None, ()
    try:
        runs = pd.read_parquet(path)
    except (OSError, ValueError) as error:
        what = f"a damaged table of runs ({' '.join(str(error).split())[:200]})"
        remedy = "Delete it and run the study again: it keeps what is whole."
        raise StudyError(what, where=path, remedy=remedy) from error
    known = runs["table"].unique()
    for name in named or ():
        if name not in known:
            raise StudyError(
                f"there is no table {name!r}",
                where=path,
                remedy=f"There are: {', '.join(known) or 'none'}.",
            )
    if named is not None:
        runs = runs[runs["table"].isin(named)].reset_index(drop=True)
    hashes = runs["hash"].drop_duplicates()
    there = [name for name in hashes if store.path(workspace, "predictions", name).exists()]
    return (runs if len(runs) else None), tuple(there)


def _companions(
    workspace: Workspace, movies: pd.DataFrame, *, with_users: bool
) -> dict[str, pd.DataFrame]:
    """The companions that this workspace has, for the movies that are exported."""
    found = {}
    path = workspace.root / "matches.csv"
    if path.exists():
        matches = pd.read_csv(path)
        used = matches["movie_id"].isin(movies["movie_id"]) & (matches["status"] != "rejected")
        found["credits"] = matches.loc[used, ["movie_id", "provider", "source", "licence"]]
    own = own_catalogue.load(workspace)
    if own is not None:
        known = own.films["movie_id"].isin(movies["movie_id"])
        found["movie_ids"] = own.films.loc[known, ["movie_id", "id"]]
        if with_users:
            found["user_ids"] = own.users[["user_id", "id"]]
    return found


def _plain(name: str) -> str:
    kept = "".join(letter if letter.isalnum() or letter in "_-" else "_" for letter in name)
    return kept.encode("ascii", "replace").decode().replace("?", "_") or "export"
