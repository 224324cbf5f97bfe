"""How fast training is, as ratios measured in one run: ``python -m benchmarks.training``.

The other side of the first ratios is a loop with the structure of the published one: a
``Dataset`` gives one rating's vectors at a time, a ``DataLoader`` stacks them, and the network
encodes user and movie of every rating, in float32. Both sides run on one thread and take turns;
the best round counts. Ratings (those outside the test part of u1) and vectors come from a
workspace; without one, random ones of the same shape stand in, and the second line says so.
"""

import argparse
import multiprocessing
import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import fields, replace
from functools import partial
from typing import NamedTuple

import joblib
import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.autograd.profiler import profile
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from mmrec import hardware
from mmrec.catalogue import movielens
from mmrec.catalogue import tables as catalogue
from mmrec.features.cache import one_thread
from mmrec.features.table import load_tables
from mmrec.models import training
from mmrec.models.base import LIKED
from mmrec.models.inputs import Inputs, Ratings
from mmrec.models.rating_scale import rmse
from mmrec.models.siamese_network import SiameseNetwork
from mmrec.models.training import TrainingSettings
from mmrec.settings import REFERENCE, Settings
from mmrec.workspace import Workspace

WIDTHS = {"video": 1280, "audio": 128, "text": 384, "meta": 1220}
N_RATINGS = 80_000
N_PARTS = 5
SMALL, LARGE = 2_000, 40_000
PUBLISHED_STEPS = {SMALL: 3, LARGE: 1}
"""So many steps of the published structure are measured; its epoch is as many times as long."""
PEAK_SIZES = (1024, 1536, 2048, 4096)
PRODUCTS = {"aten::mm", "aten::addmm"}
"""What PyTorch's profiler calls the matrix products of a training."""
DEFAULT = TrainingSettings().batch_size
CPU = torch.device("cpu")

Rated = tuple[np.ndarray, np.ndarray, np.ndarray]
Vectors = Mapping[str, tuple[np.ndarray, np.ndarray]]


# --- what is trained on -------------------------------------------------------------------------


def real_ratings(workspace: Workspace) -> Rated:
    """Positions of user and movie, int64 [n], and rating, float32 [n], outside u1's test part."""
    parts = catalogue.load(workspace)
    base = parts.ratings[~movielens.fold_masks(parts.ratings)["u1"]]
    return (
        pd.Index(parts.users["user_id"]).get_indexer(base["user_id"]),
        pd.Index(parts.movies["movie_id"]).get_indexer(base["movie_id"]),
        base["rating"].to_numpy(np.float32),
    )


def random_ratings(n: int = N_RATINGS) -> Rated:
    """The same at random: distinct pairs with a long tail, ratings with tastes in them."""
    rng = np.random.default_rng(0)
    size = (movielens.N_USERS, movielens.N_MOVIES)
    activity, popularity = rng.lognormal(0, 1.0, size[0]), rng.lognormal(0, 1.6, size[1])
    # The first n arrivals at these rates: a draw without replacement by weight.
    arrival = rng.exponential(size=size) / np.outer(activity, popularity)
    user, movie = np.divmod(rng.permutation(np.argpartition(arrival, n, axis=None)[:n]), size[1])
    taste = rng.normal(0, 0.5, size[0])[user] + rng.normal(0, 0.5, size[1])[movie]
    rating = np.clip(np.round(3.5 + taste + rng.normal(0, 0.9, n)), 1, 5)
    return user, movie, rating.astype(np.float32)


def real_vectors(workspace: Workspace) -> Vectors:
    """Modality to z-scored vectors, float32 [m, d], and which movies have one, bool [m]."""
    movies = catalogue.load(workspace).movies["movie_id"]
    found = {}
    for modality, table in load_tables(workspace.features, WIDTHS).items():
        vectors, parts = table.matrix(movies)
        known = parts.any(axis=1)
        spread = vectors[known].std(axis=0)
        scaled = (vectors - vectors[known].mean(axis=0)) / np.where(spread < 1e-6, 1, spread)
        found[modality] = np.where(known[:, None], scaled, 0).astype(np.float32), known
    return found


def random_vectors(widths: Mapping[str, int] = WIDTHS, m: int = movielens.N_MOVIES) -> Vectors:
    """The same at random; one movie in twenty lacks a modality."""
    rng = np.random.default_rng(0)
    return {
        modality: (rng.standard_normal((m, width), np.float32), rng.random(m) < 0.95)
        for modality, width in widths.items()
    }


def cross_fitted(rated: Rated, vectors: Vectors) -> tuple[Inputs, Ratings]:
    """What ``fit`` takes: users as means of liked meta vectors, five views and the full one."""
    user, movie, rating = (torch.from_numpy(values) for values in rated)
    meta, known = map(torch.from_numpy, vectors["meta"])
    part = torch.from_numpy(np.random.default_rng(0).integers(N_PARTS, size=len(rating)))
    means = []
    for view in range(N_PARTS + 1):
        shown = (rating >= LIKED) & (part != view) & known[movie]
        likes = torch.zeros(int(user.max()) + 1, len(meta))
        likes[user[shown], movie[shown]] = 1
        means.append(likes @ meta / likes.sum(dim=1, keepdim=True).clamp(min=1))
    inputs = Inputs(
        users=torch.stack(means),
        movies={name: torch.from_numpy(found)[None] for name, (found, _) in vectors.items()},
        present={name: torch.from_numpy(present) for name, (_, present) in vectors.items()},
    )
    return inputs, Ratings(user, movie, rating, part)


def shared(inputs: Inputs, ratings: Ratings) -> tuple[Inputs, Ratings]:
    """The same with one view, in which every target is part of its own input, as published."""
    return (
        replace(inputs, users=inputs.users[inputs.full :]),
        replace(ratings, view=torch.zeros_like(ratings.view)),
    )


# --- the published structure --------------------------------------------------------------------


class OneRatingAtATime(Dataset):
    """One item per rating: its user's vector, its movie's vectors and presence, the rating."""

    def __init__(self, inputs: Inputs, ratings: Ratings):
        self.inputs, self.ratings = inputs, ratings

    def __len__(self) -> int:
        return len(self.ratings)

    def __getitem__(self, row: int) -> tuple[Tensor, dict[str, Tensor], dict[str, Tensor], Tensor]:
        movie = self.ratings.movie[row]
        return (
            self.inputs.users[0, self.ratings.user[row]],
            {name: vectors[0, movie] for name, vectors in self.inputs.movies.items()},
            {name: flags[movie] for name, flags in self.inputs.present.items()},
            self.ratings.rating[row],
        )


def published_losses(
    model: SiameseNetwork,
    users: Tensor,
    movies: Mapping[str, Tensor],
    present: Mapping[str, Tensor],
    rating: Tensor,
) -> tuple[Tensor, Tensor]:
    """Squared error and cosine loss of a stacked batch: one encoding per rating and side."""
    every = torch.arange(len(rating))
    at = {name: torch.where(flags, every, len(every)) for name, flags in present.items()}
    user_codes, movie_codes = model.encode_users(users), model.encode_movies(movies, at)
    target = torch.where(rating >= LIKED, 1.0, -1.0)
    return (
        functional.mse_loss(model.rate(*model.halves(user_codes, movie_codes)), rating),
        functional.cosine_embedding_loss(user_codes, movie_codes, target),
    )


def network(inputs: Inputs) -> SiameseNetwork:
    """An untrained network for these inputs."""
    widths = {modality: vectors.shape[-1] for modality, vectors in inputs.movies.items()}
    return SiameseNetwork(widths, inputs.users.shape[-1])


def published_loop(
    inputs: Inputs, ratings: Ratings, batch_size: int, steps: int
) -> Callable[[], None]:
    """So many steps of a training loop with the published structure, ready to be run again."""
    slice_ = ratings.take(torch.arange(min(steps * batch_size, len(ratings))))
    loader = DataLoader(OneRatingAtATime(inputs, slice_), batch_size=batch_size, shuffle=True)
    model = network(inputs)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    def run() -> None:
        for batch in loader:
            optimizer.zero_grad()
            sum(published_losses(model, *batch)).backward()
            optimizer.step()

    return run


# --- measuring ----------------------------------------------------------------------------------


def in_turn(ways: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Processor time of each way, s: they take turns, and the best round of each counts.

    For one thread it is the wall time on an idle machine, and what else a machine does disturbs
    it less.
    """
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(rounds):
        for name, way in ways.items():
            started = time.process_time()
            way()
            best[name] = min(best[name], time.process_time() - started)
    return best


def our_epochs(inputs: Inputs, ratings: Ratings, batch_size: int, epochs: int) -> Callable:
    """So many epochs of :func:`~mmrec.models.training.fit`, its validation passes included."""
    settings = TrainingSettings(epochs=epochs, patience=epochs, batch_size=batch_size)
    validation = ratings.take(torch.arange(1))
    return lambda: training.fit(inputs, ratings, validation, settings, 0)


def peak(dtype: torch.dtype, repeats: int = 6) -> float:
    """Best rate of a large square matrix product in a number format, floating-point op/s."""
    best = 0.0
    for size in PEAK_SIZES:
        left, right = (torch.randn(size, size).to(dtype) for _ in range(2))
        for _ in range(repeats):
            started = time.process_time()
            torch.matmul(left, right)
            best = max(best, 2 * size**3 / (time.process_time() - started))
    return best


def _products(*modules: nn.Module) -> int:
    linear = [m for module in modules for m in module.modules() if isinstance(m, nn.Linear)]
    return sum(m.in_features * m.out_features for m in linear)


def _known(present: Mapping[str, Tensor]) -> dict[str, int]:
    return {name: int(flags.sum()) for name, flags in present.items()}


def forward_flops(
    model: SiameseNetwork, users: int, present: Mapping[str, Tensor], pairs: int
) -> int:
    """Floating-point operations of the matrix products of a forward pass.

    Cosines are not counted: of all those that one product gives, few are needed.

    Args:
        model: The network.
        users: Distinct users.
        present: Modality -> bool [m], which of the distinct movies have it.
        pairs: Ratings.
    """
    first, *rest = model.rating_predictor
    movies = len(next(iter(present.values())))
    known = _known(present)
    return 2 * (
        users * _products(model.user_encoder)
        + (users + movies) * (_products(model.siamese) + _products(first) // 2)
        + sum(known[name] * _products(part) for name, part in model.movie_encoders.items())
        + pairs * _products(*rest)
    )


def step_flops(model: SiameseNetwork, users: int, present: Mapping[str, Tensor], pairs: int) -> int:
    """The same of forward and backward pass: gradients of weights, and of all but the inputs."""
    known = _known(present)
    first = users * _products(model.user_encoder[0])
    first += sum(known[name] * _products(part[0]) for name, part in model.movie_encoders.items())
    return 3 * forward_flops(model, users, present, pairs) - 2 * first


def epoch_flops(inputs: Inputs, ratings: Ratings, batch_size: int) -> int:
    """Useful operations of an epoch of ``fit``: no padding, the validation pass included."""
    model = network(inputs)
    total = forward_flops(model, inputs.users.shape[1], inputs.present, 1)
    for _, rows in training.batches(ratings, batch_size, torch.Generator().manual_seed(0)):
        batch = ratings.take(rows)
        movies = batch.movie.unique()
        present = {name: flags[movies] for name, flags in inputs.present.items()}
        total += step_flops(model, len(batch.user.unique()), present, len(rows))
    return total


# --- what is reported ---------------------------------------------------------------------------


def structures(inputs: Inputs, ratings: Ratings, rounds: int) -> dict[str, float]:
    """Seconds per epoch of this project's way and of the published structure.

    Returns:
        Keys ``"cross-fitted, 2000"``, ``"shared, 2000"``, ``"shared, 40000"``, and
        ``"published, 2000"``, ``"published, 40000"``, which are extrapolated from a few steps.
    """
    fast = hardware.fast_dtype()
    plain_inputs, plain_ratings = shared(inputs, ratings)
    ways, scale = {}, {}
    for size, steps in PUBLISHED_STEPS.items():
        name = f"published, {size}"
        ways[name] = published_loop(plain_inputs, plain_ratings, size, steps)
        scale[name] = len(ratings) / min(steps * size, len(ratings))
    for name, (seen, rated), size, epochs in (
        (f"cross-fitted, {SMALL}", (inputs, ratings), SMALL, 1),
        (f"shared, {SMALL}", (plain_inputs, plain_ratings), SMALL, 1),
        (f"shared, {LARGE}", (plain_inputs, plain_ratings), LARGE, 5),
    ):
        ways[name], scale[name] = our_epochs(seen.to(CPU, fast), rated, size, epochs), 1 / epochs
    return {name: seconds * scale[name] for name, seconds in in_turn(ways, rounds).items()}


class Share(NamedTuple):
    """How close a training comes to the matrix-product peak, and why not closer.

    Attributes:
        of_peak: Useful operations per second, over the peak.
        in_products: Share of the time that matrix products take; activations, copies between
            number formats and the optimiser take most of the rest. ``of_peak / in_products`` is
            the share that the products reach among themselves.
    """

    of_peak: float
    in_products: float


def in_products(way: Callable[[], object]) -> float:
    """Time that matrix products take in a run, s."""
    with profile(use_kineto=False) as seen:  # the newer profiler prints its own log
        way()
    times = {event.key: event.self_cpu_time_total for event in seen.key_averages()}
    return sum(times.get(name, 0) for name in PRODUCTS) / 1e6


def shares(
    inputs: Inputs, ratings: Ratings, dtype: torch.dtype, rounds: int
) -> tuple[float, dict[str, Share]]:
    """The matrix-product peak of a number format, and which share of it training achieves.

    Returns:
        Operations per second, and a share for each of ``"cross-fitted, 2000"``,
        ``"cross-fitted, 4096"`` (the default batch) and ``"shared, 40000"``.
    """
    setups = {
        f"cross-fitted, {SMALL}": (inputs, ratings, SMALL, 1),
        f"cross-fitted, {DEFAULT}": (inputs, ratings, DEFAULT, 1),
        f"shared, {LARGE}": (*shared(inputs, ratings), LARGE, 5),
    }
    ways, work, peaks = {}, {}, []
    for name, (seen, rated, size, epochs) in setups.items():
        ways[name] = our_epochs(seen.to(CPU, dtype), rated, size, epochs)
        work[name] = epochs * epoch_flops(seen, rated, size)
    # The peak takes its turns as well: what else the machine does must not flatter a share.
    ways["peak"] = lambda: peaks.append(peak(dtype))
    seconds = in_turn(ways, rounds)
    return max(peaks), {
        name: Share(
            work[name] / seconds[name] / max(peaks), in_products(ways[name]) / seconds[name]
        )
        for name in setups
    }


def _without_amx() -> None:
    os.environ["ONEDNN_MAX_CPU_ISA"] = "AVX512_CORE_BF16"  # read at the first product
    torch.set_num_threads(1)


def shares_without_amx(
    inputs: Inputs, ratings: Ratings, rounds: int
) -> tuple[float, dict[str, Share]]:
    """:func:`shares` in bfloat16 on a processor that has AVX-512's instructions for it, not AMX's.

    The instructions are chosen once per process: it takes place in another one.
    """
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn, initializer=_without_amx) as other:
        return other.submit(shares, inputs, ratings, torch.bfloat16, rounds).result()


def _trained(
    inputs: Inputs, train: Ratings, validation: Ratings, settings: TrainingSettings, seed: int
) -> tuple[float, Tensor]:
    with one_thread():
        fitted = training.fit(inputs, train, validation, settings, seed)
        predicted = training.predictor(fitted.model, fitted.inputs)(
            validation.user, validation.movie
        )
    return rmse(predicted.numpy(), validation.rating.numpy()), predicted


def several(
    inputs: Inputs,
    ratings: Ratings,
    settings: TrainingSettings,
    seeds: Sequence[int],
    dtype: torch.dtype,
    *,
    n_jobs: int,
) -> tuple[float, list[tuple[float, Tensor]]]:
    """Trains one network per seed, so many at a time, a tenth of the ratings held out.

    Returns:
        Wall time, s, and per seed the validation RMSE and the raw predictions behind it.
    """
    order = torch.randperm(len(ratings), generator=torch.Generator().manual_seed(0))
    held_out = len(ratings) // 10
    train, validation = ratings.take(order[held_out:]), ratings.take(order[:held_out])
    train_one = partial(_trained, inputs.to(CPU, dtype), validation=validation)
    with joblib.Parallel(n_jobs=n_jobs) as parallel:
        # Workers take seconds to start and to import, which a grid waits for once.
        few, once = train.take(torch.arange(min(256, len(train)))), replace(settings, epochs=1)
        parallel(
            joblib.delayed(train_one)(train=few, settings=once, seed=0) for _ in range(2 * n_jobs)
        )
        started = time.perf_counter()
        found = parallel(
            joblib.delayed(train_one)(train=train, settings=settings, seed=seed) for seed in seeds
        )
        return time.perf_counter() - started, found


def reference_settings(**changes: object) -> TrainingSettings:
    """The reference profile's training settings, some of them changed."""
    values = Settings.load(REFERENCE).model_dump()
    named = {field.name for field in fields(TrainingSettings)} & values.keys()
    return TrainingSettings(**{**{name: values[name] for name in named}, **changes})


def line(what: str, value: str, note: str = "") -> str:
    """A line of the report."""
    return f"  {what:<28}{value:>8}   {note}".rstrip()


def report_structures(seconds: Mapping[str, float]) -> str:
    """Lines on the published structure and on cross-fitting."""

    def ratio(size: int, way: str, aim: str = "") -> str:
        published, ours = seconds[f"published, {size}"], seconds[f"{way}, {size}"]
        note = f"{aim:<12}{published:.1f} s against {ours:.2f} s"
        return line(f"batch {size:,}, {way}", f"{published / ours:.1f} x", note)

    cost = seconds[f"cross-fitted, {SMALL}"] / seconds[f"shared, {SMALL}"]
    return "\n".join(
        [
            "\nHow much faster an epoch is than one with the published structure",
            ratio(SMALL, "cross-fitted", "aim >= 5"),
            ratio(SMALL, "shared"),
            ratio(LARGE, "shared", "aim >= 40"),
            "What cross-fitting costs: time of five views against one shared view",
            line(f"batch {SMALL:,}", f"{cost:.2f} x"),
        ]
    )


def report_shares(of: str, best: float, found: Mapping[str, Share]) -> str:
    """Lines on the share of the peak.

    Args:
        of: The number format, in words.
        best: The peak, op/s.
        found: Shares by training.
    """
    lines = [
        f"\nShare of the matrix-product peak, {of}: {best / 1e9:,.0f} GFLOP/s",
        line("", "in all", "products: of the time, of the peak"),
    ]
    for name, share in found.items():
        rate = share.of_peak / share.in_products
        inner = f"{share.in_products:>21.0%}{rate:>13.0%}"
        lines.append(line(name, f"{share.of_peak:.0%}", inner))
    lines.append(line("aim", ">= 40%"))
    return "\n".join(lines)


def report_trainings(
    epochs: int,
    seconds: tuple[float, float],
    alone: Sequence[tuple[float, Tensor]],
    formats: Mapping[torch.dtype, Sequence[tuple[float, Tensor]]],
) -> str:
    """Lines on two workers and on number formats.

    Args:
        epochs: Of each training.
        seconds: With one worker and with two.
        alone: RMSE and predictions by seed, with one worker.
        formats: The same with two workers, by number format; the first is that of ``alone``.
    """
    one, two = seconds
    beside = next(iter(formats.values()))
    same = all(torch.equal(a, b) for (_, a), (_, b) in zip(alone, beside, strict=True))
    lines = [
        f"\nTwo workers against one: {len(alone)} trainings of {epochs} epochs",
        line("speed-up", f"{one / two:.2f} x", f"{one:.0f} s against {two:.0f} s of wall time"),
        line("same predictions, bit by bit", "yes" if same else "no"),
        "\nValidation RMSE by number format, and its standard deviation over the seeds",
    ]
    for dtype, found in formats.items():
        scores = np.array([score for score, _ in found])
        lines.append(line(_name(dtype), f"{scores.mean():.4f}", f"{scores.std(ddof=1):.4f}"))
    return "\n".join(lines)


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--profile", default=REFERENCE, help="whose workspace to read")
    parser.add_argument("--rounds", type=int, default=3, help="the best of so many counts")
    parser.add_argument("--epochs", type=int, default=8, help="of the trainings that are compared")
    parser.add_argument("--seeds", type=int, default=4, help="two or more: trainings per format")
    options = parser.parse_args()
    workspace = Workspace.open(options.profile)
    files = [workspace.features / f"{modality}.parquet" for modality in WIDTHS]
    there = all(path.exists() for path in (workspace.catalogue, *files))
    inputs, ratings = cross_fitted(
        real_ratings(workspace) if there else random_ratings(),
        real_vectors(workspace) if there else random_vectors(),
    )
    about = hardware.describe()
    print(f"{about['processor']}, {about['cores']} cores, {' '.join(about['capabilities'])}")
    origin = f"of profile {options.profile}" if there else "made at random"
    print(f"{len(ratings):,} ratings and the vectors of four modalities, {origin}")
    with one_thread():
        print(report_structures(structures(inputs, ratings, options.rounds)), flush=True)
        formats = list(dict.fromkeys((hardware.fast_dtype(), torch.float32)))
        for dtype in formats:
            found = shares(inputs, ratings, dtype, options.rounds)
            print(report_shares(_name(dtype), *found), flush=True)
        if {"avx512_bf16", "amx_bf16"} <= set(about["capabilities"]):
            found = shares_without_amx(inputs, ratings, options.rounds)
            print(report_shares("bfloat16 without AMX", *found), flush=True)
    settings = reference_settings(epochs=options.epochs)
    run = partial(several, inputs, ratings, settings, range(options.seeds))
    one, alone = run(formats[0], n_jobs=1)
    two, beside = run(formats[0], n_jobs=2)
    scores = {formats[0]: beside} | {dtype: run(dtype, n_jobs=2)[1] for dtype in formats[1:]}
    print(report_trainings(options.epochs, (one, two), alone, scores))


if __name__ == "__main__":
    main()
