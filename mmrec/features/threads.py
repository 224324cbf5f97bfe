"""Threads within a process: one for a network's arithmetic, one that prepares its input."""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch

T = TypeVar("T")


def ahead(items: Iterable[T], *, depth: int) -> Iterator[T]:
    """Yields items in their order while a second thread prepares the next ones.

    Args:
        items: Something lazy; an error in it is raised here, after the items before it.
        depth: How many finished items may wait.
    """
    end = object()
    source = iter(items)

    def following() -> object:
        return next(source, end)

    with ThreadPoolExecutor(1) as thread:
        waiting: deque[Future[object]] = deque(thread.submit(following) for _ in range(depth))
        while (item := waiting.popleft().result()) is not end:
            yield item  # type: ignore[misc]  # it is the end, or one of the items
            waiting.append(thread.submit(following))


@contextmanager
def one_thread() -> Iterator[None]:
    """Torch computes in one thread.

    Results must not depend on the number of workers, and the workers must not compete for cores.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
