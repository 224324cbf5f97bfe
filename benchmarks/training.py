"""How fast training is, as ratios measured in one run: ``python -m benchmarks.training``.

The other side of the first ratios is a loop with the structure of the published one: a
``Dataset`` gives one rating's vectors at a time, a ``DataLoader`` stacks them, and the network
encodes user and movie of every rating, in float32. This side is the training of the reference run,
with other sizes of batches where these are named. Both run on one thread and take turns; the best
round counts. Ratings (those outside the test part of u1) and vectors come from a
workspace; without one, random ones of the same shape stand in, and the second line says so.
"""

import argparse
import multiprocessing
import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from typing import NamedTuple

import joblib
import numpy as np
import torch
from torch import Tensor

from benchmarks.measures import epoch_flops, in_products, in_turn, peak
from benchmarks.published_structure import published_loop
from benchmarks.training_problem import WIDTHS, as_tensors, random_data, real_data, shared
from mmrec import hardware, settings
from mmrec.features.threads import one_thread
from mmrec.models import training
from mmrec.models.inputs import Inputs, Ratings
from mmrec.models.rating_scale import rmse
from mmrec.models.training import REFERENCE, TrainingSettings
from mmrec.workspace import Workspace

SMALL, USUAL, LARGE = 2_000, REFERENCE.batch_size, 40_000
PUBLISHED_STEPS = {SMALL: 3, LARGE: 1}
"""So many steps of the published structure are measured; its epoch is as many times as long."""
CPU = torch.device("cpu")


def our_epochs(
    inputs: Inputs, ratings: Ratings, batch_size: int, epochs: int
) -> Callable[[], object]:
    """So many epochs of the reference training, its validation passes included."""
    settings = replace(REFERENCE, epochs=epochs, patience=epochs, batch_size=batch_size)
    validation = ratings.take(torch.arange(1))
    return lambda: training.fit(inputs, ratings, validation, settings, 0)


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


def shares(
    inputs: Inputs, ratings: Ratings, dtype: torch.dtype, rounds: int
) -> tuple[float, dict[str, Share]]:
    """The matrix-product peak of a number format, and which share of it training achieves.

    Returns:
        Operations per second, and a share for each of ``"cross-fitted, 2000"``,
        ``"cross-fitted, 4096"`` (the reference) and ``"shared, 40000"``.
    """
    setups = {
        f"cross-fitted, {SMALL}": (inputs, ratings, SMALL, 1),
        f"cross-fitted, {USUAL}": (inputs, ratings, USUAL, 1),
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
    how: TrainingSettings,
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
        few, once = train.take(torch.arange(min(256, len(train)))), replace(how, epochs=1)
        parallel(
            joblib.delayed(train_one)(train=few, settings=once, seed=0) for _ in range(2 * n_jobs)
        )
        started = time.perf_counter()
        found = parallel(
            joblib.delayed(train_one)(train=train, settings=how, seed=seed) for seed in seeds
        )
        return time.perf_counter() - started, found


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
    parser.add_argument("--profile", default=settings.REFERENCE, help="whose workspace to read")
    parser.add_argument("--rounds", type=int, default=3, help="the best of so many counts")
    parser.add_argument("--epochs", type=int, default=8, help="of the trainings that are compared")
    parser.add_argument("--seeds", type=int, default=4, help="two or more: trainings per format")
    options = parser.parse_args()
    workspace = Workspace.open(options.profile)
    files = [workspace.features / f"{modality}.parquet" for modality in WIDTHS]
    there = all(path.exists() for path in (workspace.catalogue, *files))
    inputs, ratings = as_tensors(real_data(workspace) if there else random_data())
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
    how = replace(REFERENCE, epochs=options.epochs)
    run = partial(several, inputs, ratings, how, range(options.seeds))
    one, alone = run(formats[0], n_jobs=1)
    two, beside = run(formats[0], n_jobs=2)
    scores = {formats[0]: beside} | {dtype: run(dtype, n_jobs=2)[1] for dtype in formats[1:]}
    print(report_trainings(options.epochs, (one, two), alone, scores))


if __name__ == "__main__":
    main()
