"""One vector per item, by a fitted embedder that new and changed items need no training of.

A vector has two parts. ``content`` says what an item is: its weighted features on their leading
singular vectors. ``together`` says beside what it belongs: a ridge regression from the features to
the leading singular vectors of what was bought by the same users, so that an item that nobody
bought yet stands among those that many did (from attributes to collaborative factors: Gantner et
al. 2010, "Learning attribute-to-feature mappings for cold-start recommendations").

A vector depends on its own item's row alone: whatever else the catalogue holds, an item that did
not change keeps its vector to the bit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from scipy import linalg, sparse
from scipy.sparse import linalg as sparse_linalg

from doppelcart.catalogue.item_features import (
    PICTURE,
    WORDS,
    ItemFeatures,
    Weighting,
    encode,
    one_row_per_item,
    tidy,
)
from doppelcart.catalogue.seen_pictures import SeenPictures
from doppelcart.errors import InputError

CONTENT, TOGETHER = "content", "together"
NEW, CHANGED, UNCHANGED, GONE = "new", "changed", "unchanged", "gone"
STATES: Final = (UNCHANGED, CHANGED, NEW, GONE)


@dataclass(frozen=True, eq=False)
class ItemVectors:
    """One vector per item, with a mask of what the source does not say.

    Args:
        item_ids: (n_items,) identifiers, sorted, each once.
        vectors: (n_items, n_units) float32; zeros for an item that says nothing.
        parts: (n_units,) ``content`` or ``together``.
        block_names: (n_blocks,) attributes, then ``words``, then ``picture`` where there are any.
        lacks: (n_items, n_blocks) bool: whether the source says nothing of it.
    """

    item_ids: np.ndarray
    vectors: np.ndarray
    parts: np.ndarray
    block_names: np.ndarray
    lacks: np.ndarray


@dataclass(frozen=True, eq=False)
class Projection:
    """From weighted features to vectors.

    Args:
        weighting: How much each column counts.
        matrix: (n_kept, n_units) float32.
        parts: (n_units,) ``content`` or ``together``.
    """

    weighting: Weighting
    matrix: np.ndarray
    parts: np.ndarray

    def vectors(self, features: ItemFeatures, which: np.ndarray) -> np.ndarray:
        """(n, n_units) float32 vectors.

        Args:
            features: Items encoded by the columns that were learnt from.
            which: Rows of them.
        """
        # Sparse times dense adds up each row by itself: no other row can change it.
        return np.asarray(self.weighting.rows(features, which) @ self.matrix)


@dataclass(frozen=True, eq=False)
class ItemEmbedder:
    """All that it takes to embed an item: how it is encoded, and the projection.

    Args:
        columns: (n_kept,) what the columns that count stand for.
        blocks: (n_kept,) the block that each belongs to.
        block_names: (n_blocks,) attributes, then ``words``, then ``picture`` where there are any.
        texts: (n_texts,) columns of the items whose words are read together.
        ngrams: (2,) shortest and longest run of characters.
        projection: Of rows that have these columns alone.
        item_ids: (n_known,) items that it was fitted beside, sorted.
        prints: (n_known,) uint64 digest of what each said.
    """

    columns: np.ndarray
    blocks: np.ndarray
    block_names: np.ndarray
    texts: np.ndarray
    ngrams: np.ndarray
    projection: Projection
    item_ids: np.ndarray
    prints: np.ndarray

    @property
    def attributes(self) -> list[str]:
        """Columns of the items whose values count."""
        return attributes_of(self.block_names)

    @property
    def known(self) -> ItemFeatures:
        """The columns, without any item."""
        n_columns = len(self.columns)
        return ItemFeatures(
            np.array([], dtype=str),
            sparse.csr_matrix((0, n_columns), dtype=np.float32),
            self.columns,
            self.blocks,
            self.block_names,
            np.empty((0, len(self.block_names)), dtype=bool),
        )

    def embed(self, items: pd.DataFrame, pictures: SeenPictures | None = None) -> ItemVectors:
        """Embed items, those that it never saw among them.

        Args:
            items: One row per item, with ``item_id``.
            pictures: What pictures of some of them show.

        Raises:
            InputError: As of ``encode``.
        """
        shortest, longest = (int(length) for length in self.ngrams)
        features = encode(
            items, self.attributes, self.texts.tolist(), (shortest, longest), self.known, pictures
        )
        return ItemVectors(
            features.item_ids,
            self.projection.vectors(features, np.arange(features.n_items)),
            self.projection.parts,
            features.block_names,
            features.lacks,
        )

    def states(self, items: pd.DataFrame, pictures: SeenPictures | None = None) -> pd.DataFrame:
        """What became of each item since the embedder was fitted.

        Args:
            items: One row per item, with ``item_id``.
            pictures: What pictures of some of them show.

        Returns:
            ``item_id`` and ``state``: unchanged, changed, new or gone.
        """
        now = prints_of(items, [*self.attributes, *self.texts], pictures)
        then = pd.Series(self.prints, index=self.item_ids)
        both = pd.concat({"then": then, "now": now}, axis=1)
        states = np.select(
            [both["then"].isna(), both["now"].isna(), both["then"] == both["now"]],
            [NEW, GONE, UNCHANGED],
            CHANGED,
        )
        return pd.DataFrame({"item_id": both.index.astype(str), "state": states})


def fit_projection(
    features: ItemFeatures,
    rows: np.ndarray,
    history: sparse.csr_matrix,
    weighting: Weighting,
    units: int,
    together_units: int,
    penalty: float,
) -> Projection:
    """Learn from known items where an item stands, by what it says of itself.

    Each part has a mean squared length of 1 over the known items, so that neither outweighs the
    other.

    Args:
        features: Of all items.
        rows: (n_known,) those that enough users bought.
        history: (n_users, n_known) ones where a user bought an item.
        weighting: How much each column counts, as learnt from the same items.
        units: Of what an item is; fewer where there are fewer items or columns.
        together_units: Of what it is bought beside, likewise; 0 leaves that part out.
        penalty: Of the ridge regression.
    """
    known = weighting.rows(features, rows).astype(np.float64)
    matrices = [_leading(known, units)[1]]
    if together_units:
        matrices.append(_regression(known, beside(history, together_units), penalty))
    matrices = [matrix / (_length(known @ matrix) or 1.0) for matrix in matrices]
    parts = np.repeat([CONTENT, TOGETHER][: len(matrices)], [m.shape[1] for m in matrices])
    return Projection(weighting, np.hstack(matrices).astype(np.float32), parts)


def fit_embedder(
    features: ItemFeatures,
    projection: Projection,
    items: pd.DataFrame,
    texts: Sequence[str],
    ngrams: tuple[int, int],
    pictures: SeenPictures | None = None,
) -> ItemEmbedder:
    """An embedder that has all it needs, and no column that does not count.

    Args:
        features: Of all items.
        projection: As learnt from them.
        items: What they were encoded from.
        texts: Columns whose words were read together.
        ngrams: Shortest and longest run of characters.
        pictures: What pictures of some of them show.
    """
    own, kept = projection.weighting, projection.weighting.kept
    weighting = Weighting(np.arange(len(kept)), own.rarity, own.words, own.weight)
    prints = prints_of(items, [*attributes_of(features.block_names), *texts], pictures)
    return ItemEmbedder(
        features.columns[kept],
        features.blocks[kept],
        features.block_names,
        np.array(texts, dtype=str),
        np.array(ngrams),
        Projection(weighting, projection.matrix, projection.parts),
        prints.index.to_numpy(dtype=str),
        prints.to_numpy(),
    )


def attributes_of(block_names: np.ndarray) -> list[str]:
    """The blocks that are attributes."""
    return [str(name) for name in block_names if name not in (WORDS, PICTURE)]


def prints_of(
    items: pd.DataFrame, columns: Sequence[str], pictures: SeenPictures | None = None
) -> pd.Series:
    """By item_id a digest (uint64) of what an item says, whatever its case and form of Unicode.

    Args:
        items: One row per item, with ``item_id``.
        columns: What counts.
        pictures: What pictures of some of them show.
    """
    said = tidy(one_row_per_item(items), columns).fillna("")
    if pictures is not None:
        digests = [hashlib.sha256(row.tobytes()).hexdigest() for row in pictures.rows]
        shown = pd.Series(digests, index=pictures.item_ids, dtype=object)
        said = said.assign(**{PICTURE: shown.reindex(said.index.astype(str)).fillna("").to_numpy()})
    found = pd.util.hash_pandas_object(said, index=False, categorize=False)
    return found.set_axis(said.index.astype(str))


def _leading(matrix: sparse.csr_matrix, units: int) -> tuple[np.ndarray, np.ndarray]:
    """Leading singular values, the greatest first, and (n_columns, units) right vectors.

    Their signs are set, so that the same data have the same vectors.

    Raises:
        InputError: There are too few rows or columns for a single one.
    """
    most = min(matrix.shape) - 1
    if most < 1:
        raise InputError(
            f"{matrix.shape[0]} items with {matrix.shape[1]} features that count are too few to "
            "learn vectors from. Lower items.embedding.min_buyers or items.embedding.min_items."
        )
    start = np.ones(min(matrix.shape))
    _, sizes, right = sparse_linalg.svds(matrix, k=min(units, most), v0=start)
    order = np.argsort(-sizes, kind="stable")
    vectors = right[order].T
    signs = np.sign(vectors[np.abs(vectors).argmax(axis=0), np.arange(vectors.shape[1])])
    return sizes[order], vectors * np.where(signs == 0, 1, signs)


def beside(history: sparse.csr_matrix, units: int) -> np.ndarray:
    """(n_known, units) where items stand by who bought them: leading singular vectors times values.

    Items that many bought are drawn in by the root of their buyers, or they alone would count.

    Args:
        history: (n_users, n_known) ones where a user bought an item.
        units: Of them; fewer where there are fewer users or items.
    """
    buyers = np.maximum(np.asarray(history.sum(axis=0)).ravel(), 1.0)
    scaled = (history @ sparse.diags_array(buyers**-0.5)).tocsr().astype(np.float64)
    sizes, vectors = _leading(scaled, units)
    return np.asarray(vectors * sizes)


def _length(rows: np.ndarray) -> float:
    """Root mean square of the rows' lengths."""
    return float(np.sqrt(np.mean(np.sum(rows**2, axis=1))))


def _regression(known: sparse.csr_matrix, target: np.ndarray, penalty: float) -> np.ndarray:
    """(n_columns, n_targets) ridge regression (Hoerl and Kennard 1970), in the smaller form."""
    primal = known.shape[1] <= known.shape[0]
    gram = (known.T @ known if primal else known @ known.T).toarray()
    gram[np.diag_indices_from(gram)] += penalty
    right = known.T @ target if primal else target
    solved = linalg.cho_solve(linalg.cho_factor(gram, lower=True, overwrite_a=True), right)
    return solved if primal else known.T @ solved
