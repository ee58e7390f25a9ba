"""What items are called."""

from typing import Final

import pandas as pd

from doppelcart.columns import Columns

NAMES: Final = (
    Columns.TITLE,
    Columns.DESCRIPTION,
    Columns.TYPE,
    Columns.CATEGORY,
    Columns.DEPARTMENT,
)
"""Columns that may say what an item is, the most telling first."""


def titles(items: pd.DataFrame) -> pd.Series:
    """By item: what it is called, or else the nearest to it that the shop says; its id at last.

    Args:
        items: Indexed by item_id, with any of the columns of ``NAMES``.
    """
    told = items.reindex(columns=[name for name in NAMES if name in items]).replace("", None)
    return told.assign(id=told.index).bfill(axis=1).iloc[:, 0]
