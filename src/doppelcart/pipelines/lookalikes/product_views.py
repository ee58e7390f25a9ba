"""What detectors see of pictures: colours, the network's features, and patches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from doppelcart.imaging import lite0
from doppelcart.imaging.colour import colour_histograms
from doppelcart.pipelines.lookalikes.params import LookingParams

STEP = 2
"""Every second patch along each side is kept: neighbours overlap."""


class Seen(NamedTuple):
    """Features of pictures as they come.

    Attributes:
        colour: (n, 640) histograms.
        pooled: (n, 1280) features of the network, of length 1.
        patches: (n, n_patches, 152) features of its middle layers, float16.
    """

    colour: np.ndarray
    pooled: np.ndarray
    patches: np.ndarray


class Axes(NamedTuple):
    """Principal axes of features, and how far these spread.

    Attributes:
        mean: (d,) of training photographs.
        along: (k, d) axes.
        spread: Root of the mean squared length of what lies along them.
    """

    mean: np.ndarray
    along: np.ndarray
    spread: float


class Lens(NamedTuple):
    """How features become coordinates, as learnt from training photographs.

    Attributes:
        colour: Axes of the histograms.
        pooled: Axes of the network's features.
        mean: (152,) of patches.
        deviation: (152,) of patches.
    """

    colour: Axes
    pooled: Axes
    mean: np.ndarray
    deviation: np.ndarray


class Views(NamedTuple):
    """Coordinates of pictures, in which detectors measure.

    Attributes:
        colour: (n, k) of histograms; mean squared length about 1.
        network: (n, k) of the network's features; mean squared length about 1.
        patches: (n, n_patches, 152) standardised, float16.
    """

    colour: np.ndarray
    network: np.ndarray
    patches: np.ndarray

    @property
    def both(self) -> np.ndarray:
        """Colours and the network's features side by side."""
        return np.hstack([self.colour, self.network]) / np.sqrt(2)


def weights_of(params: LookingParams) -> Mapping[str, np.ndarray]:
    """The network's weights.

    Args:
        params: Which.

    Raises:
        MissingExtraError: The pretrained ones are not installed.
    """
    return lite0.random_weights(params.seed) if params.weights == "random" else lite0.pretrained()


def see(pixels: np.ndarray, weights: Mapping[str, np.ndarray], params: LookingParams) -> Seen:
    """Look at pictures.

    Args:
        pixels: (n, side, side, 3) pictures, 0 to 255, uint8.
        weights: Of the network.
        params: How.
    """
    seen = lite0.embed(pixels, weights, params.batch, params.size, patches=True)
    if seen.patches is None:
        raise AssertionError("patches were asked for")
    patches = seen.patches[:, ::STEP, ::STEP]
    lengths = np.linalg.norm(seen.pooled, axis=1, keepdims=True)
    return Seen(
        colour_histograms(pixels),
        seen.pooled / np.maximum(lengths, 1e-9),
        patches.reshape(len(pixels), -1, patches.shape[-1]),
    )


def fit_lens(seen: Seen, components: int) -> Lens:
    """Learn coordinates.

    Args:
        seen: Of training photographs, and of no others.
        components: Coordinates at most.
    """
    patches = seen.patches.reshape(-1, seen.patches.shape[-1]).astype(np.float32)
    return Lens(
        _axes(seen.colour, components),
        _axes(seen.pooled, components),
        patches.mean(axis=0),
        patches.std(axis=0) + 1e-6,
    )


def _axes(values: np.ndarray, components: int) -> Axes:
    from sklearn.decomposition import PCA

    most = min(components, len(values) - 1, values.shape[1])
    found = PCA(most, svd_solver="randomized", random_state=0).fit(values)
    lengths = np.square(found.transform(values)).sum(axis=1)
    return Axes(found.mean_, found.components_, float(np.sqrt(lengths.mean())) or 1.0)


def through(lens: Lens, seen: Seen) -> Views:
    """Coordinates of pictures.

    Args:
        lens: As from ``fit_lens``.
        seen: Of any pictures.
    """

    def along(values: np.ndarray, axes: Axes) -> np.ndarray:
        return ((values - axes.mean) @ axes.along.T / axes.spread).astype(np.float32)

    patches = (seen.patches.astype(np.float32) - lens.mean) / lens.deviation
    return Views(
        along(seen.colour, lens.colour),
        along(seen.pooled, lens.pooled),
        patches.astype(np.float16),
    )


def stacked(views: Sequence[Views]) -> Views:
    """Pictures one after the other."""
    return Views(*(np.concatenate(parts) for parts in zip(*views, strict=True)))
