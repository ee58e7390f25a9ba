"""Lists for every known customer, as Parquet files that a second start goes on with."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from threadpoolctl import threadpool_limits

from doppelcart.data.storage import replacing
from doppelcart.errors import RequestError
from doppelcart.metrics.ranking import NO_ITEM
from doppelcart.progress import progress
from doppelcart.serving.model import Model, Strategy

if TYPE_CHECKING:
    import pyarrow as pa

BATCH_USERS: Final = 512
"""Customers scored at once: at 10,000 items one float32 block of scores is then 21 MB."""
USERS_PER_FILE: Final = 8192
MADE_BY: Final = "_made_by.txt"


def recommend_all(model: Model, digest: str, folder: Path, k: int) -> int:
    """Write the lists of all known customers, a file for some thousands of them.

    Files are replaced whole, and those that are there already are left: so an interrupted command
    goes on where it was. Memory does not grow with the customers.

    Args:
        model: What serves.
        digest: Of its artefact.
        folder: For the files, ``part-00000.parquet`` and so on.
        k: Items per customer at most.

    Returns:
        The number of files written now.

    Raises:
        RequestError: The folder holds the lists of another model, or of another length.
        StorageError: The disk is full or refuses.
    """
    _claim(folder, f"model {digest}\nk {k}\n")
    n_users = len(model.customers.ids)
    written = 0
    with progress(n_users, "recommending", "customer") as bar:
        for number, start in enumerate(range(0, n_users, USERS_PER_FILE)):
            stop = min(start + USERS_PER_FILE, n_users)
            path = folder / f"part-{number:05d}.parquet"
            if not path.exists():
                _write(path, model, slice(start, stop), k)
                written += 1
            bar.update(stop - start)
    return written


def _claim(folder: Path, text: str) -> None:
    """Note what the files of a folder are made by, or refuse files made by something else."""
    path = folder / MADE_BY
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    if folder.exists() and any(folder.glob("part-*.parquet")):
        raise RequestError(
            f"{folder} holds lists of another model, or of another length. Give a new folder, or "
            "remove it first."
        )
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _write(path: Path, model: Model, part: slice, k: int) -> None:
    import pyarrow.parquet as pq

    with replacing(path) as temporary:
        writer = None
        try:
            for table in _tables(model, part, k):
                writer = writer or pq.ParquetWriter(temporary, table.schema)
                writer.write_table(table)
        finally:
            if writer is not None:
                writer.close()
        with temporary.open("rb") as file:
            os.fsync(file.fileno())


def _tables(model: Model, part: slice, k: int) -> Iterator[pa.Table]:
    """Lists of some customers: user_id, rank from 1, item_id, score, title.

    Sparse products and the choice of the best use one core however many there are, so blocks of
    customers are shared out. Each is ranked alone, whoever ranks it, and they come in order.
    """
    blocks = [
        slice(start, min(start + BATCH_USERS, part.stop))
        for start in range(part.start, part.stop, BATCH_USERS)
    ]
    with threadpool_limits(1, "blas"), ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(partial(_table, model, k), blocks)


def _table(model: Model, k: int, rows: slice) -> pa.Table:
    import pyarrow as pa

    best, scores = ranked(model, rows, k)
    users, ranks = np.nonzero(best != NO_ITEM)
    items = pa.array(best[users, ranks])
    names = pa.array(np.asarray(model.customers.ids[rows]).astype(object), pa.string())
    return pa.table(
        {
            "user_id": names.take(pa.array(users)),
            "rank": pa.array(ranks + 1),
            "item_id": pa.array(model.catalogue.ids).take(items),
            "score": pa.array(scores[users, ranks]),
            "title": pa.array(model.catalogue.titles).take(items),
        }
    )


def ranked(model: Model, rows: slice, k: int) -> tuple[np.ndarray, np.ndarray]:
    """(n_users, k) catalogue positions and scores of some customers, as the server ranks them.

    Args:
        model: What serves.
        rows: Customers in a row, with both ends.
        k: Length of the lists.
    """
    seen = model.customers.matrix(rows, model.n_items)
    best = np.full((seen.shape[0], k), NO_ITEM, dtype=np.int64)
    scores = np.zeros((seen.shape[0], k), dtype=np.float32)
    longest = min(k, model.n_items)
    for strategy, users in _by_strategy(model, np.diff(seen.indptr)):
        profiles = model.profiles_of(rows.start + users)
        found = model.rank(strategy, seen[users], longest, profiles=profiles)
        best[users, :longest], scores[users, :longest] = found
    return best, scores


def _by_strategy(model: Model, lengths: np.ndarray) -> Iterator[tuple[Strategy, np.ndarray]]:
    """Each strategy with the rows that it serves."""
    served = np.array(
        [model.strategy(int(length), returning=True).facts.slice for length in lengths]
    )
    for name in dict.fromkeys(served.tolist()):
        yield model.strategies[name], np.flatnonzero(served == name)
