"""Edges of canonical tables, and what was known of them at a moment."""

import logging

import numpy as np
import pandas as pd
import pytest

from doppelcart.catalogue.item_facts import describe_items
from doppelcart.catalogue.together import visits_of
from doppelcart.catalogue.triples import graph_of
from doppelcart.errors import InputError
from doppelcart.pipelines.knowledge_graph import facts
from doppelcart.pipelines.knowledge_graph.params import GraphParams, RecommendingParams

PARAMS = GraphParams(min_baskets=2, min_baskets_later=1, min_lift=1.2)
MONDAY = pd.Timestamp("2024-01-01")


def rows_of(edges: pd.DataFrame) -> set[tuple[str, ...]]:
    return {tuple(row) for row in edges[["src", "relationship", "dst"]].to_numpy()}


def visits(*baskets: str, day: int = 0) -> pd.DataFrame:
    """One basket per text, one item per letter."""
    return pd.DataFrame(
        [
            (n, item, MONDAY + pd.Timedelta(days=day))
            for n, own in enumerate(baskets)
            for item in own
        ],
        columns=["basket", "item_id", "timestamp"],
    )


def test_only_buyers_until_a_window_closes_put_an_item_into_a_graph():
    lines = pd.DataFrame(
        [
            # Of two before the window one, two and one bought a, b and c, and later everybody.
            *[("u", "a", 0), ("u", "b", 0), ("v", "b", 1), ("u", "c", 1), ("w", "c", 3)],
            # Launched in the window: two buy d and one e; launched after it: f.
            *[("u", "d", 2), ("w", "d", 3), ("v", "e", 3)],
            *[(user, item, 5) for user in "uvw" for item in "acef"],
        ],
        columns=["user_id", "item_id", "day"],
    )
    lines["timestamp"] = MONDAY + pd.to_timedelta(lines.pop("day"), "D")
    opens, closes = (MONDAY + pd.Timedelta(days=days) for days in (2, 4))
    lines = lines.astype({"user_id": "category", "item_id": "category"})
    assert facts.items_of(lines, opens, closes, 2).tolist() == ["b", "d"]
    assert facts.items_of(lines, opens, closes, 1).tolist() == list("abcde")


def test_items_are_told_by_what_they_are():
    items = pd.DataFrame(
        {
            "item_id": ["1", "2", "2"], "type": ["ice", "ice", "ice"], "brand": ["own", None, None],
            "manufacturer": None, "size": None, "category": "frozen", "department": "food",
        }
    )  # fmt: skip
    # An identifier that is listed twice is one item.
    assert rows_of(describe_items(items)) == {
        ("item:1", "has_type", "type:ice"),
        ("item:2", "has_type", "type:ice"),
        ("item:1", "has_brand", "brand:own"),
        ("type:ice", "is_of_category", "category:frozen"),
        ("category:frozen", "is_of_department", "department:food"),
    }


def test_items_that_lack_an_attribute_have_nothing_in_common():
    names = ("type", "manufacturer", "size", "category", "department")
    items = pd.DataFrame({"item_id": list("1234"), "brand": ["", " ", None, "own"]})
    found = describe_items(items.assign(**dict.fromkeys(names)))
    assert rows_of(found) == {("item:4", "has_brand", "brand:own")}


def test_coupons_are_known_from_the_begin_of_their_campaign():
    coupons = pd.DataFrame({"coupon_id": ["k"], "item_id": ["1"], "campaign_id": ["9"]})
    campaigns = pd.DataFrame(
        {"campaign_id": ["9", "9"], "type": "mail", "start": MONDAY, "user_id": ["a", "b"]}
    )
    found = facts.describe_coupons(coupons, campaigns)
    assert rows_of(found) == {
        ("coupon:k", "is_coupon_for", "item:1"),
        ("coupon:k", "is_in_campaign", "campaign:9"),
        ("campaign:9", "is_of_kind", "kind:mail"),
    }
    items = pd.DataFrame({"src": ["item:1"], "relationship": "has_type", "dst": "type:ice"})
    told = pd.concat([found, items], ignore_index=True)
    none = visits()
    before = facts.graph_at(told, none, MONDAY, PARAMS)
    assert before.relations.tolist() == ["has_type"]
    after = facts.graph_at(told, none, MONDAY + pd.Timedelta(days=1), PARAMS)
    assert len(after.relations) == 4


def test_a_coupon_of_several_campaigns_is_known_from_the_first():
    late = MONDAY + pd.Timedelta(days=90)
    coupons = pd.DataFrame({"coupon_id": "k", "item_id": "1", "campaign_id": ["8", "9"]})
    campaigns = pd.DataFrame({"campaign_id": ["8", "9"], "type": "mail", "start": [late, MONDAY]})
    found = facts.describe_coupons(coupons, campaigns)
    known = {tuple(edge) for edge in found[["src", "dst", "since"]].to_numpy().tolist()}
    assert known >= {
        ("coupon:k", "item:1", MONDAY),
        ("coupon:k", "campaign:8", late),
        ("coupon:k", "campaign:9", MONDAY),
    }
    assert len(found) == 5


def test_items_are_related_that_lie_together_more_often_than_by_chance():
    # Of six baskets a and b lie in three each, together in two: 2 * 6 / 9 = 1.33 times chance.
    held = visits("ab", "ba", "ac", "bc", "c", "c")
    assert rows_of(facts.co_purchases(held, 2, 1.3)) == {("item:a", "bought_with", "item:b")}
    assert facts.co_purchases(held, 2, 1.4).empty
    assert facts.co_purchases(held, 3, 1.0).empty


def test_what_comes_later_is_held_out_and_only_where_it_is_new():
    early = visits("ab", "ab", "cd", "cd", "e")
    late = visits("ab", "ac", "ac", "d", "e", "xy", day=2)
    both = pd.concat([early, late], ignore_index=True)
    moment = MONDAY + pd.Timedelta(days=1)
    told = pd.DataFrame({"src": ["item:e"], "relationship": "has_type", "dst": "type:ice"})
    graph = facts.graph_at(told.assign(since=pd.NaT), both, moment, PARAMS)
    later = facts.later_triples(graph, both, moment, PARAMS)
    named = {(graph.entities[h], graph.entities[t]) for h, _, t in later}
    # x and y are not in the graph, and a with b is known.
    assert named == {("item:a", "item:c")}


def test_baskets_are_told_apart_by_user_and_day():
    lines = pd.DataFrame(
        {
            "user_id": ["u", "u", "v", "u"], "item_id": list("abcd"),
            "timestamp": MONDAY + pd.to_timedelta([1, 2, 3, 26], "h"),
            "basket_id": [None, None, "7", None],
        }
    )  # fmt: skip
    assert visits_of(lines)["basket"].tolist() == [0, 0, 1, 2]


def test_relations_are_chosen_by_name_and_an_unknown_one_is_refused():
    told = pd.DataFrame(
        {
            "src": "item:1",
            "relationship": ["has_type", "has_brand"],
            "dst": ["t", "b"],
            "since": pd.NaT,
        }
    )
    params = PARAMS.model_copy(update={"relations": ("has_brand",)})
    assert facts.graph_at(told, visits(), MONDAY, params).relations.tolist() == ["has_brand"]
    params = PARAMS.model_copy(update={"relations": ("made_of",)})
    with pytest.raises(InputError, match="no relation made_of; it has has_brand, has_type"):
        facts.graph_at(told, visits(), MONDAY, params)


def test_weights_hold_zero():
    for name in ("side_weights", "vector_weights"):
        with pytest.raises(ValueError, match="must hold 0"):
            RecommendingParams(**{name: (1.0,)})


def test_duplicates_of_tables_are_counted(caplog):
    edges = pd.DataFrame({"src": ["a", "a"], "relationship": "r", "dst": "b"})
    with caplog.at_level(logging.WARNING):
        assert len(graph_of(edges).triples) == 1
    assert "there twice" in caplog.text
    assert np.unique(graph_of(edges).entities).tolist() == ["a", "b"]


def test_facts_that_a_source_declares_are_of_items_that_are_wanted_or_of_none():
    declared = pd.DataFrame(
        [
            ("item:a", "directed_by", "thing:x"),
            ("item:a", "directed_by", "thing:x"),
            ("thing:y", "wrote", "item:b"),
            ("item:c", "directed_by", "thing:x"),
            ("thing:x", "born_in", "thing:z"),
        ],
        columns=["src", "relationship", "dst"],
    )
    assert facts.declared_facts(declared, ["a", "b"]).to_numpy().tolist() == [
        ["item:a", "thing:x", "directed_by"],
        ["thing:y", "item:b", "wrote"],
        ["thing:x", "thing:z", "born_in"],
    ]
    assert facts.declared_facts(declared[:0], ["a"]).empty
