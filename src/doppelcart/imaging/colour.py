"""Colours of a picture, counted: the plain way to tell products."""

from __future__ import annotations

from typing import Final

import numpy as np
from PIL import Image

BINS: Final = (8, 4, 4)
"""Bins of hue, saturation and brightness."""
PARTS: Final = 5
N_COLOURS: Final = PARTS * BINS[0] * BINS[1] * BINS[2]


def colour_histograms(pixels: np.ndarray) -> np.ndarray:
    """Joint histograms of hue, saturation and brightness: of the whole, and of its four quarters.

    Each is square-rooted, so that distances are those of Hellinger.

    Args:
        pixels: (n, side, side, 3) pictures, 0 to 255.

    Returns:
        (n, 640) values; each histogram's squares sum to 1, float32.
    """
    side = pixels.shape[1] // 2
    made = np.empty((len(pixels), PARTS, N_COLOURS // PARTS), np.float32)
    widths = np.array([256 // bins for bins in BINS])
    for row, picture in enumerate(pixels):
        hsv = np.asarray(Image.fromarray(picture).convert("HSV")) // widths
        cells = np.ravel_multi_index((hsv[..., 0], hsv[..., 1], hsv[..., 2]), BINS)
        quarters = (cells[:side, :side], cells[:side, side:], cells[side:, :side])
        for part, own in enumerate((cells, *quarters, cells[side:, side:])):
            counted = np.bincount(own.ravel(), minlength=made.shape[2])
            made[row, part] = np.sqrt(counted / own.size)
    return made.reshape(len(pixels), N_COLOURS)
