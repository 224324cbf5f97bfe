"""The authors' own embeddings, imported as feature tables and cleaned of rows that hold none.

Their repository holds ``<modality>/embeddings.csv``, one row per movie in the order of the ids.
Paper §V.A says how they were made; with which weights, no file says.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from mmrec.catalogue import sources
from mmrec.catalogue.locations import Mirror, Upstream, pinned
from mmrec.catalogue.movielens import N_MOVIES
from mmrec.errors import StudyError
from mmrec.features.cache import dropped
from mmrec.features.graph.meta import PARTS
from mmrec.features.table import MAGNITUDE_LIMIT, FeatureTable

_FOLDER = (
    "https://raw.githubusercontent.com/SriramPingali/Multi-Modal-Recommendation-System/HEAD"
    "/Datasets/ml-100k"
)


def _resource(modality: str, digest: str) -> sources.Resource:
    """Where a modality's file can be had; whatever serves it must have the git blob SHA-1 given."""
    return sources.Resource(
        name=f"published-{modality}",
        what=f"the authors' {modality} embeddings",
        licence="no licence stated: no redistribution",
        locations=(
            Mirror(f"enhanced-ml-100k/{modality}_embeddings.csv"),
            Upstream(f"{_FOLDER}/{modality.capitalize()}/embeddings.csv"),
        ),
        verify=pinned(digest),
        remedy="Connect to the network, or put it into the folder that MMREC_MIRROR names.",
    )


@dataclass(frozen=True)
class Published:
    """One of the files.

    Attributes:
        width: Length of a vector.
        encoder: The one that the paper names.
        resource: Where the file can be had, and its digest.
    """

    width: int
    encoder: str
    resource: sources.Resource


FILES = {
    "audio": Published(128, "vggish-published", sources.ENHANCED_AUDIO),
    "video": Published(
        2048,
        "resnet50-published",
        _resource("video", "46a160bfc309b37aa39274b19000250b0bf66b08"),
    ),
    "text": Published(
        384,
        "sbert-published",
        _resource("text", "af68d139c0c43267989e87a463f3676ed603b656"),
    ),
    "meta": Published(
        1220,
        "h+r-t-published",
        _resource("meta", "ac1c2f08d50368323dd6a00d29347e5959d0b5d4"),
    ),
}


def read(modality: str, path: Path) -> tuple[FeatureTable, pd.DataFrame]:
    """Imports one of the files.

    Args:
        modality: A key of :data:`FILES`.
        path: As ``sources.fetch(FILES[modality].resource, cache).path`` gives it. A first row that
            only numbers or names the columns, and a first column that only counts rows, are no
            data.

    Returns:
        The table, and the movies left out for NaN, infinite, implausibly large or all-zero rows:
        ``movie_id, file, reason``.

    Raises:
        StudyError: If the file is not 1,682 rows of the modality's width.
    """
    known, remedy = FILES[modality], "Delete the copy and fetch the published file again."
    try:
        table = pd.read_csv(path, header=None, low_memory=False)
        values = table.apply(pd.to_numeric, errors="coerce").to_numpy(float)
    except (OSError, ValueError) as error:
        raise StudyError(f"not a CSV ({error})", where=path, remedy=remedy) from error
    if len(values) == N_MOVIES + 1:
        values = values[1:]
    if values.shape == (N_MOVIES, known.width + 1) and (np.diff(values[:, 0]) == 1).all():
        values = values[:, 1:]
    if values.shape != (N_MOVIES, known.width):
        what = f"{values.shape[0]} × {values.shape[1]} values, not {N_MOVIES} × {known.width}"
        raise StudyError(what, where=path, remedy=remedy)
    reasons = {
        "no number (NaN)": np.isnan(values).all(axis=1),
        "overflow": (np.abs(values) > MAGNITUDE_LIMIT).any(axis=1),
        "NaN among its numbers": np.isnan(values).any(axis=1),
        "all zero": (values == 0).all(axis=1),
    }
    reason = np.select(list(reasons.values()), list(reasons), default="")
    usable = np.flatnonzero(reason == "")
    left_out = [(i + 1, path.name, str(reason[i])) for i in np.flatnonzero(reason != "")]
    provenance = {
        "encoder": known.encoder,
        "weights": "the authors', unpublished",
        "recipe": "as published by the authors",
        "source": f"published {modality} vectors of {len(usable):,} movies",
        "stand_in": None,
    }
    parts = PARTS if modality == "meta" else None
    table = FeatureTable(modality, usable + 1, values[usable], provenance, parts)
    return table, dropped(left_out)
