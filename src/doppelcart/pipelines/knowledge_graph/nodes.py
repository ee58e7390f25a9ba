"""Nodes of the knowledge_graph pipeline."""

from __future__ import annotations

import logging
from itertools import pairwise
from typing import Any, Final, NamedTuple

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from doppelcart.catalogue.item_facts import describe_items, entity, placed
from doppelcart.catalogue.item_features import ItemFeatures, Weighting
from doppelcart.catalogue.together import visits_of
from doppelcart.catalogue.triples import RELATION, Graph, Parted, part, shuffle_tails
from doppelcart.catalogue.windows import (
    Window,
    first_prices,
    lines_of,
    moment_at,
    open_window,
)
from doppelcart.columns import Columns
from doppelcart.data.cases import Case
from doppelcart.data.histories import Histories
from doppelcart.data.slices import WARM
from doppelcart.errors import InputError
from doppelcart.metrics.link_prediction import Score
from doppelcart.models.graphs.hyperparameters import EmbeddingConfig
from doppelcart.pipelines.knowledge_graph import facts, links, recommending
from doppelcart.pipelines.knowledge_graph.design import KNOWN_ITEMS, NEW_ITEMS, declare, scored
from doppelcart.pipelines.knowledge_graph.facts import graph_at, later_triples
from doppelcart.pipelines.knowledge_graph.lookup import choose_lookup
from doppelcart.pipelines.knowledge_graph.params import (
    ExperimentParams,
    GraphParams,
    LinksParams,
    RecommendingParams,
)
from doppelcart.pipelines.knowledge_graph.recommending import KNOWLEDGE, SHUFFLED

logger = logging.getLogger(__name__)

TRIED: Final = ["task", "arm", "config", "ndcg"]


class Graphs(NamedTuple):
    """The graph at two moments.

    Attributes:
        moments: When the window that tunes and the one that is tested open, and the log ends.
        earlier: What was known at the first.
        parted: What was known at the second, and what is held out of it and came later.
    """

    moments: tuple[pd.Timestamp, pd.Timestamp, pd.Timestamp]
    earlier: Graph
    parted: Parted


def gather_lines(prm_interactions: ir.Table, quarantine: ir.Table) -> pd.DataFrame:
    """Put clean lines of items that few bought back beside those of many.

    Args:
        prm_interactions: Clean interactions of items with enough buyers for the core.
        quarantine: What cleaning took, with its rule.

    Returns:
        As from ``catalogue.windows.lines_of``.
    """
    return lines_of(prm_interactions, quarantine)


def build_graphs(
    lines: pd.DataFrame,
    prm_interactions: ir.Table,
    int_items: ir.Table,
    int_coupons: ir.Table,
    int_campaigns: ir.Table,
    int_facts: ir.Table,
    split_bounds: dict[str, Any],
    params: GraphParams,
) -> tuple[Graphs, pd.DataFrame, pd.DataFrame]:
    """Draw the graph as it was known before validation begins, and some time before that.

    Args:
        lines: As from ``gather_lines``.
        prm_interactions: Clean interactions, whose baskets relate items.
        int_items: Canonical items.
        int_coupons: Canonical coupons.
        int_campaigns: Canonical campaigns.
        int_facts: What a source tells besides; may be empty.
        split_bounds: When validation begins.
        params: Which triples there are, and which are held out.

    Returns:
        The graphs; the edge list at the later moment; and one row per relation with its sizes.

    Raises:
        InputError: There is no edge, a relation that is asked for is not there, or nothing can be
            held out.
    """
    times = lines[Columns.TIMESTAMP]
    cut = pd.Timestamp(split_bounds["validation_from"]).normalize()
    share = max(float((times < cut).mean()) - params.tuning_share, 0.0)
    moments = (moment_at(times, share), cut, moment_at(times, 1.0))
    canonical = (int_items, int_coupons, int_campaigns, int_facts)
    items, coupons, campaigns, more = (table.to_pandas() for table in canonical)

    def told(opens: pd.Timestamp, closes: pd.Timestamp) -> pd.DataFrame:
        wanted = facts.items_of(lines, opens, closes, params.min_buyers)
        parts = [
            describe_items(items[items[Columns.ITEM].isin(wanted)]),
            facts.describe_coupons(coupons[coupons[Columns.ITEM].isin(wanted)], campaigns),
            facts.declared_facts(more, wanted),
        ]
        return pd.concat(parts, ignore_index=True)

    columns = [Columns.USER, Columns.ITEM, Columns.TIMESTAMP, Columns.BASKET]
    visits = visits_of(prm_interactions.select(columns).to_pandas())
    earlier, graph = (
        graph_at(told(opens, closes), visits, opens, params) for opens, closes in pairwise(moments)
    )
    later = later_triples(graph, visits, cut, params)
    parted = part(graph, later, params.validation_share, params.test_share, params.seed)
    logger.info(
        "The graph has %d triples of %d relations over %d entities; %d more came later.",
        len(graph.triples),
        len(graph.relations),
        len(graph.entities),
        len(later),
    )
    return Graphs(moments, earlier, parted), graph.edges(), sizes_of(parted)


def sizes_of(parted: Parted) -> pd.DataFrame:
    """One row per relation: triples to learn from, to choose by and to test."""
    counted = {
        name: np.bincount(getattr(parted, name)[:, 1], minlength=len(parted.graph.relations))
        for name in ("train", "validation", "test")
    }
    return pd.DataFrame({RELATION: parted.graph.relations, **counted})


def learn_graph_vectors(
    graphs: Graphs, params: LinksParams, embedding: EmbeddingConfig
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Learn vectors of the graph, and of one whose tails are shuffled.

    Args:
        graphs: As from ``build_graphs``.
        params: Which models.
        embedding: How they are learnt.

    Returns:
        Vectors by what they are of: a model's name; ``shuffled``; ``earlier`` and
        ``earlier_shuffled``, by the first model; and a log of every training.
    """
    from doppelcart.models.graphs.graph_embedding import learn_vectors

    parted, first = graphs.parted, params.models[0]
    nothing = np.empty((0, 3), dtype=np.int64)
    learnt: dict[str, Any] = {}
    logs = []

    def learn(name: str, model: Any, graph: Graph, train: Any, validation: Any) -> None:
        size = (len(graph.entities), len(graph.relations))
        found = learn_vectors(model, train, validation, *size, embedding, name)
        learnt[name] = found.vectors
        logs.append(found.log.assign(vectors=name))

    for model in params.models:
        learn(model, model, parted.graph, parted.train, parted.validation)
    known = Graph(parted.graph.entities, parted.graph.relations, parted.train)
    for name, graph in (
        ("shuffled", shuffle_tails(known, embedding.seed)),
        ("earlier", graphs.earlier),
        ("earlier_shuffled", shuffle_tails(graphs.earlier, embedding.seed)),
    ):
        learn(name, first, graph, graph.triples, nothing)
    return learnt, pd.concat(logs, ignore_index=True)


def rank_links(
    graphs: Graphs, vectors: dict[str, Any], params: LinksParams, graph_params: GraphParams
) -> pd.DataFrame:
    """Rank held-out triples by vectors and by a lookup.

    Args:
        graphs: As from ``build_graphs``.
        vectors: As from ``learn_graph_vectors``.
        params: Models, and how many triples are tested.
        graph_params: Seed.

    Returns:
        As from ``links.measure_links``.
    """
    parted = graphs.parted
    size = (len(parted.graph.entities), len(parted.graph.relations))
    lookup = choose_lookup(parted.train, parted.validation, *size, params.chosen_by)
    scores: dict[str, Score] = {model: vectors[model].score for model in params.models}
    return links.measure_links(parted, lookup, scores, params.tested, graph_params.seed)


def recommend_with_graph(
    graphs: Graphs,
    vectors: dict[str, Any],
    lines: pd.DataFrame,
    features: ItemFeatures,
    train_histories: Histories,
    validation_cases: dict[str, Case],
    test_cases: dict[str, Case],
    links_params: LinksParams,
    params: RecommendingParams,
    experiment: ExperimentParams,
) -> tuple[pd.DataFrame, dict[str, Any], pd.DataFrame]:
    """Recommend known items to those who return, and new ones, with and without the graph.

    Args:
        graphs: As from ``build_graphs``.
        vectors: As from ``learn_graph_vectors``.
        lines: As from ``gather_lines``.
        features: Of all items.
        train_histories: Training customers.
        validation_cases: Customers who choose, by slice.
        test_cases: Customers who are tested, by slice.
        links_params: The first model is that of the vectors.
        params: What to choose from.
        experiment: Length of the lists, and how they are compared.

    Returns:
        One row per (task, arm, customer) with its ``value``; the design, ready for JSON; and all
        that was tried. A task that nobody can judge is left out, with a line of the log.

    Raises:
        InputError: Neither task can be judged.
    """
    k, model = experiment.list_length, links_params.models[0]
    of_cut = {KNOWLEDGE: vectors[model].entities, SHUFFLED: vectors["shuffled"].entities}
    of_earlier = {
        KNOWLEDGE: vectors["earlier"].entities,
        SHUFFLED: vectors["earlier_shuffled"].entities,
    }
    tasks = {}
    if _returning(validation_cases, test_cases):
        catalogue = _places(graphs.parted.graph, train_histories.item_ids)
        sides = {arm: placed(own, catalogue) for arm, own in of_cut.items()}
        sides[recommending.ATTRIBUTES] = _attributes(
            features, train_histories.item_ids, sides[KNOWLEDGE].shape[1]
        )
        test = test_cases[WARM]
        known = recommending.recommend_known(
            train_histories, validation_cases[WARM], test, sides, params, k
        )
        tasks[KNOWN_ITEMS] = (test.user_ids, known)
    windows = _windows(lines, features, graphs.moments, params)
    if windows is not None:
        both = tuple(
            {arm: placed(own, _places(graph, features.item_ids)) for arm, own in named.items()}
            for graph, named in ((graphs.earlier, of_earlier), (graphs.parted.graph, of_cut))
        )
        new = recommending.recommend_new(
            windows, features, (both[0], both[1]), params, k, experiment.seed
        )
        tasks[NEW_ITEMS] = (windows[1].user_ids[windows[1].judged], new)
    if not tasks:
        raise InputError(
            "The graph can recommend to nobody: no customer returns to choose by or to be tested, "
            "and too few bought a new item. Let split.validation_from and split.test_from leave "
            "longer windows, or lower knowledge_graph.recommending.min_households or "
            "knowledge_graph.recommending.min_buyers_after."
        )
    tried = [lists.tried.assign(task=task) for task, (_, lists) in tasks.items()]
    return (
        scored(tasks),
        declare(experiment).model_dump(mode="json"),
        pd.concat(tried, ignore_index=True)[TRIED],
    )


def _returning(validation: dict[str, Case], test: dict[str, Case]) -> bool:
    """Whether there are customers who return, to choose by and to be tested."""
    parts = (("validation", validation), ("test", test))
    missing = [name for name, cases in parts if WARM not in cases]
    if missing:
        logger.warning(
            "Known items are not recommended: no %s customer returns.", " and no ".join(missing)
        )
    return not missing


def _places(graph: Graph, item_ids: np.ndarray) -> np.ndarray:
    return graph.places(entity("item", pd.Series(item_ids)).to_numpy())


def _attributes(features: ItemFeatures, item_ids: np.ndarray, units: int) -> np.ndarray:
    """Singular vectors of the attributes of the items of a catalogue; zeros for unlisted ones."""
    rows = pd.Index(features.item_ids).get_indexer(np.asarray(item_ids, dtype=str))
    listed = rows[rows >= 0]
    weighted = Weighting.learn(features, listed, {}).rows(features, listed)
    found = np.zeros((len(rows), units), dtype=np.float32)
    vectors = recommending.attribute_vectors(weighted, units)
    found[rows >= 0, : vectors.shape[1]] = vectors
    return found


def _windows(
    lines: pd.DataFrame,
    features: ItemFeatures,
    moments: tuple[pd.Timestamp, pd.Timestamp, pd.Timestamp],
    params: RecommendingParams,
) -> tuple[Window, Window] | None:
    """The launch windows before and after the cut; None where too few bought a new item."""
    firsts = first_prices(lines)
    firsts.index = firsts.index.astype(str)
    before, after = (
        open_window(
            lines,
            firsts,
            features,
            opens,
            closes,
            min_buyers_before=params.min_buyers_before,
            min_buyers_after=params.min_buyers_after,
            recent_weeks=8,
        )
        for opens, closes in pairwise(moments)
    )
    few = min(len(before.judged), len(after.judged))
    if few < params.min_households:
        logger.warning(
            "New items are not recommended: %d households bought one in a window, and it takes %d.",
            few,
            params.min_households,
        )
        return None
    return before, after
