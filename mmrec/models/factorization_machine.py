"""Bayesian factorisation machines by myFM: ids, facts on users, content of movies, or all of it.

A factorisation machine gives every column of its input a weight and a vector; a rating is the sum
of the weights and of the products of the vectors, pair by pair. Gibbs sampling draws both from
their posterior. Each block of columns has a prior of its own, so that a block which explains
nothing is shrunk away. Content enters as easily as ids, and a fit takes seconds: this is what the
paper's network is held against.

The input is one row per user and one per movie (relational blocks), so cost grows with these and
not with the columns of every rating. A draw's predictions of all pairs are then one product of
user vectors and movie vectors, and so is their mean over the draws, with the vectors laid end to
end: exact, and the same effort for all pairs as for some.
"""

import contextlib
import io
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse
from sklearn.decomposition import PCA
from threadpoolctl import threadpool_limits

from mmrec.models.selection import Predictor, choose_in_turn

with warnings.catch_warnings():
    # It asks for its own version in a way that is going out of use: our limit on setuptools.
    warnings.filterwarnings("ignore", message="pkg_resources is deprecated")
    from myfm import MyFMRegressor, RelationBlock

RANKS = (8, 12)
"""Lengths of a column's vector tried."""

COMPONENTS = (16, 64)
"""Numbers of principal components tried in the place of a wide dense block."""

DRAWS = 150
"""Gibbs iterations."""

BURN_IN = 30
"""First draws, thrown away."""

AGE_BAND = 10
"""Years that a column of the age covers."""


@dataclass(frozen=True)
class Side:
    """Users, or movies, as the machine sees them.

    Attributes:
        ids: n ids.
        blocks: Sparse float64 [n + 1, d] each; the last row is anyone who is not among the ids.
    """

    ids: pd.Index
    blocks: Sequence[sparse.csr_array]

    def rows(self, wanted: pd.Series) -> np.ndarray:
        """Row of each id, -1 and thus the last one for the unknown."""
        return self.ids.get_indexer(wanted)

    @property
    def matrix(self) -> sparse.csr_array:
        """All blocks side by side."""
        return sparse.csr_array(sparse.hstack(self.blocks))


def fit_factorization_machine(
    train: pd.DataFrame,
    validation: pd.DataFrame,
    *,
    users: pd.DataFrame | None,
    content: Mapping[str, tuple[np.ndarray, np.ndarray]],
    movies: pd.Index,
    item_ids: bool,
    implicit: bool,
    seed: int,
) -> tuple[Predictor, dict]:
    """Fits a factorisation machine; what it is made of is chosen on the validation, in turn.

    First whether to use the implicit feedback, which helps to place the known and hides from the
    content what there is to learn for the new; then the rank, and the number of components.

    Users always have their id. What a user or a movie does not have (no training rating, hence no
    id column; no such content) is the mean over those in training that do: without ids and
    content alike, what is left of a prediction is the other side's.

    Args:
        train: ``user_id, movie_id, rating``.
        validation: The same.
        users: ``user_id, age, gender, occupation``; None leaves demographics out.
        content: For each block of columns a matrix [m, d], rows as in ``movies``, and bool [m]:
            which movies have it. Zeros and ones enter as they are; other columns are standardised
            over the training movies, and principal components replace them if they are many. As
            every block has a prior of its own, the parts of a table are best given one by one.
        movies: The m movie ids.
        item_ids: Whether movies have an id column each; else a movie is what its content says.
        implicit: Whether a user may also be the movies he or she rated in training, and, with
            item ids, a movie the users who did, whatever the ratings.
        seed: Of the draws.

    Returns:
        The predictor, and a record: ``tuning`` (each setting with its ``validation_rmse``),
        ``chosen`` and ``validation_rmse``.
    """
    counts = _counts(movies, train["movie_id"])
    # What a single movie in training has, or none, cannot be learned from.
    content = {
        name: (matrix, present)
        for name, (matrix, present) in content.items()
        if (present & (counts > 0)).sum() > 1
    }
    options = {"implicit": (True, False) if implicit else (False,), "rank": RANKS}
    if any(_is_wide(matrix) for matrix, _ in content.values()):
        options["components"] = COMPONENTS

    def fit(settings: dict) -> Predictor:
        components = settings.get("components")
        blocks = [_content(*block, counts, components) for block in content.values()]
        user_side = _users(train, users, settings["implicit"])
        movie_side = _movies(train, movies, blocks, item_ids, settings["implicit"])
        return _sample(train, user_side, movie_side, settings["rank"], seed)

    # Sums of another order round differently, and the draws would go another way.
    with threadpool_limits(1):
        return choose_in_turn(fit, options, validation)


def _sample(train: pd.DataFrame, users: Side, movies: Side, rank: int, seed: int) -> Predictor:
    """Runs the sampler; the predictor looks up the mean over the draws."""
    sides = (users, movies)
    matrices = [side.matrix for side in sides]
    width = matrices[0].shape[1]
    squares = [matrix.power(2) for matrix in matrices]
    intercepts, weights, vectors = [], ([], []), ([], [])

    def keep(draw: int, machine, *_) -> tuple[bool, None]:
        if draw >= BURN_IN:
            intercepts.append(machine.w0)
            for i, columns in enumerate((slice(0, width), slice(width, None))):
                weight, vector = machine.w[columns], machine.V[columns]
                summed = matrices[i] @ vector
                # The products of a side's own columns concern that side alone, as its weights do.
                own = ((summed**2) - squares[i] @ vector**2).sum(axis=1) / 2
                weights[i].append(matrices[i] @ weight + own)
                vectors[i].append(summed)
        return False, None

    relations = []
    for side, key, matrix in zip(sides, ("user_id", "movie_id"), matrices, strict=True):
        # Those without a training rating would be long rows of means, and teach nothing.
        rows, at = np.unique(side.rows(train[key]), return_inverse=True)
        relations.append(RelationBlock(at, sparse.csr_matrix(matrix[rows])))
    machine = MyFMRegressor(rank=rank, random_seed=seed)
    with contextlib.redirect_stderr(io.StringIO()):  # its progress bar has no switch
        machine.fit(
            None,
            train["rating"].to_numpy(np.float64),
            X_rel=relations,
            n_iter=DRAWS,
            n_kept_samples=1,  # we keep what predictions need, which is far less
            group_shapes=[block.shape[1] for side in sides for block in side.blocks],
            callback=keep,
        )
    of_users, of_movies = (np.hstack(drawn) for drawn in vectors)
    of_user, of_movie = (np.mean(drawn, axis=0) for drawn in weights)
    scores = of_users @ of_movies.T / len(intercepts)
    scores += np.mean(intercepts) + of_user[:, None] + of_movie

    def predict(pairs: pd.DataFrame) -> np.ndarray:
        return scores[users.rows(pairs["user_id"]), movies.rows(pairs["movie_id"])]

    return predict


def _users(train: pd.DataFrame, demographics: pd.DataFrame | None, implicit: bool) -> Side:
    ids = pd.Index(np.sort(train["user_id"].unique()))
    if demographics is not None:
        ids = ids.union(demographics["user_id"])
    blocks = [_one_hot(ids, train["user_id"])]
    if demographics is not None:
        facts = demographics.set_index("user_id").reindex(ids)
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
        blocks.append(_filled(flags.to_numpy(np.float64), known, _counts(ids, train["user_id"])))
    if implicit:
        blocks.append(_rated(ids, train["user_id"], train["movie_id"]))
    return Side(ids, blocks)


def _movies(
    train: pd.DataFrame,
    movies: pd.Index,
    content: Sequence[sparse.csr_array],
    item_ids: bool,
    implicit: bool,
) -> Side:
    blocks = list(content)
    if item_ids:
        blocks.append(_one_hot(movies, train["movie_id"]))
        if implicit:
            blocks.append(_rated(movies, train["movie_id"], train["user_id"]))
    return Side(movies, blocks)


def _counts(ids: pd.Index, trained: pd.Series) -> np.ndarray:
    """Training ratings of each id."""
    return trained.value_counts().reindex(ids, fill_value=0).to_numpy()


def _one_hot(ids: pd.Index, trained: pd.Series) -> sparse.csr_array:
    """A column for each id in training."""
    counts = _counts(ids, trained)
    seen = counts > 0
    return _filled(sparse.eye_array(len(ids), format="csr")[:, seen], seen, counts)


def _rated(ids: pd.Index, trained: pd.Series, others: pd.Series) -> sparse.csr_array:
    """Whom or what each id met in training; the squares of a row's entries sum to 1."""
    columns, named = pd.factorize(others)
    at = ids.get_indexer(trained), columns
    met = sparse.csr_array((np.ones(len(columns)), at), (len(ids), len(named)))
    counts = _counts(ids, trained)
    scale = 1 / np.sqrt(np.maximum(counts, 1))
    return _filled(sparse.diags_array(scale) @ met, counts > 0, counts)


def _is_binary(matrix: np.ndarray) -> bool:
    return bool(np.isin(matrix, (0, 1)).all())


def _is_wide(matrix: np.ndarray) -> bool:
    return not _is_binary(matrix) and matrix.shape[1] > min(COMPONENTS)


def _content(
    matrix: np.ndarray, present: np.ndarray, counts: np.ndarray, components: int | None
) -> sparse.csr_array:
    """A block of the content, fitted on the movies in training."""
    known = present & (counts > 0)
    if _is_binary(matrix):
        return _filled(matrix, present, counts)
    fitted = matrix[known].astype(np.float64)
    deviation = fitted.std(axis=0)
    deviation[deviation < 1e-6] = 1  # a constant column says nothing: zero after centring
    scaled = (matrix - fitted.mean(axis=0)) / deviation
    if _is_wide(matrix):
        n = min(components, *fitted.shape)
        scaled = PCA(n, svd_solver="full").fit(scaled[known]).transform(scaled)
    # Rows of length 1 on the whole, like one-hot rows: the prior means the same for both.
    scaled /= np.sqrt((scaled[known] ** 2).sum(axis=1).mean()) or 1
    return _filled(scaled, present, counts)


def _filled(rows, present: np.ndarray, ratings: np.ndarray) -> sparse.csr_array:
    """Puts the mean row where none is ``present``, and below as a last row.

    The mean is that over the training ratings, not over the movies or users: whoever is rated
    next is more likely one who is rated often.

    Args:
        rows: [n, d].
        present: bool [n].
        ratings: How many training ratings each row has, [n].
    """
    rows = sparse.csr_array(rows, dtype=np.float64)
    weights = present * ratings / max((present * ratings).sum(), 1)
    mean = sparse.csr_array((rows.T @ weights)[None])
    own = sparse.diags_array(present.astype(np.float64)) @ rows
    absent = sparse.csr_array((~np.append(present, False))[:, None].astype(np.float64))
    return sparse.csr_array(sparse.vstack([own, 0 * mean]) + absent @ mean)
