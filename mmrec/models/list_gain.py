"""How good a list is: the gain of what stands in it, the same in validation and in test."""

import numpy as np
from numpy.typing import NDArray

LISTED = 10
"""Length of the list a user is shown: NDCG, catalogue coverage and popularity are of it."""


def ndcg_share(
    rank: NDArray[np.float64], n_relevant: NDArray[np.int64], k: int = LISTED
) -> NDArray[np.float64]:
    """What a relevant film adds to its user's normalised discounted cumulative gain at k.

    Relevance is binary. A relevant film at rank r gains 1 / log2(r + 1), nothing beyond rank k;
    the gain is divided by that of the best possible list, which has all of the user's relevant
    films (at most k) on top. The sum over a user's relevant films is the user's NDCG@k, that of
    LensKit and of scikit-learn. These give a user's score alone; where films were sampled, the
    interval of the mean needs to know which film added what.

    Args:
        rank: Rank of each relevant film, from 1; infinite where it is not listed.
        n_relevant: Number of relevant films of each film's user, at least 1.
        k: Ranks that count.
    """
    best = np.cumsum(1 / np.log2(np.arange(2, k + 2)))[np.minimum(n_relevant, k) - 1]
    return np.asarray(np.where(rank <= k, 1 / np.log2(rank + 1), 0.0) / best)
