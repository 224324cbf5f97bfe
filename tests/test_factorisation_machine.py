"""Factorisation machines: the mean over the draws, strangers, content, what is fitted on whom."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from mmrec.features.table import FeatureTable
from mmrec.models import relational_blocks
from mmrec.models.content import Block
from mmrec.models.factorisation_machine import FactorisationMachineConfig
from mmrec.models.rating_scale import rmse
from mmrec.models.relational_blocks import content_block, counts, movie_side, user_side
from tests import tiny, training_data
from tests.training_data import MOVIES, PEOPLE

COLD = MOVIES[[3, 17]]
"""Movies kept out of training."""

HYBRID = FactorisationMachineConfig(
    demographics=True,
    implicit=True,
    content=("content",),
    ranks=(2,),
    components=(3,),
    draws=12,
    burn_in=4,
)


@pytest.fixture
def parts() -> tuple[pd.DataFrame, pd.DataFrame]:
    ratings = tiny.ratings()
    warm = ratings[~ratings["movie_id"].isin(COLD)]
    return warm.iloc[:-80], warm.iloc[-80:]


def content(seed: int = 0) -> dict[str, Block]:
    """A wide block, a narrow one and flags; the wide one is missing for some movies."""
    rng = np.random.default_rng(seed)
    n = len(MOVIES)
    wide = rng.normal(3, 2, (n, 7)).astype(np.float32), rng.random(n) < 0.8
    narrow = rng.normal(size=(n, 1)).astype(np.float32), np.ones(n, bool)
    flags = (rng.random((n, 5)) < 0.3).astype(np.float32), np.ones(n, bool)
    wide[0][~wide[1]] = 0
    return {"wide": Block(*wide), "narrow": Block(*narrow), "flags": Block(*flags)}


def as_table(blocks: dict[str, Block]) -> FeatureTable:
    """A feature table whose parts are these blocks."""
    parts, start = {}, 0
    for name, block in blocks.items():
        parts[name] = slice(start, start := start + block.vectors.shape[1])
    vectors = np.hstack([block.vectors for block in blocks.values()])
    present = np.stack([block.present for block in blocks.values()], axis=1)
    return FeatureTable("content", MOVIES.to_numpy(), vectors, {}, parts, present)


def fit(train, validation, *, blocks=None, seed=0, users=PEOPLE, chosen=None, **changes):
    """The machine of the tests, with some of its options changed."""
    table = as_table(content() if blocks is None else blocks)
    data = training_data.of(train, validation, {"content": table}, users=users)
    return replace(HYBRID, **changes).build().fit(data, seed=seed, chosen=chosen)


def every_pair() -> pd.DataFrame:
    """All users by all movies, and a user and a movie that nobody knows."""
    users, movies = [*PEOPLE["user_id"], 999], [*MOVIES, 998]
    return pd.MultiIndex.from_product([users, movies], names=["user_id", "movie_id"]).to_frame(
        index=False
    )


def test_predictions_are_the_mean_of_myfms_own(parts):
    """Against myFM's slow way: every pair through every draw."""
    from myfm import MyFMRegressor, RelationBlock

    train, validation = parts
    model = fit(train, validation)
    implicit = model.chosen["implicit"]
    ratings = counts(MOVIES, train["movie_id"])
    described = [
        content_block(block, ratings, 3 if name == "wide" else None)
        for name, block in content().items()
    ]
    sides = (
        user_side(train, PEOPLE, implicit=implicit),
        movie_side(train, MOVIES, described, item_ids=True, implicit=implicit),
    )

    def blocks(pairs):
        return [
            RelationBlock(side.rows(pairs[key]) % side.matrix.shape[0], csr)
            for side, key in zip(sides, ("user_id", "movie_id"), strict=True)
            for csr in [sparse.csr_matrix(side.matrix)]
        ]

    regressor = MyFMRegressor(rank=2, random_seed=0).fit(
        None,
        train["rating"].to_numpy(float),
        X_rel=blocks(train),
        n_iter=12,
        n_kept_samples=8,
        group_shapes=[block.shape[1] for side in sides for block in side.blocks],
    )
    assert len(sides[0].blocks) == 2 + implicit  # id, demographics, movies rated
    assert len(sides[1].blocks) == 4 + implicit  # three of the content, id, users who rated
    pairs = every_pair()
    assert model.predict(pairs) == pytest.approx(regressor.predict(None, blocks(pairs)))


@pytest.mark.parametrize("item_ids", [True, False])
@pytest.mark.parametrize("implicit", [True, False])
@pytest.mark.parametrize("demographics", [True, False])
def test_everybody_gets_a_rating(parts, item_ids, implicit, demographics):
    model = fit(*parts, item_ids=item_ids, implicit=implicit, demographics=demographics)
    assert np.isfinite(model.predict(every_pair())).all()


def test_cold_movies_differ_by_their_content_alone(parts):
    pairs = pd.DataFrame({"user_id": 1, "movie_id": [*COLD, 998, 997]})
    known, other, *strangers = fit(*parts).predict(pairs)
    assert known != other
    assert strangers[0] == strangers[1]
    without = fit(*parts, content=())
    assert np.ptp(without.predict(pairs)) == pytest.approx(0)
    assert np.ptp(without.predict(pairs.assign(user_id=[1, 2, 3, 4]))) > 0


def test_cold_users_differ_by_demographics_alone(parts):
    train, validation = (part[part["user_id"] > 4] for part in parts)
    pairs = pd.DataFrame({"user_id": [1, 2, 999, 998], "movie_id": MOVIES[0]})
    first, second, *strangers = fit(train, validation).predict(pairs)
    assert first != second
    assert strangers[0] == strangers[1]
    without = fit(train, validation, demographics=False)
    assert np.ptp(without.predict(pairs)) == pytest.approx(0)


def test_content_alone_finds_what_makes_a_movie_good():
    """Every third movie is not in training; its flag tells whether it is good."""
    rng = np.random.default_rng(0)
    good = rng.random(len(MOVIES)) < 0.5
    ratings = tiny.ratings()
    ratings["rating"] = 2 + 2 * good[MOVIES.get_indexer(ratings["movie_id"])]
    new = ratings["movie_id"].isin(MOVIES[::3])
    flags = {"good": Block(good[:, None].astype(np.float32), np.ones(len(MOVIES), bool))}
    model = fit(
        ratings[~new],
        ratings[~new],
        blocks=flags,
        demographics=False,
        item_ids=False,
        implicit=False,
        draws=60,
        burn_in=20,
    )
    assert rmse(model.predict(ratings[new]), ratings.loc[new, "rating"]) < 0.2


def test_a_seed_settles_the_predictions(parts):
    pairs = every_pair()
    first, again, other = (fit(*parts, seed=seed).predict(pairs) for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_every_setting_is_on_record(parts):
    model = fit(*parts, ranks=(1, 2), components=(2, 4))
    tuning = model.record["tuning"]
    tried = [(row["implicit"], row["rank"], row["components"]) for row in tuning]
    assert tried[:2] == [(True, 1, 2), (False, 1, 2)]
    assert tried[2][1:] == (2, 2)
    assert tried[3][2] == 4
    assert len(tried) == 4
    assert model.record["validation_rmse"] == min(row["validation_rmse"] for row in tuning)


def test_what_is_not_there_is_not_tuned(parts):
    narrow = {name: content()[name] for name in ("narrow", "flags")}
    model = fit(*parts, blocks=narrow, implicit=False)
    assert model.chosen == {"implicit": False, "rank": 2}
    assert len(model.record["tuning"]) == 1


def test_wide_content_that_comes_with_a_refits_ratings_is_reduced_as_well(parts):
    """Of the two movies that have it, the validation part holds all ratings of one."""
    train, validation = parts
    first, second = train["movie_id"].iloc[0], validation["movie_id"].iloc[0]
    train = train[train["movie_id"] != second]
    few = np.isin(MOVIES, [first, second])
    wide = {"wide": Block(content()["wide"].vectors * few[:, None], few)}
    chosen = fit(train, validation, blocks=wide).chosen
    assert "components" not in chosen
    refitted = fit(pd.concat(parts), parts[0][:0], blocks=wide, chosen=chosen)
    assert refitted.chosen == chosen
    assert np.isfinite(refitted.predict(every_pair())).all()


def test_content_of_too_few_movies_in_training_is_left_out(parts):
    plain = fit(*parts, content=())
    lone = np.isin(MOVIES, [COLD[0], parts[0]["movie_id"].iloc[0]])
    few = {name: Block(lone[:, None] * block.vectors, lone) for name, block in content().items()}
    assert np.array_equal(
        fit(*parts, blocks=few).predict(every_pair()), plain.predict(every_pair())
    )


def test_constant_content_does_no_harm(parts):
    constant = Block(np.full((len(MOVIES), 1), 0.7, np.float32), np.ones(len(MOVIES), bool))
    model = fit(*parts, blocks={"rating": constant})
    assert np.isfinite(model.predict(every_pair())).all()


def test_content_is_fitted_on_the_movies_in_training():
    vectors, present = content()["wide"]
    seen = np.arange(len(MOVIES)) % 2 == 0
    ratings = 2 * seen
    block = content_block(Block(vectors, present), ratings, 3).toarray()
    known = block[:-1][present & seen]
    assert block.shape == (len(MOVIES) + 1, 3)
    assert known.mean(axis=0) == pytest.approx(np.zeros(3))
    assert (known**2).sum(axis=1).mean() == pytest.approx(1)
    changed = np.where(seen[:, None], vectors, 50 * vectors)
    other = content_block(Block(changed, present), ratings, 3).toarray()
    assert other[:-1][seen] == pytest.approx(block[:-1][seen])
    assert not np.allclose(other[:-1][~seen], block[:-1][~seen])
    # All movies in training have as many ratings here, so the mean is the centre.
    assert block[:-1][~present] == pytest.approx(0)


def test_flags_stay_as_they_are_and_the_unknown_get_the_mean():
    flags = np.array([[1, 0], [0, 0], [1, 1], [0, 1]], np.float32)
    present = np.array([True, False, True, True])
    ratings = np.array([3, 2, 1, 0])
    block = content_block(Block(flags, present), ratings, None).toarray()
    assert block.tolist() == [[1, 0], [1, 0.25], [1, 1], [0, 1], [1, 0.25]]


def test_ids_and_implicit_rows_by_hand():
    train = pd.DataFrame({"user_id": [1, 1, 2], "movie_id": [20, 30, 20], "rating": [3, 4, 5]})
    ids = pd.Index([1, 2, 3])
    one_hot = relational_blocks.one_hot(ids, train["user_id"]).toarray()
    mean = [2 / 3, 1 / 3]  # over the ratings
    assert one_hot == pytest.approx(np.array([[1, 0], [0, 1], mean, mean]))
    rated = relational_blocks.rated(ids, train["user_id"], train["movie_id"]).toarray()
    half = np.sqrt(0.5)
    mean = [(2 * half + 1) / 3, 2 * half / 3]
    assert rated == pytest.approx(np.array([[half, half], [1, 0], mean, mean]))


def test_progress_stays_out_of_the_notebooks(parts, capfd):
    fit(*parts)
    assert capfd.readouterr().err == ""
