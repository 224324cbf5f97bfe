"""User vectors, masks and views: means worked out by hand, and no target inside its own input."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import tiny

from mmrec.evaluation import protocols
from mmrec.evaluation.protocols import PROTOCOLS
from mmrec.features.table import FeatureTable
from mmrec.models import user_vectors
from mmrec.models.base import TrainingData
from mmrec.models.content import Block, content_blocks, standardise

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
    columns=["user_id", "movie_id", "rating", "view"],
)
PAIR = ["user_id", "movie_id"]


def table(vectors, ids=(10, 20, 30), parts=None, flags=None) -> FeatureTable:
    return FeatureTable("meta", np.array(ids), np.array(vectors, np.float32), {}, parts, flags)


@pytest.fixture(scope="module")
def world():
    tables = {
        "text": tiny.table("text", 8, 36),
        "meta": tiny.table("meta", 12, 33, parts=tiny.META_PARTS),
    }
    users = pd.Index(np.arange(1, tiny.N_USERS + 1))
    return tiny.ratings(), tables, users, pd.Index(tiny.movie_ids())


def divide(world, protocol="clean", *, of=None, **choices):
    ratings, _, _, movies = world
    films = pd.Series(movies, movies)
    choices = {"fold": "u1", "seed": 0, **choices}
    return PROTOCOLS[protocol].split(ratings if of is None else of, films, **choices)


def seen(world, split) -> TrainingData:
    _, tables, users, movies = world
    people = pd.DataFrame({"user_id": users})
    return TrainingData(
        split.train, split.validation, split.views, people, movies, split.test_profiles, tables
    )


def content(world, split, *, user_vectors_from="meta"):
    return user_vectors.content_inputs(seen(world, split), ("text", "meta"), user_vectors_from)


def by_rating(world, split):
    return user_vectors.rating_inputs(seen(world, split))


def flipped(ratings, which) -> pd.DataFrame:
    """The ratings with those of ``which`` turned around, so that likes become dislikes."""
    return ratings.assign(rating=ratings["rating"].where(~which, 6 - ratings["rating"]))


def of_pairs(ratings, some) -> np.ndarray:
    """bool [n]: which of the ratings are of these pairs."""
    return pd.MultiIndex.from_frame(ratings[PAIR]).isin(pd.MultiIndex.from_frame(some[PAIR]))


def positions_of(world, split, inputs):
    _, _, users, movies = world
    return user_vectors.positions(split.train, users, movies, inputs.full)


# --- user vectors -------------------------------------------------------------------------------


def test_user_vectors_are_means_over_the_likes_of_each_view():
    views = [TRAIN[TRAIN["view"] != 0], TRAIN[TRAIN["view"] != 1], TRAIN]
    means = user_vectors.liked_means(views, USERS, MOVIES, Block(VECTORS, PRESENT))
    nothing = [0, 0]
    # Without part 0: 1 -> movie 20, 2 -> movie 30. Without part 1: 1 -> movie 10, 2 -> none left.
    # All: 1 -> mean of 10 and 20. Users 3 and 4 like nothing; movie 40 never counts.
    assert means.tolist() == [
        [[3, 4], [5, 2], nothing, nothing],
        [[1, 0], nothing, nothing, nothing],
        [[2, 2], [5, 2], nothing, nothing],
    ]
    assert means.dtype == np.float32


@pytest.mark.parametrize("name", ["meta", "text"])
def test_user_vectors_are_means_of_the_standardised_vectors(world, name):
    _, tables, users, movies = world
    split = divide(world)
    inputs = content(world, split, user_vectors_from=name)
    known = movies.isin(tables[name].movie_ids)
    scaled = inputs.movies[name][0].numpy()
    train = split.train
    liked = train[(train["rating"] >= 4) & train["movie_id"].isin(movies[known])]
    for user in (1, 2, 17):
        rows = movies.get_indexer(liked.loc[liked["user_id"] == user, "movie_id"])
        assert len(rows) > 1
        found = inputs.users[-1, users.get_loc(user)].numpy()
        np.testing.assert_allclose(found, scaled[rows].mean(axis=0), rtol=1e-5, atol=1e-6)


# --- movies -------------------------------------------------------------------------------------


def test_columns_are_standardised_over_the_training_movies_alone():
    features = table([[1, 7], [3, 7], [100, 9]])
    train_movies = np.array([True, True, False, True])  # 40 is in training but has no vector
    scaled, present = standardise(features, MOVIES, train_movies)
    # Mean 2 and deviation 1 of 1 and 3; the constant 7 has no deviation to be divided by.
    assert scaled.tolist() == [[-1, 0], [1, 0], [98, 2], [0, 0]]
    assert present.tolist() == [True, True, True, False]


def test_a_missing_part_becomes_the_training_mean():
    parts = {"genres": slice(0, 1), "rating": slice(1, 2)}
    flags = np.array([[True, True], [True, False], [True, True]])
    features = table([[1, 4], [2, 0], [3, 8]], parts=parts, flags=flags)
    scaled, present = standardise(features, MOVIES, np.ones(4, bool))
    assert scaled[:, 1].tolist() == [-1, 0, 1, 0], "the mean is 6, of the two that are known"
    assert present.tolist() == [True, True, True, False]
    none_known = standardise(features, MOVIES, np.zeros(4, bool))[0]
    assert not none_known.any()


def test_columns_are_standardised_the_same_whatever_the_test_ratings(world):
    ratings, *_ = world
    other = flipped(ratings, of_pairs(ratings, divide(world).test.pairs))
    before, after = (content(world, divide(world, of=some)) for some in (ratings, other))
    assert all(before.movies[name].equal(after.movies[name]) for name in before.movies)


def test_blocks_are_the_parts_of_the_tables_as_they_are(world):
    _, tables, _, movies = world
    blocks = content_blocks(seen(world, divide(world)), tables)
    assert list(blocks) == ["text: text", *(f"meta: {part}" for part in tiny.META_PARTS)]
    for name, table in tables.items():
        vectors, present = table.matrix(movies)
        for number, (part, columns) in enumerate(table.parts.items()):
            matrix, flags = blocks[f"{name}: {part}"]
            np.testing.assert_array_equal(matrix, vectors[:, columns])
            np.testing.assert_array_equal(flags, present[:, number])


# --- masks --------------------------------------------------------------------------------------


def test_masking_thins_what_is_seen_and_never_what_is_learned_from(world):
    whole, half = (divide(world, masking=masking) for masking in (0.0, 0.5))
    matrices = [by_rating(world, split).users[-1] for split in (whole, half)]
    assert (matrices[0] > 0).sum() == len(whole.train)
    assert (matrices[1] > 0).sum() == len(half.views[-1])
    assert len(half.views[-1]) / len(whole.train) == pytest.approx(0.5, abs=0.06)
    assert matrices[1][matrices[1] > 0].equal(matrices[0][matrices[1] > 0])
    assert not content(world, whole).users.equal(content(world, half).users)
    pd.testing.assert_frame_equal(whole.train, half.train)
    for build in (content, by_rating):
        learned = [positions_of(world, split, build(world, split)) for split in (whole, half)]
        assert learned[0].rating.equal(learned[1].rating)
        assert learned[0].view.equal(learned[1].view)


def test_masking_everything_leaves_empty_vectors(world):
    split = divide(world)
    nothing = replace(split, views=tuple(view[:0] for view in split.views))
    assert not content(world, nothing).users.any()
    assert not by_rating(world, nothing).users.any()


def test_masking_hides_the_same_ratings_in_every_view_and_with_every_seed_others(world):
    half = by_rating(world, divide(world, masking=0.5))
    other = by_rating(world, divide(world, masking=0.5, seed=1))
    shown = half.users[-1] > 0
    assert all((view > 0)[~shown].sum() == 0 for view in half.users[:-1])
    assert not shown.equal(other.users[-1] > 0)


# --- rating vectors -----------------------------------------------------------------------------


def test_rating_vectors_are_rows_and_columns_of_the_rating_matrix(world):
    _, _, users, movies = world
    split = divide(world)
    inputs = by_rating(world, split)
    matrix = np.zeros((len(users), len(movies)))
    for row in split.train.itertuples():
        matrix[users.get_loc(row.user_id), movies.get_loc(row.movie_id)] = row.rating
    np.testing.assert_array_equal(inputs.users[-1].numpy(), matrix)
    np.testing.assert_array_equal(inputs.movies["ratings"][-1].numpy(), matrix.T)
    assert inputs.users.shape == (protocols.N_PARTS + 1, len(users), len(movies))
    assert inputs.present["ratings"].all()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_rating_vectors_are_made_of_training_ratings_even_for_test_pairs(world, protocol):
    """So they are in the paper's code, whose user vectors on content are test-built."""
    ratings, _, users, movies = world
    split = divide(world, protocol)
    inputs = by_rating(world, split)
    assert (inputs.users[inputs.full] > 0).sum() == len(split.train)
    at = (
        users.get_indexer(split.test.pairs["user_id"]),
        movies.get_indexer(split.test.pairs["movie_id"]),
    )
    assert not inputs.users[:, at[0], at[1]].any()
    assert not inputs.movies["ratings"][:, at[1], at[0]].any()
    other = flipped(ratings, of_pairs(ratings, split.test.pairs))
    after = by_rating(world, divide(world, protocol, of=other))
    assert inputs.users.equal(after.users)


# --- who sees what ------------------------------------------------------------------------------


@pytest.mark.parametrize("masking", [0.0, 0.5])
@pytest.mark.parametrize("build", [content, by_rating])
@pytest.mark.parametrize("part", range(protocols.N_PARTS))
def test_no_target_is_hidden_in_its_own_input(world, build, part, masking):
    """Other ratings in a part change nothing in that part's view, and do in the full one."""
    ratings = world[0]
    train = divide(world).train
    changed = flipped(ratings, of_pairs(ratings, train[train["view"] == part]))
    before, after = (
        build(world, divide(world, of=some, masking=masking)) for some in (ratings, changed)
    )
    views = {"own": part, "full": before.full, "another": (part + 1) % protocols.N_PARTS}
    same = {name: before.users[view].equal(after.users[view]) for name, view in views.items()}
    assert same == {"own": True, "full": False, "another": False}
    for modality, vectors in before.movies.items():
        whose = {name: min(view, len(vectors) - 1) for name, view in views.items()}
        same = {name: vectors[v].equal(after.movies[modality][v]) for name, v in whose.items()}
        depends = build is by_rating
        assert same == {"own": True, "full": not depends, "another": not depends}


@pytest.mark.parametrize("build", [content, by_rating])
@pytest.mark.parametrize(
    ("protocol", "hidden"),
    [
        ("clean", True),
        ("hidden_target", True),
        ("training_profiles", False),
        ("as_published", False),
    ],
)
def test_one_changed_rating_reaches_its_own_input_only_where_targets_are_not_hidden(
    world, build, protocol, hidden
):
    ratings, tables, users, movies = world
    split = divide(world, protocol)
    # Likes of movies with vectors; a user's other likes make the means of both versions.
    liked = split.train[split.train["rating"] >= 4]
    liked = liked[liked["movie_id"].isin(tables["meta"].movie_ids)]
    for number in (0, 57, 101):
        target = liked.iloc[[number]]
        changed = flipped(ratings, of_pairs(ratings, target))
        before, after = (
            build(world, divide(world, protocol, of=some)) for some in (ratings, changed)
        )
        user, view = users.get_loc(target["user_id"].item()), target["view"].item()
        assert before.users[view, user].equal(after.users[view, user]) == hidden
        if build is by_rating:
            movie = movies.get_loc(target["movie_id"].item())
            vectors = (inputs.movies["ratings"][view, movie] for inputs in (before, after))
            assert next(vectors).equal(next(vectors)) == hidden


@pytest.mark.parametrize("fold", ["u1", "item2"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_test_ratings_reach_user_vectors_only_where_these_are_test_built(world, protocol, fold):
    ratings = world[0]
    split = divide(world, protocol, fold=fold)
    other = flipped(ratings, of_pairs(ratings, split.test.pairs))
    before, after = (
        content(world, divide(world, protocol, fold=fold, of=some)) for some in (ratings, other)
    )
    same = [one.equal(two) for one, two in zip(before.users, after.users, strict=True)]
    n_views = len(split.views)
    if protocol == "as_published":
        assert same == [True] * n_views + [False], "the last view, and no training input"
    else:
        assert same == [True] * n_views


def test_test_built_user_vectors_are_means_over_the_test_likes_alone(world):
    """In the paper's code a test pair's own rating is among the likes that make its user vector."""
    _, tables, users, movies = world
    split = divide(world, "as_published")
    inputs = content(world, split)
    assert inputs.users.shape[:2] == (2, len(users))
    scaled = inputs.movies["meta"][0].numpy()
    test = split.test.pairs.assign(rating=split.test.open())
    liked = test[(test["rating"] >= 4) & test["movie_id"].isin(tables["meta"].movie_ids)]
    for user in users:
        rows = movies.get_indexer(liked.loc[liked["user_id"] == user, "movie_id"])
        expected = scaled[rows].mean(axis=0) if len(rows) else np.zeros(scaled.shape[1])
        found = inputs.users[inputs.full, users.get_loc(user)].numpy()
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_a_training_rating_gets_the_view_of_its_part_and_any_other_the_full_one(world):
    _, _, users, movies = world
    split = divide(world)
    inputs = by_rating(world, split)
    found = positions_of(world, split, inputs)
    # The view of a rating's own part must not hold it, and the full view must.
    own = inputs.users[found.view, found.user, found.movie]
    assert not own.any()
    assert inputs.users[inputs.full, found.user, found.movie].equal(found.rating)
    assert not inputs.movies["ratings"][found.view, found.movie, found.user].any()
    outside = user_vectors.positions(split.validation, users, movies, inputs.full)
    assert (outside.view == protocols.N_PARTS).all()


def test_as_published_a_training_rating_stands_in_its_own_vectors(world):
    split = divide(world, "as_published")
    inputs = by_rating(world, split)
    found = positions_of(world, split, inputs)
    assert inputs.users[found.view, found.user, found.movie].equal(found.rating)
    assert inputs.movies["ratings"][found.view, found.movie, found.user].equal(found.rating)


def test_positions_are_those_of_the_ids():
    found = user_vectors.positions(TRAIN, USERS, MOVIES, 2)
    assert found.user.tolist() == [0, 0, 0, 1, 1, 2]
    assert found.movie.tolist() == [0, 1, 2, 2, 3, 1]
    assert found.rating.tolist() == TRAIN["rating"].tolist()
