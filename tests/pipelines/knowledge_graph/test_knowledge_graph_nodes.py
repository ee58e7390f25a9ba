"""The whole of knowledge_graph, node by node: what only the graph tells, and nothing else."""

import logging
from typing import Any

import numpy as np
import pandas as pd
import pytest

from doppelcart.errors import InputError
from doppelcart.models.graphs.hyperparameters import EmbeddingConfig
from doppelcart.pipelines.knowledge_graph import nodes
from doppelcart.pipelines.knowledge_graph.design import KNOWN_ITEMS, NEW_ITEMS
from doppelcart.pipelines.knowledge_graph.neighbourhood import draw_neighbourhood, neighbours_of
from doppelcart.pipelines.knowledge_graph.params import (
    ExperimentParams,
    GraphParams,
    LinksParams,
    RecommendingParams,
)
from doppelcart.pipelines.knowledge_graph.section import write_section
from doppelcart.reporting.params import ReportingParams
from doppelcart.templates.experiment import compare_arms, judge_trials

from .conftest import CUT, Shop, table

GRAPH = GraphParams(
    min_buyers=1, min_baskets=5, min_baskets_later=3, min_lift=1.5, validation_share=0.1,
    test_share=0.1,
)  # fmt: skip
LINKS = LinksParams(models=("complex",), tested=100, chosen_by=30)
EMBEDDING = EmbeddingConfig(units=8, epochs=40, batch_size=256, evaluate_every=20, penalty=0.001)
RECOMMENDING = RecommendingParams(
    l2=(30.0,), side_weights=(0.0, 30.0), penalties=(1.0,), vector_weights=(0.0, 2.0),
    min_buyers_before=3, min_buyers_after=2, min_households=10,
)  # fmt: skip
EXPERIMENT = ExperimentParams(list_length=5, n_bootstrap=2_000)

pytestmark = pytest.mark.slow


NO_FACTS = pd.DataFrame(columns=["src", "relationship", "dst"])


def built(shop: Shop, params: GraphParams = GRAPH, own: pd.DataFrame = NO_FACTS) -> tuple[Any, ...]:
    interactions = table(shop.lines, "interactions")
    lines = nodes.gather_lines(interactions, table(shop.lines.iloc[:0], "interactions", rule=None))
    return lines, *nodes.build_graphs(
        lines, interactions, table(shop.items, "items"), table(shop.coupons, "coupons"),
        table(shop.campaigns, "campaigns"), table(own, "facts"), {"validation_from": str(CUT)},
        params,
    )  # fmt: skip


def judged(shop: Shop, recommending: RecommendingParams = RECOMMENDING) -> dict[str, Any]:
    lines, graphs, edges, sizes = built(shop)
    vectors, log = nodes.learn_graph_vectors(graphs, LINKS, EMBEDDING)
    links = nodes.rank_links(graphs, vectors, LINKS, GRAPH)
    scores, design, tried = nodes.recommend_with_graph(
        graphs, vectors, lines, shop.features, shop.train, shop.validation, shop.test, LINKS,
        recommending, EXPERIMENT,
    )  # fmt: skip
    differences = compare_arms(scores, design)
    verdict = judge_trials(differences, design)
    section = write_section(
        verdict, differences, design, links, sizes, edges, tried, log, ReportingParams()
    )
    return {
        "graphs": graphs, "edges": edges, "sizes": sizes, "links": links, "scores": scores,
        "differences": differences, "verdict": verdict.set_index("task"), "tried": tried,
        "section": section, "log": log, "lines": lines, "vectors": vectors,
    }  # fmt: skip


@pytest.fixture(scope="module")
def found(planted: Shop) -> dict[str, Any]:
    return judged(planted)


def test_what_only_the_graph_tells_is_found_for_new_items(found):
    verdict = found["verdict"].loc[NEW_ITEMS]
    assert verdict["verdict"] == "helps"
    assert verdict["level"] == 2
    worth = found["scores"].groupby(["task", "arm"])["value"].mean()[NEW_ITEMS]
    assert worth["knowledge_alone"] > 1.3 * worth["shuffled_alone"]


def test_where_it_tells_nothing_nothing_is_found(null):
    whole = judged(null)
    assert set(whole["verdict"]["verdict"]) <= {"no evidence", "not used", "harms"}


def test_every_arm_is_scored_over_the_same_customers(found):
    for _, rows in found["scores"].groupby("task"):
        assert rows.groupby("arm")["user_id"].apply(frozenset).nunique() == 1
    arms = found["scores"].groupby("task")["arm"].unique()
    assert set(arms[KNOWN_ITEMS]) == {"none", "knowledge", "shuffled", "attributes"}
    assert "random" in arms[NEW_ITEMS]


def test_links_sizes_and_edges_are_told(found):
    assert {"is_coupon_for", "has_type", "all relations"} <= set(found["links"]["relation"])
    assert found["edges"].columns.tolist() == ["src", "dst", "relationship"]
    parted = found["graphs"].parted
    assert found["sizes"][["train", "validation"]].to_numpy().sum() == len(parted.train) + len(
        parted.validation
    )
    vectors = {"complex", "shuffled", "earlier", "earlier_shuffled"}
    assert set(found["log"]["vectors"]) == vectors == set(found["vectors"])


def test_the_section_answers(found):
    section = found["section"]
    assert section.failure == ""
    assert "of new items helps" in section.answer
    assert "its vectors beat a lookup in" in section.answer
    assert section.evidence["knowledge"].controls == 1


def test_what_is_bought_after_the_cut_is_in_no_graph(planted, found):
    late = planted.lines["timestamp"] >= CUT
    others = np.random.default_rng(3).permutation(planted.lines.loc[late, "item_id"])
    lines = planted.lines.copy()
    lines.loc[late, "item_id"] = others
    _, graphs, edges, _ = built(planted._replace(lines=lines))
    pd.testing.assert_frame_equal(edges, found["edges"])
    np.testing.assert_array_equal(graphs.parted.train, found["graphs"].parted.train)
    np.testing.assert_array_equal(graphs.earlier.triples, found["graphs"].earlier.triples)


def test_who_buys_after_the_cut_decides_nothing_of_the_graph_before(planted):
    late = planted.lines["timestamp"] >= CUT
    lines = planted.lines.assign(
        item_id=planted.lines["item_id"].where(~late, planted.lines["item_id"].iloc[0])
    )
    asked = GRAPH.model_copy(update={"min_buyers": 8})
    one, two = (built(planted._replace(lines=own), asked)[1] for own in (planted.lines, lines))
    assert one.earlier.edges().equals(two.earlier.edges())


@pytest.mark.parametrize("missing", ["validation", "test"])
def test_where_nobody_returns_known_items_are_left_out_with_a_line(planted, found, caplog, missing):
    cases = {"validation": planted.validation, "test": planted.test, missing: {}}

    def recommend(recommending: RecommendingParams) -> Any:
        return nodes.recommend_with_graph(
            found["graphs"], found["vectors"], found["lines"], planted.features, planted.train,
            cases["validation"], cases["test"], LINKS, recommending, EXPERIMENT,
        )  # fmt: skip

    with caplog.at_level(logging.WARNING):
        scores, design, tried = recommend(RECOMMENDING)
    assert f"Known items are not recommended: no {missing} customer returns." in caplog.text
    assert scores["task"].unique().tolist() == tried["task"].unique().tolist() == [NEW_ITEMS]
    differences = compare_arms(scores, design)
    section = write_section(
        judge_trials(differences, design), differences, design, found["links"], found["sizes"],
        found["edges"], tried, found["log"], ReportingParams(),
    )  # fmt: skip
    assert section.failure == ""
    with pytest.raises(InputError, match="can recommend to nobody"):
        recommend(RECOMMENDING.model_copy(update={"min_households": 10_000}))


def test_too_few_launches_are_left_out_with_a_line(planted, found, caplog):
    few = RECOMMENDING.model_copy(update={"min_households": 10_000})
    with caplog.at_level(logging.WARNING):
        scores, *_ = nodes.recommend_with_graph(
            found["graphs"], found["vectors"], found["lines"], planted.features, planted.train,
            planted.validation, planted.test, LINKS, few, EXPERIMENT,
        )  # fmt: skip
    assert scores["task"].unique().tolist() == [KNOWN_ITEMS]
    assert "New items are not recommended" in caplog.text


def test_a_neighbourhood_shows_every_kind_of_edge(found):
    centre, shown = neighbours_of(found["edges"])
    own = found["edges"][(found["edges"][["src", "dst"]] == centre).any(axis=1)]
    assert set(shown["relationship"]) == set(own["relationship"])
    assert len(shown) <= 12
    assert centre in draw_neighbourhood(found["edges"]).layout.meta["alt"]


def test_a_graph_without_items_has_no_picture():
    edges = pd.DataFrame({"src": ["a"], "dst": ["b"], "relationship": ["r"]})
    assert neighbours_of(edges)[0] == ""
    assert not draw_neighbourhood(edges).data


def test_facts_of_a_source_are_edges_of_the_graph(planted):
    item = f"item:{planted.items['item_id'].iloc[0]}"
    heads = [item, "item:unheard"]
    own = pd.DataFrame({"src": heads, "relationship": "is_made_in", "dst": "thing:Ghent"})
    _, graphs, edges, _ = built(planted, own=own)
    told = edges[edges["relationship"] == "is_made_in"]
    assert told[["src", "dst"]].to_numpy().tolist() == [[item, "thing:Ghent"]]
    assert "is_made_in" in graphs.earlier.relations
