"""Completion arms: the known history, plus a share of what the user would probably also buy."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np
from scipy import sparse

from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from doppelcart.errors import InputError
from doppelcart.serving.history_completer import strongest_unseen

Completer = Callable[[Histories], Iterator[np.ndarray]]
"""Known histories -> probabilities in [0, 1] that the user buys the item, in blocks of some rows by
(n_items,), one below the other: those of all users at once would be a matrix as large as the shop.
"""

ROWS_PER_BLOCK = 512

Completions = Mapping[str, sparse.csr_matrix]
"""By completion arm: (n_users, n_items) CSR of probabilities, 0 where the item is known."""


def popularity_completer(train: Histories) -> Completer:
    """The control that knows nothing of the user: each item's share of training users.

    Args:
        train: Real training users.

    Returns:
        A completer that gives every user the same row.
    """
    share = np.bincount(train.items, minlength=train.n_items) / max(train.n_users, 1)
    row = share.astype(np.float32)

    def complete(seen: Histories) -> Iterator[np.ndarray]:
        for start in range(0, seen.n_users, ROWS_PER_BLOCK):
            yield np.broadcast_to(row, (min(ROWS_PER_BLOCK, seen.n_users - start), len(row)))

    return complete


def complete_case(
    case: Case, completers: Mapping[str, Completer], top: int | None
) -> dict[str, sparse.csr_matrix]:
    """What every completion arm adds to a case's known histories at strength 1.

    Args:
        case: Users with their known part.
        completers: Completer by arm.
        top: How many items per user to keep; None keeps all.

    Returns:
        By arm: (n_users, n_items) CSR of probabilities.
    """
    return {arm: strongest_of(completer, case.seen, top) for arm, completer in completers.items()}


def strongest_of(completer: Completer, seen: Histories, top: int | None) -> sparse.csr_matrix:
    """``strongest_unseen`` of what a completer says, block by block.

    Args:
        completer: What completes.
        seen: Known histories.
        top: How many items per user to keep; None keeps all.

    Returns:
        (n_users, n_items) CSR, float32.

    Raises:
        InputError: If a value is no probability, or there are not as many rows as users.
    """
    matrix, kept, row = seen.matrix, [sparse.csr_matrix((0, seen.n_items), dtype=np.float32)], 0
    for block in completer(seen):
        kept.append(strongest_unseen(block, matrix[row : row + len(block)], top))
        row += len(block)
    if row != seen.n_users:
        raise InputError(f"A completer returned {row} rows for {seen.n_users} users.")
    return sparse.vstack(kept, format="csr")
