"""How well held-out triples are ranked, relation by relation, beside a lookup."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from doppelcart.catalogue.triples import Parted
from doppelcart.experiment.resampling import paired_bootstraps
from doppelcart.metrics.link_prediction import (
    KnownTriples,
    Score,
    both_ways,
    filtered_ranks,
    summarise_ranks,
)
from doppelcart.pipelines.knowledge_graph.lookup import Lookup

LOOKUP = "lookup"
ALL = "all relations"
N_RESAMPLES = 2_000


def measure_links(
    parted: Parted, lookup: Lookup, scores: Mapping[str, Score], tested: int, seed: int
) -> pd.DataFrame:
    """Rank test triples, asked from either end, by every model and by the lookup.

    Args:
        parted: The graph.
        lookup: As chosen.
        scores: By model; the first is compared with the lookup.
        tested: Test triples of a relation, at most.
        seed: Of the sample and of resampling.

    Returns:
        One row per (relation, model), the lookup among them, and ``ALL`` relations last:
        ``triples``, ``looks_up`` (from the head, from the tail), ``mrr``, ``hits@1``, ``hits@3``,
        ``hits@10``, ``mrr_of_tails`` and ``mrr_of_heads``, by what is asked for; for the first
        model the ``difference`` of its MRR to the lookup's, ``low`` and ``high`` (95 %).
    """
    graph = parted.graph
    n_relations = len(graph.relations)
    everything = np.unique(np.vstack([parted.train, parted.validation, parted.test]), axis=0)
    known = KnownTriples(both_ways(everything, n_relations), len(graph.entities))
    sample = _sample(parted.test, tested, seed)
    queries = both_ways(sample, n_relations)
    ranks = {
        name: filtered_ranks(score, queries, known)
        for name, score in ({LOOKUP: lookup.score} | dict(scores)).items()
    }
    names, turned = np.append(graph.relations, ALL), queries[:, 1] >= n_relations
    rows = []
    for place, name in enumerate(names):
        own = queries[:, 1] % n_relations == place if name != ALL else np.ones(len(queries), bool)
        if not own.any():
            continue
        for model, found in ranks.items():
            row = {"relation": name, "model": model, "triples": int(own.sum()) // 2}
            if model == LOOKUP and name != ALL:
                row["looks_up"] = _looks_up(lookup, place, graph.relations)
            row |= summarise_ranks(found[own])
            for way, asked in (("mrr_of_tails", ~turned), ("mrr_of_heads", turned)):
                row[way] = summarise_ranks(found[own & asked])["mrr"]
            if model == next(iter(scores)):
                row |= _interval(1 / found[own], 1 / ranks[LOOKUP][own], seed)
            rows.append(row)
    return pd.DataFrame(rows)


def _sample(triples: np.ndarray, most: int, seed: int) -> np.ndarray:
    """At most as many triples of each relation."""
    order = np.random.default_rng(seed).permutation(len(triples))
    place = pd.Series(triples[order, 1]).groupby(triples[order, 1]).cumcount().to_numpy()
    return triples[np.sort(order[place < most])]


def _looks_up(lookup: Lookup, relation: int, names: np.ndarray) -> str:
    """What subjects share, asked from the head and from the tail."""
    n = len(names)
    told = []
    for way in (relation, relation + n):
        shared = lookup.shared[way]
        if shared is None:
            told.append("the commonest")
        else:
            told.append(names[shared % n] + (" turned round" if shared >= n else ""))
    return ", ".join(told)


def _interval(values: np.ndarray, bases: np.ndarray, seed: int) -> dict[str, float]:
    # Both ends of a triple are asked, and go together.
    pairs = np.tile(np.arange(len(values) // 2), 2)
    (found,) = paired_bootstraps(
        values[:, None],
        bases[:, None],
        rng=np.random.default_rng(seed),
        n_resamples=N_RESAMPLES,
        clusters=pairs,
    )
    return {"difference": found.difference, "low": found.low, "high": found.high}
