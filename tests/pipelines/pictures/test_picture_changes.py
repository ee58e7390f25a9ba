"""What is made of photographs without a generator."""

import numpy as np

from doppelcart.pipelines.pictures.picture_changes import Rows, changed, copied, mixed

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 16, 16, 3), dtype=np.uint8)
LABELS = np.array([0, 0, 0, 1, 1, 1])


def test_changes_keep_size_and_product_and_are_not_copies() -> None:
    made, first, second, share = changed(PIXELS, LABELS, 4, seed=0)
    assert made.shape == (8, 16, 16, 3)
    assert made.dtype == np.uint8
    assert first.tolist() == second.tolist() == [0] * 4 + [1] * 4
    assert (share == 1).all()
    assert not any((picture == PIXELS).all(axis=(1, 2, 3)).any() for picture in made)
    assert (changed(PIXELS, LABELS, 4, seed=0)[0] == made).all()


def test_a_mixture_lies_between_its_two() -> None:
    flat = np.stack([np.full((4, 4, 3), value, np.uint8) for value in (0, 200)])
    made, first, second, share = mixed(flat, np.array([0, 1]), 20, seed=0)
    expected = np.rint(200 * (share * first + (1 - share) * second))
    assert made[:, 0, 0, 0].tolist() == expected.tolist()
    assert (first != second).any()


def test_copies_are_rows_of_their_product() -> None:
    real = Rows(np.arange(6.0)[:, None], LABELS, np.ones(6))
    made = copied(real, 3, seed=0)
    assert made.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert (made.values[:3, 0] < 3).all()
    assert (made.values[3:, 0] >= 3).all()
