"""Histograms of colour, counted by hand."""

import numpy as np

from doppelcart.imaging.colour import N_COLOURS, colour_histograms


def test_each_part_of_the_picture_has_a_histogram_of_its_own() -> None:
    picture = np.zeros((1, 4, 4, 3), np.uint8)
    picture[0, :2, :2] = (255, 0, 0)
    told = colour_histograms(picture).reshape(5, 8, 4, 4)
    red, black = (0, 3, 3), (0, 0, 0)
    assert told.size == N_COLOURS == 640
    assert np.isclose(told[0][red], 0.5)  # a quarter of the whole, square-rooted
    assert np.isclose(told[0][black], np.sqrt(0.75))
    assert told[1][red] == 1
    assert [told[part][black] for part in (2, 3, 4)] == [1, 1, 1]


def test_colours_apart_fall_into_cells_apart() -> None:
    red, green = (np.full((1, 4, 4, 3), 0, np.uint8) for _ in range(2))
    red[..., 0], green[..., 1] = 255, 255
    assert (colour_histograms(red) * colour_histograms(green)).sum() == 0
