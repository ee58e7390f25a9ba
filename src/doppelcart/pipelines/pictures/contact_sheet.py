"""Generated pictures as one sheet of thumbnails, marked as generated."""

from __future__ import annotations

from typing import Final

import numpy as np
from PIL import Image

from doppelcart.imaging.marks import marked_png, with_corner
from doppelcart.imaging.photographs import PRODUCT
from doppelcart.pipelines.pictures import picture_drawing as drawing

THUMBNAIL: Final = 24
"""Pixels of a side at which a generated picture is shown at most: smaller than it is."""
GAP: Final = 2
GREY: Final = 235


def sheet_of(drawn: drawing.Drawn, purpose: str, columns: int, run: str) -> bytes:
    """Lay out pictures, one product per row, each with a corner that shows that it was generated.

    Args:
        drawn: Generated pictures.
        purpose: Which of them.
        columns: Pictures of a row.
        run: What made them, which the mark in the file says.

    Returns:
        A PNG that says of itself that it was generated.
    """
    own = np.flatnonzero((drawn.table[drawing.PURPOSE] == purpose).to_numpy())
    cell = THUMBNAIL + GAP
    rows = -(-len(own) // columns)
    sheet = np.full((rows * cell + GAP, columns * cell + GAP, 3), GREY, np.uint8)
    for place, row in enumerate(own):
        top, left = (GAP + cell * part for part in divmod(place, columns))
        small = Image.fromarray(drawn.pixels[row])
        small = small.resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BILINEAR)
        marked = with_corner(np.asarray(small))
        sheet[top : top + THUMBNAIL, left : left + THUMBNAIL] = marked
    return marked_png(sheet, run)


def rows_of(drawn: drawing.Drawn, purpose: str, names: np.ndarray) -> list[str]:
    """Names of the products of a sheet's rows, from the top.

    Args:
        drawn: Generated pictures.
        purpose: Which of them.
        names: (n_products,) of all products.
    """
    told = drawn.table
    products = told.loc[told[drawing.PURPOSE] == purpose, PRODUCT]
    return [str(names[product]) for product in dict.fromkeys(products)]
