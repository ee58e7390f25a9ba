"""What can be made of photographs without a generator."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from PIL import Image, ImageEnhance

LEAST_CROP: Final = 0.7
"""Share of the side that a crop keeps at least."""
COLOUR: Final = 0.3
"""How far brightness, contrast and saturation may change."""
MIXING: Final = 0.2
"""Parameter of the beta distribution of a mixture's share, as in its source."""

Added = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""(m, side, side, 3) pictures, two products of each, and the share of the first."""


class Rows(NamedTuple):
    """Pictures to learn from.

    Attributes:
        values: (n, d) features.
        labels: (n,) products.
        shares: (n,) how much each counts.
    """

    values: np.ndarray
    labels: np.ndarray
    shares: np.ndarray


def joined(first: Rows, second: Rows) -> Rows:
    """One after the other."""
    return Rows(*(np.concatenate(parts) for parts in zip(first, second, strict=True)))


def drawn_rows(labels: np.ndarray, each: int, seed: int) -> np.ndarray:
    """Rows drawn with replacement, so many of each product.

    Args:
        labels: (n,) products.
        each: Of a product.
        seed: Of the draw.
    """
    rng = np.random.default_rng([seed, 1])
    return np.concatenate(
        [rng.choice(np.flatnonzero(labels == product), each) for product in np.unique(labels)]
    )


def copied(real: Rows, each: int, seed: int) -> Rows:
    """The same once more.

    Args:
        real: What there is.
        each: Of a product.
        seed: Of the draw.
    """
    rows = drawn_rows(real.labels, each, seed)
    return Rows(*(part[rows] for part in real))


def changed(pixels: np.ndarray, labels: np.ndarray, each: int, seed: int) -> Added:
    """Photographs flipped, cropped and in other colours, the classical way.

    Args:
        pixels: (n, side, side, 3) photographs.
        labels: (n,) products.
        each: Of a product.
        seed: Of all that is drawn.
    """
    rng = np.random.default_rng([seed, 2])
    rows = drawn_rows(labels, each, seed)
    made = np.stack([_changed(pixels[row], rng) for row in rows])
    return made, labels[rows], labels[rows], np.ones(len(rows))


def mixed(pixels: np.ndarray, labels: np.ndarray, each: int, seed: int) -> Added:
    """Mixtures of two photographs, of both products in their shares.

    Zhang et al. 2018, mixup: beyond empirical risk minimization (ICLR).

    Args:
        pixels: (n, side, side, 3) photographs.
        labels: (n,) products.
        each: Of a product, which is the first of the two.
        seed: Of all that is drawn.
    """
    rng = np.random.default_rng([seed, 3])
    rows = drawn_rows(labels, each, seed)
    others = rng.integers(0, len(labels), len(rows))
    share = rng.beta(MIXING, MIXING, len(rows))
    weights = share[:, None, None, None]
    made = np.rint(weights * pixels[rows] + (1 - weights) * pixels[others])
    return made.astype(np.uint8), labels[rows], labels[others], share


def _changed(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    side = pixels.shape[0]
    width = max(int(side * rng.uniform(LEAST_CROP, 1)), 1)
    left, top = (int(rng.integers(0, side - width + 1)) for _ in range(2))
    picture = Image.fromarray(pixels[top : top + width, left : left + width])
    picture = picture.resize((side, side), Image.Resampling.BILINEAR)
    if rng.random() < 0.5:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    for kind in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        picture = kind(picture).enhance(float(rng.uniform(1 - COLOUR, 1 + COLOUR)))
    return np.asarray(picture, np.uint8)
