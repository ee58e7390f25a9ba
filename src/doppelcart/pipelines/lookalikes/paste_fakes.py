"""Pictures made of photographs by plain means: pieces moved, other colours, blends.

Li and others 2021, CutPaste (CVPR); Schlueter and others 2022, Natural Synthetic Anomalies (ECCV).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter

MOVED, RECOLOURED, BLURRED, RESCALED = "moved", "recoloured", "blurred", "rescaled"
TAUGHT: Final = (MOVED, RECOLOURED)
"""Kinds that a detector may learn from."""
HELD_OUT: Final = (BLURRED, RESCALED)
"""Kinds that it is judged on."""
SIDES: Final = (0.2, 0.5)
"""Sides of a piece, as shares of the picture's."""

Box = tuple[int, int, int, int]


def pasted(
    pixels: np.ndarray, kinds: tuple[str, ...], n: int, rng: np.random.Generator
) -> np.ndarray:
    """Fakes: photographs of which a piece was tampered with, the kinds by turns.

    Args:
        pixels: (m, side, side, 3) genuine photographs.
        kinds: Of tampering.
        n: How many.
        rng: Of photographs and pieces.

    Returns:
        (n, side, side, 3) pictures, uint8.
    """
    drawn = rng.integers(0, len(pixels), n)
    made = np.empty((n, *pixels.shape[1:]), np.uint8)
    for place, row in enumerate(drawn):
        tamper = KINDS[kinds[place % len(kinds)]]
        image = Image.fromarray(pixels[row])
        made[place] = np.asarray(tamper(image, _box(image.width, rng), rng))
    return made


def changed(pixels: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Photographs that show what they did: mirrored, cropped a little, lighter or darker.

    Args:
        pixels: (m, side, side, 3) photographs.
        n: How many.
        rng: Of photographs and changes.

    Returns:
        (n, side, side, 3) pictures, uint8.
    """
    drawn = rng.integers(0, len(pixels), n)
    side = pixels.shape[1]
    made = np.empty((n, *pixels.shape[1:]), np.uint8)
    for place, row in enumerate(drawn):
        own = round(side * rng.uniform(0.8, 1.0))
        left, top = rng.integers(0, side - own + 1, 2).tolist()
        image = Image.fromarray(pixels[row])
        if rng.random() < 0.5:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        image = image.resize((side, side), box=(left, top, left + own, top + own))
        made[place] = np.asarray(ImageEnhance.Brightness(image).enhance(rng.uniform(0.8, 1.2)))
    return made


def blended(pixels: np.ndarray, others: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Mixtures of photographs with those of others, after mixup (Zhang and others 2018).

    Args:
        pixels: (m, side, side, 3) genuine photographs.
        others: (k, side, side, 3) photographs of other categories.
        n: How many.
        rng: Of photographs and shares.

    Returns:
        (n, side, side, 3) pictures of which three to seven tenths are genuine, uint8.
    """
    one = pixels[rng.integers(0, len(pixels), n)].astype(np.float32)
    other = others[rng.integers(0, len(others), n)].astype(np.float32)
    share = rng.uniform(0.3, 0.7, (n, 1, 1, 1)).astype(np.float32)
    mixed: np.ndarray = np.rint(share * one + (1 - share) * other)
    return mixed.astype(np.uint8)


def _box(side: int, rng: np.random.Generator) -> Box:
    width, height = (max(2, round(side * rng.uniform(*SIDES))) for _ in range(2))
    left, top = int(rng.integers(0, side - width + 1)), int(rng.integers(0, side - height + 1))
    return left, top, left + width, top + height


def _moved(image: Image.Image, box: Box, rng: np.random.Generator) -> Image.Image:
    piece = image.crop(box)
    room = image.width - piece.width + 1, image.height - piece.height + 1
    image.paste(piece, (int(rng.integers(0, room[0])), int(rng.integers(0, room[1]))))
    return image


def _recoloured(image: Image.Image, box: Box, rng: np.random.Generator) -> Image.Image:
    hue, saturation, value = image.crop(box).convert("HSV").split()
    turn = int(rng.integers(32, 224))
    turned = Image.fromarray(np.asarray(hue) + np.uint8(turn))
    image.paste(Image.merge("HSV", (turned, saturation, value)).convert("RGB"), box[:2])
    return image


def _blurred(image: Image.Image, box: Box, rng: np.random.Generator) -> Image.Image:
    radius = image.width * rng.uniform(0.02, 0.05)
    image.paste(image.crop(box).filter(ImageFilter.GaussianBlur(radius)), box[:2])
    return image


def _rescaled(image: Image.Image, box: Box, rng: np.random.Generator) -> Image.Image:
    piece = image.crop(box)
    factor = rng.choice([rng.uniform(0.5, 0.75), rng.uniform(1.3, 1.8)])
    width, height = (max(1, round(side * factor)) for side in piece.size)
    left = box[0] + (piece.width - width) // 2
    top = box[1] + (piece.height - height) // 2
    image.paste(piece.resize((width, height)), (left, top))
    return image


KINDS: Final[dict[str, Callable[[Image.Image, Box, np.random.Generator], Image.Image]]] = {
    MOVED: _moved,
    RECOLOURED: _recoloured,
    BLURRED: _blurred,
    RESCALED: _rescaled,
}
