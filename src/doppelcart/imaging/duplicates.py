"""The same picture under two names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from PIL import Image

SIDE: Final = 8
NEAR: Final = 2
"""Bits of 64 by which two prints of one picture may differ."""
ROWS: Final = 1024


def dhash(pixels: np.ndarray) -> np.ndarray:
    """Difference hash: whether the picture grows brighter from each field to the next on the right.

    Args:
        pixels: (n, side, side, 3) pictures, 0 to 255.

    Returns:
        (n,) 64 bits each, uint64. Of a picture of one colour all are 0.
    """
    prints = np.empty(len(pixels), np.uint64)
    for row, picture in enumerate(pixels):
        grey = Image.fromarray(picture).convert("L")
        small = np.asarray(grey.resize((SIDE + 1, SIDE), Image.Resampling.LANCZOS), np.int16)
        brighter = (small[:, 1:] > small[:, :-1]).ravel()
        prints[row] = np.packbits(brighter).view(">u8")[0]
    return prints


def near_pairs(prints: np.ndarray, most: int = NEAR) -> Iterator[tuple[int, int]]:
    """Pairs of pictures that differ in few bits.

    Pictures of one colour have no gradient to be told by, and are nobody's twin.

    Args:
        prints: (n,) as from ``dhash``.
        most: Bits that may differ.

    Yields:
        Places (first, second) with first < second, in order of the first.
    """
    told = prints != 0
    for start in range(0, len(prints), ROWS):
        block = prints[start : start + ROWS, None] ^ prints[None, :]
        differ = np.bitwise_count(block) <= most
        differ &= told[start : start + ROWS, None] & told[None, :]
        first, second = np.nonzero(differ)
        for one, other in zip(first + start, second, strict=True):
            if one < other:
                yield int(one), int(other)
