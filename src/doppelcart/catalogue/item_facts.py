"""What items are, as edges of a graph, and vectors of its entities by the items they are of."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
import pandas as pd

from doppelcart.catalogue.triples import HEAD, RELATION, TAIL
from doppelcart.columns import Columns

ATTRIBUTES: Final = (Columns.TYPE, Columns.BRAND, Columns.MANUFACTURER, Columns.SIZE)


def entity(kind: str, values: pd.Series) -> pd.Series:
    """Names of entities: an item 12 and a coupon 12 are two."""
    return kind + ":" + values.astype(str)


def describe_items(items: pd.DataFrame) -> pd.DataFrame:
    """Edges from items to what they are, from types to categories, from these to departments.

    Args:
        items: Canonical items.

    Returns:
        ``src``, ``dst``, ``relationship``; each edge once, whatever was listed twice.
    """
    parts = [
        linked(items, Columns.ITEM, Columns.ITEM, name, name, f"has_{name}") for name in ATTRIBUTES
    ]
    chain = (Columns.TYPE, Columns.CATEGORY, Columns.DEPARTMENT)
    parts += [linked(items, low, low, high, high, f"is_of_{high}") for low, high in pairwise(chain)]
    return pd.concat(parts, ignore_index=True)


def linked(
    table: pd.DataFrame,
    head: str,
    head_kind: str,
    tail: str,
    tail_kind: str,
    relation: str,
    *more: str,
) -> pd.DataFrame:
    """Edges between two columns of a table, where both are known; blanks say nothing.

    Args:
        table: Rows.
        head: Column of the heads.
        head_kind: What these are.
        tail: Column of the tails.
        tail_kind: What these are.
        relation: What relates them.
        *more: Columns that are kept beside them.
    """
    rows = table[_said(table[head]) & _said(table[tail])]
    edges = pd.DataFrame(
        {
            HEAD: entity(head_kind.removesuffix("_id"), rows[head]),
            TAIL: entity(tail_kind.removesuffix("_id"), rows[tail]),
            RELATION: relation,
            **{name: rows[name] for name in more},
        }
    )
    return edges.drop_duplicates([HEAD, TAIL])


def _said(values: pd.Series) -> pd.Series:
    """Whether a value is there, and more than blanks."""
    return values.notna() & (values.astype(str).str.strip() != "")


def of_length_one(vectors: np.ndarray) -> np.ndarray:
    """Rows over their Euclidean length; zeros stay."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)


def placed(vectors: np.ndarray, places: np.ndarray) -> np.ndarray:
    """(n, units) vectors of length 1 of some entities; zeros for one that is not in the graph.

    Args:
        vectors: (n_entities, units).
        places: (n,) rows of them, -1 for none.
    """
    rows = of_length_one(vectors)[places]
    rows[places < 0] = 0
    return np.asarray(rows, dtype=np.float32)
