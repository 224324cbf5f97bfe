"""Who may see which ratings: splits, parts, and the seal on the test ratings."""

import ast
import os
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tiny

import mmrec
from mmrec.data import movielens
from mmrec.experiments import protocols
from mmrec.experiments.protocols import PROTOCOLS, SealedTest

PACKAGE = Path(mmrec.__file__).parent
RATING = ["user_id", "movie_id", "rating"]
needs_mirror = pytest.mark.skipif(
    not os.environ.get("MMREC_MIRROR"), reason="MMREC_MIRROR is not set"
)


@pytest.fixture(scope="module")
def ratings() -> pd.DataFrame:
    return tiny.ratings()


def pairs(table: pd.DataFrame) -> set:
    return set(zip(table["user_id"], table["movie_id"], strict=True))


@pytest.mark.parametrize("number", range(5))
def test_the_test_part_is_the_folds_fifth_of_the_data_set(ratings, number):
    split = protocols.clean(ratings, fold=f"u{number + 1}", seed=0)
    fifth = ratings.iloc[number * 125 : (number + 1) * 125]
    assert split.test.pairs.to_numpy().tolist() == fifth[RATING[:2]].to_numpy().tolist()
    assert split.test.open().tolist() == fifth["rating"].tolist()


def test_parts_are_disjoint_and_lose_nothing(ratings):
    split = protocols.clean(ratings, fold="u2", seed=3)
    sets = [pairs(split.train), pairs(split.validation), pairs(split.test.pairs)]
    assert [len(found) for found in sets] == [450, 50, 125], "a tenth of 500 validates"
    assert len(set.union(*sets)) == 625
    told = pd.concat([split.train[RATING], split.validation])
    outside = ratings[~movielens.fold_masks(ratings)["u2"]]
    assert sorted(told.to_numpy().tolist()) == sorted(outside[RATING].to_numpy().tolist())
    assert set(split.train["part"]) == set(range(protocols.N_PARTS))


def test_validation_and_parts_are_another_draw_for_each_seed_and_the_same_for_one(ratings):
    one, again, other = (protocols.clean(ratings, fold="u1", seed=seed) for seed in (0, 0, 1))
    pd.testing.assert_frame_equal(one.train, again.train)
    pd.testing.assert_frame_equal(one.validation, again.validation)
    assert pairs(one.validation) != pairs(other.validation)
    both = one.train.merge(other.train, on=["user_id", "movie_id"])
    assert (both["part_x"] != both["part_y"]).mean() > 0.5
    pd.testing.assert_frame_equal(one.test.pairs, other.test.pairs)


def test_who_is_where_does_not_depend_on_any_rating(ratings):
    shuffled = ratings.assign(rating=np.random.default_rng(1).permutation(ratings["rating"]))
    one, other = (protocols.clean(table, fold="u1", seed=0) for table in (ratings, shuffled))
    where = ["user_id", "movie_id", "part"]
    pd.testing.assert_frame_equal(one.train[where], other.train[where])
    pd.testing.assert_frame_equal(one.validation[where[:2]], other.validation[where[:2]])
    assert (one.train["rating"] != other.train["rating"]).any()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_split_leaves_the_ratings_as_they_were(ratings, protocol):
    before = ratings.copy()
    split = PROTOCOLS[protocol](ratings, fold="u1", seed=0)
    split.train["rating"] = 0
    split.test.pairs["user_id"] = 0
    pd.testing.assert_frame_equal(ratings, before)


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
    assert breaking == {"experiments/metrics.py"}


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
    split = protocols.clean(movielens.read(folder).ratings, fold=fold, seed=0)
    test = split.test.pairs.assign(rating=split.test.open().astype(int))
    parts = {"test": test, "base": pd.concat([split.train[RATING], split.validation])}
    for name, found in parts.items():
        path = folder / f"{fold}.{name}"
        published = pd.read_csv(path, sep="\t", names=[*RATING, "timestamp"])[RATING]
        found = found.sort_values(RATING[:2], ignore_index=True)
        pd.testing.assert_frame_equal(found, published, check_dtype=False)
