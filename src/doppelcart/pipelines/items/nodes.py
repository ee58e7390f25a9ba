"""Nodes of the items pipeline."""

import ibis.expr.types as ir
import pandas as pd

from doppelcart.catalogue.item_features import ItemFeatures, encode
from doppelcart.columns import Columns
from doppelcart.pipelines.items.params import ItemsParams


def encode_items(
    int_items: ir.Table, int_interactions: ir.Table, params: ItemsParams
) -> ItemFeatures:
    """Encode all items of the source by their attributes and words.

    Args:
        int_items: Canonical items, sold or not.
        int_interactions: Canonical lines; items that are sold and not listed get a row that lacks
            everything.
        params: Columns, and lengths of the runs of characters.

    Raises:
        InputError: As of ``encode``.
    """
    sold = int_interactions.select(Columns.ITEM).distinct().to_pandas()
    listed = int_items.to_pandas()
    unlisted = sold[~sold[Columns.ITEM].isin(listed[Columns.ITEM])]
    items = pd.concat([listed, unlisted], ignore_index=True)
    return encode(items, params.attributes, params.texts, params.ngrams)


def describe_features(features: ItemFeatures) -> pd.DataFrame:
    """Say what the source tells of its items, and what it lacks.

    Args:
        features: Of the items.

    Returns:
        One row a block: ``block``, ``columns``, ``items`` that have it, and their ``share``.
    """
    has = (~features.lacks).sum(axis=0)
    return pd.DataFrame(
        {
            "block": features.block_names,
            "columns": [int((features.blocks == name).sum()) for name in features.block_names],
            "items": has,
            "share": has / features.n_items,
        }
    )
