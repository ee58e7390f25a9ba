"""Independent fits side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from threadpoolctl import threadpool_limits

Task = TypeVar("Task")
Result = TypeVar("Result")


def side_by_side(
    function: Callable[[Task], Result], tasks: Iterable[Task], workers: int
) -> Iterator[Result]:
    """Results of a function over tasks, in the order of the tasks.

    Sparse products and ranking use one core however many there are, so whole fits are shared out
    instead, and the linear algebra below them gets one thread each. The figures therefore do
    not depend on the number of workers or cores.

    Args:
        function: Safe to call from several threads.
        tasks: Its arguments.
        workers: Threads.

    Yields:
        One result per task.
    """
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(workers) as pool:
        yield from pool.map(function, tasks)
