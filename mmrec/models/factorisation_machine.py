"""Bayesian factorisation machines by myFM, on ids, facts about users and content of movies.

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
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse
from threadpoolctl import threadpool_limits

from mmrec.models.base import TrainingData
from mmrec.models.content import content_blocks
from mmrec.models.relational_blocks import (
    Side,
    content_block,
    counts,
    is_wide,
    movie_side,
    user_side,
)
from mmrec.models.search import Choice
from mmrec.models.selection import Predictor, Settings, TunedRecommender, choose_in_turn

with warnings.catch_warnings():
    # It asks for its own version in a way that is going out of use: our limit on setuptools.
    warnings.filterwarnings("ignore", message="pkg_resources is deprecated")
    from myfm import MyFMRegressor, RelationBlock


@dataclass(frozen=True)
class FactorisationMachineConfig:
    """What a factorisation machine reads, and how it is sampled; users always have their id.

    Attributes:
        item_ids: Whether movies have an id column each; else a movie is what its content says.
        demographics: Whether to read the users' age, gender and occupation.
        implicit: Whether a user may also be the movies he or she rated in training, and, with item
            ids, a movie the users who did, whatever the ratings. The validation ratings decide:
            it helps to place the known, and it hides from the content what there is to learn for
            the new.
        content: Names of the feature tables to read. Every part of a table is a block of its own.
        ranks: Lengths of a column's vector to choose from.
        components: Numbers of principal components to choose from, in the place of a block of
            numbers with more columns than the least of them.
        draws: Gibbs iterations.
        burn_in: First draws, thrown away.
    """

    item_ids: bool = True
    demographics: bool = False
    implicit: bool = False
    content: tuple[str, ...] = ()
    ranks: tuple[int, ...] = (8, 12)
    components: tuple[int, ...] = (16, 64)
    draws: int = 150
    burn_in: int = 30

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the feature tables that it reads."""
        return tuple(sorted(set(self.content)))

    def build(self) -> "FactorisationMachine":
        """An unfitted model."""
        return FactorisationMachine(self)


class FactorisationMachine(TunedRecommender):
    """See :class:`FactorisationMachineConfig`.

    The validation ratings choose, in turn, ``implicit``, ``rank`` and, if there is wide content,
    ``components``; the seed is of the draws. A user or a movie that lacks an id column and content
    alike is the mean of those that have them: what is left of a prediction is the other side's.
    """

    def __init__(self, config: FactorisationMachineConfig):
        self.config = config

    def _choose(
        self, data: TrainingData, *, seed: int, chosen: Mapping[str, Any] | None
    ) -> Choice[Predictor]:
        config, train = self.config, data.train
        ratings = counts(data.movies, train["movie_id"])
        # What a single movie in training has, or none, cannot be learned from.
        content = [
            block
            for block in content_blocks(data, config.features).values()
            if (block.present & (ratings > 0)).sum() > 1
        ]
        options: dict[str, tuple[Any, ...]] = {
            "implicit": (True, False) if config.implicit else (False,),
            "rank": config.ranks,
        }
        if any(is_wide(block, config.components) for block in content):
            options["components"] = config.components

        def fit(settings: Settings) -> Predictor:
            # Wide content may have come with the ratings of a refit: then the search's first value.
            components = settings.get("components", config.components[0])
            blocks = [
                content_block(
                    block, ratings, components if is_wide(block, config.components) else None
                )
                for block in content
            ]
            implicit = settings["implicit"]
            users = user_side(train, data.users if config.demographics else None, implicit=implicit)
            movies = movie_side(
                train, data.movies, blocks, item_ids=config.item_ids, implicit=implicit
            )
            return _sample(train, users, movies, settings["rank"], config, seed)

        # Sums of another order round differently, and the draws would go another way.
        with threadpool_limits(1):
            return choose_in_turn(fit, options, data.validation, chosen=chosen)


def _sample(
    train: pd.DataFrame,
    users: Side,
    movies: Side,
    rank: int,
    config: FactorisationMachineConfig,
    seed: int,
) -> Predictor:
    """Runs the sampler; the predictor looks up the mean over the draws."""
    sides = (users, movies)
    matrices = [side.matrix for side in sides]
    width = matrices[0].shape[1]
    squares = [matrix.power(2) for matrix in matrices]
    intercepts: list[float] = []
    weights: tuple[list[NDArray[np.float64]], ...] = ([], [])
    vectors: tuple[list[NDArray[np.float64]], ...] = ([], [])

    def keep(draw: int, drawn: Any, *_: object) -> tuple[bool, None]:
        if draw >= config.burn_in:
            intercepts.append(drawn.w0)
            for i, columns in enumerate((slice(0, width), slice(width, None))):
                weight, vector = drawn.w[columns], drawn.V[columns]
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
    regressor = MyFMRegressor(rank=rank, random_seed=seed)
    with contextlib.redirect_stderr(io.StringIO()):  # its progress bar has no switch
        regressor.fit(
            None,
            train["rating"].to_numpy(np.float64),
            X_rel=relations,
            n_iter=config.draws,
            n_kept_samples=1,  # we keep what predictions need, which is far less
            group_shapes=[block.shape[1] for side in sides for block in side.blocks],
            callback=keep,
        )
    of_users, of_movies = (np.hstack(drawn) for drawn in vectors)
    of_user, of_movie = (np.mean(drawn, axis=0) for drawn in weights)
    scores = of_users @ of_movies.T / len(intercepts)
    scores += np.mean(intercepts) + of_user[:, None] + of_movie

    def predict(pairs: pd.DataFrame) -> NDArray[np.float64]:
        return scores[users.rows(pairs["user_id"]), movies.rows(pairs["movie_id"])]

    return predict
