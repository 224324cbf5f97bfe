"""Factorisation machines: the mean over the draws, strangers, content, what is fitted on whom."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from mmrec.models import factorization_machine, selection
from tests import tiny

MOVIES = pd.Index(tiny.movie_ids())
PEOPLE = pd.DataFrame(
    {
        "user_id": np.arange(1, tiny.N_USERS + 1),
        "age": np.arange(tiny.N_USERS) + 15,
        "gender": ["F", "M"] * (tiny.N_USERS // 2),
        "occupation": ["artist", "doctor", "lawyer"] * (tiny.N_USERS // 3),
    }
)
COLD = MOVIES[[3, 17]]
"""Movies kept out of training."""


@pytest.fixture(autouse=True)
def small(monkeypatch):
    for name, value in {"RANKS": (2,), "COMPONENTS": (3,), "DRAWS": 12, "BURN_IN": 4}.items():
        monkeypatch.setattr(factorization_machine, name, value)


@pytest.fixture
def parts() -> tuple[pd.DataFrame, pd.DataFrame]:
    ratings = tiny.ratings()
    warm = ratings[~ratings["movie_id"].isin(COLD)]
    return warm.iloc[:-80], warm.iloc[-80:]


def content(seed: int = 0) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """A wide block, a narrow one and flags; the wide one is missing for some movies."""
    rng = np.random.default_rng(seed)
    n = len(MOVIES)
    return {
        "wide": (rng.normal(3, 2, (n, 7)).astype(np.float32), rng.random(n) < 0.8),
        "narrow": (rng.normal(size=(n, 1)).astype(np.float32), np.ones(n, bool)),
        "flags": ((rng.random((n, 5)) < 0.3).astype(np.float32), np.ones(n, bool)),
    }


def fit(train, validation, **changed):
    asked = {
        "users": PEOPLE,
        "content": content(),
        "movies": MOVIES,
        "item_ids": True,
        "implicit": True,
        "seed": 0,
    }
    return factorization_machine.fit_factorization_machine(train, validation, **asked | changed)


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
    predict, record = fit(train, validation)
    implicit = record["chosen"]["implicit"]
    counts = factorization_machine._counts(MOVIES, train["movie_id"])
    sides = (
        factorization_machine._users(train, PEOPLE, implicit),
        factorization_machine._movies(
            train,
            MOVIES,
            [factorization_machine._content(*block, counts, 3) for block in content().values()],
            True,
            implicit,
        ),
    )

    def blocks(pairs):
        return [
            RelationBlock(side.rows(pairs[key]) % side.matrix.shape[0], csr)
            for side, key in zip(sides, ("user_id", "movie_id"), strict=True)
            for csr in [sparse.csr_matrix(side.matrix)]
        ]

    machine = MyFMRegressor(rank=2, random_seed=0).fit(
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
    assert predict(pairs) == pytest.approx(machine.predict(None, blocks(pairs)))


@pytest.mark.parametrize("item_ids", [True, False])
@pytest.mark.parametrize("implicit", [True, False])
@pytest.mark.parametrize("users", [PEOPLE, None], ids=["demographics", "ids"])
def test_everybody_gets_a_rating(parts, item_ids, implicit, users):
    predict, _ = fit(*parts, item_ids=item_ids, implicit=implicit, users=users)
    assert np.isfinite(predict(every_pair())).all()


def test_cold_movies_differ_by_their_content_alone(parts):
    pairs = pd.DataFrame({"user_id": 1, "movie_id": [*COLD, 998, 997]})
    with_content, _ = fit(*parts)
    known, other, *strangers = with_content(pairs)
    assert known != other
    assert strangers[0] == strangers[1]
    without, _ = fit(*parts, content={})
    assert np.ptp(without(pairs)) == pytest.approx(0)
    assert np.ptp(without(pairs.assign(user_id=[1, 2, 3, 4]))) > 0


def test_cold_users_differ_by_demographics_alone(parts):
    train, validation = (part[part["user_id"] > 4] for part in parts)
    pairs = pd.DataFrame({"user_id": [1, 2, 999, 998], "movie_id": MOVIES[0]})
    first, second, *strangers = fit(train, validation)[0](pairs)
    assert first != second
    assert strangers[0] == strangers[1]
    assert np.ptp(fit(train, validation, users=None)[0](pairs)) == pytest.approx(0)


def test_content_alone_finds_what_makes_a_movie_good(monkeypatch):
    """Every third movie is not in training; its flag tells whether it is good."""
    monkeypatch.setattr(factorization_machine, "DRAWS", 60)
    monkeypatch.setattr(factorization_machine, "BURN_IN", 20)
    rng = np.random.default_rng(0)
    good = rng.random(len(MOVIES)) < 0.5
    ratings = tiny.ratings()
    ratings["rating"] = 2 + 2 * good[MOVIES.get_indexer(ratings["movie_id"])]
    new = ratings["movie_id"].isin(MOVIES[::3])
    flags = {"good": (good[:, None].astype(np.float32), np.ones(len(MOVIES), bool))}
    predict, _ = fit(
        ratings[~new],
        ratings[~new],
        content=flags,
        users=None,
        item_ids=False,
        implicit=False,
    )
    assert selection.rmse(predict, ratings[new]) < 0.2


def test_a_seed_settles_the_predictions(parts):
    pairs = every_pair()
    first, again, other = (fit(*parts, seed=seed)[0](pairs) for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_validation_only_chooses(parts):
    train, validation = parts
    turned = validation.assign(rating=6 - validation["rating"])
    pairs = every_pair()
    found = [fit(train, part, implicit=False)[0](pairs) for part in (validation, turned)]
    assert np.array_equal(*found)


def test_every_setting_is_on_record(parts, monkeypatch):
    monkeypatch.setattr(factorization_machine, "RANKS", (1, 2))
    monkeypatch.setattr(factorization_machine, "COMPONENTS", (2, 4))
    predict, record = fit(*parts)
    tried = [(row["implicit"], row["rank"], row["components"]) for row in record["tuning"]]
    assert tried[:2] == [(True, 1, 2), (False, 1, 2)]
    assert tried[2][1:] == (2, 2)
    assert tried[3][2] == 4
    assert len(tried) == 4
    assert record["validation_rmse"] == min(row["validation_rmse"] for row in record["tuning"])
    assert selection.rmse(predict, parts[1]) == pytest.approx(record["validation_rmse"])


def test_what_is_not_there_is_not_tuned(parts):
    narrow = {name: content()[name] for name in ("narrow", "flags")}
    _, record = fit(*parts, content=narrow, implicit=False)
    assert record["chosen"] == {"implicit": False, "rank": 2}
    assert len(record["tuning"]) == 1


def test_content_of_too_few_movies_in_training_is_left_out(parts):
    plain, _ = fit(*parts, content={})
    lone = np.isin(MOVIES, [COLD[0], parts[0]["movie_id"].iloc[0]])
    few = {name: (matrix, lone) for name, (matrix, _) in content().items()}
    assert np.array_equal(fit(*parts, content=few)[0](every_pair()), plain(every_pair()))


def test_constant_content_does_no_harm(parts):
    constant = {"rating": (np.full((len(MOVIES), 1), 0.7, np.float32), np.ones(len(MOVIES), bool))}
    assert np.isfinite(fit(*parts, content=constant)[0](every_pair())).all()


def test_content_is_fitted_on_the_movies_in_training():
    matrix, present = content()["wide"]
    seen = np.arange(len(MOVIES)) % 2 == 0
    counts = 2 * seen
    block = factorization_machine._content(matrix, present, counts, 3).toarray()
    known = block[:-1][present & seen]
    assert block.shape == (len(MOVIES) + 1, 3)
    assert known.mean(axis=0) == pytest.approx(np.zeros(3))
    assert (known**2).sum(axis=1).mean() == pytest.approx(1)
    changed = np.where(seen[:, None], matrix, 50 * matrix)
    other = factorization_machine._content(changed, present, counts, 3).toarray()
    assert other[:-1][seen] == pytest.approx(block[:-1][seen])
    assert not np.allclose(other[:-1][~seen], block[:-1][~seen])
    # All movies in training have as many ratings here, so the mean is the centre.
    assert block[:-1][~present] == pytest.approx(0)


def test_flags_stay_as_they_are_and_the_unknown_get_the_mean():
    flags = np.array([[1, 0], [0, 0], [1, 1], [0, 1]], np.float32)
    present = np.array([True, False, True, True])
    counts = np.array([3, 2, 1, 0])
    block = factorization_machine._content(flags, present, counts, 3).toarray()
    assert block.tolist() == [[1, 0], [1, 0.25], [1, 1], [0, 1], [1, 0.25]]


def test_ids_and_implicit_rows_by_hand():
    train = pd.DataFrame({"user_id": [1, 1, 2], "movie_id": [20, 30, 20], "rating": [3, 4, 5]})
    ids = pd.Index([1, 2, 3])
    one_hot = factorization_machine._one_hot(ids, train["user_id"]).toarray()
    mean = [2 / 3, 1 / 3]  # over the ratings
    assert one_hot == pytest.approx(np.array([[1, 0], [0, 1], mean, mean]))
    rated = factorization_machine._rated(ids, train["user_id"], train["movie_id"]).toarray()
    half = np.sqrt(0.5)
    mean = [(2 * half + 1) / 3, 2 * half / 3]
    assert rated == pytest.approx(np.array([[half, half], [1, 0], mean, mean]))


def test_progress_stays_out_of_the_notebooks(parts, capfd):
    fit(*parts)
    assert capfd.readouterr().err == ""
