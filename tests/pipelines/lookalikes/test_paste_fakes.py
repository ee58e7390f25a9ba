"""Fakes made by hand: what was tampered with, and what was not."""

import numpy as np
import pytest

from doppelcart.pipelines.lookalikes.paste_fakes import (
    HELD_OUT,
    KINDS,
    TAUGHT,
    blended,
    changed,
    pasted,
)


def noise(n: int = 3, side: int = 32) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, side, side, 3), dtype=np.uint8)


def test_detectors_are_judged_on_kinds_that_they_cannot_learn() -> None:
    assert not set(TAUGHT) & set(HELD_OUT)
    assert set(TAUGHT) | set(HELD_OUT) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_piece_is_tampered_with_and_the_rest_stays(kind: str) -> None:
    pixels = noise(1)
    made = pasted(pixels, (kind,), 20, np.random.default_rng(1))
    differs = (made != pixels).any(axis=3).mean(axis=(1, 2))
    assert made.shape == (20, 32, 32, 3)
    assert (differs > 0).all()
    # At most half of each side, and enlarged at most 1.8 times.
    assert differs.max() <= (0.9 if kind == "rescaled" else 0.5) ** 2 + 0.05
    assert (pixels == noise(1)).all()


def test_a_recoloured_piece_keeps_its_light() -> None:
    grey = np.full((1, 32, 32, 3), 90, np.uint8)
    assert (pasted(grey, ("recoloured",), 3, np.random.default_rng(0)) == grey).all()


def test_kinds_come_by_turns_and_seeds_repeat() -> None:
    pixels = noise(1)
    one = pasted(pixels, TAUGHT, 4, np.random.default_rng(5))
    assert (one == pasted(pixels, TAUGHT, 4, np.random.default_rng(5))).all()
    hues = [np.sort(picture, axis=None).tolist() for picture in one]
    assert hues[0] != hues[1]


def test_blends_lie_between_the_two() -> None:
    dark, light = np.zeros((2, 8, 8, 3), np.uint8), np.full((2, 8, 8, 3), 200, np.uint8)
    made = blended(light, dark, 50, np.random.default_rng(0))
    assert 60 <= made.min() < made.max() <= 140


def test_changed_photographs_show_what_they_did() -> None:
    pixels = np.full((1, 32, 32, 3), 100, np.uint8)
    pixels[:, :, :16] = (200, 0, 0)
    made = changed(pixels, 30, np.random.default_rng(0))
    red_left = (made[:, 16, 2, 0] > made[:, 16, 2, 2] + 50).mean()
    assert 0.2 < red_left < 0.8  # half of them mirrored
    assert made[:, 16, 2].max() <= 240  # a fifth lighter at most
