import threading
import time

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from doppelcart.recommendation.parallel import side_by_side


@pytest.mark.parametrize("workers", [1, 3])
def test_results_come_in_the_order_of_the_tasks(workers) -> None:
    def slow_at_first(task: int) -> int:
        time.sleep(0.05 if task == 0 else 0)
        return task * task

    assert list(side_by_side(slow_at_first, range(6), workers)) == [0, 1, 4, 9, 16, 25]


def test_tasks_run_at_the_same_time() -> None:
    both = threading.Barrier(2, timeout=20)
    # each waits for the other, so that one after the other they would never end
    assert sorted(side_by_side(lambda _: both.wait(), range(2), workers=2)) == [0, 1]


def test_no_more_run_at_once_than_there_are_workers() -> None:
    lock, running, most = threading.Lock(), [0], [0]

    def count(_: int) -> None:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        time.sleep(0.01)
        with lock:
            running[0] -= 1

    list(side_by_side(count, range(12), workers=3))
    assert 1 <= most[0] <= 3


def test_linear_algebra_has_one_thread_meanwhile() -> None:
    def threads(_: int) -> set[int]:
        np.ones((4, 4)) @ np.ones((4, 4))
        return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}

    assert set().union(*side_by_side(threads, range(4), workers=2)) == {1}


def test_an_error_of_a_task_is_raised() -> None:
    def fails(task: int) -> int:
        if task == 2:
            raise ValueError("task 2 is broken")
        return task

    results = side_by_side(fails, range(4), workers=2)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(ValueError, match="task 2 is broken"):
        next(results)


def test_of_no_tasks_there_are_no_results() -> None:
    assert list(side_by_side(str, [], workers=2)) == []
