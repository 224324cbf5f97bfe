"""Trains the model that is served, of a workspace's catalogue and features: ``mmrec train``."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from mmrec.catalogue import tables
from mmrec.catalogue.tables import Catalogue
from mmrec.errors import StudyError
from mmrec.experiments.content import WITH_CROWD
from mmrec.features.table import FeatureTable
from mmrec.models.base import TrainingData
from mmrec.provenance import code_digest, digest
from mmrec.recommending import learning, storing, vocabulary
from mmrec.recommending.sizes import Size
from mmrec.recommending.storing import Model
from mmrec.workspace import Workspace

FOLDER = "model"
"""Folder of the model in a workspace."""

DEFAULT = WITH_CROWD
"""Feature tables that are learned from, those of them that are there."""

FEWEST = 20
"""Ratings without which nothing can be learned, and nothing held out to choose by."""


NO_WORKSPACE = "there is no such profile that was run, and no such folder"
"""What is wrong where there is no workspace."""


def train(workspace: Workspace, *, features: Sequence[str] | None = None) -> Model:
    """The served model of a workspace: trained, or read if nothing has changed since it was.

    Args:
        workspace: Its catalogue and features are read, and its folder ``model`` written.
        features: Names of the feature tables to learn from; by default :data:`DEFAULT` as far as
            they are there.

    Returns:
        The model as it is read from the folder.

    Raises:
        StudyError: There is no catalogue, it has too few ratings, a table is not there, or there is
            not enough memory.
        LocalError: The disk is full or may not be written.
    """
    catalogue = tables.load(workspace)
    return kept(workspace.root / FOLDER, catalogue, content_of(workspace, features))


def kept(
    folder: Path, catalogue: Catalogue, found: Mapping[str, FeatureTable], *, named: bool = True
) -> Model:
    """The model of a catalogue and its features, kept in a folder: trained unless it is there.

    Args:
        folder: Of the model, in a workspace's folder.
        catalogue: Its ratings are learned from, and its movies described.
        found: Feature tables by name, all of which are learned from.
        named: Whether columns of facts are those of the catalogue, so that they can be told by
            name; those of content that was dealt out are not.
    """
    state = _state(catalogue, found)
    if (storing.about(folder) or {}).get("state") != state:
        storing.save(_trained(catalogue, found, folder, state, named=named), folder)
    return storing.load(folder)


def content_of(
    workspace: Workspace, wanted: Sequence[str] | None = None
) -> dict[str, FeatureTable]:
    """The feature tables to learn from; of those not asked for by name, the ones there are.

    Raises:
        StudyError: A table that was asked for is not there, or none is.
    """
    names = DEFAULT if wanted is None else tuple(dict.fromkeys(wanted))
    paths = {name: workspace.features / f"{name}.parquet" for name in names}
    missing = [name for name, path in paths.items() if not path.exists()]
    if wanted is not None and missing:
        there = sorted(path.stem for path in workspace.features.glob("*.parquet"))
        raise StudyError(
            f"there are no {missing[0]!r} features",
            where=workspace.features,
            remedy=f"There are: {', '.join(there) or 'none'}.",
        )
    loaded = {name: FeatureTable.load(path) for name, path in paths.items() if name not in missing}
    found = {name: table for name, table in loaded.items() if len(table.movie_ids)}
    if not found:
        raise StudyError(
            "there are no features to learn from",
            where=workspace.features,
            remedy=f"Make one of {', '.join(names)} first.",
        )
    return found


def size_of(catalogue: Catalogue, found: Mapping[str, FeatureTable]) -> Size:
    """How large a training is that learns from a catalogue's ratings and some feature tables."""
    return Size.of(
        catalogue.ratings,
        users=len(catalogue.users),
        films=len(catalogue.movies),
        blocks=sum(len(table.parts) for table in found.values()),
        is_told=learning.is_told(catalogue.users),
    )


def workspace_of(name: str) -> Workspace:
    """The workspace of a profile, or a folder that is one.

    Raises:
        StudyError: There is neither.
    """
    of_profile = Workspace.open(name) if Path(name).name == name else None
    if of_profile is not None and of_profile.root.is_dir():
        return of_profile
    if Path(name).is_dir():
        return Workspace(Path(name).resolve(), Workspace.open("enrich").cache)
    raise StudyError(
        NO_WORKSPACE,
        where=name,
        remedy="Run make study first, or name the folder that mmrec enrich has filled.",
    )


def has_model(workspace: Workspace) -> bool:
    """Whether :func:`train` has left something, whole or not."""
    return (workspace.root / FOLDER).is_dir()


def load(workspace: Workspace) -> Model:
    """The model that :func:`train` left in a workspace.

    Raises:
        StudyError: There is none, or it is damaged.
    """
    return storing.load(workspace.root / FOLDER)


def is_current(workspace: Workspace, *, features: Sequence[str] | None = None) -> bool:
    """Whether :func:`train` would have nothing to do.

    Raises:
        StudyError: There is no catalogue, or a table is not there.
    """
    catalogue, found = tables.load(workspace), content_of(workspace, features)
    known = storing.about(workspace.root / FOLDER)
    return known is not None and bool(known.get("state") == _state(catalogue, found))


def _trained(
    catalogue: Catalogue,
    found: Mapping[str, FeatureTable],
    folder: Path,
    state: str,
    *,
    named: bool,
) -> Model:
    movies = catalogue.movies
    if len(catalogue.ratings) < FEWEST:
        raise StudyError(
            f"{len(catalogue.ratings)} ratings are too few to learn from",
            where="ratings",
            remedy=f"Give at least {FEWEST}, or rate its films with the reference's model.",
        )
    size_of(catalogue, found).check()
    ids = pd.Index(movies["movie_id"])
    nothing = catalogue.ratings.iloc[:0]
    data = TrainingData(nothing, nothing, (), catalogue.users, ids, features=found)
    films = movies.set_index("movie_id")["film_id"]
    served = learning.fit(catalogue.ratings, catalogue.users, films, data, tuple(found))
    about = {
        "state": state,
        "profile": folder.parent.name,
        "ratings": len(catalogue.ratings),
        "users": len(catalogue.users),
        "films": len(movies),
        "features": {name: dict(table.provenance) for name, table in found.items()},
        "sources": catalogue.sources,
    }
    # What JSON cannot hold, such as a number of numpy's, is said in words.
    about = json.loads(json.dumps(about, default=str))
    facts: dict[str, tuple[str, ...]] = {}
    for name, table in found.items() if named else ():
        facts |= vocabulary.names_of(movies, table, name)
    return Model(served, storing.films_of(movies), facts, about)


def _state(catalogue: Catalogue, found: Mapping[str, FeatureTable]) -> str:
    """Digest of all that a model depends on."""
    frames = {name: getattr(catalogue, name) for name in ("movies", "ratings", "users")}
    return digest(
        {
            "data": {name: _content(frame) for name, frame in frames.items()},
            "features": {name: table.digest for name, table in found.items()},
            "provenance": digest(
                {name: str(sorted(table.provenance.items())) for name, table in found.items()}
            ),
            "code": code_digest(__name__),
        }
    )


def _content(frame: pd.DataFrame) -> str:
    plain = frame.astype(dict.fromkeys(frame.select_dtypes("object"), str))
    return digest([list(plain), pd.util.hash_pandas_object(plain).astype(str).tolist()])
