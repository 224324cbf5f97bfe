"""Profiles, masks and views: means worked out by hand, and no target inside its own input."""

import numpy as np
import pandas as pd
import pytest
import tiny

from mmrec.experiments import protocols, user_profiles
from mmrec.features.table import FeatureTable

USERS, MOVIES = pd.Index([1, 2, 3, 4]), pd.Index([10, 20, 30, 40])
VECTORS = np.array([[1, 0], [3, 4], [5, 2], [7, 8]], np.float32)
PRESENT = np.array([True, True, True, False])
TRAIN = pd.DataFrame(
    [
        (1, 10, 5, 0),
        (1, 20, 4, 1),
        (1, 30, 3, 0),  # not liked
        (2, 30, 5, 1),
        (2, 40, 5, 0),  # a movie without a vector
        (3, 20, 2, 0),
    ],
    columns=["user_id", "movie_id", "rating", "part"],
)
EVERY = np.ones(len(TRAIN), bool)


def table(vectors, ids=(10, 20, 30), parts=None, flags=None) -> FeatureTable:
    return FeatureTable("meta", np.array(ids), np.array(vectors, np.float32), {}, parts, flags)


@pytest.fixture(scope="module")
def world():
    ratings = tiny.ratings()
    tables = {
        "text": tiny.table("text", 8, 36),
        "meta": tiny.table("meta", 12, 33, parts=tiny.META_PARTS),
    }
    users = pd.Index(np.arange(1, tiny.N_USERS + 1))
    split = protocols.clean(ratings, fold="u1", seed=0)
    return split.train, tables, users, pd.Index(tiny.movie_ids())


def content(world, train=None, *, masking=0.0, permuted=False, seed=0):
    original, tables, users, movies = world
    return user_profiles.content_inputs(
        original if train is None else train,
        tables,
        ("text", "meta"),
        users,
        movies,
        masking=masking,
        permuted=permuted,
        seed=seed,
    )


def by_rating(world, train=None, *, masking=0.0, seed=0):
    original, _, users, movies = world
    return user_profiles.rating_inputs(
        original if train is None else train, users, movies, masking=masking, seed=seed
    )


def test_profiles_are_means_over_the_likes_of_each_view():
    views = user_profiles.liked_means(TRAIN, EVERY, USERS, MOVIES, VECTORS, PRESENT)
    nothing = [0, 0]
    # Without part 0: 1 -> movie 20, 2 -> movie 30. Without part 1: 1 -> movie 10, 2 -> none left.
    # All: 1 -> mean of 10 and 20. Users 3 and 4 like nothing; movie 40 never counts.
    assert views.tolist() == [
        [[3, 4], [5, 2], nothing, nothing],
        [[1, 0], nothing, nothing, nothing],
        [[2, 2], [5, 2], nothing, nothing],
    ]


def test_hidden_likes_do_not_count():
    shown = EVERY.copy()
    shown[0] = False
    views = user_profiles.liked_means(TRAIN, shown, USERS, MOVIES, VECTORS, PRESENT)
    assert views[-1].tolist() == [[3, 4], [5, 2], [0, 0], [0, 0]]


def test_profiles_of_an_experiment_are_means_of_its_standardised_meta_vectors(world):
    train, tables, users, movies = world
    inputs = content(world)
    known = movies.isin(tables["meta"].movie_ids)
    scaled = inputs.movies["meta"][0].numpy()
    liked = train[(train["rating"] >= 4) & train["movie_id"].isin(movies[known])]
    for user in (1, 2, 17):
        rows = movies.get_indexer(liked.loc[liked["user_id"] == user, "movie_id"])
        assert len(rows) > 1
        found = inputs.users[-1, users.get_loc(user)].numpy()
        np.testing.assert_allclose(found, scaled[rows].mean(axis=0), rtol=1e-5, atol=1e-6)


def test_columns_are_standardised_over_the_training_movies_alone():
    features = table([[1, 7], [3, 7], [100, 9]])
    train_movies = np.array([True, True, False, True])  # 40 is in training but has no vector
    scaled, present = user_profiles.standardise(features, MOVIES, train_movies)
    # Mean 2 and deviation 1 of 1 and 3; the constant 7 has no deviation to be divided by.
    assert scaled.tolist() == [[-1, 0], [1, 0], [98, 2], [0, 0]]
    assert present.tolist() == [True, True, True, False]


def test_a_missing_part_becomes_the_training_mean():
    parts = {"genres": slice(0, 1), "rating": slice(1, 2)}
    flags = np.array([[True, True], [True, False], [True, True]])
    features = table([[1, 4], [2, 0], [3, 8]], parts=parts, flags=flags)
    scaled, present = user_profiles.standardise(features, MOVIES, np.ones(4, bool))
    assert scaled[:, 1].tolist() == [-1, 0, 1, 0], "the mean is 6, of the two that are known"
    assert present.tolist() == [True, True, True, False]
    none_known = user_profiles.standardise(features, MOVIES, np.zeros(4, bool))[0]
    assert not none_known.any()


def test_permuting_deals_the_same_rows_to_other_movies():
    rng = np.random.default_rng(0)
    vectors = np.arange(40, dtype=np.float32).reshape(20, 2)
    present = np.arange(20) % 3 > 0
    shuffled = user_profiles.permute(vectors, present, rng)
    assert sorted(shuffled[present].tolist()) == sorted(vectors[present].tolist())
    assert (shuffled[present] != vectors[present]).any(axis=1).mean() > 0.5
    assert np.array_equal(shuffled[~present], vectors[~present])
    assert vectors[0, 1] == 1, "the original stays"


def test_the_control_deals_profiles_and_items_the_same_permutation(world):
    train, _, users, movies = world
    real, control = content(world), content(world, permuted=True)
    for modality in ("text", "meta"):
        assert real.present[modality].equal(control.present[modality])
        assert not real.movies[modality].equal(control.movies[modality])
        assert sorted(real.movies[modality][0].tolist()) == sorted(
            control.movies[modality][0].tolist()
        )
    expected = user_profiles.liked_means(
        train,
        np.ones(len(train), bool),
        users,
        movies,
        control.movies["meta"][0].numpy(),
        control.present["meta"].numpy(),
    )
    np.testing.assert_array_equal(control.users.numpy(), expected)
    assert not real.users.equal(control.users)


def test_the_control_sends_the_modalities_separate_ways(world):
    """Else a movie's text would still tell which meta vector is its own."""
    train, tables, users, movies = world
    tables = {"text": tables["meta"], "meta": tables["meta"]}
    inputs = content((train, tables, users, movies), permuted=True)
    assert not inputs.movies["text"].equal(inputs.movies["meta"])


def test_masking_thins_profiles_by_its_share_and_never_the_training_ratings(world):
    train = world[0]
    before = train.copy()
    shares = [user_profiles.visible(train, masking, 0).mean() for masking in (0, 0.5, 0.8, 1)]
    assert shares == pytest.approx([1, 0.5, 0.2, 0], abs=0.06)
    assert (shares[0], shares[3]) == (1, 0)
    whole, half = by_rating(world), by_rating(world, masking=0.5)
    counts = [(inputs.users[-1] > 0).sum().item() for inputs in (whole, half)]
    assert counts == [len(train), user_profiles.visible(train, 0.5, 0).sum()]
    assert not content(world).users.equal(content(world, masking=0.5).users)
    assert not content(world, masking=1.0).users.any()
    pd.testing.assert_frame_equal(train, before)


def test_masking_hides_the_same_ratings_in_every_view_and_with_every_seed_others(world):
    half, other = by_rating(world, masking=0.5), by_rating(world, masking=0.5, seed=1)
    shown = half.users[-1] > 0
    assert all((view > 0)[~shown].sum() == 0 for view in half.users[:-1])
    assert not shown.equal(other.users[-1] > 0)


def test_rating_vectors_are_rows_and_columns_of_the_rating_matrix(world):
    train, _, users, movies = world
    inputs = by_rating(world)
    matrix = np.zeros((len(users), len(movies)))
    for row in train.itertuples():
        matrix[users.get_loc(row.user_id), movies.get_loc(row.movie_id)] = row.rating
    np.testing.assert_array_equal(inputs.users[-1].numpy(), matrix)
    np.testing.assert_array_equal(inputs.movies["ratings"][-1].numpy(), matrix.T)
    assert inputs.users.shape == (protocols.N_PARTS + 1, len(users), len(movies))
    assert inputs.present["ratings"].all()


@pytest.mark.parametrize("masking", [0.0, 0.5])
@pytest.mark.parametrize("build", [content, by_rating])
@pytest.mark.parametrize("part", range(protocols.N_PARTS))
def test_no_target_is_hidden_in_its_own_input(world, build, part, masking):
    """Other ratings in a part change nothing in that part's view, and do in the full one."""
    train = world[0]
    of_part = (train["part"] == part).to_numpy()
    changed = train.assign(rating=train["rating"].where(~of_part, 6 - train["rating"]))
    before, after = (build(world, table, masking=masking) for table in (train, changed))
    views = {"own": part, "full": before.full, "another": (part + 1) % protocols.N_PARTS}
    same = {name: before.users[view].equal(after.users[view]) for name, view in views.items()}
    assert same == {"own": True, "full": False, "another": False}
    for modality, vectors in before.movies.items():
        whose = {name: min(view, len(vectors) - 1) for name, view in views.items()}
        same = {name: vectors[v].equal(after.movies[modality][v]) for name, v in whose.items()}
        depends = build is by_rating
        assert same == {"own": True, "full": not depends, "another": not depends}


def test_a_training_rating_gets_the_view_of_its_part_and_any_other_the_full_one(world):
    train, _, users, movies = world
    inputs = by_rating(world)
    found = user_profiles.positions(train, users, movies, inputs.full)
    # The view of a rating's own part must not hold it, and the full view must.
    own = inputs.users[found.view, found.user, found.movie]
    assert not own.any()
    assert inputs.users[inputs.full, found.user, found.movie].equal(found.rating)
    assert not inputs.movies["ratings"][found.view, found.movie, found.user].any()
    bare = user_profiles.positions(train.drop(columns="part"), users, movies, inputs.full)
    assert (bare.view == protocols.N_PARTS).all()


def test_positions_are_those_of_the_ids():
    found = user_profiles.positions(TRAIN, USERS, MOVIES, 2)
    assert found.user.tolist() == [0, 0, 0, 1, 1, 2]
    assert found.movie.tolist() == [0, 1, 2, 2, 3, 1]
    assert found.rating.tolist() == TRAIN["rating"].tolist()
