"""From the canonical tables to the edges of a graph, as they were known at a moment."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import numpy as np
import pandas as pd

from doppelcart.catalogue.item_facts import entity, linked
from doppelcart.catalogue.together import pairs_together
from doppelcart.catalogue.triples import HEAD, RELATION, TAIL, Graph, drop_inverses, graph_of
from doppelcart.columns import Columns
from doppelcart.pipelines.knowledge_graph.params import GraphParams

CO_PURCHASE: Final = "bought_with"
SINCE: Final = "since"
"""Column of the moment from which on an edge is known; none where it always was."""


def items_of(
    lines: pd.DataFrame, opens: pd.Timestamp, closes: pd.Timestamp, min_buyers: int
) -> pd.Index:
    """Items of which a graph tells: those that enough had bought, and those launched next.

    A shop knows what it launches, and new items are ranked among those that enough buy in the
    window. Whoever bought after that decides nothing.

    Args:
        lines: As from ``catalogue.windows.lines_of``.
        opens: The moment of the graph, at which the window opens.
        closes: Until when buyers of items that were not sold before count.
        min_buyers: What is enough.
    """
    before, until = (
        lines[lines[Columns.TIMESTAMP] < moment]
        .groupby(Columns.ITEM, observed=True)[Columns.USER]
        .nunique()
        for moment in (opens, closes)
    )
    buyers = before.rename(index=str).combine_first(until.rename(index=str))
    return buyers.index[buyers >= min_buyers]


def describe_coupons(coupons: pd.DataFrame, campaigns: pd.DataFrame) -> pd.DataFrame:
    """Edges from coupons to items and campaigns, and from these to their kinds.

    Args:
        coupons: Canonical coupons.
        campaigns: Canonical campaigns.

    Returns:
        ``src``, ``dst``, ``relationship`` and ``since``: the begin of the campaign, of several the
        first.
    """
    of_campaign = campaigns.groupby(Columns.CAMPAIGN, as_index=False).agg(
        kind=(Columns.TYPE, "first"), since=(Columns.START, "min")
    )
    told = coupons.merge(of_campaign, on=Columns.CAMPAIGN, how="left")
    coupon, campaign = Columns.COUPON, Columns.CAMPAIGN
    begin = told.groupby([coupon, Columns.ITEM])[SINCE].transform("min")
    ever = told.assign(**{SINCE: begin})
    return pd.concat(
        [
            linked(ever, coupon, "coupon", Columns.ITEM, Columns.ITEM, "is_coupon_for", SINCE),
            linked(told, coupon, "coupon", campaign, "campaign", "is_in_campaign", SINCE),
            linked(of_campaign, campaign, "campaign", "kind", "kind", "is_of_kind", SINCE),
        ],
        ignore_index=True,
    )


def declared_facts(facts: pd.DataFrame, items: Collection[str]) -> pd.DataFrame:
    """Edges that a source declares itself, such as of a public graph that its items are linked to.

    Args:
        facts: Canonical facts; whoever is called ``item:`` and an id is that item.
        items: Items that are wanted; facts of others are left out, and those of no item are kept.

    Returns:
        ``src``, ``dst``, ``relationship``; each edge once.
    """
    ends = [facts[name].astype(str) for name in (HEAD, TAIL)]
    wanted = set(entity("item", pd.Series(list(items), dtype=str)))
    kept = [~own.str.startswith("item:") | own.isin(wanted) for own in ends]
    return facts[kept[0] & kept[1]][[HEAD, TAIL, RELATION]].drop_duplicates()


def co_purchases(visits: pd.DataFrame, min_baskets: int, min_lift: float) -> pd.DataFrame:
    """Pairs of items that lie in one basket more often than by chance.

    Args:
        visits: As from ``catalogue.together.visits_of``.
        min_baskets: Baskets that must hold both.
        min_lift: How many times as often as if they were bought independently.

    Returns:
        ``src``, ``dst``, ``relationship``; one edge per pair, from the lower name to the higher.
    """
    first, second = pairs_together(visits, min_baskets, min_lift)
    return pd.DataFrame(
        {
            HEAD: entity("item", pd.Series(first, dtype=str)),
            TAIL: entity("item", pd.Series(second, dtype=str)),
            RELATION: CO_PURCHASE,
        }
    )


def graph_at(
    facts: pd.DataFrame, visits: pd.DataFrame, moment: pd.Timestamp, params: GraphParams
) -> Graph:
    """What was known at a moment: attributes, campaigns begun by then, baskets sold by then.

    Args:
        facts: Edges with ``since``.
        visits: As from ``catalogue.together.visits_of``.
        moment: What comes from then on is not known.
        params: Which pairs are related, and which relations are kept.

    Raises:
        InputError: No edge is left, or a relation is asked for that there is not.
    """
    known = facts[facts[SINCE].isna() | (facts[SINCE] < moment)]
    sold = visits[visits[Columns.TIMESTAMP] < moment]
    together = co_purchases(sold, params.min_baskets, params.min_lift)
    whole = graph_of(pd.concat([known[[HEAD, TAIL, RELATION]], together], ignore_index=True))
    return drop_inverses(whole.keep(params.relations))


def later_triples(
    graph: Graph, visits: pd.DataFrame, moment: pd.Timestamp, params: GraphParams
) -> np.ndarray:
    """(n, 3) pairs bought together above chance from a moment on, that were not before.

    Args:
        graph: What was known at the moment.
        visits: As from ``catalogue.together.visits_of``.
        moment: When they begin to count.
        params: Which pairs are related.
    """
    if CO_PURCHASE not in graph.relations:
        return np.empty((0, 3), dtype=np.int64)
    sold = visits[visits[Columns.TIMESTAMP] >= moment]
    edges = co_purchases(sold, params.min_baskets_later, params.min_lift)
    relation = np.full(len(edges), np.searchsorted(graph.relations, CO_PURCHASE))
    found = np.column_stack(
        [graph.places(edges[HEAD].to_numpy()), relation, graph.places(edges[TAIL].to_numpy())]
    )
    found = found[(found >= 0).all(axis=1)]
    before = pd.MultiIndex.from_arrays(list(graph.triples.T))
    return found[~pd.MultiIndex.from_arrays(list(found.T)).isin(before)]
