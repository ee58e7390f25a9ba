"""Products told from photographs alone: by colours, by EfficientNet-Lite0, and from scratch."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd

from doppelcart.imaging.colour import colour_histograms
from doppelcart.imaging.photographs import SPLIT, TEST
from doppelcart.pipelines.pictures import picture_drawing as drawing
from doppelcart.pipelines.pictures.params import PictureTrialParams
from doppelcart.pipelines.pictures.picture_trials import PICTURES, alone, task_of
from doppelcart.pipelines.pictures.scratch_learner import NAME, told_from_scratch

SMALL_NETWORK: Final = "a small network from nothing, at the generator's size"


def plain_learners(
    table: pd.DataFrame,
    pixels: np.ndarray,
    features: np.ndarray,
    said: np.ndarray,
    params: PictureTrialParams,
) -> pd.DataFrame:
    """Tell products by colours, by the network and by ones from scratch, with photographs alone.

    Args:
        table: One row per photograph.
        pixels: (n, side, side, 3) photographs.
        features: (n, 1280) of the network.
        said: (n,) product that the small network, which learnt from all, takes each for.
        params: Pictures per product, grid.

    Returns:
        ``by``, ``pictures``, ``fine`` and ``coarse`` accuracy with their 95 % interval over
        products, ``photographs`` judged.
    """
    products = drawing.products_of(table)
    by = {"colours": colour_histograms(pixels), "EfficientNet-Lite0": features}
    judged, groups = np.flatnonzero(table[SPLIT] == TEST), np.asarray(products.groups)
    labels = np.asarray(products.labels)[judged]
    rows = []
    for size in params.sizes:
        own = drawing.few_rows(table, products.labels, size, params.seed)
        told = {}
        for name, values in by.items():
            found = alone(task_of(table, products, values, own), params)
            told[name] = found.right, found.same_group
        if params.from_scratch is not None:
            told[NAME] = told_from_scratch(
                table, pixels, products, own, params.from_scratch, params.seed
            )
        if size is None:
            told[SMALL_NETWORK] = said[judged] == labels, groups[said[judged]] == groups[labels]
        for name, right in told.items():
            place = {"by": name, PICTURES: drawing.name_of(size)}
            rows.append(place | _accuracy(*right, labels, params.seed))
    return pd.DataFrame(rows)


def _accuracy(
    fine: np.ndarray, coarse: np.ndarray, labels: np.ndarray, seed: int
) -> dict[str, float]:
    """Shares of what was told right, with their intervals over products."""
    row: dict[str, float] = {}
    for what, right in (("fine", fine), ("coarse", coarse)):
        low, high = over_products(right, labels, seed)
        row |= {what: float(right.mean()), f"{what}_low": low, f"{what}_high": high}
    return row | {"photographs": len(fine)}


def over_products(right: np.ndarray, labels: np.ndarray, seed: int) -> tuple[float, float]:
    """95 % interval of accuracy, with products drawn anew.

    Args:
        right: (n,) whether each was told.
        labels: (n,) products.
        seed: Of 2,000 resamples.
    """
    sums = np.bincount(labels, right)
    sizes = np.bincount(labels)
    sums, sizes = sums[sizes > 0], sizes[sizes > 0]
    drawn = np.random.default_rng(seed).integers(0, len(sums), (2_000, len(sums)))
    means = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)
