"""A picture that was made says so, to programs and to the eye, and is never taken for real."""

import io

import numpy as np
import pytest
from PIL import Image

from doppelcart.errors import InputError
from doppelcart.imaging.marks import SOURCE_TYPE, marked_png, with_corner
from doppelcart.imaging.opening import PictureError, is_generated, open_picture

GREY = np.full((32, 48, 3), 120, np.uint8)


def test_the_mark_comes_back_from_the_file() -> None:
    content = marked_png(GREY, "2031-01-01T00.00.00")
    assert is_generated(content)
    read = Image.open(io.BytesIO(content))
    assert read.format == "PNG"
    assert read.info["DigitalSourceType"] == SOURCE_TYPE
    assert read.info["doppelcart"] == "run=2031-01-01T00.00.00"
    description = read.getxmp()["xmpmeta"]["RDF"]["Description"]
    assert description["DigitalSourceType"] == SOURCE_TYPE


def test_a_marked_picture_is_refused_as_a_photograph() -> None:
    with pytest.raises(PictureError, match=r"gen-1\.png: this was generated"):
        open_picture(marked_png(GREY, "a"), "gen-1.png", 32)


def test_the_same_picture_without_the_mark_is_taken() -> None:
    file = io.BytesIO()
    Image.fromarray(GREY).save(file, "PNG")
    assert not is_generated(file.getvalue())
    assert open_picture(file.getvalue(), "photo.png", 32).shape == (32, 32, 3)


def test_one_corner_shows_it_and_the_rest_is_as_it_was() -> None:
    shown = with_corner(GREY)
    changed = (shown != GREY).any(axis=2)
    # the corner has a sixth of 32 pixels: 5, of which the lower right half is striped
    assert changed.sum() == 15
    assert not changed[:27].any()
    assert not changed[:, :43].any()
    assert (GREY == 120).all()


@pytest.mark.parametrize("shape", [(32, 32), (32, 32, 4), (5, 32, 3)])
def test_what_is_no_picture_cannot_be_marked(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="cannot be marked"):
        marked_png(np.zeros(shape, np.uint8), "a")
