"""Drawings of packages, for tests and for the example: products of a category differ by a label.

Run as ``python -m tests.drawn_packages FILE`` it writes the example's table.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw

from doppelcart.imaging.photographs import Photographs

GROUNDS = ((214, 208, 196), (176, 190, 200), (205, 190, 205), (190, 205, 180))
INKS = ((200, 40, 40), (40, 90, 200), (40, 150, 60), (220, 150, 20), (120, 50, 150), (30, 30, 30))
SPLITS = ("train", "validation", "test")


def package(
    category: int, product: int, rng: np.random.Generator, side: int = 64, planted: bool = True
) -> Image.Image:
    """A package on a shelf: its shape tells the category, its label the product.

    Args:
        category: Of the package.
        product: Number within the category.
        rng: Of where it stands and how bright the shop is.
        side: Pixels.
        planted: Whether the label tells the product; else it is any label.
    """
    shelf = rng.integers(60, 110, 3)
    image = Image.new("RGB", (side, side), tuple(int(v) for v in shelf))
    draw = ImageDraw.Draw(image)
    left, top = (int(rng.integers(2, side // 5)) for _ in range(2))
    width = side // 2 + (category % 2) * side // 6
    height = side * 3 // 4 - (category % 2) * side // 4
    ground = GROUNDS[category % len(GROUNDS)]
    box = (left, top, left + width, top + height)
    draw.rectangle(box, fill=ground) if category % 4 < 2 else draw.ellipse(box, fill=ground)
    label = product if planted else int(rng.integers(0, len(INKS)))
    ink = INKS[(category + label) % len(INKS)]
    x, y = left + width // 4, top + height // 4
    piece = (x, y, x + width // 2, y + height // 2)
    (draw.ellipse, draw.rectangle)[label % 2](piece, fill=ink)
    draw.line((left, top + height // 8, left + width, top + height // 8), fill=ink, width=2)
    light = rng.uniform(0.75, 1.2)
    noisy = np.asarray(image) * light + rng.normal(0, 6, (side, side, 3))
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


def packages(
    categories: int = 3,
    products: int = 3,
    pictures: tuple[int, int, int] = (8, 4, 10),
    side: int = 64,
    seed: int = 0,
    planted: bool = True,
) -> Photographs:
    """Drawings of all products.

    Args:
        categories: How many.
        products: Of a category.
        pictures: Of a product in training, validation and test.
        side: Pixels.
        seed: Of the drawings.
        planted: Whether labels tell products.
    """
    rng = np.random.default_rng(seed)
    rows, pixels = [], []
    for category in range(categories):
        for product in range(products):
            for split, n in zip(SPLITS, pictures, strict=True):
                for number in range(n):
                    drawn = package(category, product, rng, side, planted)
                    name = f"package {category}{chr(97 + product)}"
                    about = f"{split}/{name}/{number}"
                    rows.append((about, name, f"category {category}", split))
                    pixels.append(np.asarray(drawn))
    table = pd.DataFrame(rows, columns=["picture_id", "product", "group", "split"])
    return Photographs(table, np.stack(pixels))


def as_files(drawn: Photographs) -> pd.DataFrame:
    """Drawings as a table with the bytes of JPEGs."""
    frame = drawn.table.rename(columns={"picture_id": "name", "group": "category", "split": "part"})
    contents = []
    for pixels in drawn.pixels:
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "JPEG", quality=85)
        contents.append(file.getvalue())
    return frame.assign(picture=contents)


if __name__ == "__main__":
    as_files(packages(categories=4, products=3)).to_parquet(Path(sys.argv[1]), index=False)
