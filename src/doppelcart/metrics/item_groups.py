"""Groups of items, by which metrics look at what kind of thing is bought."""

import numpy as np
import pandas as pd

from doppelcart.columns import Columns


def item_groups(feat_items: pd.DataFrame, fewest: int = 1) -> np.ndarray | None:
    """The category of each item, or else its department.

    Args:
        feat_items: Readable item features, one row per item.
        fewest: Different groups that must be known for a column to be taken.

    Returns:
        (n_items,) names, ``unknown`` where an item has none; None where neither column has as many.
    """
    for column in (Columns.CATEGORY, Columns.DEPARTMENT):
        if column in feat_items and feat_items[column].nunique() >= fewest:
            groups = feat_items[column].astype(object)
            return groups.where(groups.notna(), "unknown").to_numpy(str)
    return None
