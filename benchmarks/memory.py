"""What an interrupted run of a benchmark leaves for the next one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np


def digest(made_from: Sequence[bytes]) -> str:
    """A short name for what was made from all that."""
    return hashlib.sha256(b"".join(made_from)).hexdigest()[:16]


def remembered(
    folder: Path, made_from: Sequence[bytes], work: Callable[[], dict[str, np.ndarray]]
) -> dict[str, np.ndarray]:
    """Some arrays: from disk where they were made before, else made and put there.

    Args:
        folder: Where they are kept.
        made_from: All that they depend on.
        work: Makes them.
    """
    path = folder / f"{digest(made_from)}.npz"
    if not path.exists():
        made = work()
        folder.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial.npz")
        np.savez(partial, **made)
        partial.replace(path)
    with np.load(path, allow_pickle=False) as saved:
        return {name: saved[name] for name in saved.files}
