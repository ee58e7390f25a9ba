"""Households by what a graph says of the items that they buy elsewhere.

The graph holds what items are: type, brand, manufacturer, size, category, department. No purchase
is in it, so that nothing of a masked department is known by it. A brand or a manufacturer that is
sold in two departments is what could carry a taste from one to the other.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

import numpy as np
import pandas as pd
from scipy import sparse

from doppelcart.catalogue.item_facts import describe_items, entity, placed
from doppelcart.catalogue.triples import graph_of, shuffle_tails
from doppelcart.columns import Columns
from doppelcart.models.graphs.hyperparameters import EmbeddingConfig
from doppelcart.pipelines.cross_domain.design import GRAPH, SHUFFLED_GRAPH
from doppelcart.pipelines.cross_domain.transfer import Bench, Components, Config, Lists, ridge, told
from doppelcart.recommenders.base import row_sums

logger = logging.getLogger(__name__)

MODEL: Final = "complex"
NEARNESS: Final[Config] = {"nearness": 1.0}
"""Nothing is learnt: the items of the department that lie nearest to a household."""


def learn_tastes(
    items: pd.DataFrame, item_ids: np.ndarray, embedding: EmbeddingConfig
) -> tuple[dict[str, np.ndarray], pd.DataFrame]:
    """Vectors of items in a graph of what they are, and in one whose tails are shuffled.

    Args:
        items: Canonical items.
        item_ids: (n_columns,) the items that are wanted.
        embedding: How vectors are learnt (ComplEx).

    Returns:
        (n_columns, 2 * units) float32 by arm, of length 1, zeros where nothing is told of an item;
        and a log of both trainings. None of either where nothing is told of any item.
    """
    edges = describe_items(items[items[Columns.ITEM].astype(str).isin(item_ids)])
    names = entity("item", pd.Series(item_ids)).to_numpy()
    if not edges["src"].isin(names).any():
        logger.warning(
            "No graph is drawn: no item has a type, brand, manufacturer or size. Declare one of "
            "them in `source: tables: items` to have it tried."
        )
        return {}, pd.DataFrame()
    from doppelcart.models.graphs.graph_embedding import learn_vectors

    graph = graph_of(edges)
    size = (len(graph.entities), len(graph.relations))
    nothing = np.empty((0, 3), dtype=np.int64)
    found, logs = {}, []
    for arm, own in ((GRAPH, graph), (SHUFFLED_GRAPH, shuffle_tails(graph, embedding.seed))):
        learnt = learn_vectors(MODEL, own.triples, nothing, *size, embedding, arm)
        found[arm] = placed(learnt.vectors.entities, graph.places(names))
        logs.append(learnt.log.assign(arm=arm))
    return found, pd.concat(logs, ignore_index=True)


def tastes(known: sparse.csr_matrix, vectors: np.ndarray) -> np.ndarray:
    """(n_rows, units) float32 mean vector of what is known of households; zeros where nothing is.

    Args:
        known: (n_rows, n_columns) what is known.
        vectors: (n_columns, units).
    """
    total = np.maximum(row_sums(known), 1.0)[:, None]
    return np.asarray(known @ vectors / total, dtype=np.float32)


def rank_by_tastes(
    bench: Bench, vectors: np.ndarray, penalties: Sequence[float], k: int
) -> tuple[Lists, pd.DataFrame]:
    """Rank a department by households' places in the graph, as validation households prefer.

    Either by nearness of household and item, with nothing learnt, or by ridge regression from the
    household's place to every item, which is how the other systems learn.

    Args:
        bench: The department.
        vectors: (n_columns, units) of all items.
        penalties: Of the ridge; places are scaled to vary as much as histories do.
        k: Length of the lists.

    Returns:
        Scores of the best, and a table of ``config`` and ``ndcg``.
    """
    places = [tastes(known, vectors) for known in bench.known]
    varied = float(np.sum((places[0] - places[0].mean(axis=0)) ** 2, axis=1).mean())
    scale = np.sqrt(row_sums(bench.known[0]).mean() / max(varied, 1e-12))
    components = Components.of(*(sparse.csr_matrix(scale * own) for own in places))
    inside = vectors[bench.target.items]
    tried: list[tuple[Config, Lists]] = [(NEARNESS, Lists(*(own @ inside.T for own in places[1:])))]
    tried += [
        ({"penalty": penalty}, ridge(components, bench.baskets, None, penalty))
        for penalty in penalties
    ]
    worth = [bench.quality(lists.validation, k) for _, lists in tried]
    rows = [
        {"config": told(config), "ndcg": value}
        for (config, _), value in zip(tried, worth, strict=True)
    ]
    return tried[int(np.argmax(worth))][1], pd.DataFrame(rows)
