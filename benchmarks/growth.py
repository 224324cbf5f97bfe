"""How the Gaussian process over pairs grows with the ratings: ``python -m benchmarks.growth``.

Ratings are made at random, with a few busy users and many quiet ones, as in MovieLens. Users grow
with the ratings, the movies are as many as in MovieLens-100K throughout. What is measured is one
posterior and one update of the taste covariance, which needs a second posterior: a fit is about
five times as much, whatever the size. Each size has a process of its own, for its memory is the
largest that the process ever had; imports and data are counted, too. Needs OMP_NUM_THREADS=1 to be
comparable.
"""

import argparse
import multiprocessing
import resource
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

import numpy as np

from mmrec import hardware
from mmrec.models.pair_inference import Covariances, Observations, infer
from mmrec.models.pair_learning import updated

SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000)
N_MOVIES, PER_USER, SPREAD, LARGEST = 1_682, 106, 1.0, 700
"""Movies; of the ratings per user the mean, the sd of the logarithm and the maximum."""
TRAITS, COORDINATES, TASTES = 34, 9, 50
"""Columns of users' traits, of movies' coordinates, and rank of the content."""


class Cost(NamedTuple):
    """Of one posterior and one update.

    Attributes:
        users: Number of users.
        ratings: Number of ratings.
        seconds: Processor time: on one thread the wall time of an idle machine.
        gigabytes: Largest memory of the process.
    """

    users: int
    ratings: int
    seconds: float
    gigabytes: float


def made(n_ratings: int, n_movies: int = N_MOVIES) -> tuple[Observations, Covariances]:
    """Random ratings, as many as asked for or a few less, and a prior of some rank."""
    rng = np.random.default_rng(n_ratings)
    n_users = max(1, n_ratings // PER_USER)
    each = np.exp(rng.normal(0, SPREAD, n_users))
    numbers = np.clip(each * n_ratings / each.sum(), 1, min(LARGEST, n_movies)).astype(int)
    popularity = np.log(rng.permutation(n_movies) + 20)
    # The largest of weighted exponentials are a weighted sample without replacement.
    movie = [np.argpartition(popularity + rng.exponential(size=n_movies), -n)[-n:] for n in numbers]
    total = int(numbers.sum())
    axes = rng.normal(size=(n_movies, TASTES)) / np.sqrt(TASTES)
    content = axes @ axes.T
    seen = Observations.of(
        np.repeat(np.arange(n_users), numbers).astype(np.intp),
        np.concatenate(movie).astype(np.intp),
        rng.normal(size=total),
        rng.normal(size=(n_users, TRAITS)),
        rng.normal(size=(n_movies, COORDINATES)),
    )
    prior = Covariances(
        noise=0.7,
        shared=0.2 * content + 0.1 * np.eye(n_movies),
        taste=0.3 * content + 0.1,
        effects=np.full(TRAITS * COORDINATES, 0.01),
    )
    return seen, prior


def measured(n_ratings: int, n_movies: int = N_MOVIES) -> Cost:
    """Processor time and memory of this process for one posterior and one update."""
    seen, prior = made(n_ratings, n_movies)
    started = time.process_time()
    updated(infer(seen, prior))
    seconds = time.process_time() - started
    unit = 1 if sys.platform == "darwin" else 1024
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9
    return Cost(len(seen.raters), len(seen.value), seconds, most)


HEADER = "    ratings    users   seconds   s per 100,000   memory, GB"


def line(cost: Cost) -> str:
    """A line of the report."""
    return (
        f"  {cost.ratings:>9,}{cost.users:>9,}{cost.seconds:>10.1f}"
        f"{1e5 * cost.seconds / cost.ratings:>16.1f}{cost.gigabytes:>13.1f}"
    )


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--largest", type=int, default=SIZES[-1], help="ratings at most")
    options = parser.parse_args()
    about = hardware.describe()
    print(f"{about['processor']}, {about['cores']} cores, {' '.join(about['capabilities'])}")
    print(f"One posterior and one update of the tastes; {N_MOVIES:,} movies, ratings at random\n")
    print(HEADER, flush=True)
    spawn = multiprocessing.get_context("spawn")
    for size in SIZES:
        if size <= options.largest:
            with ProcessPoolExecutor(1, mp_context=spawn) as alone:
                print(line(alone.submit(measured, size).result()), flush=True)


if __name__ == "__main__":
    main()
