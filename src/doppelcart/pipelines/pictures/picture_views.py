"""What is seen of photographs and of generated pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from doppelcart.imaging import lite0
from doppelcart.imaging.duplicates import dhash
from doppelcart.pipelines.pictures.params import PictureViewParams

if TYPE_CHECKING:
    from doppelcart.models.images.picture_classifier import PictureClassifier


@dataclass(frozen=True)
class Eye:
    """How pictures are looked at; a network is built once.

    Args:
        weights: Of the network.
        own: A small network that learnt from these photographs alone.
        side: Pixels of a side that the generator draws.
        params: Sizes that the network sees.
    """

    weights: Mapping[str, np.ndarray]
    own: PictureClassifier
    side: int
    params: PictureViewParams

    def whole(self, pixels: np.ndarray) -> np.ndarray:
        """(n, 1280) features of length 1 of pictures as they are, float32."""
        features = self._embedded(pixels, self.params.size, self._whole)
        lengths = np.linalg.norm(features, axis=1, keepdims=True)
        return features / np.maximum(lengths, 1e-9)

    def small(self, pixels: np.ndarray) -> np.ndarray:
        """(n, 1280) features at the generator's size, float32."""
        return self._embedded(self.shrunk(pixels), self.params.small_size, self._small)

    def by_own(self, pixels: np.ndarray) -> np.ndarray:
        """(n, n_features) float32 features at the generator's size of the small network."""
        return self.own.features(pixels)

    def prints(self, pixels: np.ndarray) -> np.ndarray:
        """(n,) difference hashes at the generator's size, uint64."""
        return dhash(self.shrunk(pixels))

    def shrunk(self, pixels: np.ndarray) -> np.ndarray:
        """(n, side, side, 3) pictures at the generator's size."""
        # TensorFlow is slow to import, and what only wires the pipeline does without.
        from doppelcart.models.images.image_training import resized

        return resized(pixels, self.side)

    @cached_property
    def _whole(self) -> Any:
        return lite0.looker(self.weights, self.params.size)

    @cached_property
    def _small(self) -> Any:
        return lite0.looker(self.weights, self.params.small_size)

    def _embedded(self, pixels: np.ndarray, size: int, look: Any) -> np.ndarray:
        return lite0.embed(pixels, self.weights, self.params.batch, size, look=look).pooled


def eye_of(params: PictureViewParams, own: PictureClassifier) -> Eye:
    """An eye.

    Args:
        params: How pictures are looked at.
        own: A small network that learnt from these photographs, at the generator's size.

    Raises:
        MissingExtraError: The pretrained weights are not installed.
    """
    return Eye(weights_of(params), own, own.side, params)


def weights_of(params: PictureViewParams) -> Mapping[str, np.ndarray]:
    """The weights that pictures are looked at with.

    Args:
        params: Which, and of which seed.

    Raises:
        MissingExtraError: The pretrained weights are not installed.
    """
    if params.weights == "random":
        return lite0.random_weights(params.seed)
    return lite0.pretrained()
