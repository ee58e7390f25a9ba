"""Data with a published split, and the metrics as its paper defines them."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import sparse

from doppelcart.metrics import ranking
from studies.machine import PROJECT

CELLS = ("P@5", "P@20", "R@5", "R@20", "N@5", "N@20", "MRR@5", "MRR@20")


def data_folder(name: str) -> Path:
    """Folder of a data set: under DOPPELCART_BENCHMARK_DATA, else ``../shared/data``.

    Raises:
        FileNotFoundError: There is no such folder.
    """
    root = os.environ.get("DOPPELCART_BENCHMARK_DATA") or PROJECT.parent / "shared" / "data"
    folder = Path(root) / name
    if not folder.is_dir():
        raise FileNotFoundError(
            f"{folder} does not exist: put the data set '{name}' there, or name the folder that "
            "holds it in DOPPELCART_BENCHMARK_DATA"
        )
    return folder


def cfgan_split(folder: Path) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    """Train and test of the CFGAN paper, (n_users, n_items) CSR of ones: every rating counts."""
    parts = [
        pd.read_csv(folder / f"ML100K.{part}", sep=r"\s+", header=None).to_numpy()
        for part in ("train", "test")
    ]
    shape = tuple(int(max(part[:, column].max() for part in parts)) + 1 for column in (0, 1))
    train, test = (
        sparse.csr_matrix(
            (np.ones(len(part), np.float32), part[:, :2].astype(np.int64).T), shape=shape
        )
        for part in parts
    )
    return train, test


def hold_out(
    matrix: sparse.csr_matrix, share: float, rng: np.random.Generator
) -> tuple[sparse.csr_matrix, sparse.csr_matrix]:
    """Set each interaction aside with the chance ``share``: what is left, and what was taken."""
    taken = rng.random(matrix.nnz) < share
    cells = matrix.tocoo()
    left, right = (
        sparse.csr_matrix((cells.data[part], (cells.row[part], cells.col[part])), matrix.shape)
        for part in (~taken, taken)
    )
    return left, right


def cells(
    scores: np.ndarray, known: sparse.csr_matrix, relevant: sparse.csr_matrix
) -> dict[str, float]:
    """The means over users of ``CELLS``, by full ranking of what is not known.

    Recall is over all relevant items and not over the reachable ones, as in the paper; NDCG is
    over the best reachable list. Users without a relevant item are left out.
    """
    ranked = ranking.top_k(scores, known, 20)
    found = ranking.hits(ranked, relevant)
    counts = np.diff(relevant.indptr)
    values = ranking.per_user(ranked, relevant, (5, 20), ("precision", "ndcg", "reciprocal_rank"))
    with np.errstate(invalid="ignore", divide="ignore"):
        by_cell = {f"R@{k}": found[:, :k].sum(axis=1) / counts for k in (5, 20)}
    names = {"P": "precision", "N": "ndcg", "MRR": "reciprocal_rank"}
    by_cell |= {
        f"{short}@{k}": values[f"{long}@{k}"] for short, long in names.items() for k in (5, 20)
    }
    return {cell: float(np.nanmean(by_cell[cell])) for cell in CELLS}
