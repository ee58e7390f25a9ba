"""Nodes of the items pipeline."""

import logging
from pathlib import Path

import ibis.expr.types as ir
import numpy as np
import pandas as pd
from scipy import sparse

from doppelcart.catalogue.embedding import (
    STATES,
    ItemEmbedder,
    ItemVectors,
    fit_embedder,
    fit_projection,
)
from doppelcart.catalogue.item_features import WORDS, ItemFeatures, Weighting, encode, words_of
from doppelcart.catalogue.seen_pictures import SeenPictures
from doppelcart.columns import Columns
from doppelcart.errors import InputError
from doppelcart.imaging.item_pictures import kind_of_look, see_pictures
from doppelcart.pipelines.items.params import ItemsParams

logger = logging.getLogger(__name__)


def look_at_pictures(
    int_pictures: ir.Table, params: ItemsParams
) -> tuple[SeenPictures, pd.DataFrame]:
    """Look at the pictures of items, and put aside those that cannot be used.

    Args:
        int_pictures: Canonical pictures; none where the source has no such table.
        params: Their folder, and who looks at them.

    Returns:
        What they show; and those that cannot be used, each with its reason.

    Raises:
        InputError: There are pictures and no folder, or one says that it was generated.
    """
    own = params.pictures
    listed = int_pictures.to_pandas()
    kind = kind_of_look(own.network) if len(listed) else kind_of_look(False)
    folder = Path(own.folder) if own.folder is not None else None
    return see_pictures(listed, folder, own.size, kind)


def encode_items(
    int_items: ir.Table,
    int_interactions: ir.Table,
    pictures: SeenPictures,
    params: ItemsParams,
) -> ItemFeatures:
    """Encode all items of the source by their attributes, words and pictures.

    Args:
        int_items: Canonical items, sold or not.
        int_interactions: Canonical lines; items that are sold and not listed get a row that lacks
            everything.
        pictures: What pictures of some of them show.
        params: Columns, and lengths of the runs of characters.

    Raises:
        InputError: As of ``encode``.
    """
    items = all_items(int_items, int_interactions)
    return encode(items, params.attributes, params.texts, params.ngrams, pictures=pictures)


def all_items(int_items: ir.Table, int_interactions: ir.Table) -> pd.DataFrame:
    """Listed items, and below them those that are sold and not listed, of which nothing is known.

    Args:
        int_items: Canonical items.
        int_interactions: Canonical lines.
    """
    sold = int_interactions.select(Columns.ITEM).distinct().to_pandas()
    listed = int_items.to_pandas()
    unlisted = sold[~sold[Columns.ITEM].isin(listed[Columns.ITEM])]
    return pd.concat([listed, unlisted], ignore_index=True)


def list_words(
    int_items: ir.Table, int_interactions: ir.Table, params: ItemsParams
) -> pd.DataFrame:
    """List the words of all items, as they are read together, for whoever reads characters.

    Args:
        int_items: Canonical items, sold or not.
        int_interactions: Canonical lines.
        params: Columns whose words are read.

    Returns:
        ``item_id`` and ``words``, empty where an item has none.
    """
    found = words_of(all_items(int_items, int_interactions), params.texts)
    return found.rename(WORDS).rename_axis(Columns.ITEM).reset_index()


def describe_features(features: ItemFeatures) -> pd.DataFrame:
    """Say what the source tells of its items, and what it lacks.

    Args:
        features: Of the items.

    Returns:
        One row per block: ``block``, ``columns``, ``items`` that have it, and their ``share``.
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


def learn_vectors(
    features: ItemFeatures,
    int_items: ir.Table,
    int_interactions: ir.Table,
    pictures: SeenPictures,
    params: ItemsParams,
) -> ItemEmbedder:
    """Fit the embedder on the items that sell.

    Args:
        features: As from ``encode_items``.
        int_items: What they were encoded from.
        int_interactions: Who bought what.
        pictures: What pictures of some of them show.
        params: Units of vectors, and which items they are learnt from.

    Raises:
        InputError: Too few items have enough buyers.
    """
    own = params.embedding
    rows, history = sold_items(features, int_interactions, own.min_buyers)
    weighting = Weighting.learn(features, rows, {}, own.min_items, own.max_runs)
    projection = fit_projection(
        features, rows, history, weighting, own.units, own.together_units, own.penalty
    )
    items = all_items(int_items, int_interactions)
    return fit_embedder(features, projection, items, params.texts, params.ngrams, pictures)


def sold_items(
    features: ItemFeatures, int_interactions: ir.Table, min_buyers: int
) -> tuple[np.ndarray, sparse.csr_matrix]:
    """Items that enough users bought, and who bought them.

    Args:
        features: Of all items.
        int_interactions: Canonical lines; those of returns play no part.
        min_buyers: Users that an item takes.

    Returns:
        (n_sold,) rows of the features; and (n_users, n_sold) CSR float32 of ones.

    Raises:
        InputError: Fewer than two items have enough buyers.
    """
    kept = int_interactions.filter(int_interactions[Columns.QUANTITY].fill_null(1) > 0)
    pairs = kept.select(Columns.USER, Columns.ITEM).distinct().to_pandas().dropna()
    users = pd.factorize(pairs[Columns.USER], sort=True)[0]
    items = pd.Index(features.item_ids).get_indexer(pairs[Columns.ITEM].astype(str))
    ones = np.ones(len(pairs), dtype=np.float32)
    shape = (int(users.max(initial=-1)) + 1, features.n_items)
    bought = sparse.csr_matrix((ones, (users, items)), shape=shape)
    rows = np.flatnonzero(np.bincount(bought.indices, minlength=features.n_items) >= min_buyers)
    if len(rows) < 2:
        raise InputError(
            f"{len(rows)} of {features.n_items:,} items have {min_buyers} buyers or more, and "
            "vectors are learnt from such items. Lower items.embedding.min_buyers."
        )
    return rows, bought[:, rows]


def embed_items(
    embedder: ItemEmbedder,
    int_items: ir.Table,
    int_interactions: ir.Table,
    pictures: SeenPictures,
) -> tuple[ItemVectors, pd.DataFrame]:
    """Embed the catalogue as it is now by what was fitted, without training.

    Args:
        embedder: As from ``learn_vectors``, of this catalogue or of an earlier one.
        int_items: Canonical items.
        int_interactions: Canonical lines; items that are sold and not listed get zeros.
        pictures: What pictures of some of them show.

    Returns:
        One vector per item; and how many items are ``unchanged``, ``changed``, ``new`` or ``gone``
        since the embedder was fitted.

    Raises:
        InputError: As of ``encode``.
    """
    items = all_items(int_items, int_interactions)
    counts = embedder.states(items, pictures)["state"].value_counts().reindex(STATES, fill_value=0)
    logger.info(
        "Items since the embedder was fitted: %s.",
        ", ".join(f"{number:,} {state}" for state, number in counts.items()),
    )
    table = counts.rename_axis("state").rename("items").reset_index()
    return embedder.embed(items, pictures), table
