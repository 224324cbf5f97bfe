"""Lists by the popularity of what they should have found: is a model good on the long tail?

The score of a list is mostly that of popular films, since they are most of what users like. Here
the relevant films are told apart by how many ratings they have.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mmrec.evaluation.metrics import LIST_MEASURES
from mmrec.experiments.loading import load
from mmrec.reports.summaries import KEYS, groups, list_values
from mmrec.workspace import Workspace

N_GROUPS = 10


def by_popularity(runs: pd.DataFrame, workspace: Workspace) -> pd.DataFrame:
    """Scores of lists by deciles of the relevant films' popularity.

    Popularity is the number of ratings that a film has in the whole data set. Films are sorted by
    it and cut so that each group has as many relevant pairs (a user and a film that he or she
    likes in the test part) as whole films allow: a tenth of them in a decile.

    Args:
        runs: What :func:`mmrec.experiments.runner.run` returned, those with lists.
        workspace: Where the lists lie.

    Returns:
        One row per row of a summary and group: :data:`~mmrec.reports.summaries.KEYS`, ``decile``
        (from 1, the least popular, to 10), ``ratings_from`` and ``ratings_to`` (of its films),
        ``films``, ``relevant`` (pairs), ``weight`` (its share of the score) and ``ndcg_10`` and
        ``recall_20``, means over seeds. The sum of weight times score over the groups of a row is
        the row's score. Groups without a film are left out.
    """
    data = load(workspace)
    counts = data.ratings["movie_id"].map(data.films).value_counts()
    rows = []
    for key, group in groups(runs).items():
        measured = {name: list_values(key, group, workspace, name) for name in LIST_MEASURES}
        first = measured[LIST_MEASURES[0]]
        film = pd.Series(first.values.index.get_level_values("film_id"))
        popularity = film.map(counts).to_numpy(np.int64)
        place = _groups(popularity, film.to_numpy(np.int64))
        weights = first.sample.weights
        for decile in np.unique(place):
            some = place == decile
            rows.append(
                {
                    **key._asdict(),
                    "decile": int(decile) + 1,
                    "ratings_from": int(popularity[some].min()),
                    "ratings_to": int(popularity[some].max()),
                    "films": film[some].nunique(),
                    "relevant": int(some.sum()),
                    "weight": float(weights[some].sum() / weights.sum()),
                    **{
                        name: float(np.average(values.over_seeds()[some], weights=weights[some]))
                        for name, values in measured.items()
                    },
                }
            )
    columns = [*KEYS, "decile", "ratings_from", "ratings_to", "films", "relevant", "weight"]
    return pd.DataFrame(rows, columns=[*columns, *LIST_MEASURES]).astype({"support_size": "Int64"})


def _groups(popularity: NDArray[np.integer], film: NDArray[np.integer]) -> NDArray[np.int64]:
    """Group of each relevant pair, from 0; all pairs of a film are in one group."""
    order = np.lexsort((film, popularity))
    middle = pd.Series(np.arange(len(film)) + 0.5).groupby(film[order]).transform("mean")
    found = np.empty(len(film), np.int64)
    found[order] = (middle.to_numpy() * N_GROUPS / len(film)).astype(np.int64)
    return found
