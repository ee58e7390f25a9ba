"""Changes of pictures through which gradients flow: what a critic may see in place of them.

Source: Zhao, Liu, Lin, Zhu and Han (2020), "Differentiable augmentation for data-efficient GAN
training": colour, translation and cutout, on real and synthetic pictures alike, whenever the
critic is asked.
"""

from __future__ import annotations

import tensorflow as tf

SHIFT = 8
"""A picture is shifted by at most this part of its side."""
CUT = 2
"""The patch that is cut out has this part of its side."""


def augmented(pictures: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Pictures in other colours, shifted, with a patch cut out.

    Args:
        pictures: (batch, size, size, 3) from -1 to 1.
        seed: (2,) int32; the same rows of a batch are changed alike under the same seed.
    """
    return cut_out(shifted(recoloured(pictures, seed), seed + 3), seed + 5)


def recoloured(pictures: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Other brightness, saturation and contrast, in this order."""
    bright, saturated, contrasted = tf.unstack(
        tf.random.stateless_uniform((3, tf.shape(pictures)[0], 1, 1, 1), seed)
    )
    found = pictures + (bright - 0.5)
    grey = tf.reduce_mean(found, axis=3, keepdims=True)
    found = grey + (found - grey) * (2 * saturated)
    mean = tf.reduce_mean(found, axis=(1, 2, 3), keepdims=True)
    return mean + (found - mean) * (contrasted + 0.5)


def shifted(pictures: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Moved down and to the right by up to an eighth, or the other way; grey comes in behind."""
    size = pictures.shape[1]
    most = size // SHIFT
    shape = (2, tf.shape(pictures)[0], 1)
    moves = tf.random.stateless_uniform(shape, seed, 0, 2 * most + 1, tf.int32)
    padded = tf.pad(pictures, [[0, 0], [most, most], [most, most], [0, 0]])
    down, right = tf.unstack(moves + tf.range(size)[None, None, :])
    rows = tf.gather(padded, down, axis=1, batch_dims=1)
    return tf.gather(rows, right, axis=2, batch_dims=1)


def cut_out(pictures: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """A square of half the side is grey, anywhere, so that its middle is in the picture."""
    size = pictures.shape[1]
    shape = (2, tf.shape(pictures)[0], 1)
    middles = tf.random.stateless_uniform(shape, seed, 0, size, tf.int32)
    apart = tf.abs(tf.range(size)[None, None, :] - middles)
    down, right = tf.unstack(tf.cast(apart < size // CUT // 2, pictures.dtype))
    hole = down[:, :, None] * right[:, None, :]
    return pictures * (1.0 - hole[..., None])
