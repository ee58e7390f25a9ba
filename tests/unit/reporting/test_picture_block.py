"""Pictures in sections: only such as say that they were generated."""

import io

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from doppelcart.imaging.marks import marked_png
from doppelcart.reporting.blocks import picture

PIXELS = np.full((24, 24, 3), 200, np.uint8)


def test_an_unmarked_picture_is_refused() -> None:
    file = io.BytesIO()
    Image.fromarray(PIXELS).save(file, "PNG")
    with pytest.raises(ValidationError, match="mark of a generated one"):
        picture(file.getvalue(), "a picture", "said below")


def test_a_marked_picture_survives_json() -> None:
    made = picture(marked_png(PIXELS, "a run"), "a picture", "said below")
    assert type(made).model_validate_json(made.model_dump_json()) == made
