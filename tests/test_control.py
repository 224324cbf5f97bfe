"""The permuted control: vectors of other movies, while what is known of a movie stays its own."""

import numpy as np
import pytest
import tiny
from hypothesis import given
from hypothesis import strategies as st

from mmrec.evaluation.control import permuted
from mmrec.features.table import FeatureTable

META = tiny.table("meta", 12, 40, parts=tiny.META_PARTS)


def rows(table: FeatureTable) -> list[bytes]:
    return [vector.tobytes() for vector in table.vectors]


@pytest.mark.parametrize("seed", range(3))
def test_the_parts_that_a_movie_has_stay_with_it(seed):
    """Which parts are known says how popular a movie is: it must not move with the vector."""
    assert len(np.unique(META.part_present, axis=0)) > 2
    dealt = permuted(META, "meta", seed=seed)
    ids = tiny.movie_ids()
    np.testing.assert_array_equal(dealt.matrix(ids)[1], META.matrix(ids)[1])
    for columns, known in zip(dealt.parts.values(), dealt.part_present.T, strict=True):
        assert not dealt.vectors[~known, columns].any(), "an unknown part is zero"
        assert (dealt.vectors[known, columns] != 0).any(axis=1).all()


def test_vectors_are_dealt_whole_and_most_go_to_another_movie():
    dealt = permuted(META, "meta", seed=0)
    assert sorted(rows(dealt)) == sorted(rows(META))
    assert (dealt.vectors != META.vectors).any(axis=1).mean() > 0.5
    assert dealt.provenance == META.provenance


def test_every_seed_and_every_table_is_dealt_in_its_own_way():
    ways = [permuted(META, name, seed=seed) for name, seed in (("a", 0), ("a", 1), ("b", 0))]
    assert len({table.digest for table in ways}) == 3
    assert permuted(META, "a", seed=0).digest == ways[0].digest


@given(
    flags=st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=30),
    seed=st.integers(0, 2**32 - 1),
)
def test_within_a_pattern_vectors_are_permuted_and_never_between_patterns(flags, seed):
    present = np.array(flags) | [[False, True]]
    ids = np.arange(len(flags)) * 2 + 1
    vectors = np.where(present, ids[:, None], 0).astype(np.float32)
    table = FeatureTable("toy", ids, vectors, {}, {"a": slice(0, 1), "b": slice(1, 2)}, present)
    dealt = permuted(table, "toy", seed=seed)
    np.testing.assert_array_equal(dealt.part_present, present)
    for pattern in np.unique(present, axis=0):
        alike = (present == pattern).all(axis=1)
        assert sorted(dealt.vectors[alike, 1]) == sorted(table.vectors[alike, 1])
