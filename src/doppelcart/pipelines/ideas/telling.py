"""Ideas in words: what an item of the combination would be, for whom, and what is like it."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from scipy import sparse

from doppelcart.catalogue.item_features import ItemFeatures
from doppelcart.columns import Columns
from doppelcart.pipelines.ideas.combinations import Combinations

TOLD: Final = (Columns.DEPARTMENT, Columns.CATEGORY, Columns.TYPE, Columns.MANUFACTURER)


def first_ideas(scores: np.ndarray, combinations: Combinations, n: int) -> np.ndarray:
    """(n, 2) kind and maker of the best ideas, the best first; of equal score in order.

    Args:
        scores: (n_kinds, n_makers).
        combinations: Of the window.
        n: Ideas; fewer where there are not so many.
    """
    flat = np.where(combinations.unseen, scores, -np.inf).ravel()
    n = min(n, int(combinations.unseen.sum()))
    # Of millions those alone are put in order that may be among the first.
    near = np.flatnonzero(flat >= np.partition(flat, -n)[-n])
    best = near[np.argsort(-flat[near], kind="stable")][:n]
    return np.column_stack(np.unravel_index(best, scores.shape))


def tell_ideas(
    ideas: np.ndarray, combinations: Combinations, features: ItemFeatures
) -> pd.DataFrame:
    """Say what each idea is.

    Department and category are the commonest of the type, the brand is that of the manufacturer,
    the size the commonest of the type. The band of price is that of the middle half of the type's
    items, moved by how much dearer or cheaper the manufacturer's items are than their types.

    Args:
        ideas: (n, 2) kind and maker of each.
        combinations: Of the window.
        features: Of all items.

    Returns:
        One row per idea: ``rank``, ``department``, ``category``, ``type``, ``manufacturer``,
        ``brand``, ``size``, ``price_from`` and ``price_to`` in currency units; the ``households``
        that bought of the type and of the manufacturer, and of the type; and the ``nearest`` item
        of the type, with its manufacturer, whose other types are most like.
    """
    window = combinations.window
    old = _described(combinations, features)
    of_kind, of_maker = dict(iter(old.groupby("kind"))), dict(iter(old.groupby("maker")))
    low, high = _prices(old, ideas)
    households = _households(combinations, old, ideas)
    rows = []
    for rank, (kind, maker) in enumerate(ideas):
        own, others = of_kind[kind], of_maker[maker]
        nearest = _nearest(combinations, own, maker)
        row: dict[str, object] = {"rank": rank + 1}
        row |= {name: _commonest(own[name]) for name in TOLD[:3] if name in own}
        row[Columns.MANUFACTURER] = features.columns[combinations.makers[maker]]
        row |= {
            name: _commonest(source[name])
            for name, source in ((Columns.BRAND, others), (Columns.SIZE, own))
            if name in source
        }
        row |= {"price_from": low[rank], "price_to": high[rank]}
        row |= {
            "households_of_both": households[0][rank],
            "households_of_type": households[1][rank],
            "nearest_item": features.item_ids[window.old[nearest["place"]]],
            "nearest_manufacturer": nearest[Columns.MANUFACTURER],
        }
        rows.append(row)
    return pd.DataFrame(rows)


def _described(combinations: Combinations, features: ItemFeatures) -> pd.DataFrame:
    """One row per sold item whose kind and maker are told, with its place among the old ones."""
    old = combinations.window.old
    frame = pd.DataFrame({"place": np.arange(len(old)), "price": combinations.window.prices[old]})
    for name in (*TOLD, Columns.BRAND, Columns.SIZE):
        if name in features.block_names:
            values = features.values(name)[old]
            told = features.columns[values].astype(object)
            told[values < 0] = None
            frame[name] = told
    frame["kind"] = pd.Index(combinations.kinds).get_indexer(features.values(Columns.TYPE)[old])
    frame["maker"] = pd.Index(combinations.makers).get_indexer(
        features.values(Columns.MANUFACTURER)[old]
    )
    return frame


def _commonest(values: pd.Series) -> object:
    """The commonest value, the first of several by its letters; None without any."""
    counts = values.value_counts()
    return None if counts.empty else min(counts[counts == counts.iloc[0]].index)


def _prices(old: pd.DataFrame, ideas: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper end of each idea's band of price; NaN where no price of the type is known."""
    priced = old[(old["price"] > 0) & (old["kind"] >= 0)]
    by_kind = priced.groupby("kind")["price"]
    relative = priced["price"] / by_kind.transform("median")
    dearness = relative.groupby(priced["maker"]).median()
    factor = dearness.reindex(ideas[:, 1]).fillna(1.0).to_numpy()
    low, high = (
        np.asarray(by_kind.quantile(share).reindex(ideas[:, 0]).to_numpy() * factor)
        for share in (0.25, 0.75)
    )
    return low, high


def _households(
    combinations: Combinations, old: pd.DataFrame, ideas: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Households that bought of an idea's kind and of its maker, and of its kind."""
    history = combinations.window.history

    def buyers(column: str, n: int) -> sparse.csc_matrix:
        has = np.flatnonzero(old[column] >= 0)
        ones = np.ones(len(has), dtype=np.float32)
        of = sparse.coo_matrix((ones, (has, old[column].to_numpy()[has])), (len(old), n))
        return (history @ of.tocsr() > 0).tocsc()

    kinds, makers = (
        buyers(column, n) for column, n in zip(("kind", "maker"), combinations.shape, strict=True)
    )
    of_kind = kinds[:, ideas[:, 0]]
    both = of_kind.multiply(makers[:, ideas[:, 1]])
    return tuple(np.asarray(found.sum(axis=0)).ravel().astype(int) for found in (both, of_kind))  # type: ignore[return-value]


def _nearest(combinations: Combinations, own: pd.DataFrame, maker: int) -> pd.Series:
    """The item of the kind whose maker's kinds are most like those of this maker (cosine)."""
    by_maker = combinations.items.T.tocsr()
    makers = own.loc[own["maker"] >= 0, "maker"].unique()
    if not len(makers):
        return own.iloc[0]
    others = by_maker[makers]
    lengths = np.sqrt(np.asarray(others.multiply(others).sum(axis=1)).ravel())
    likeness = np.asarray((others @ by_maker[[maker]].T).toarray()).ravel() / lengths
    return own[own["maker"] == makers[int(np.argmax(likeness))]].iloc[0]
