"""Products told by a small network that knows nothing but the photographs that it learns from."""

from __future__ import annotations

import numpy as np
import pandas as pd

from doppelcart.imaging.photographs import SPLIT, TEST, VALIDATION
from doppelcart.models.images.classifier_config import ClassifierConfig
from doppelcart.pipelines.pictures.picture_drawing import Products

NAME = "a small network from scratch"


def told_from_scratch(
    table: pd.DataFrame,
    pixels: np.ndarray,
    products: Products,
    own: np.ndarray,
    config: ClassifierConfig,
    seed: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Learn from some photographs; those in validation choose the epoch, those in test are told.

    Args:
        table: One row per photograph.
        pixels: (n, side, side, 3) photographs.
        products: Of the table.
        own: Rows to learn from.
        config: Sizes and training.
        seed: Of training.

    Returns:
        (n_test,) whether the product was told, and whether its category was.
    """
    # TensorFlow is slow to import, and what only wires the pipeline does without.
    from doppelcart.models.images.picture_classifier import train_classifier

    chosen, asked = (np.flatnonzero(table[SPLIT] == split) for split in (VALIDATION, TEST))
    labels = np.asarray(products.labels)
    said = train_classifier(pixels, labels, own, chosen, config, seed).classes(pixels[asked])
    groups = np.asarray(products.groups)
    return said == labels[asked], groups[said] == groups[labels[asked]]
