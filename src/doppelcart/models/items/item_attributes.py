"""Items as codes of a few attributes, and how alike an imagined item and a real one are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

OTHER = 0
"""Code of a value that is not told apart: too rare, or none at all."""


@dataclass(frozen=True, eq=False)
class ItemAttributes:
    """Items as one code per attribute.

    Args:
        names: Of the attributes, one a head of the generator.
        codes: (n_items, n_heads) int, from 0 (``OTHER``) up.
        sizes: (n_heads,) number of codes of each.
    """

    names: tuple[str, ...]
    codes: np.ndarray
    sizes: np.ndarray

    @property
    def starts(self) -> np.ndarray:
        """(n_heads,) where each head begins in a row of all."""
        return np.cumsum(self.sizes) - self.sizes

    @property
    def width(self) -> int:
        """Columns of all heads together."""
        return int(self.sizes.sum())

    def one_hot(self, items: np.ndarray) -> np.ndarray:
        """(n, width) float32: a one in each head.

        Args:
            items: (n,) rows of the items.
        """
        rows = np.zeros((len(items), self.width), dtype=np.float32)
        columns = self.codes[items] + self.starts
        rows[np.arange(len(items))[:, None], columns] = 1.0
        return rows


def code_items(
    values: Mapping[str, np.ndarray], known: np.ndarray, largest: int, prices: np.ndarray
) -> ItemAttributes:
    """Code items by attributes, and by bands of price.

    Args:
        values: By attribute the (n_items,) value of each item, -1 where it has none.
        known: (n_known,) rows of the items by which codes are made: the commonest values among
            them are told apart.
        largest: Most values of an attribute that are told apart.
        prices: (n_items,) NaN where none is known; bands are tenths of the known items.
    """
    columns = {
        name: _common(own, known, largest)
        for name, own in values.items()
        if (own[known] >= 0).any()
    }
    priced = prices[known][np.isfinite(prices[known])]
    if len(np.unique(priced)) > 1:
        bounds = np.unique(np.quantile(priced, np.arange(1, 10) / 10))
        bands = 1 + np.searchsorted(bounds, prices, side="right")
        columns["price_band"] = np.where(np.isfinite(prices), bands, OTHER)
    codes = np.column_stack([*columns.values()]) if columns else np.empty((len(prices), 0), int)
    return ItemAttributes(tuple(columns), codes, codes.max(axis=0, initial=0) + 1)


def _common(values: np.ndarray, known: np.ndarray, largest: int) -> np.ndarray:
    """Values as codes from 1 up, the commonest first; ``OTHER`` for the rest."""
    found, counts = np.unique(values[known][values[known] >= 0], return_counts=True)
    commonest = found[np.lexsort((found, -counts))][:largest]
    order = np.argsort(commonest)
    place = np.searchsorted(commonest[order], values)
    place = np.minimum(place, len(commonest) - 1)
    return np.where(commonest[order][place] == values, order[place] + 1, OTHER)


def likeness(matched: np.ndarray, floor: float) -> np.ndarray:
    """How alike an imagined item and a real one are: a product over attributes.

    Args:
        matched: (..., n_heads) chance that the imagined item has the real one's value.
        floor: What an attribute counts that differs for certain; 1 makes all alike.
    """
    return np.prod(floor + (1.0 - floor) * matched, axis=-1)
