"""Intervals and tests: against libraries, by hand, and by how often they are right."""

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import stats
from statsmodels.stats.sandwich_covariance import cov_cluster_2groups

from mmrec.evaluation import inference
from mmrec.evaluation.inference import Sample, Sampling

USERS, BOTH = Sampling.USERS, Sampling.USERS_AND_FILMS


def crossed(rng: np.random.Generator, n_users: int = 60, n_films: int = 40, density: float = 0.4):
    """User and film of pairs that are there by chance."""
    return np.nonzero(rng.random((n_users, n_films)) < density)


def by_user(users, weights=None) -> Sample:
    return Sample.of(users, np.arange(len(users)), USERS, weights)


# --- users sampled ------------------------------------------------------------------------------


def test_two_users_give_the_three_samples_there_are():
    squared, users = np.array([1.0, 1.0, 4.0]), np.array([8, 8, 3])
    samples = np.sqrt(by_user(users)._resampled(squared))
    found, counts = np.unique(samples.round(9), return_counts=True)
    assert found == pytest.approx([1, np.sqrt(2), 2])
    assert counts / len(samples) == pytest.approx([0.25, 0.5, 0.25], abs=0.04)


@pytest.mark.parametrize("sampling", Sampling)
@settings(max_examples=20, deadline=None)
@given(
    constant=st.floats(0.01, 16),
    users=arrays.arrays(np.int64, 12, elements=st.integers(0, 5)),
    films=arrays.arrays(np.int64, 12, elements=st.integers(0, 5)),
)
def test_the_interval_of_a_constant_is_that_constant(sampling, constant, users, films):
    sample = Sample.of(users, films, sampling)
    values = np.full(12, constant)
    assert sample.interval(values) == pytest.approx((constant, constant))
    assert sample.interval(values, root=True) == pytest.approx([np.sqrt(constant)] * 2)


@pytest.mark.parametrize("sampling", Sampling)
@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_the_interval_holds_the_estimate(sampling, seed):
    rng = np.random.default_rng(seed)
    users, films = crossed(rng, 15, 12)
    sample = Sample.of(users, films, sampling, rng.uniform(0.5, 2, len(users)))
    values = rng.exponential(1, len(users))
    low, high = sample.interval(values)
    assert low <= sample.mean(values) <= high
    low, high = sample.interval(values, root=True)
    assert 0 <= low <= np.sqrt(sample.mean(values)) <= high


def test_a_weighted_mean_over_pairs_is_the_mean_over_users():
    """Resampling the pairs of lists by user is resampling the users' scores."""
    rng = np.random.default_rng(4)
    users = np.repeat(np.arange(30), rng.integers(1, 9, 30))
    sizes = np.bincount(users)
    values = rng.random(len(users))
    scores = np.bincount(users, values) / sizes
    of_pairs = by_user(users, 1 / sizes[users])
    of_users = by_user(np.arange(30))
    assert of_pairs.mean(values) == pytest.approx(scores.mean())
    assert of_pairs.interval(values) == pytest.approx(of_users.interval(scores))
    other = rng.random(len(users))
    one = of_pairs.difference(values, other)
    two = of_users.difference(scores, np.bincount(users, other) / sizes)
    assert (one.value, one.low, one.high) == pytest.approx((two.value, two.low, two.high))
    assert one.p == two.p


def test_a_sign_flip_has_the_p_that_all_flips_have():
    # Ten users, each better by the same: of the 1,024 flips two are as extreme.
    assert inference.sign_flip_test(np.repeat(-0.3, 10)) == (2 / 1024, 2 / 1024)
    assert inference.sign_flip_test(np.zeros(30))[0] == 1
    p, floor = inference.sign_flip_test(np.repeat(0.3, 40))
    assert p == floor == 1e-4
    assert inference.sign_flip_test(np.array([0.3])) == (1, 1), "one user says nothing"


def test_p_values_are_uniform_when_nothing_differs():
    """Ratings of a user err together: a test over ratings would reject far too often."""
    rng = np.random.default_rng(5)
    p = [inference.sign_flip_test(20 * rng.normal(0, 1, 30))[0] for _ in range(150)]
    for level in (0.1, 0.25, 0.5, 0.75):
        assert np.mean(np.array(p) < level) == pytest.approx(level, abs=0.12)


def test_the_interval_over_users_covers_the_truth_about_as_often_as_it_says(monkeypatch):
    monkeypatch.setattr(inference, "RESAMPLES", 400)
    rng, hits, n = np.random.default_rng(3), 0, 150
    users = np.repeat(np.arange(80), 6)
    for _ in range(n):
        low, high = by_user(users).interval(np.repeat(rng.exponential(1, 80), 6), root=True)
        hits += low <= 1 <= high
    assert 0.88 <= hits / n <= 0.99


# --- users and films sampled --------------------------------------------------------------------


def test_the_two_way_variance_is_that_of_statsmodels():
    rng = np.random.default_rng(1)
    users, films = crossed(rng)
    users, films = np.append(users, users[:9]), np.append(films, films[:9])  # some pairs twice
    values = rng.normal(size=60)[users] + rng.normal(size=40)[films] + rng.normal(size=len(users))
    fitted = sm.OLS(values, np.ones(len(values))).fit()
    expected = cov_cluster_2groups(fitted, users, films)[0].item()
    found = inference.two_way_variance((values - values.mean()) / len(values), users, films)
    assert found == pytest.approx(expected)


def test_a_variance_below_those_of_one_way_gives_way_to_them():
    users, films = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    influence = np.array([1.0, -1, -1, 1])  # nothing within a user or a film, all within pairs
    assert inference.two_way_variance(influence, users, films) == 0
    assert Sample.of(users, films, BOTH).interval(influence + 3) == (3, 3)


def test_two_way_intervals_and_tests_are_right_about_as_often_as_they_say():
    """Users and films that differ: over users alone, a film's ratings count as independent."""
    rng, n, n_users, n_films = np.random.default_rng(8), 250, 100, 50
    two_way = over_users = rejected = flipped = 0
    for number in range(n):
        users, films = crossed(rng, n_users, n_films, 0.3)
        values = rng.normal(0, 0.6, n_users)[users] + rng.normal(0, 0.6, n_films)[films]
        values += rng.normal(0, 1, len(users))
        sample = Sample.of(users, films, BOTH)
        low, high = sample.interval(values)
        two_way += low <= 0 <= high
        rejected += sample.difference(values, np.zeros(len(users))).p < 0.05
        if number < 50:
            low, high = by_user(users).interval(values)
            over_users += low <= 0 <= high
            flipped += inference.sign_flip_test(np.bincount(users, values))[0] < 0.05
    assert 0.92 <= two_way / n <= 0.98
    assert 0.02 <= rejected / n <= 0.08
    assert over_users / 50 < 0.85, "the interval over users alone is far too short"
    assert flipped / 50 > 0.15, "and the test over users alone finds what is not there"


def test_rmse_differences_of_films_and_users_cover_the_truth():
    """The interval of a difference of two RMSE, by linearisation, in samples from one population.

    The errors of both rows have variance 1 within films that have effects of their own.
    """
    rng, n, hits = np.random.default_rng(9), 200, 0
    for _ in range(n):
        users, films = crossed(rng, 100, 60, 0.3)
        rows = []
        for _ in range(2):
            effects = rng.normal(0, 0.5, 100)[users] + rng.normal(0, 0.5, 60)[films]
            rows.append((effects + rng.normal(0, np.sqrt(0.5), len(users))) ** 2)
        found = Sample.of(users, films, BOTH).difference(*rows, root=True)
        hits += found.low <= 0 <= found.high
        assert (found.p < 0.05) == (not found.low <= 0 <= found.high)
    assert 0.91 <= hits / n <= 0.985


def test_a_difference_without_any_variance_is_certain_or_nothing():
    sample = Sample.of([1, 1, 2, 2], [3, 4, 3, 4], BOTH)
    same = sample.difference(np.full(4, 2.0), np.full(4, 2.0))
    assert (same.value, same.p) == (0, 1)
    other = sample.difference(np.full(4, 2.0), np.full(4, 1.0))
    assert (other.value, other.low, other.high, other.p) == (1, 1, 1, 0)


@pytest.mark.parametrize("sampling", Sampling)
def test_a_difference_changes_its_sign_with_the_order(sampling):
    rng = np.random.default_rng(2)
    users, films = crossed(rng)
    first, second = rng.exponential(1, (2, len(users)))
    sample = Sample.of(users, films, sampling)
    one, two = (sample.difference(*rows, root=True) for rows in ((first, second), (second, first)))
    assert (one.value, one.low, one.high) == pytest.approx((-two.value, -two.high, -two.low))
    assert one.p == pytest.approx(two.p)
    assert one.low < one.value < one.high


def test_films_count_although_every_user_says_the_same():
    films = np.tile(np.arange(8), 50)
    users = np.repeat(np.arange(50), 8)
    values = np.random.default_rng(0).normal(size=8)[films]
    low, high = Sample.of(users, films, USERS).interval(values)
    assert high - low < 1e-9
    low, high = Sample.of(users, films, BOTH).interval(values)
    assert high - low > 0.5


# --- several verdicts ---------------------------------------------------------------------------


def test_holms_correction_by_hand():
    assert inference.holm([0.01, 0.04, 0.03, 0.005]).tolist() == pytest.approx(
        [0.03, 0.06, 0.06, 0.02]
    )
    assert inference.holm([0.9, 0.8]).tolist() == [1, 1]
    assert inference.holm([0.03]).tolist() == [0.03]


@settings(max_examples=8, deadline=None)  # the library collects garbage at every call
@given(arrays.arrays(np.float64, st.integers(1, 30), elements=st.floats(0, 1)))
def test_holms_correction_is_monotone_and_never_in_favour(p):
    corrected = inference.holm(p)
    assert (corrected >= p).all()
    assert (corrected <= 1).all()
    order = np.argsort(p, kind="stable")
    assert (np.diff(corrected[order]) >= 0).all()
    assert corrected.min() <= p.min() * len(p) + 1e-12


def test_the_smaller_number_of_clusters_less_one_gives_the_degrees_of_freedom():
    rng = np.random.default_rng(3)
    users, films = np.repeat(np.arange(12), 4), np.tile(np.arange(4), 12)
    first, second = rng.normal(size=(2, 48))
    sample = Sample.of(users, films, BOTH)
    found = sample.difference(first, second)
    influence = (first - second - found.value) / 48
    error = np.sqrt(inference.two_way_variance(influence, users, films))
    assert found.p == pytest.approx(2 * stats.t.sf(abs(found.value) / error, 3))
    assert found.high - found.value == pytest.approx(stats.t.ppf(0.975, 3) * error)
