"""The same picture under two names is found by its print."""

import numpy as np
from PIL import Image

from doppelcart.imaging.duplicates import dhash, near_pairs


def noise(seed: int, n: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (n, 8, 8, 3), dtype=np.uint8)
    return small.repeat(8, axis=1).repeat(8, axis=2)


def test_a_picture_that_grows_brighter_to_the_right_has_all_bits() -> None:
    ramp = np.broadcast_to(np.arange(0, 252, 7, dtype=np.uint8)[None, :, None], (36, 36, 3))
    assert dhash(ramp[None]).tolist() == [2**64 - 1]
    assert dhash(ramp[None, :, ::-1]).tolist() == [0]


def test_one_brighter_step_is_one_bit() -> None:
    picture = np.zeros((1, 8, 9, 3), np.uint8)
    picture[0, 0, 8] = 255
    assert dhash(picture).tolist() == [2**56]


def test_a_picture_saved_smaller_is_near_and_another_is_not() -> None:
    one, other = noise(0)[0], noise(1)[0]
    smaller = np.asarray(Image.fromarray(one).resize((50, 50)).resize((64, 64)))
    assert list(near_pairs(dhash(np.stack([one, other, smaller])))) == [(0, 2)]


def test_bits_are_counted_pair_by_pair_over_blocks() -> None:
    prints = np.full(1500, 0, np.uint64)
    prints[3], prints[1400], prints[1401] = 0b111, 0b100, 0b11111000
    assert list(near_pairs(prints)) == [(3, 1400)]


def test_pictures_of_one_colour_are_nobodys_twin() -> None:
    plain = np.stack([np.full((16, 16, 3), shade, np.uint8) for shade in (0, 255)])
    assert list(near_pairs(dhash(plain))) == []
