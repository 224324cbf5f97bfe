"""Users and movies as a factorisation machine reads them: blocks of columns, a row for each.

What a user or a movie does not have (no training rating, hence no id column; no such content) is
the mean over those in training that do. Each side has one row more, for anyone who is unknown.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from sklearn.decomposition import PCA

from mmrec.models.content import Block, moments

AGE_BAND = 10
"""Years that a column of the age covers."""


@dataclass(frozen=True)
class Side:
    """One side of the ratings: the users, or the movies.

    Attributes:
        ids: n ids.
        blocks: Sparse float64 [n + 1, d] each; the last row is anyone who is not among the ids.
    """

    ids: pd.Index
    blocks: Sequence[sparse.csr_array]

    def rows(self, wanted: pd.Series) -> NDArray[np.intp]:
        """Row of each id, -1 and thus the last one for the unknown."""
        return self.ids.get_indexer(pd.Index(wanted))

    @property
    def matrix(self) -> sparse.csr_array:
        """All blocks side by side."""
        return sparse.csr_array(sparse.hstack(self.blocks))


def user_side(train: pd.DataFrame, people: pd.DataFrame | None, *, implicit: bool) -> Side:
    """Users by id, demographics and the movies they rated.

    Args:
        train: ``user_id, movie_id``.
        people: ``user_id, age, gender, occupation``; None leaves demographics out.
        implicit: Whether to include the movies that a user rated, whatever the ratings.
    """
    ids = pd.Index(np.sort(train["user_id"].unique()))
    if people is not None:
        ids = ids.union(pd.Index(people["user_id"]))
    blocks = [one_hot(ids, train["user_id"])]
    if people is not None:
        facts = people.set_index("user_id").reindex(ids)
        flags = pd.get_dummies(
            pd.DataFrame(
                {
                    "age": (facts["age"] // AGE_BAND).astype("Int64").astype("category"),
                    "gender": facts["gender"],
                    "occupation": facts["occupation"],
                }
            )
        )
        known = facts["age"].notna().to_numpy()
        blocks.append(
            filled(
                sparse.csr_array(flags.to_numpy(np.float64)), known, counts(ids, train["user_id"])
            )
        )
    if implicit:
        blocks.append(rated(ids, train["user_id"], train["movie_id"]))
    return Side(ids, blocks)


def movie_side(
    train: pd.DataFrame,
    movies: pd.Index,
    content: Collection[sparse.csr_array],
    *,
    item_ids: bool,
    implicit: bool,
) -> Side:
    """Movies by content, id and the users who rated them.

    Args:
        train: ``user_id, movie_id``.
        movies: All movie ids.
        content: Blocks [m + 1, d] of the content, see :func:`content_block`.
        item_ids: Whether movies have an id column each.
        implicit: Whether to include the users who rated a movie, whatever the ratings; without
            item ids they are left out too, as they would tell which movie it is.
    """
    blocks = list(content)
    if item_ids:
        blocks.append(one_hot(movies, train["movie_id"]))
        if implicit:
            blocks.append(rated(movies, train["movie_id"], train["user_id"]))
    return Side(movies, blocks)


def counts(ids: pd.Index, trained: pd.Series) -> NDArray[np.int64]:
    """Training ratings of each id, int64 [n]."""
    return np.asarray(trained.value_counts().reindex(ids, fill_value=0), np.int64)


def one_hot(ids: pd.Index, trained: pd.Series) -> sparse.csr_array:
    """A column for each id in training, [n + 1, n_trained]."""
    ratings = counts(ids, trained)
    seen = ratings > 0
    return filled(
        sparse.csr_array(sparse.eye_array(len(ids), format="csr")[:, seen]), seen, ratings
    )


def rated(ids: pd.Index, trained: pd.Series, others: pd.Series) -> sparse.csr_array:
    """Whom or what each id met in training; the squares of a row's entries sum to 1."""
    columns, named = pd.factorize(others)
    at = ids.get_indexer(pd.Index(trained)), columns
    met = sparse.csr_array((np.ones(len(columns)), at), (len(ids), len(named)))
    ratings = counts(ids, trained)
    scale = 1 / np.sqrt(np.maximum(ratings, 1))
    return filled(sparse.csr_array(sparse.diags_array(scale) @ met), ratings > 0, ratings)


def is_wide(block: Block, components: Sequence[int]) -> bool:
    """Whether principal components replace a block: more columns than the fewest of them."""
    return not _is_binary(block) and block.vectors.shape[1] > min(components)


def _is_binary(block: Block) -> bool:
    return bool(np.isin(block.vectors, (0, 1)).all())


def content_block(
    block: Block, ratings: NDArray[np.int64], components: int | None
) -> sparse.csr_array:
    """A block of the content, fitted on the movies in training, [m + 1, d].

    Zeros and ones enter as they are; other columns are standardised over the training movies.

    Args:
        block: Vectors [m, d].
        ratings: Training ratings of each movie, [m].
        components: Number of principal components to take in the place of the columns; None
            takes the columns.
    """
    vectors, present = block
    known = present & (ratings > 0)
    if _is_binary(block):
        return filled(sparse.csr_array(vectors), present, ratings)
    mean, deviation = moments(vectors[known])
    scaled = (vectors - mean) / deviation
    if components is not None:
        n = min(components, *vectors[known].shape)
        scaled = PCA(n, svd_solver="full").fit(scaled[known]).transform(scaled)
    # Rows of length 1 on the whole, like one-hot rows: the prior means the same for both.
    scaled /= np.sqrt((scaled[known] ** 2).sum(axis=1).mean()) or 1
    return filled(sparse.csr_array(scaled), present, ratings)


def filled(
    rows: sparse.csr_array, present: NDArray[np.bool_], ratings: NDArray[np.int64]
) -> sparse.csr_array:
    """Puts the mean row where none is present, and below as a last row.

    The mean is that over the training ratings, not over the movies or users: whoever is rated
    next is more likely one who is rated often.

    Args:
        rows: [n, d].
        present: bool [n].
        ratings: How many training ratings each row has, [n].

    Returns:
        [n + 1, d].
    """
    known = rows.astype(np.float64)
    weights = present * ratings / max((present * ratings).sum(), 1)
    mean = sparse.csr_array((known.T @ weights)[None])
    own = sparse.diags_array(present.astype(np.float64)) @ known
    absent = sparse.csr_array((~np.append(present, False))[:, None].astype(np.float64))
    return sparse.csr_array(sparse.vstack([own, 0 * mean]) + absent @ mean)
