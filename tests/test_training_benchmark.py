"""The benchmark of training compares what computes the same, and counts what is computed."""

import re
import time
from dataclasses import replace

import pytest
import torch
from torch.utils.data import DataLoader
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import measures, published_structure, training_problem
from benchmarks import training as benchmark
from mmrec import hardware
from mmrec.models import inputs as network_inputs
from mmrec.models import training
from mmrec.models.siamese import SiameseConfig
from mmrec.models.training import REFERENCE, TrainingSettings
from mmrec.study.claims import prose
from mmrec.workspace import PROJECT

N_USERS, N_MOVIES, N_RATINGS = 30, 40, 900
WIDTHS = {"video": 6, "audio": 5, "text": 8, "meta": 12}
SECONDS = {
    "published, 2000": 30.0,
    "published, 40000": 60.0,
    "cross-fitted, 2000": 5.0,
    "shared, 2000": 4.0,
    "shared, 40000": 1.5,
}


@pytest.fixture(scope="module")
def data():
    return training_problem.random_data(WIDTHS, (N_USERS, N_MOVIES), N_RATINGS)


@pytest.fixture(scope="module")
def problem(data):
    return training_problem.as_tensors(data)


def gradient(model) -> torch.Tensor:
    return torch.cat([p.grad.ravel() for p in model.parameters()])


def test_both_structures_compute_the_same_losses_and_gradients(problem):
    inputs, ratings = training_problem.shared(*problem)
    assert not all(flags.all() for flags in inputs.present.values()), "some vectors are missing"
    items = published_structure.OneRatingAtATime(inputs, ratings)
    (batch,) = DataLoader(items, batch_size=len(items))
    torch.manual_seed(0)
    model = published_structure.network(inputs)
    found = []
    for both in (
        published_structure.published_losses(model, *batch),
        training.losses(model, inputs, ratings, 0),
    ):
        model.zero_grad()
        sum(both).backward()
        found.append((*both, gradient(model)))
    for published, ours in zip(*found, strict=True):
        torch.testing.assert_close(ours, published, rtol=1e-4, atol=1e-5)
    assert found[0][2].abs().max() > 0.1


def test_a_published_batch_holds_every_rating_with_its_own_vectors(problem):
    inputs, ratings = training_problem.shared(*problem)
    users, movies, present, rating = published_structure.OneRatingAtATime(inputs, ratings)[7]
    assert torch.equal(users, inputs.users[0, ratings.user[7]])
    assert {name: len(vector) for name, vector in movies.items()} == WIDTHS
    assert present.keys() == movies.keys()
    assert rating == ratings.rating[7]


def test_the_inputs_are_the_models_own(data, problem, monkeypatch):
    """The trained network sees what the recommender's would, rating by rating."""
    seen = {}

    def fit(inputs, train, validation, settings, seed):
        seen["model"] = inputs, train
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "fit", fit)
    with pytest.raises(KeyboardInterrupt):
        SiameseConfig(tuple(WIDTHS)).build().fit(data, seed=0, chosen={"epochs": 1})
    inputs, ratings = problem
    same_inputs, same_ratings = seen["model"]
    converted = inputs.to(same_inputs.device, same_inputs.users.dtype)
    assert converted.users.equal(same_inputs.users)
    for name in WIDTHS:
        assert converted.movies[name].equal(same_inputs.movies[name])
        assert converted.present[name].equal(same_inputs.present[name])
    for name in ("user", "movie", "rating", "view"):
        assert getattr(ratings, name).equal(getattr(same_ratings, name))


def test_in_the_shared_view_every_rating_is_seen(problem):
    inputs, ratings = problem
    plain, same = training_problem.shared(inputs, ratings)
    assert torch.equal(plain.users[0], inputs.users[inputs.full])
    assert set(same.view.tolist()) == {plain.full}
    assert len(set(ratings.view.tolist())) == inputs.full


def test_operations_are_those_that_pytorch_counts(problem, monkeypatch):
    """Without padding: rows that nobody reads are no achievement."""
    for module in (training, network_inputs):
        monkeypatch.setattr(module, "padded", lambda rows: rows)
    inputs, ratings = problem
    model = published_structure.network(inputs)
    movies = ratings.movie.unique()
    present = {name: flags[movies] for name, flags in inputs.present.items()}
    sizes = len(ratings.user.unique()), present, len(ratings)
    with FlopCounterMode(display=False) as counter:
        sum(training.losses(model, inputs, ratings, 0)).backward()
    cosines = 2 * sizes[0] * len(movies) * 100  # of all users and movies, and 2 gradients
    assert measures.step_flops(model, *sizes) == counter.get_total_flops() - 3 * cosines
    with FlopCounterMode(display=False) as counter:
        training.predictor(model, inputs)(ratings.user, ratings.movie)
    every = N_USERS, inputs.present, len(ratings)
    assert measures.forward_flops(model, *every) == counter.get_total_flops()


def test_an_epoch_is_counted_batch_by_batch(problem):
    inputs, ratings = problem
    model = published_structure.network(inputs)
    assert len(ratings.movie.unique()) == N_MOVIES
    validation = measures.forward_flops(model, N_USERS, inputs.present, 1)
    shared = training_problem.shared(inputs, ratings)
    whole = measures.step_flops(model, N_USERS, inputs.present, len(ratings))
    assert measures.epoch_flops(*shared, len(ratings)) == whole + validation
    assert measures.epoch_flops(inputs, ratings, len(ratings)) > whole + validation


def test_ways_take_turns_and_the_best_round_counts(monkeypatch):
    calls, clock = [], iter([0, 5, 5, 6, 10, 12, 20, 24])
    monkeypatch.setattr(measures.time, "process_time", lambda: next(clock))
    ways = {name: lambda name=name: calls.append(name) for name in "ab"}
    assert measures.in_turn(ways, 2) == {"a": 2, "b": 1}
    assert calls == list("abab")


def test_ratios_and_shares_come_out_of_a_run(problem, monkeypatch):
    monkeypatch.setattr(measures, "PEAK_SIZES", (256,))
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
    taken = measures.in_products(lambda: (square @ square).sigmoid().sum())
    assert 0 < taken < time.perf_counter() - started
    assert measures.in_products(lambda: square.sigmoid()) == 0


@pytest.mark.skipif(
    not {"avx512_bf16", "amx_bf16"} <= set(hardware.describe()["capabilities"]),
    reason="this processor has no AMX to switch off",
)
def test_without_amx_products_are_slower(problem):
    slow, found = benchmark.shares_without_amx(*problem, rounds=1)
    assert len(found) == 3
    assert slow < measures.peak(torch.bfloat16) / 2


def test_the_share_of_the_peak_is_told_with_what_the_products_reach():
    said = benchmark.report_shares("float32", 164e9, {"shared, 40000": benchmark.Share(0.3, 0.6)})
    assert "float32: 164 GFLOP/s" in said
    assert said.splitlines()[3].split() == ["shared,", "40000", "30%", "60%", "50%"]


def test_the_page_on_speed_quotes_its_report():
    """The best share of the peak that the products reach in bfloat16 with AMX."""
    book = PROJECT / "book"
    report = (book / "benchmarks" / "training.txt").read_text(encoding="utf-8")
    (lines,) = re.findall(r"peak, bfloat16:.*?aim", report, re.DOTALL)
    of_peak = [int(share) for share in re.findall(r"(\d+)%$", lines, re.MULTILINE)]
    assert len(of_peak) == 3
    page = prose.text_of(book / "speed.md")
    assert prose.measured(page) == [f"{max(of_peak)} %"]


def test_an_epoch_of_the_published_structure_is_extrapolated(problem, monkeypatch):
    monkeypatch.setattr(benchmark, "PUBLISHED_STEPS", {50: 3})
    monkeypatch.setattr(benchmark, "in_turn", lambda ways, rounds: dict.fromkeys(ways, 1.0))
    assert benchmark.structures(*problem, rounds=1)["published, 50"] == N_RATINGS / 150


def test_the_report_divides_the_right_times():
    said = " ".join(benchmark.report_structures(SECONDS).split())
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
    ratings = training_problem.random_data({"meta": 2}).train
    assert len(ratings) == len(ratings[["user_id", "movie_id"]].drop_duplicates()) == 80_000
    assert (ratings["user_id"].max(), ratings["movie_id"].max()) == (943, 1682)
    assert set(ratings["rating"]) == {1, 2, 3, 4, 5}
    popularity = ratings["movie_id"].value_counts()
    assert 0.5 < popularity.iloc[:168].sum() / 80_000 < 0.8, "a tenth of the movies has most"


def test_the_reference_training_is_what_is_timed_and_compared(problem, monkeypatch):
    seen = []
    monkeypatch.setattr(training, "fit", lambda *args: seen.append(args[3]))
    benchmark.our_epochs(*problem, benchmark.USUAL, REFERENCE.epochs)()
    assert seen == [replace(REFERENCE, patience=REFERENCE.epochs)]


def test_the_report_compares_number_formats_under_the_reference_training(
    monkeypatch, capsys, tmp_path
):
    monkeypatch.setenv("MMREC_BUILD", str(tmp_path))  # no run has left features there
    seen = []

    def several(inputs, ratings, how, seeds, dtype, *, n_jobs):
        seen.append(how)
        return 1.0, [(0.9, torch.zeros(1)), (1.0, torch.zeros(1))]

    monkeypatch.setattr(benchmark, "several", several)
    monkeypatch.setattr(benchmark, "structures", lambda *_: dict.fromkeys(SECONDS, 1.0))
    for name in ("shares", "shares_without_amx"):
        monkeypatch.setattr(benchmark, name, lambda *_: (1e9, {}))
    monkeypatch.setattr(
        benchmark, "random_data", lambda: training_problem.random_data(WIDTHS, (30, 40), 600)
    )
    monkeypatch.setattr("sys.argv", ["training", "--epochs", "3", "--profile", "smoke"])
    benchmark.main()
    assert set(seen) == {replace(REFERENCE, epochs=3)}
    assert "made at random" in capsys.readouterr().out
