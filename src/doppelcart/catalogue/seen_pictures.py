"""What pictures of items show, as rows of numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class SeenPictures:
    """What items' pictures show.

    Args:
        item_ids: (n_items,) items with a picture that can be used, sorted, each once.
        rows: (n_items, n_columns) float32, of length 1.
        columns: (n_columns,) names; they say who looked, so that numbers of different kinds are
            never taken for each other.
    """

    item_ids: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
