"""The whole of cross_domain, node by node: what is planted is found, and nothing else is."""

import dataclasses
import logging
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from doppelcart.metrics.ranking import ndcg, top_k
from doppelcart.models.baskets.hyperparameters import BasketTrainingConfig
from doppelcart.models.graphs.hyperparameters import EmbeddingConfig
from doppelcart.pipelines.cross_domain import nodes, transfer
from doppelcart.pipelines.cross_domain.completing import taste_of
from doppelcart.pipelines.cross_domain.design import ALL, ARMS, BOTH
from doppelcart.pipelines.cross_domain.graph_tastes import learn_tastes, rank_by_tastes, tastes
from doppelcart.pipelines.cross_domain.params import (
    CompletionParams,
    ExperimentParams,
    SystemsParams,
)
from doppelcart.pipelines.cross_domain.section import write_section
from doppelcart.reporting.params import ReportingParams
from doppelcart.templates.experiment import compare_arms, judge_trials

from .conftest import make_shop, table

SYSTEMS = SystemsParams(
    ranks=(4,),
    penalties=(3.0, 30.0),
    graph_penalties=(3.0, 300.0),
    neighbours=(5, 40),
    l2=(30.0,),
    weights=(0.0, 1.0),
)
COMPLETION = CompletionParams(household_units=8, draws=2)
TRAINING = BasketTrainingConfig(
    epochs=30, batch_size=64, hidden_units=32, evaluate_every=10, learning_rate=0.01, dropout=0.0
)
EMBEDDING = EmbeddingConfig(units=4, epochs=30, batch_size=32, evaluate_every=30, penalty=0.001)
EXPERIMENT = ExperimentParams(list_length=5, n_bootstrap=4_000)

pytestmark = pytest.mark.slow


def by_graph(crossings: list, structure: str = "none", **changes: Any) -> tuple[Any, Any, Any]:
    """Lists by the graph of the shop's items."""
    items = make_shop(structure)[1].assign(**changes)
    return nodes.rank_by_graph(crossings, table(items, "items"), EMBEDDING, SYSTEMS, EXPERIMENT)


def judged(
    crossings: list, completion: CompletionParams = COMPLETION, training: Any = TRAINING
) -> dict[str, Any]:
    plain, tried = nodes.rank_plainly(crossings, SYSTEMS, EXPERIMENT)
    completed, log = nodes.complete_baskets(crossings, completion, training, EXPERIMENT)
    graph, tried_by_graph, graph_log = by_graph(crossings)
    lists, levels, tried = nodes.combine(
        crossings, plain, completed, graph, tried, tried_by_graph, SYSTEMS, EXPERIMENT
    )
    scores, design = nodes.measure_lists(crossings, lists, levels, EXPERIMENT)
    differences = compare_arms(scores, design)
    return {
        "lists": lists, "scores": scores, "design": design, "log": log, "tried": tried,
        "differences": differences, "verdict": judge_trials(differences, design),
        "sizes": nodes.sizes_of(crossings), "levels": levels, "graph_log": graph_log,
    }  # fmt: skip


def told(found: dict[str, Any]) -> Any:
    return write_section(
        found["verdict"], found["differences"], found["design"], found["scores"], found["sizes"],
        found["tried"], found["log"], found["graph_log"], ReportingParams(),
    )  # fmt: skip


@pytest.fixture(scope="module")
def planted(both: Any) -> dict[str, Any]:
    return judged(both)


@pytest.fixture(scope="module")
def nothing(null: Any) -> dict[str, Any]:
    return judged(null, training=TRAINING.model_copy(update={"epochs": 10}))


def test_every_arm_is_scored_over_the_same_households_and_pools(planted):
    scores = planted["scores"]
    assert set(scores["arm"]) == {arm.name for arm in ARMS}
    units = scores.groupby(["protocol", "department", "arm"])["household_in_department"]
    assert (units.nunique() == units.size()).all()
    by_place = scores.groupby(["protocol", "department"])
    for _, rows in by_place:
        assert rows.groupby("arm")["household_in_department"].apply(frozenset).nunique() == 1
    sizes = by_place["household_in_department"].nunique()
    apart = planted["sizes"].groupby("protocol")["test"].sum()
    assert sizes[BOTH, ALL] == apart.sum()
    assert {protocol: sizes[protocol, ALL] for protocol in apart.index} == apart.to_dict()
    assert scores["value"].notna().all()


def test_a_taste_has_as_many_units_as_set_households_apart(same):
    """Two kinds of households are told by two numbers; a third would be rounding, blown up."""
    kinds = np.array([[1, 1, 0, 0, 1], [0, 0, 1, 1, 0]], dtype=np.float32)
    history = sparse.csr_matrix(np.repeat(kinds, 20, axis=0))
    crossing = dataclasses.replace(same[0], history=history, part=np.zeros(40, dtype=int))
    taste = taste_of(crossing, 64)
    # By hand: each kind is a vector of half of the households, sqrt(40 / 20) long for these.
    assert taste.shape == (5, 2)
    assert np.sort(np.abs(history @ taste).max(axis=0)) == pytest.approx([2**0.5, 2**0.5])


def test_what_no_line_can_follow_is_found_by_the_generator(planted):
    verdict = planted["verdict"].set_index(["protocol", "department", "arm"])
    pooled = verdict.loc[BOTH, ALL, "completion"]
    # Ten items of twenty are of the right kind: twice as many hits as at random.
    assert pooled["outcome"] == "helps"
    assert pooled["relative"] > 0.3
    assert verdict.loc[BOTH, ALL, "linear_and_completion"]["outcome"] == "helps"
    worth = planted["scores"].groupby("arm")["value"].mean()
    assert worth["linear"] < 1.15 * worth["random"]


def test_of_nothing_nothing_is_found(nothing):
    assert "helps" not in set(nothing["differences"]["outcome"])
    assert set(nothing["verdict"]["verdict"]) <= {"no evidence", "not used", "harms", "undefined"}


def test_levels_of_pools_are_means(planted):
    levels = planted["levels"]
    own = levels[levels["arm"] == "linear_and_completion"]
    scores = planted["scores"]
    rows = scores[(scores["arm"] == "linear_and_completion") & (scores["department"] == ALL)]
    both = rows.loc[rows["protocol"] == BOTH, "level"].unique()
    np.testing.assert_allclose(both, [own["level"].mean()])


def test_all_that_was_chosen_from_is_tabled(planted):
    tried = planted["tried"]
    assert tried.columns.tolist() == nodes.TRIED
    assert {"full_ridge", "reduced_rank", "ease", "copies", "popularity"} <= set(tried["system"])
    assert "linear_and_completion" in set(tried["system"])
    tried_of_graph = tried.loc[tried["system"] == "graph", "config"]
    assert set(tried_of_graph) == {"nearness 1", "penalty 3", "penalty 300"}
    assert set(planted["log"]["arm"]) == {"completion", "without_critic", "energy_score"}
    assert set(planted["log"]["protocol"]) == {"masked", "natural"}


def test_the_section_answers(planted):
    section = told(planted)
    assert section.failure == ""
    assert section.answer.startswith("Baskets completed by the GAN: ")
    assert "(both together)" in section.answer
    assert section.evidence["completion"].controls == 5
    assert section.evidence["graph"].controls in (3, 4)
    assert "fidelity floor" in section.evidence["completion"].where
    assert "fidelity floor" not in section.evidence["graph"].where


def test_without_a_generator_the_plain_systems_are_compared_all_the_same(null):
    whole = judged(null, COMPLETION.model_copy(update={"protocols": ()}))
    arms = set(whole["differences"]["arm"])
    assert {"copies", "linear_and_copies", "ease"} <= arms
    assert set(whole["verdict"]["arm"]) == {"graph", "linear_and_graph"}
    section = told(whole)
    assert section.failure == ""
    assert set(section.evidence) == {"graph"}


def test_a_protocol_without_generators_is_not_pooled_with_one_that_has_them(null):
    few = TRAINING.model_copy(update={"epochs": 1, "evaluate_every": 1})
    whole = judged(null, COMPLETION.model_copy(update={"protocols": ("masked",)}), few)
    scores = whole["scores"]
    assert set(scores.loc[scores["arm"] == "completion", "protocol"]) == {"masked"}
    assert told(whole).failure == ""


def test_the_same_seed_gives_the_same_lists(null):
    few = TRAINING.model_copy(update={"epochs": 1, "evaluate_every": 1})
    first, second = (nodes.complete_baskets(null[1:], COMPLETION, few, EXPERIMENT)[0] for _ in "ab")
    (one,), (other,) = (list(found["natural"].values()) for found in (first, second))
    np.testing.assert_array_equal(one["completion"].test, other["completion"].test)


def test_what_tested_households_bought_changes_no_list_of_theirs(null):
    few = TRAINING.model_copy(update={"epochs": 1, "evaluate_every": 1})
    crossing = null[0]
    target = crossing.targets[-1]
    altered = crossing.history.tolil()
    rng = np.random.default_rng(5)
    for row in target.test:
        altered[row, target.inside] = rng.random(len(target.inside)) < 0.3
    # Other departments know what is bought in this one; only it is compared.
    others = type(crossing)(
        crossing.protocol, crossing.user_ids, crossing.item_ids, altered.tocsr().astype(np.float32),
        crossing.later, crossing.part, crossing.targets,
    )  # fmt: skip
    found = []
    for own in ([crossing], [others]):
        plain, tried = nodes.rank_plainly(own, SYSTEMS, EXPERIMENT)
        made, _ = nodes.complete_baskets(own, COMPLETION, few, EXPERIMENT)
        graph, tried_by_graph, _ = by_graph(own)
        lists, _, _ = nodes.combine(
            own, plain, made, graph, tried, tried_by_graph, SYSTEMS, EXPERIMENT
        )
        found.append(lists["masked"][target.name])
    for arm in found[0]:
        np.testing.assert_allclose(
            found[0][arm].test, found[1][arm].test, rtol=1e-5, atol=1e-6, err_msg=arm
        )


def test_a_brand_that_is_sold_everywhere_carries_taste_and_a_shuffled_one_does_not(same):
    crossing, ease = same[0], transfer.fit_ease(same[0])
    items = table(make_shop("same")[1], "items").to_pandas()
    vectors, log = learn_tastes(items, crossing.item_ids, EMBEDDING)
    assert set(log["arm"]) == {"graph", "shuffled_graph"}
    for target in crossing.targets:
        if target.name == "fruit":  # of any kind, whatever the others are
            continue
        bench, bought = transfer.Bench(crossing, target, ease), crossing.truth(target)
        worth = {}
        for arm, own in vectors.items():
            # With nothing to learn from: a ridge finds what goes together in any vectors.
            lists, tried = rank_by_tastes(bench, own, (), 5)
            assert tried["config"].tolist() == ["nearness 1"]
            worth[arm] = np.nanmean(ndcg(top_k(lists.test, None, 5), bought, 5))
        assert worth["graph"] > 1.3 * worth["shuffled_graph"]


def test_where_nothing_is_told_of_items_no_graph_is_drawn(null, caplog):
    with caplog.at_level(logging.WARNING):
        lists, tried, log = by_graph(null, brand=None)
    assert "No graph is drawn: no item has a type, brand, manufacturer or size" in caplog.text
    assert lists == {}
    assert tried.empty
    assert log.empty
    plain, tried_plainly = nodes.rank_plainly(null, SYSTEMS, EXPERIMENT)
    found, levels, _ = nodes.combine(
        null, plain, {}, lists, tried_plainly, tried, SYSTEMS, EXPERIMENT
    )
    scores, design = nodes.measure_lists(null, found, levels, EXPERIMENT)
    differences = compare_arms(scores, design)
    section = write_section(
        judge_trials(differences, design), differences, design, scores, nodes.sizes_of(null),
        tried_plainly, pd.DataFrame(columns=nodes.LOG), log, ReportingParams(),
    )  # fmt: skip
    assert (section.failure, section.answer) == ("", "Nothing on trial was compared.")
    assert section.evidence == {}


def test_a_household_lies_at_the_mean_of_what_is_known_of_it():
    known = sparse.csr_matrix(np.array([[1, 1, 0], [0, 0, 0]], dtype=np.float32))
    vectors = np.array([[1.0, 0.0], [0.0, 1.0], [5.0, 5.0]], dtype=np.float32)
    np.testing.assert_allclose(tastes(known, vectors), [[0.5, 0.5], [0.0, 0.0]])


def test_weights_hold_zero():
    with pytest.raises(ValueError, match="must hold 0"):
        SystemsParams(weights=(0.5,))
    assert SystemsParams(weights=(1.0, 0.0, 1.0)).weights == (0.0, 1.0)
