"""The benchmark of training compares what computes the same, and counts what is computed."""

import time

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import training as benchmark
from mmrec import hardware
from mmrec.models import inputs as network_inputs
from mmrec.models import training
from mmrec.models.training import TrainingSettings

N_USERS, N_MOVIES = 30, 40
WIDTHS = {"video": 6, "audio": 5, "text": 8, "meta": 12}


@pytest.fixture(scope="module")
def problem():
    rng = np.random.default_rng(5)
    user, movie = np.divmod(rng.permutation(N_USERS * N_MOVIES)[:600], N_MOVIES)
    rated = user, movie, rng.integers(1, 6, 600).astype(np.float32)
    return benchmark.cross_fitted(rated, benchmark.random_vectors(WIDTHS, N_MOVIES))


def gradient(model) -> torch.Tensor:
    return torch.cat([p.grad.ravel() for p in model.parameters()])


def test_both_structures_compute_the_same_losses_and_gradients(problem):
    inputs, ratings = benchmark.shared(*problem)
    assert not all(flags.all() for flags in inputs.present.values()), "some vectors are missing"
    items = benchmark.OneRatingAtATime(inputs, ratings)
    (batch,) = benchmark.DataLoader(items, batch_size=len(items))
    torch.manual_seed(0)
    model = benchmark.network(inputs)
    found = []
    for both in (
        benchmark.published_losses(model, *batch),
        training.losses(model, inputs, ratings, 0),
    ):
        model.zero_grad()
        sum(both).backward()
        found.append((*both, gradient(model)))
    for published, ours in zip(*found, strict=True):
        torch.testing.assert_close(ours, published, rtol=1e-4, atol=1e-5)
    assert found[0][2].abs().max() > 0.1


def test_a_published_batch_holds_every_rating_with_its_own_vectors(problem):
    inputs, ratings = benchmark.shared(*problem)
    users, movies, present, rating = benchmark.OneRatingAtATime(inputs, ratings)[7]
    assert torch.equal(users, inputs.users[0, ratings.user[7]])
    assert {name: len(vector) for name, vector in movies.items()} == WIDTHS
    assert present.keys() == movies.keys()
    assert rating == ratings.rating[7]


def test_a_rating_is_hidden_from_its_own_view_and_in_the_shared_one(problem):
    inputs, ratings = problem
    liked = ratings.rating >= 4
    meta, known = inputs.movies["meta"][0], inputs.present["meta"]
    for view, shown in ((2, liked & (ratings.view != 2)), (inputs.full, liked)):
        rows = (ratings.user == 3) & shown & known[ratings.movie]
        expected = meta[ratings.movie[rows]].mean(dim=0)
        torch.testing.assert_close(inputs.users[view, 3], expected)
    plain, same = benchmark.shared(inputs, ratings)
    assert torch.equal(plain.users[0], inputs.users[inputs.full])
    assert set(same.view.tolist()) == {plain.full}


def test_operations_are_those_that_pytorch_counts(problem, monkeypatch):
    """Without padding: rows that nobody reads are no achievement."""
    for module in (training, network_inputs):
        monkeypatch.setattr(module, "padded", lambda rows: rows)
    inputs, ratings = problem
    model = benchmark.network(inputs)
    movies = ratings.movie.unique()
    present = {name: flags[movies] for name, flags in inputs.present.items()}
    sizes = len(ratings.user.unique()), present, len(ratings)
    with FlopCounterMode(display=False) as counter:
        sum(training.losses(model, inputs, ratings, 0)).backward()
    cosines = 2 * sizes[0] * len(movies) * 100  # of all users and movies, and 2 gradients
    assert benchmark.step_flops(model, *sizes) == counter.get_total_flops() - 3 * cosines
    with FlopCounterMode(display=False) as counter:
        training.predictor(model, inputs)(ratings.user, ratings.movie)
    every = N_USERS, inputs.present, len(ratings)
    assert benchmark.forward_flops(model, *every) == counter.get_total_flops()


def test_an_epoch_is_counted_batch_by_batch(problem):
    inputs, ratings = problem
    model = benchmark.network(inputs)
    assert len(ratings.movie.unique()) == N_MOVIES
    validation = benchmark.forward_flops(model, N_USERS, inputs.present, 1)
    shared = benchmark.shared(inputs, ratings)
    whole = benchmark.step_flops(model, N_USERS, inputs.present, len(ratings))
    assert benchmark.epoch_flops(*shared, len(ratings)) == whole + validation
    assert benchmark.epoch_flops(inputs, ratings, len(ratings)) > whole + validation


def test_ways_take_turns_and_the_best_round_counts(monkeypatch):
    calls, clock = [], iter([0, 5, 5, 6, 10, 12, 20, 24])
    monkeypatch.setattr(benchmark.time, "process_time", lambda: next(clock))
    ways = {name: lambda name=name: calls.append(name) for name in "ab"}
    assert benchmark.in_turn(ways, 2) == {"a": 2, "b": 1}
    assert calls == list("abab")


def test_ratios_and_shares_come_out_of_a_run(problem, monkeypatch):
    monkeypatch.setattr(benchmark, "PEAK_SIZES", (256,))
    seconds = benchmark.structures(*problem, rounds=1)
    said = benchmark.report_structures(seconds)
    assert min(seconds.values()) > 0
    assert said.count(" x") == 4
    best, found = benchmark.shares(*problem, torch.float32, rounds=1)
    assert best > 1e8
    assert len(found) == 3
    assert all(0 < share.of_peak < 1 and share.in_products > 0 for share in found.values())


def test_products_are_told_from_the_rest():
    square = torch.ones(512, 512)
    started = time.perf_counter()
    taken = benchmark.in_products(lambda: (square @ square).sigmoid().sum())
    assert 0 < taken < time.perf_counter() - started
    assert benchmark.in_products(lambda: square.sigmoid()) == 0


@pytest.mark.skipif(
    not {"avx512_bf16", "amx_bf16"} <= set(hardware.describe()["capabilities"]),
    reason="this processor has no AMX to switch off",
)
def test_without_amx_products_are_slower(problem):
    slow, found = benchmark.shares_without_amx(*problem, rounds=1)
    assert len(found) == 3
    assert slow < benchmark.peak(torch.bfloat16) / 2


def test_the_share_of_the_peak_is_told_with_what_the_products_reach():
    said = benchmark.report_shares("float32", 164e9, {"shared, 40000": benchmark.Share(0.3, 0.6)})
    assert "float32: 164 GFLOP/s" in said
    assert said.splitlines()[3].split() == ["shared,", "40000", "30%", "60%", "50%"]


def test_an_epoch_of_the_published_structure_is_extrapolated(problem, monkeypatch):
    monkeypatch.setattr(benchmark, "PUBLISHED_STEPS", {50: 3})
    monkeypatch.setattr(benchmark, "in_turn", lambda ways, rounds: dict.fromkeys(ways, 1.0))
    assert benchmark.structures(*problem, rounds=1)["published, 50"] == 600 / 150


def test_the_report_divides_the_right_times():
    seconds = {
        "published, 2000": 30.0,
        "published, 40000": 60.0,
        "cross-fitted, 2000": 5.0,
        "shared, 2000": 4.0,
        "shared, 40000": 1.5,
    }
    said = " ".join(benchmark.report_structures(seconds).split())
    for part in (
        "batch 2,000, cross-fitted 6.0 x aim >= 5",
        "batch 2,000, shared 7.5 x",
        "batch 40,000, shared 40.0 x aim >= 40",
        "batch 2,000 1.25 x",
    ):
        assert part in said


def test_trainings_are_the_same_with_one_worker_and_with_two(problem):
    settings = TrainingSettings(epochs=2, batch_size=64)
    runs = [
        benchmark.several(*problem, settings, (0, 1), torch.float32, n_jobs=n_jobs)
        for n_jobs in (1, 2)
    ]
    (one, alone), (two, beside) = runs
    assert min(one, two) > 0
    assert alone[0][0] != alone[1][0]
    assert "yes" in benchmark.report_trainings(2, (one, two), alone, {torch.float32: beside})
    other = [(0.9, predicted + 1e-6) for _, predicted in beside]
    assert "yes" not in benchmark.report_trainings(2, (one, two), alone, {torch.float32: other})


def test_random_ratings_have_the_shape_of_the_data_set():
    user, movie, rating = benchmark.random_ratings()
    assert len(rating) == len(set(zip(user.tolist(), movie.tolist(), strict=True))) == 80_000
    assert (user.max(), movie.max()) == (942, 1681)
    assert set(rating.tolist()) == {1, 2, 3, 4, 5}
    popularity = np.sort(np.bincount(movie, minlength=1682))[::-1]
    assert 0.5 < popularity[:168].sum() / 80_000 < 0.8, "a tenth of the movies has most"


def test_the_compared_trainings_have_the_reference_settings():
    settings = benchmark.reference_settings(epochs=3)
    assert settings.epochs == 3
    assert settings.batch_size == benchmark.Settings.load("paper").batch_size
