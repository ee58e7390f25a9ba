"""Stand-ins for generators: what they draw is known, and nothing is trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

SIDE = 32


@dataclass(frozen=True)
class Standin:
    """Draws by a function of classes and a random generator.

    Args:
        draw: Classes and a random generator -> (m, side, side, 3) pictures.
    """

    draw: Callable[[np.ndarray, np.random.Generator], np.ndarray]

    def sample(self, labels: np.ndarray, *, seed: int) -> np.ndarray:
        """One picture of each class."""
        return self.draw(labels, np.random.default_rng(seed))

    def interpolate(
        self, labels_from: np.ndarray, labels_to: np.ndarray, share: float, *, seed: int
    ) -> np.ndarray:
        """Blends of pictures of two classes."""
        ends = [self.sample(labels, seed=seed) for labels in (labels_from, labels_to)]
        return ((1 - share) * ends[0] + share * ends[1]).astype(np.uint8)


def noise(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Pictures of nothing."""
    return rng.integers(0, 256, (len(labels), SIDE, SIDE, 3), dtype=np.uint8)


def copying(
    pixels: np.ndarray, labels: np.ndarray, groups: np.ndarray, few: bool, seed: int
) -> Standin:
    """A generator that has learnt its photographs by heart."""
    del groups, few, seed

    def draw(asked: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        known = [np.flatnonzero(labels == label) for label in asked]
        rows = [int(rng.choice(rows)) if len(rows) else 0 for rows in known]
        return pixels[rows]

    return Standin(draw)


def blind(
    pixels: np.ndarray, labels: np.ndarray, groups: np.ndarray, few: bool, seed: int
) -> Standin:
    """A generator that has learnt nothing."""
    del pixels, labels, groups, few, seed
    return Standin(noise)
