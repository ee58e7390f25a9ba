"""The whole of ideas over a planted shop, node by node, with generators of a few steps."""

from typing import Any

import numpy as np
import pytest

from doppelcart.pipelines.ideas import nodes
from doppelcart.pipelines.ideas.design import ARMS, PHRASES
from doppelcart.pipelines.ideas.imagining_ideas import TRIAL
from doppelcart.pipelines.ideas.params import (
    ExperimentParams,
    IdeasTrainingConfig,
    ImaginedParams,
    RankingsParams,
)
from doppelcart.pipelines.ideas.section import write_section
from doppelcart.reporting.params import ReportingParams
from doppelcart.templates.experiment import compare_arms, judge_trials

from .conftest import WINDOWS, clean, cuts_of, make_items, make_lines

RANKINGS = RankingsParams(l2=(10.0,), factors=(4,), penalties=(0.1,), negatives=500)
IMAGINED = ImaginedParams(household_units=4, purchases=3_000, draws=2_000, audience_draws=1)
TRAINING = IdeasTrainingConfig(epochs=1, batch_size=256, hidden_units=16, evaluate_every=1)
EXPERIMENT = ExperimentParams(list_lengths=(20, 60), min_buyers=2, ideas_told=15, n_bootstrap=2_000)

pytestmark = pytest.mark.slow


def judged(cuts: Any, features: Any, lines: Any) -> dict[str, Any]:
    plain, ranked, tried = nodes.rank_plainly(cuts, RANKINGS, EXPERIMENT)
    places, audiences, more, log = nodes.imagine_ideas(
        cuts, features, plain, IMAGINED, TRAINING, EXPERIMENT
    )
    scores, design = nodes.measure_rankings(cuts, features, plain, places, EXPERIMENT)
    differences = compare_arms(scores, design)
    ideas, became = nodes.tell(clean(lines), features, cuts, plain, WINDOWS, RANKINGS, EXPERIMENT)
    sizes = nodes.open_cuts(clean(lines), features, WINDOWS)[1]
    return {
        "scores": scores, "design": design, "rankings": ranked, "audiences": audiences,
        "tried": nodes.list_tried(tried, more), "log": log, "differences": differences,
        "verdict": judge_trials(differences, design), "ideas": ideas, "became": became,
        "sizes": sizes,
    }  # fmt: skip


@pytest.fixture(scope="module")
def found(planted: Any) -> dict[str, Any]:
    return judged(*planted, make_lines(make_items(planted=True)))


def test_every_arm_is_scored_over_the_same_launches(found):
    scores = found["scores"]
    assert set(scores["arm"]) == {arm.name for arm in ARMS}
    assert scores.groupby("arm")["launch"].apply(frozenset).nunique() == 1
    assert {0.0, 1.0} < set(scores["value"])
    # What is imagined is counted, so that ideas tie across the last place: these count in part.
    assert scores[["value", "above"]].stack().between(0, 1).all()
    assert "tied" not in scores


def test_what_is_planted_is_found_and_the_check_holds(found):
    worth = found["scores"].groupby("arm")["value"].mean()
    assert worth["plain"] > 3 * worth["random"]
    assert worth["oracle"] >= worth["plain"]
    # Households buy anything here, so that recombination finds the categories at most.
    assert worth["recombined"] > worth["random"]
    outcomes = found["differences"].set_index(["arm", "against"])["outcome"]
    assert outcomes["random", "plain"] == "harms"
    assert set(found["verdict"]["arm"]) == {TRIAL, "plain_and_imagined"}
    assert "failed its own check" not in " ".join(found["verdict"]["reason"])


def test_all_that_was_chosen_from_is_tabled(found):
    assert {f"plain_and_{arm}" for arm in PHRASES} < set(found["tried"]["system"])
    assert set(found["rankings"]["ranking"]) >= {"sizes", "ease_of_kinds", "blend"}
    assert found["rankings"]["best_before"].sum() == 1
    assert set(found["log"]["arm"]) == set(PHRASES) - {"recombined"}
    assert found["log"]["opens"].nunique() == 2


def test_ideas_are_told(found):
    ideas, became = found["ideas"], found["became"]
    assert ideas["rank"].tolist() == list(range(1, 16))
    assert ideas[["type", "manufacturer", "category", "nearest_item"]].notna().all(axis=None)
    # A manufacturer's group is that of its types.
    same = [int(t[1:]) % 4 == int(m[1:]) % 4 for t, m in zip(
        became["type"], became["manufacturer"], strict=True)]  # fmt: skip
    assert np.mean(same) > 0.9
    assert became["launched"].any()


def test_audiences_are_measured(found):
    assert set(found["audiences"]["audience"]) == {
        "lines", "expected", "expected_of_maker", "imagined", "without_critic", "energy_score"
    }  # fmt: skip
    assert found["audiences"]["auc"].between(0, 1).all()


def test_the_section_answers(found):
    section = write_section(
        found["verdict"], found["differences"], found["design"], found["scores"], found["sizes"],
        found["rankings"], found["audiences"], found["ideas"], found["became"], found["tried"],
        found["log"], ReportingParams(),
    )  # fmt: skip
    assert section.failure == ""
    assert "launches among its first 60 of" in section.answer
    assert "Combinations that the GAN imagines: " in section.answer
    assert "; the best plain ranking and combinations that the GAN imagines: " in section.answer
    assert section.evidence["imagined"].controls == 3
    assert "fidelity floor" in section.evidence["imagined"].where
    assert "of real items have one in their neighbourhood" in section.model_dump_json()


def test_what_comes_after_the_cut_changes_no_ranking(planted):
    (cut,), _ = planted
    lines = make_lines(make_items(planted=True))
    late = (lines["timestamp"] >= cut.judged.window.opens).to_numpy()
    rng = np.random.default_rng(5)
    lines.loc[late, "item_id"] = rng.permutation(lines.loc[late, "item_id"])
    cuts, _ = cuts_of(lines, make_items(planted=True))
    ours, theirs = (nodes.rank_plainly(own, RANKINGS, EXPERIMENT)[0][0.7] for own in ([cut], cuts))
    assert ours.tuned.best == theirs.tuned.best
    assert ours.judged == pytest.approx(theirs.judged)
