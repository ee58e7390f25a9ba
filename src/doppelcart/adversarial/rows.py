"""From rows of training data to the batches of an epoch; without TensorFlow."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

import numpy as np

Batch = dict[str, np.ndarray]


class Batches(Protocol):
    """The batches of an epoch; the same for the same seed and epoch, whatever came before."""

    @property
    def steps_per_epoch(self) -> int:
        """How many there are."""

    def __call__(self, epoch: int) -> Iterable[Batch]:
        """Float32 arrays by name, (batch, ...) each."""


def row_batches(n_rows: int, batch_size: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Rows of the batches of an epoch, in random order; a last batch that is not full is left out.

    Args:
        n_rows: Examples in all.
        batch_size: Examples per batch; all of them, where there are fewer.
        rng: Of the order.
    """
    size = min(batch_size, n_rows)
    order = rng.permutation(n_rows)
    for start in range(0, n_rows - size + 1, size):
        yield order[start : start + size]


def steps_per_epoch(n_rows: int, batch_size: int) -> int:
    """Batches that ``row_batches`` makes."""
    return max(n_rows // min(batch_size, n_rows), 1)
