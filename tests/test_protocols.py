"""Who may see which ratings: splits, views, masks, and the seal on the test ratings."""

import ast
import os
import pickle
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tiny

import mmrec
from mmrec.catalogue import movielens
from mmrec.evaluation import folds, protocols
from mmrec.evaluation.protocols import PROTOCOLS, SealedTest

PACKAGE = Path(mmrec.__file__).parent
RATING = ["user_id", "movie_id", "rating"]
needs_mirror = pytest.mark.skipif(
    not os.environ.get("MMREC_MIRROR"), reason="MMREC_MIRROR is not set"
)


@pytest.fixture(scope="module")
def ratings() -> pd.DataFrame:
    return tiny.ratings()


@pytest.fixture(scope="module")
def films() -> pd.Series:
    """The first two movies are one film."""
    ids = tiny.movie_ids()
    return pd.Series(np.where(ids == ids[1], ids[0], ids), ids)


@pytest.fixture(scope="module")
def split(ratings, films):
    """Divides the ratings: ``split("clean", fold="u2", masking=0.5)``."""

    def divide(protocol="clean", *, of=ratings, **choices):
        return PROTOCOLS[protocol].split(of, films, **{"fold": "u1", "seed": 0, **choices})

    return divide


def pairs(table: pd.DataFrame) -> set:
    return set(zip(table["user_id"], table["movie_id"], strict=True))


def rows(table: pd.DataFrame) -> set:
    return set(map(tuple, table[RATING].to_numpy().tolist()))


# --- parts --------------------------------------------------------------------------------------


def test_validation_ratings_join_the_training_when_they_have_chosen(split):
    apart, joined = split(masking=0.5), split(masking=0.5, joined=True)
    assert rows(joined.train) == rows(apart.train) | rows(apart.validation)
    assert joined.validation.empty
    assert joined.test.pairs.equals(apart.test.pairs)
    assert rows(apart.views[-1]) < rows(joined.views[-1]), "the mask is the same"
    for view, shown in enumerate(joined.views[:-1]):
        assert not rows(shown) & rows(joined.train[joined.train["view"] == view])


@pytest.mark.parametrize("number", range(5))
def test_the_test_part_is_the_folds_fifth_of_the_data_set(ratings, split, number):
    made = split(fold=f"u{number + 1}")
    fifth = ratings.iloc[number * 125 : (number + 1) * 125]
    assert made.test.pairs.to_numpy().tolist() == fifth[RATING[:2]].to_numpy().tolist()
    assert made.test.open().tolist() == fifth["rating"].tolist()


@pytest.mark.parametrize("seed", [0, 3])
@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("fold", ["u2", "item1", "user5", "both4"])
def test_the_test_part_is_the_same_whatever_the_seed_the_protocol_and_the_mask(
    ratings, films, split, fold, protocol, seed
):
    made = split(protocol, fold=fold, seed=seed, masking=0.5).test
    expected = protocols.sealed_test(ratings, films, fold=fold)
    pd.testing.assert_frame_equal(made.pairs, expected.pairs)
    assert made.open().tolist() == expected.open().tolist()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_test_part_of_a_learning_curve_is_the_same_for_every_number_shown(
    ratings, films, split, protocol, monkeypatch
):
    monkeypatch.setattr(folds, "MAX_SUPPORT", 12)
    whole = protocols.sealed_test(ratings, films, fold="item1")
    expected = protocols.sealed_test(ratings, films, fold="item1", support_size=0)
    assert 0 < len(expected.pairs) < len(whole.pairs)
    for shown in (0, 1, 12):
        made = split(protocol, fold="item1", seed=shown, support_size=shown).test
        pd.testing.assert_frame_equal(made.pairs, expected.pairs)
        assert made.open().tolist() == expected.open().tolist()


def test_parts_are_disjoint_and_lose_nothing(ratings, split):
    made = split(fold="u2", seed=3)
    sets = [pairs(made.train), pairs(made.validation), pairs(made.test.pairs)]
    assert [len(found) for found in sets] == [450, 50, 125], "a tenth of 500 validates"
    assert len(set.union(*sets)) == 625
    told = pd.concat([made.train[RATING], made.validation])
    outside = ratings[~movielens.fold_masks(ratings)["u2"]]
    assert sorted(told.to_numpy().tolist()) == sorted(outside[RATING].to_numpy().tolist())
    assert set(made.train["view"]) == set(range(protocols.N_PARTS))


def test_validation_and_parts_are_another_draw_for_each_seed_and_the_same_for_one(split):
    one, again, other = (split(seed=seed) for seed in (0, 0, 1))
    pd.testing.assert_frame_equal(one.train, again.train)
    pd.testing.assert_frame_equal(one.validation, again.validation)
    for view, same in zip(one.views, again.views, strict=True):
        pd.testing.assert_frame_equal(view, same)
    assert pairs(one.validation) != pairs(other.validation)
    both = one.train.merge(other.train, on=["user_id", "movie_id"])
    assert (both["view_x"] != both["view_y"]).mean() > 0.5


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_who_is_where_does_not_depend_on_any_rating(ratings, split, protocol):
    """A balanced number of likes in each part would tell of the hidden ones, for example."""
    shuffled = ratings.assign(rating=np.random.default_rng(1).permutation(ratings["rating"]))
    one, other = (split(protocol, of=table, masking=0.5) for table in (ratings, shuffled))
    where = ["user_id", "movie_id", "view"]
    pd.testing.assert_frame_equal(one.train[where], other.train[where])
    pd.testing.assert_frame_equal(one.validation[where[:2]], other.validation[where[:2]])
    for view, same in zip(one.views, other.views, strict=True):
        pd.testing.assert_frame_equal(view[where], same[where])
    assert (one.train["rating"] != other.train["rating"]).any()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_split_leaves_the_ratings_as_they_were(ratings, split, protocol):
    before = ratings.copy()
    made = split(protocol)
    made.train["rating"] = 0
    made.test.pairs["user_id"] = 0
    pd.testing.assert_frame_equal(ratings, before)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_cold_movies_are_handed_on(films, split, protocol):
    made = split(protocol, fold="item2")
    assert set(made.cold_movies) == set(made.test.pairs["movie_id"])
    assert split(protocol).cold_movies is None
    assert split(protocol, fold="user2").cold_movies is None


# --- clean --------------------------------------------------------------------------------------

SOME = [("u1", 0.0), ("u1", 0.5), ("item2", 0.0), ("user3", 0.5), ("both1", 0.0)]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(("fold", "masking"), SOME)
def test_views_hold_training_ratings_only(split, protocol, fold, masking):
    made = split(protocol, fold=fold, masking=masking)
    tested = pairs(made.test.pairs)
    for view in made.views:
        assert len(view)
        assert rows(view) <= rows(made.train)
        assert not pairs(view) & tested
    assert not pairs(made.train) & tested
    assert not pairs(made.train) & pairs(made.validation)


@pytest.mark.parametrize(("fold", "masking"), SOME)
@pytest.mark.parametrize("protocol", ["clean", "hidden_target"])
def test_the_view_of_a_rating_lacks_it_and_its_part_and_nothing_else(
    split, protocol, fold, masking
):
    made = split(protocol, fold=fold, masking=masking)
    assert len(made.views) == protocols.N_PARTS + 1
    everything = rows(made.views[-1])
    for part in range(protocols.N_PARTS):
        own = rows(made.train[made.train["view"] == part])
        assert own
        assert not own & rows(made.views[part])
        assert rows(made.views[part]) == everything - own


@pytest.mark.parametrize("shown", [0, 4])
def test_ratings_given_back_enter_the_views_like_any_other(split, monkeypatch, shown):
    monkeypatch.setattr(folds, "MAX_SUPPORT", 12)
    made = split(fold="user1", support_size=shown)
    new = set(made.test.pairs["user_id"])
    last = made.views[-1]
    counts = last["user_id"].value_counts()
    assert [counts.get(user, 0) for user in new] == [shown] * len(new)
    assert (last["user_id"].isin(new).sum() > 0) == (shown > 0)


def test_validation_ratings_are_in_no_view_and_test_ratings_in_no_part_under_clean(split):
    made = split()
    assert made.test_profiles is None
    hidden = pairs(made.validation)
    assert not any(pairs(view) & hidden for view in made.views)


# --- as published -------------------------------------------------------------------------------


def test_as_published_the_test_part_selects_and_the_validation_is_learned_from(split):
    clean, published = split(), split("as_published")
    assert rows(published.train) == rows(clean.train) | rows(clean.validation)
    assert published.validation[RATING[:2]].to_numpy().tolist() == (
        published.test.pairs.to_numpy().tolist()
    )
    assert published.validation["rating"].tolist() == published.test.open().tolist()


def test_as_published_a_target_is_in_its_own_view(split):
    made = split("as_published")
    assert (made.train["view"] == 0).all()
    (view,) = made.views
    assert rows(view) == rows(made.train)


def test_as_published_profiles_of_test_pairs_are_made_of_the_test_ratings(split):
    made = split("as_published")
    assert rows(made.test_profiles) == rows(made.validation)
    assert len(made.test_profiles) == len(made.test.pairs) == 125


def test_the_protocols_between_turn_back_one_switch_at_a_time():
    switches = ("target_hidden", "test_built_profiles", "selected_on_test")
    way = ["as_published", "training_profiles", "hidden_target", "clean"]
    values = [[getattr(PROTOCOLS[name], switch) for switch in switches] for name in way]
    assert values[0] == [False, True, True]
    assert values[-1] == [True, False, False]
    for before, after in pairwise(values):
        assert sum(one != other for one, other in zip(before, after, strict=True)) == 1
    assert set(way) == set(PROTOCOLS)


@pytest.mark.parametrize(
    ("protocol", "views", "test_built", "selected_on_test"),
    [
        ("clean", 6, False, False),
        ("hidden_target", 6, False, True),
        ("training_profiles", 1, False, True),
        ("as_published", 1, True, True),
    ],
)
def test_each_switch_does_what_it_says(split, protocol, views, test_built, selected_on_test):
    made = split(protocol)
    assert len(made.views) == views
    assert (made.test_profiles is not None) == test_built
    assert (pairs(made.validation) == pairs(made.test.pairs)) == selected_on_test


# --- masks --------------------------------------------------------------------------------------

LEVELS = (0.0, 0.2, 0.5, 0.8, 0.95)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_masks_thin_the_views_by_their_share_and_nothing_else(split, protocol):
    whole = split(protocol)
    for masking in LEVELS:
        made = split(protocol, masking=masking)
        pd.testing.assert_frame_equal(made.train, whole.train)
        pd.testing.assert_frame_equal(made.validation, whole.validation)
        assert len(made.views[-1]) / len(made.train) == pytest.approx(1 - masking, abs=0.06)
    assert rows(whole.views[-1]) == rows(whole.train)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_masks_are_nested(split, protocol):
    levels = [split(protocol, masking=masking) for masking in LEVELS]
    for less, more in pairwise(levels):
        for wider, thinner in zip(less.views, more.views, strict=True):
            assert rows(thinner) < rows(wider)
    built = [rows(made.test_profiles) for made in levels if made.test_profiles is not None]
    assert all(thinner < wider for wider, thinner in pairwise(built))
    assert bool(built) == (protocol == "as_published")


@pytest.mark.parametrize("masking", LEVELS)
def test_a_rating_is_hidden_under_every_protocol_or_none(split, masking):
    made = {protocol: split(protocol, masking=masking) for protocol in PROTOCOLS}
    common = pairs(made["clean"].train)
    shown = {name: pairs(one.views[-1]) & common for name, one in made.items()}
    assert all(found == shown["clean"] for found in shown.values())
    # Also in another fold, where other ratings are in training.
    other = split(fold="u2", masking=masking)
    common &= pairs(other.train)
    assert pairs(other.views[-1]) & common == shown["clean"] & common


def test_another_seed_hides_others(split):
    common = pairs(split().train) & pairs(split(seed=1).train)
    one, other = (pairs(split(seed=seed, masking=0.5).views[-1]) & common for seed in (0, 1))
    assert len(one & other) / len(common) == pytest.approx(0.25, abs=0.08)


# --- the seal -----------------------------------------------------------------------------------


def test_sealed_ratings_are_nowhere_in_the_open(ratings):
    test = SealedTest(ratings)
    public = {name: getattr(test, name) for name in dir(test) if not name.startswith("_")}
    assert set(public) == {"pairs", "open"}
    assert list(test.pairs.columns) == ["user_id", "movie_id"]
    test.open()[:] = 0
    assert test.open().tolist() == ratings["rating"].tolist(), "open gives a copy"
    assert pickle.loads(pickle.dumps(test)).open().tolist() == ratings["rating"].tolist()


def openings(source: str) -> list[str]:
    """What may break a seal: ``x.open`` of something not imported, or the hidden name.

    A sealed test opens without arguments, so ``path.open("rb")`` is another thing.
    """
    nodes = list(ast.walk(ast.parse(source)))
    imports = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    imported = {(name.asname or name.name).split(".")[0] for node in imports for name in node.names}
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    with_arguments = {call.func for call in calls if call.args or call.keywords}

    def harmless(node: ast.Attribute) -> bool:
        base = ast.unparse(node.value)
        return base != "SealedTest" and (base in imported or node in with_arguments)

    found = [n for n in nodes if isinstance(n, ast.Attribute) and n.attr == "open"]
    found = [node for node in found if not harmless(node)]
    for call in calls:
        by_name = ast.unparse(call.func).endswith(("getattr", "attrgetter", "methodcaller"))
        if by_name and any(getattr(word, "value", None) == "open" for word in call.args):
            found.append(call)
    for node in nodes:
        name = node.attr if isinstance(node, ast.Attribute) else getattr(node, "value", None)
        if isinstance(name, str) and "_SealedTest__" in name:
            found.append(node)
    return [ast.unparse(node) for node in found]


def test_only_metrics_opens_a_sealed_test():
    breaking = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if openings(path.read_text(encoding="utf-8"))
    }
    assert breaking == {"evaluation/metrics.py"}


@pytest.mark.parametrize(
    ("source", "n"),
    [
        ("split.test.open()", 1),
        ("read = test.open", 1),
        ("from a import SealedTest\nSealedTest.open(test)", 1),
        ("[SealedTest.open for _ in x]", 1),
        ("getattr(test, 'open')()", 1),
        ("test._SealedTest__ratings", 1),
        ("vars(test)['_SealedTest__ratings']", 1),
        ("import av\nav.open(path)\npath.open('rb')\nopen(path)", 0),
    ],
)
def test_a_broken_seal_would_be_found(source, n):
    assert len(openings(source)) == n


@needs_mirror
@pytest.mark.parametrize("fold", movielens.FOLDS)
def test_the_split_is_the_published_one(fold):
    folder = Path(os.environ["MMREC_MIRROR"]) / "ml-100k"
    ratings = movielens.read(folder).ratings
    ids = ratings["movie_id"].unique()
    split = PROTOCOLS["clean"].split(ratings, pd.Series(ids, ids), fold=fold, seed=0)
    test = split.test.pairs.assign(rating=split.test.open().astype(int))
    parts = {"test": test, "base": pd.concat([split.train[RATING], split.validation])}
    for name, found in parts.items():
        path = folder / f"{fold}.{name}"
        published = pd.read_csv(path, sep="\t", names=[*RATING, "timestamp"])[RATING]
        found = found.sort_values(RATING[:2], ignore_index=True)
        pd.testing.assert_frame_equal(found, published, check_dtype=False)
