"""From an item's attributes and words to a sparse row, for items that nobody bought yet too.

Two steps are kept apart. ``encode`` counts what an item says of itself: one column per value of an
attribute, one a run of characters of its words. It learns nothing, so that an item of tomorrow is
encoded by the columns of yesterday. ``Weighting`` learns from some items, those known at a moment,
how much each column counts.
"""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from doppelcart.catalogue.seen_pictures import SeenPictures
from doppelcart.columns import Columns
from doppelcart.errors import InputError

logger = logging.getLogger(__name__)

WORDS = "words"
"""Name of the block of columns that count runs of characters."""
PICTURE = "picture"
"""Name of the block of columns that say what an item's picture shows."""


@dataclass(frozen=True, eq=False)
class ItemFeatures:
    """What items say of themselves, one sparse row each.

    Args:
        item_ids: (n_items,) identifiers, sorted, each once.
        matrix: (n_items, n_columns) CSR float32: 1 where an item has a value, and how often it has
            a run of characters.
        columns: (n_columns,) what a column stands for: a value, or a run of characters.
        blocks: (n_columns,) the attribute that the column belongs to, or ``words``.
        block_names: (n_blocks,) attributes, then ``words``, then ``picture`` where there are any.
        lacks: (n_items, n_blocks) bool: whether the source says nothing of it.
    """

    item_ids: np.ndarray
    matrix: sparse.csr_matrix
    columns: np.ndarray
    blocks: np.ndarray
    block_names: np.ndarray
    lacks: np.ndarray

    @property
    def n_items(self) -> int:
        """Number of items."""
        return len(self.item_ids)

    def values(self, block: str) -> np.ndarray:
        """(n_items,) column of each item's value of an attribute; -1 where it has none.

        Args:
            block: An attribute, of which an item has at most one value.
        """
        own = self.matrix.multiply(self.blocks == block).tocsr()
        own.eliminate_zeros()
        found = np.full(self.n_items, -1)
        found[np.repeat(np.arange(self.n_items), np.diff(own.indptr))] = own.indices
        return found


def encode(
    items: pd.DataFrame,
    attributes: Sequence[str],
    texts: Sequence[str],
    ngrams: tuple[int, int],
    known: ItemFeatures | None = None,
    pictures: SeenPictures | None = None,
) -> ItemFeatures:
    """Encode items by their attributes and words.

    Args:
        items: One row per item, with ``item_id``. Of rows that share one, that with most values
            stays, and a line of the log counts them. An attribute that the table has not is one
            that all items lack.
        attributes: Columns whose values become columns of ones.
        texts: Columns whose words are read together.
        ngrams: Shortest and longest run of characters, within words.
        known: Features whose columns to use, so that a new item needs no other's row again; what
            they do not have is left out. None makes columns of all that the items say.
        pictures: What pictures of some of the items show.

    Raises:
        InputError: There is no item, none of the columns says anything of any, or pictures were
            seen in another way than those of the known features.
    """
    rows = tidy(one_row_per_item(items), [*attributes, *texts])
    if rows.empty:
        raise InputError("There are no items to encode: the table of items is empty.")
    parts = [_one_hot(rows[name], name, known) for name in attributes]
    parts.append(_runs(_joined(rows, texts), ngrams, known))
    names = np.array([*attributes, WORDS])
    lacks = np.column_stack(
        [rows[name].isna().to_numpy() for name in attributes]
        + [rows[list(texts)].isna().all(axis=1).to_numpy()]
    )
    if (shown := _shown(rows.index, pictures, known)) is not None:
        parts.append(shown[:2])
        names, lacks = np.array([*names, PICTURE]), np.column_stack([lacks, shown[2]])
    if lacks.all():
        asked = ", ".join(dict.fromkeys([*attributes, *texts]))
        raise InputError(
            f"None of {len(rows):,} items has a value in any of the columns {asked}: nothing can "
            "be known of an item that nobody bought. Declare one of them in `source: tables: "
            "items`, or name others in items.attributes and items.texts."
        )
    if bare := int(lacks.all(axis=1).sum()):
        logger.warning(
            "%d of %d items have no attribute and no words; nothing is known of them but what "
            "holds of all.",
            bare,
            len(rows),
        )
    return ItemFeatures(
        rows.index.to_numpy(dtype=str),
        sparse.hstack([matrix for matrix, _ in parts], format="csr", dtype=np.float32),
        np.concatenate([columns for _, columns in parts]).astype(str),
        np.repeat(names, [len(columns) for _, columns in parts]),
        names,
        lacks,
    )


def _shown(
    items: pd.Index, pictures: SeenPictures | None, known: ItemFeatures | None
) -> tuple[sparse.csr_matrix, np.ndarray, np.ndarray] | None:
    """What pictures show, the columns, and which items have none; None without any pictures."""
    there = pictures is not None and len(pictures.item_ids) > 0
    columns = pictures.columns if there and pictures is not None else np.array([], dtype=str)
    if known is not None:
        wanted = known.columns[known.blocks == PICTURE]
        if there and len(wanted) and not np.isin(wanted, columns).all():
            raise InputError(
                f"Pictures were looked at in another way ({columns[0].split()[0]}) than those that "
                f"the features were learnt from ({wanted[0].split()[0]}). Install the extra "
                "`images`, set items.pictures.network as it was, or run the pipeline items anew."
            )
        if PICTURE not in known.block_names:
            return None
    elif not there:
        return None
    else:
        wanted = columns
    n = len(items)
    if pictures is None or not there:
        return sparse.csr_matrix((n, len(wanted)), dtype=np.float32), wanted, np.ones(n, bool)
    places = pd.Index(pictures.item_ids).get_indexer(items.astype(str))
    values = pictures.rows[:, pd.Index(columns).get_indexer(wanted)]
    rows = np.where((places >= 0)[:, None], values[places], 0)
    return sparse.csr_matrix(rows.astype(np.float32)), wanted, places < 0


def one_row_per_item(items: pd.DataFrame) -> pd.DataFrame:
    """One row per identifier, by which it is indexed and sorted: the one with most values.

    Args:
        items: Rows with ``item_id``; those without one are left out.
    """
    named = items[items[Columns.ITEM].notna()]
    filled = named.notna().sum(axis=1)
    # Of rows as full as each other the first by its values stays, whatever their order.
    others = [name for name in named.columns if name != Columns.ITEM]
    order = named.assign(_filled=-filled).sort_values([Columns.ITEM, "_filled", *others])
    rows = order.drop_duplicates(Columns.ITEM).drop(columns="_filled")
    if twice := len(named) - len(rows):
        logger.warning(
            "%d rows of items repeat the item_id of another; of each item the row with most "
            "values is used.",
            twice,
        )
    return rows.set_index(Columns.ITEM)


def words_of(items: pd.DataFrame, texts: Sequence[str]) -> pd.Series:
    """By item_id, sorted, an item's words as they are read together; empty where it has none.

    Args:
        items: One row per item, with ``item_id``.
        texts: Columns whose words are read.
    """
    joined = _joined(tidy(one_row_per_item(items), texts), texts)
    return joined.str.split().str.join(" ")


def tidy(rows: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """The columns as text that compares: one case, one form of Unicode; None where it is empty.

    Args:
        rows: Any; a column that is not there is all None.
        columns: Which of them.
    """
    told = rows.reindex(columns=list(dict.fromkeys(columns)))
    return told.apply(lambda column: column.map(_plain, na_action="ignore")).replace("", None)


def _plain(value: object) -> str:
    return " ".join(unicodedata.normalize("NFKC", str(value)).casefold().split())


def _one_hot(
    values: pd.Series, name: str, known: ItemFeatures | None
) -> tuple[sparse.csr_matrix, np.ndarray]:
    """Ones where an item has a value, and the values."""
    if known is None:
        columns = np.sort(values.dropna().unique())
    else:
        columns = known.columns[known.blocks == name]
    codes = pd.Index(columns).get_indexer(values)
    has = np.flatnonzero(codes >= 0)
    shape = (len(values), len(columns))
    ones = np.ones(len(has), dtype=np.float32)
    return sparse.csr_matrix((ones, (has, codes[has])), shape=shape), columns


def _joined(rows: pd.DataFrame, texts: Sequence[str]) -> pd.Series:
    return rows[list(texts)].fillna("").agg(" ".join, axis=1)


def _runs(
    words: pd.Series, ngrams: tuple[int, int], known: ItemFeatures | None
) -> tuple[sparse.csr_matrix, np.ndarray]:
    """How often an item's words have a run of characters, and the runs.

    Every text is counted once, however many items share it.
    """
    from sklearn.feature_extraction.text import CountVectorizer

    codes, texts = pd.factorize(words)
    vocabulary = None if known is None else known.columns[known.blocks == WORDS]
    nothing = all(not text.strip() for text in texts)
    if nothing or (vocabulary is not None and not len(vocabulary)):
        columns = np.array([], dtype=str) if vocabulary is None else vocabulary
        return sparse.csr_matrix((len(words), len(columns)), dtype=np.float32), columns
    # Case and form of Unicode were settled before; runs are of characters of any script.
    counter = CountVectorizer(
        analyzer="char_wb", ngram_range=ngrams, lowercase=False, vocabulary=vocabulary
    )
    counts = counter.fit_transform(texts)
    return counts[codes].astype(np.float32), counter.get_feature_names_out().astype(str)


@dataclass(frozen=True, eq=False)
class Weighting:
    """How much each column counts, as learnt from some items.

    A value or a run of characters that fewer than ``min_items`` of them have says nothing of
    another item, and is left out. Runs are weighted by how rare they are (TF-IDF: Spärck Jones
    1972) and made one vector of length 1 an item; then attributes and words are weighted against
    each other, and the whole row is made of length 1.

    Args:
        kept: (n_kept,) the columns that count.
        rarity: (n_kept,) weight of each.
        words: (n_kept,) whether it is a run of characters.
        weight: (n_kept,) weight of its block.
    """

    kept: np.ndarray
    rarity: np.ndarray
    words: np.ndarray
    weight: np.ndarray

    @classmethod
    def learn(
        cls,
        features: ItemFeatures,
        rows: np.ndarray,
        weights: dict[str, float],
        min_items: int = 2,
        max_runs: int = 2_000,
    ) -> Weighting:
        """Learn from the items of some rows.

        Args:
            features: Of all items.
            rows: Those that are known.
            weights: By block; one that is not named counts 1.
            min_items: Items that a column must have.
            max_runs: Runs of characters that are kept, those of most items first.
        """
        matrix = features.matrix[rows]
        items = np.bincount(matrix.indices, minlength=matrix.shape[1])
        words = features.blocks == WORDS
        kept = items >= min_items
        runs = np.flatnonzero(kept & words)
        if len(runs) > max_runs:
            by_items = np.lexsort((runs, -items[runs]))
            kept[runs[by_items[max_runs:]]] = False
        columns = np.flatnonzero(kept)
        rarity = np.log((1 + len(rows)) / (1 + items[columns])) + 1
        return cls(
            columns,
            np.where(words[columns], rarity, 1.0),
            words[columns],
            np.array([weights.get(block, 1.0) for block in features.blocks[columns]]),
        )

    def rows(self, features: ItemFeatures, which: np.ndarray) -> sparse.csr_matrix:
        """(n, n_kept) CSR float32 rows of length 1; of zeros for an item that says nothing.

        Args:
            features: Items encoded by the columns that were learnt from.
            which: Rows of them.
        """
        matrix = features.matrix[which][:, self.kept].multiply(self.rarity).tocsr()
        runs = _of_length_one(matrix.multiply(self.words).tocsr())
        values = matrix.multiply(~self.words).tocsr()
        return _of_length_one((values + runs).multiply(self.weight).tocsr()).astype(np.float32)


def _of_length_one(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    """Each row over its Euclidean length; rows of zeros stay."""
    lengths = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    scale = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0)
    return (sparse.diags_array(scale) @ matrix).tocsr()
