"""Empty tables, for a reader's own films without any input for a modality.

For MovieLens, a missing input is an error. For a reader's own films, a chapter reports what is
missing and continues.
"""

from collections.abc import Mapping

import numpy as np

from mmrec.catalogue import own
from mmrec.features.table import FeatureTable
from mmrec.workspace import Workspace

REASON = "left out"
"""Key in the provenance under which an empty table says why it is empty."""


def nothing(modality: str, why: str, parts: Mapping[str, slice] | None = None) -> FeatureTable:
    """An empty table.

    Args:
        modality: Its name.
        why: Why it is empty, for its provenance.
        parts: Its parts, if what reads it asks for them; by default one without a column.
    """
    width = max((part.stop for part in (parts or {}).values()), default=0)
    numbers = np.zeros((0, width), np.float32)
    return FeatureTable(modality, np.zeros(0, np.int64), numbers, {REASON: why}, dict(parts or {}))


def keep(table: FeatureTable, workspace: Workspace, name: str | None = None) -> None:
    """Writes a table where the other chapters read it.

    Of films of a reader's own, a table of no film is not written, and an earlier one of its name
    is removed: whether there is a file says whether there are vectors, as with ``mmrec features``.

    Args:
        table: The table.
        workspace: Whose features it is one of.
        name: Of the file, without suffix; by default that of the modality.

    Raises:
        LocalError: If the disk is full or may not be written.
    """
    path = workspace.features / f"{name or table.modality}.parquet"
    if len(table.movie_ids) or own.load(workspace) is None:
        table.save(path)
    else:
        path.unlink(missing_ok=True)
