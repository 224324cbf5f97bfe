"""Times, operations and peaks of a training."""

import time
from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.autograd.profiler import profile

from benchmarks.published_structure import network
from mmrec.models import training
from mmrec.models.inputs import Inputs, Ratings
from mmrec.models.siamese_network import SiameseNetwork

PEAK_SIZES = (1024, 1536, 2048, 4096)
PRODUCTS = {"aten::mm", "aten::addmm"}
"""What PyTorch's profiler calls the matrix products of a training."""


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


def in_products(way: Callable[[], object]) -> float:
    """Time that matrix products take in a run, s."""
    with profile(use_kineto=False) as seen:  # the newer profiler prints its own log
        way()
    times = {event.key: event.self_cpu_time_total for event in seen.key_averages()}
    return sum(times.get(name, 0) for name in PRODUCTS) / 1e6
