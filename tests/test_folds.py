"""Folds: who is new where, twins, learning curves, and a test part that no seed moves."""

import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tiny
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mmrec.catalogue import movielens
from mmrec.errors import StudyError
from mmrec.evaluation import folds
from mmrec.evaluation.protocols import PROTOCOLS

TWINS = {2: 1, 41: 7, 90: 30, 118: 117}
"""Movie id -> film id, of films under two ids."""
N_USERS, N_MOVIES = 150, 120
EVERY_KIND = [("u2", None), ("both5", None), ("check-u1", None), ("check-both3", None)] + [
    (fold, support_size) for fold in ("item2", "user4") for support_size in (None, 0, 7)
]


@pytest.fixture(scope="module")
def ratings() -> pd.DataFrame:
    """About 10,000 ratings: films and users with fewer than the support, and with many more."""
    rng = np.random.default_rng(5)
    likely = np.outer(rng.uniform(0.4, 1, N_USERS), rng.uniform(0.15, 1, N_MOVIES))
    user, movie = np.nonzero(rng.random(likely.shape) < likely)
    order = rng.permutation(len(user))
    step = movielens.N_RATINGS // len(user)
    return pd.DataFrame(
        {
            "user_id": user[order] + 1,
            "movie_id": movie[order] + 1,
            "rating": rng.integers(1, 6, len(user)),
            "timestamp": 880_000_000,
        },
        index=pd.Index(np.arange(len(user)) * step, name="row"),
    )


@pytest.fixture(scope="module")
def films() -> pd.Series:
    ids = pd.RangeIndex(1, N_MOVIES + 1, name="movie_id")
    return pd.Series([TWINS.get(i, i) for i in ids], ids, name="film_id")


@pytest.fixture(scope="module")
def keys(ratings, films) -> dict[str, pd.Series]:
    """What can be new: the film and the user of every rating."""
    return {"item": ratings["movie_id"].map(films), "user": ratings["user_id"]}


def sides(scenario: str) -> tuple[str, ...]:
    return ("item", "user") if scenario == "both" else (scenario,)


def new_in(roles: folds.Roles, keys, side: str) -> set:
    return set(keys[side][roles.test])


def test_there_are_five_folds_of_every_kind():
    first = [name for name, fold in folds.FOLDS.items() if not fold.check]
    assert len(first) == 20
    assert list(folds.FOLDS) == [*first, *(f"check-{name}" for name in first)]
    assert [folds.scenario_of(f) for f in ("u5", "item1", "user3", "both2")] == [
        "warm",
        "item",
        "user",
        "both",
    ]


@pytest.mark.parametrize("name", ["u2", "item2", "user2", "both2"])
def test_the_second_drawing_divides_alike_and_elsewhere(ratings, films, name):
    parts = [folds.divide(ratings, films, fold=f, seed=0) for f in (name, f"check-{name}")]
    first, second = (roles.test for roles in parts)
    assert second.sum() == pytest.approx(first.sum(), rel=0.35)
    assert (first & second).sum() < 0.6 * first.sum()


def test_the_second_drawing_covers_every_rating_once(ratings, films):
    for kind in ("u", "item", "user"):
        tests = [
            folds.divide(ratings, films, fold=f"check-{kind}{number}", seed=0).test
            for number in range(1, 6)
        ]
        assert (np.sum(tests, axis=0) == 1).all()


# --- roles --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("fold", "support_size"), EVERY_KIND)
def test_no_rating_has_two_roles(ratings, films, fold, support_size):
    roles = folds.divide(ratings, films, fold=fold, seed=1, support_size=support_size)
    parts = np.stack([roles.train, roles.validation, roles.test])
    assert parts.dtype == bool
    assert parts.shape == (3, len(ratings))
    assert parts.sum(axis=0).max() == 1
    assert parts.any(axis=1).all(), "each role is taken"


@pytest.mark.parametrize("fold", movielens.FOLDS)
def test_a_warm_fold_is_the_published_one_with_a_tenth_of_the_rest_to_select_by(
    ratings, films, fold
):
    roles = folds.divide(ratings, films, fold=fold, seed=0)
    np.testing.assert_array_equal(roles.test, movielens.fold_masks(ratings)[fold])
    assert (roles.train | roles.validation | roles.test).all()
    assert roles.validation.sum() == round(0.1 * (~roles.test).sum())
    assert roles.cold_movies is None


@pytest.mark.parametrize("number", range(1, 6))
@pytest.mark.parametrize("scenario", ["item", "user", "both"])
def test_nothing_of_a_new_film_or_user_is_in_training_or_validation(
    ratings, films, keys, scenario, number
):
    roles = folds.divide(ratings, films, fold=f"{scenario}{number}", seed=2)
    known = roles.train | roles.validation
    for side in sides(scenario):
        new = new_in(roles, keys, side)
        assert 0.15 < len(new) / keys[side].nunique() < 0.25, "about a fifth is new"
        assert not keys[side][known].isin(new).any()
        assert keys[side][~roles.test & ~known].isin(new).any() == (scenario == "both")


@pytest.mark.parametrize("scenario", ["item", "user", "both"])
def test_what_selects_is_as_new_to_training_as_what_is_tested(ratings, films, keys, scenario):
    roles = folds.divide(ratings, films, fold=f"{scenario}1", seed=0)
    for side in sides(scenario):
        held = set(keys[side][roles.validation]) - set(keys[side][roles.train])
        others = keys[side].nunique() - len(new_in(roles, keys, side))
        assert len(held) == round(0.1 * others)
    if scenario != "both":
        assert not keys[scenario][roles.validation].isin(keys[scenario][roles.train]).any()
        return
    unseen = [~keys[side].isin(keys[side][roles.train]) for side in sides(scenario)]
    assert (unseen[0] | unseen[1])[roles.validation].all()


@pytest.mark.parametrize("scenario", ["item", "user"])
def test_five_folds_test_everything_once(ratings, films, keys, scenario):
    parts = [folds.divide(ratings, films, fold=f"{scenario}{n}", seed=0) for n in range(1, 6)]
    assert (np.sum([roles.test for roles in parts], axis=0) == 1).all()
    new = [new_in(roles, keys, scenario) for roles in parts]
    assert sum(map(len, new)) == len(set.union(*new)) == keys[scenario].nunique()
    for roles in parts:
        assert (roles.train | roles.validation | roles.test).all(), "and none is left out"


@pytest.mark.parametrize("number", range(1, 6))
def test_both_tests_new_users_on_new_films_and_leaves_out_what_is_half_new(ratings, films, number):
    item, user, both = (
        folds.divide(ratings, films, fold=f"{scenario}{number}", seed=0)
        for scenario in ("item", "user", "both")
    )
    np.testing.assert_array_equal(both.test, item.test & user.test)
    unused = ~(both.train | both.validation | both.test)
    np.testing.assert_array_equal(unused, item.test ^ user.test)


@pytest.mark.parametrize("number", range(1, 6))
def test_twins_of_one_film_are_new_together(ratings, films, number):
    roles = folds.divide(ratings, films, fold=f"item{number}", seed=0)
    tested = set(ratings["movie_id"][roles.test])
    for twin, film in TWINS.items():
        assert (twin in tested) == (film in tested)
        assert (twin in roles.cold_movies) == (film in roles.cold_movies) == (twin in tested)
    assert set(roles.cold_movies) == tested


def test_ids_and_not_films_would_part_the_twins(ratings):
    """The control: without the map from ids to films some twins are torn apart."""
    alone = pd.Series(np.arange(1, N_MOVIES + 1), np.arange(1, N_MOVIES + 1))
    tested = [
        set(ratings["movie_id"][folds.divide(ratings, alone, fold=f"item{n}", seed=0).test])
        for n in range(1, 6)
    ]
    assert any((twin in some) != (film in some) for some in tested for twin, film in TWINS.items())


def test_lists_are_of_new_movies_only_where_movies_are_new(ratings, films):
    cold = {
        fold: folds.divide(ratings, films, fold=fold, seed=0).cold_movies
        for fold in ("u1", "user1", "item1", "both1")
    }
    assert cold["u1"] is cold["user1"] is None
    np.testing.assert_array_equal(cold["item1"], cold["both1"])


def test_a_movie_that_nobody_rated_is_new_in_no_fold(ratings, films):
    more = pd.concat([films, pd.Series({500: 500})])
    for number in range(1, 6):
        roles = folds.divide(ratings, more, fold=f"item{number}", seed=0)
        assert 500 not in roles.cold_movies


# --- what a division depends on -----------------------------------------------------------------


@pytest.mark.parametrize(("fold", "support_size"), EVERY_KIND)
def test_the_seed_moves_the_validation_and_never_the_test_part(ratings, films, fold, support_size):
    one, again, other = (
        folds.divide(ratings, films, fold=fold, seed=seed, support_size=support_size)
        for seed in (0, 0, 1)
    )
    for role in ("train", "validation", "test"):
        np.testing.assert_array_equal(getattr(one, role), getattr(again, role))
    np.testing.assert_array_equal(one.test, other.test)
    assert (one.validation != other.validation).any()
    assert (one.train != other.train).any()


@pytest.mark.parametrize("fold", ["u1", "item1", "user2", "both3"])
def test_who_is_where_does_not_depend_on_any_rating(ratings, films, fold):
    changed = ratings.assign(rating=6 - ratings["rating"])
    one, other = (folds.divide(some, films, fold=fold, seed=0) for some in (ratings, changed))
    for role in ("train", "validation", "test"):
        np.testing.assert_array_equal(getattr(one, role), getattr(other, role))


@pytest.mark.skipif(not os.environ.get("MMREC_MIRROR"), reason="MMREC_MIRROR is not set")
def test_folds_over_films_need_nothing_but_movielens():
    data = movielens.read(Path(os.environ["MMREC_MIRROR"]) / "ml-100k")
    films = movielens.film_ids(data.movies).set_axis(data.movies["movie_id"])
    sizes = [
        folds.divide(data.ratings, films, fold=f"item{number}", seed=0).test.sum()
        for number in range(1, 6)
    ]
    assert sizes[0] == 19_039
    assert sum(sizes) == len(data.ratings)


# --- learning curves ----------------------------------------------------------------------------

LEVELS = (0, 1, 5, 20, folds.MAX_SUPPORT)
CURVES = ["item3", "user1"]


@pytest.fixture(scope="module", params=CURVES)
def curve(request, ratings, films, keys):
    """Roles by number of ratings given back, and those without a support; keys of what is new."""
    roles = {
        support_size: folds.divide(
            ratings, films, fold=request.param, seed=0, support_size=support_size
        )
        for support_size in (None, *LEVELS)
    }
    return roles, keys[folds.scenario_of(request.param)]


def test_every_level_tests_and_selects_by_the_same_ratings(curve):
    roles, _ = curve
    for support_size in LEVELS:
        np.testing.assert_array_equal(roles[support_size].test, roles[0].test)
        np.testing.assert_array_equal(roles[support_size].validation, roles[0].validation)
    assert 0 < roles[0].test.sum() < roles[None].test.sum()


def test_tested_are_the_ratings_beyond_the_support(curve):
    roles, key = curve
    counts = key[roles[None].test].value_counts()
    assert (counts <= folds.MAX_SUPPORT).any(), "some have too few ratings to be tested"
    tested = key[roles[0].test].value_counts().reindex(counts.index, fill_value=0)
    assert tested.tolist() == (counts - folds.MAX_SUPPORT).clip(lower=0).tolist()


@pytest.mark.parametrize("support_size", LEVELS)
@pytest.mark.parametrize("role", ["test", "validation"])
def test_exactly_so_many_ratings_are_given_back(curve, role, support_size):
    roles, key = curve
    counts = key[getattr(roles[None], role)].value_counts()
    back = key[roles[support_size].train].value_counts().reindex(counts.index, fill_value=0)
    assert back.tolist() == counts.clip(upper=support_size).tolist()


def test_levels_are_nested_and_the_rest_of_training_stays(curve):
    roles, _ = curve
    trained = [roles[support_size].train for support_size in LEVELS]
    np.testing.assert_array_equal(trained[0], roles[None].train)
    for fewer, more in pairwise(trained):
        assert not (fewer & ~more).any()
        assert more.sum() > fewer.sum()


def test_the_support_is_drawn_at_random_and_not_by_place(curve, ratings):
    """Else a movie's first ratings, which come early in the data set, would be given back."""
    roles, key = curve
    place = pd.Series(np.arange(len(ratings)), ratings.index).groupby(key).rank(pct=True)
    assert place[roles[20].train & ~roles[0].train].mean() == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(
    ("fold", "support_size"),
    [("u1", 0), ("both1", 5), ("item1", -1), ("user1", folds.MAX_SUPPORT + 1)],
)
def test_a_curve_that_cannot_be_is_told(ratings, films, fold, support_size):
    with pytest.raises(
        StudyError, match=f"{support_size} ratings cannot be given back in fold {fold}.*0 to"
    ):
        folds.divide(ratings, films, fold=fold, seed=0, support_size=support_size)


def test_an_unknown_fold_is_told(ratings, films):
    with pytest.raises(StudyError, match=r"unknown fold 'u6'.*u1, .*both5"):
        folds.divide(ratings, films, fold="u6", seed=0)


def test_a_fold_without_anything_to_test_is_told():
    """Forty movies of sixteen ratings each leave nothing beyond a support of fifty."""
    ratings, ids = tiny.ratings(), tiny.movie_ids()
    with pytest.raises(StudyError, match="fold item1 has no validation and no test ratings"):
        folds.divide(ratings, pd.Series(ids, ids), fold="item1", seed=0, support_size=5)


# --- properties ---------------------------------------------------------------------------------


@st.composite
def divisions(draw):
    """Ratings and films of any small catalogue, and a fold of them."""
    pairs = draw(
        st.lists(
            st.tuples(st.integers(1, 40), st.integers(1, 40)),
            min_size=60,
            max_size=250,
            unique=True,
        )
    )
    places = draw(st.permutations(range(len(pairs))))
    step = movielens.N_RATINGS // len(pairs)
    user, movie = np.array(pairs).T
    ratings = pd.DataFrame(
        {
            "user_id": user,
            "movie_id": movie,
            "rating": draw(st.integers(1, 5)),
            "timestamp": 880_000_000,
        },
        index=pd.Index(np.sort(places) * step, name="row"),
    )
    ids = pd.RangeIndex(1, 41, name="movie_id")
    films = pd.Series(
        ids.to_numpy() - draw(st.sampled_from([0, 1])) * (ids.to_numpy() % 2 == 0), ids
    )
    return ratings, films, draw(st.sampled_from(sorted(folds.FOLDS)))


@given(division=divisions(), seeds=st.tuples(st.integers(0, 99), st.integers(0, 99)))
@settings(max_examples=60, deadline=None)
def test_every_rating_has_one_role_at_most_and_the_test_part_is_nobodys_choice(division, seeds):
    ratings, films, fold = division
    try:
        roles = [folds.divide(ratings, films, fold=fold, seed=seed) for seed in seeds]
    except StudyError as error:
        assume("has no" not in error.what)
        raise
    np.testing.assert_array_equal(roles[0].test, roles[1].test)
    keys = {"film_id": ratings["movie_id"].map(films), "user_id": ratings["user_id"]}
    for found in roles:
        assert np.stack([found.train, found.validation, found.test]).sum(axis=0).max() == 1
        for key in folds.fold_of(fold).new:
            new = set(keys[key][found.test])
            assert not keys[key][found.train | found.validation].isin(new).any()


@given(
    division=divisions(),
    seed=st.integers(0, 99),
    levels=st.lists(st.floats(0, 0.99), min_size=2, max_size=4),
    protocol=st.sampled_from(sorted(PROTOCOLS)),
)
@settings(max_examples=40, deadline=None)
def test_masks_are_nested_and_views_lack_their_own_part(division, seed, levels, protocol):
    ratings, films, fold = division
    try:
        splits = [
            PROTOCOLS[protocol].split(ratings, films, fold=fold, seed=seed, masking=level)
            for level in sorted(levels)
        ]
    except StudyError as error:
        assume("has no" not in error.what)
        raise
    for less, more in pairwise(splits):
        for wider, thinner in zip(less.views, more.views, strict=True):
            assert pairs_of(thinner) <= pairs_of(wider)
        pd.testing.assert_frame_equal(less.train, more.train)
    for split in splits:
        tested = pairs_of(split.test.pairs)
        for part, view in enumerate(split.views):
            assert not pairs_of(view) & tested
            own = split.train[split.train["view"] == part]
            hidden = PROTOCOLS[protocol].target_hidden and part < len(split.views) - 1
            assert not hidden or not pairs_of(view) & pairs_of(own)


def pairs_of(table: pd.DataFrame) -> set:
    return set(zip(table["user_id"], table["movie_id"], strict=True))
