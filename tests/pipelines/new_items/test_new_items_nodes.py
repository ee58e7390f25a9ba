"""The whole of new_items over a planted log, node by node, with generators of a few steps."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from doppelcart.models.items.hyperparameters import ItemTrainingConfig
from doppelcart.models.text.title_config import TitleTrainingConfig
from doppelcart.pipelines.new_items import nodes
from doppelcart.pipelines.new_items.design import ARMS, WORDS
from doppelcart.pipelines.new_items.params import (
    ExperimentParams,
    ImaginedParams,
    SentencesParams,
    SystemsParams,
    TitlesParams,
    WindowsParams,
    disagreements,
)
from doppelcart.pipelines.new_items.section import write_section
from doppelcart.reporting.params import ReportingParams
from doppelcart.templates.experiment import compare_arms, judge_trials

from .conftest import launches_of, make_items, make_lines

SYSTEMS = SystemsParams(
    priors=(10.0,), spreads=(0.0, 1.0), neighbours=(3,), penalties=(0.3,), l2=(10.0,),
    cease_l2=(10.0,), feature_weights=(10.0,),
)  # fmt: skip
TITLES = TitlesParams(
    cuts=(0.7,), units=4, l2=(10.0,), powers=(1.0,),
    training=TitleTrainingConfig(length=16, filters=4, hidden_units=8, epochs=2),
)  # fmt: skip
IMAGINED = ImaginedParams(cuts=(0.7,), household_units=4, draws=2, floors=(0.1, 0.3))
TRAINING = ItemTrainingConfig(epochs=1, batch_size=256, hidden_units=8, evaluate_every=1)
EXPERIMENT = ExperimentParams(list_length=5, launches_listed=5, n_bootstrap=2_000)

pytestmark = pytest.mark.slow


def judged(launches: list, features: Any, imagined: ImaginedParams = IMAGINED) -> dict[str, Any]:
    plain, tried = nodes.rank_plainly(launches, features, SYSTEMS, EXPERIMENT)
    forecasts, demand = nodes.forecast_demand(launches, features, SYSTEMS, EXPERIMENT)
    made, log, more = nodes.imagine_items(launches, features, imagined, TRAINING, EXPERIMENT)
    words = pd.DataFrame({"item_id": features.item_ids, "words": features.columns[
        features.values("type")]})  # fmt: skip
    cuts = tuple(launch.cut for launch in launches)
    read, readings, much = nodes.read_titles(
        launches, features, words, TITLES, SentencesParams(cuts=cuts[-1:]), EXPERIMENT
    )
    lists, levels, most = nodes.combine(
        launches, features, plain, forecasts, made, read, SYSTEMS, imagined, EXPERIMENT
    )
    scores, design = nodes.measure_lists(launches, lists, levels, EXPERIMENT)
    differences = compare_arms(scores, design)
    return {
        "lists": lists, "scores": scores, "design": design, "demand": demand,
        "log": nodes.list_trainings(log, readings),
        "tried": nodes.list_tried(tried, more, much, most), "differences": differences,
        "verdict": judge_trials(differences, design),
        "sizes": pd.DataFrame([nodes._sizes(launch, features) for launch in launches]),
    }  # fmt: skip


@pytest.fixture(scope="module")
def found(planted: Any) -> dict[str, Any]:
    return judged(*planted)


def test_every_arm_is_scored_over_the_same_households(found):
    scores = found["scores"]
    assert set(scores["arm"]) == {arm.name for arm in ARMS}
    assert scores.groupby("arm")["household_at_cut"].apply(frozenset).nunique() == 1
    assert scores["value"].notna().all()


def test_what_is_planted_is_found_and_checks_hold(found):
    outcomes = found["differences"].set_index(["arm", "against"])["outcome"]
    assert outcomes["random", "ridge"] == "harms"
    worth = found["scores"].groupby("arm")["value"].mean()
    assert worth["shuffled"] < 0.7 * worth["ridge"]
    # The type decides, and copies of what was bought have it.
    assert worth["copies"] > 1.3 * worth["random"]
    assert set(found["verdict"]["arm"]) == {"imagined", "ridge_and_imagined"}
    assert "failed its own check" not in " ".join(found["verdict"]["reason"])


def test_all_that_was_chosen_from_is_tabled(found):
    tried = found["tried"]
    assert tried.columns.tolist() == nodes.TRIED
    assert set(WORDS) <= set(tried["system"])
    assert {f"ridge_and_{name}" for name in WORDS} <= set(tried["system"])
    assert set(found["log"]["arm"]) == (set(WORDS) - {"copies"}) | {"titles"}
    assert {"cease", "vectors", "titles", "ridge_and_titles"} <= set(tried["system"])
    assert set(found["log"]["window"]) == {"tuning", "test"}


def test_the_section_answers(found):
    section = write_section(
        found["verdict"], found["differences"], found["design"], found["scores"], found["sizes"],
        found["demand"], found["tried"], found["log"], ReportingParams(),
    )  # fmt: skip
    assert section.failure == ""
    assert section.answer.startswith("Items imagined by the GAN: ")
    assert "; the ridge and items imagined by the GAN: " in section.answer
    assert "rank correlation" in section.answer
    assert section.evidence["imagined"].controls == 6
    assert "fidelity floor" in section.evidence["imagined"].where
    assert "of real items have one in their neighbourhood" in section.model_dump_json()


def test_without_a_generator_the_plain_systems_are_compared_all_the_same(planted):
    whole = judged(*planted, imagined=IMAGINED.model_copy(update={"cuts": ()}))
    assert whole["verdict"].empty
    assert "sum" in set(whole["differences"]["arm"])
    section = write_section(
        whole["verdict"], whole["differences"], whole["design"], whole["scores"], whole["sizes"],
        whole["demand"], whole["tried"], whole["log"], ReportingParams(),
    )  # fmt: skip
    assert section.failure == ""


def test_what_is_bought_after_the_cut_changes_no_list(found):
    lines = make_lines(planted=True)
    late = lines["timestamp"] >= pd.Timestamp("2024-01-01") + pd.Timedelta(days=70)
    # The same items are launched, at the same prices and by the same users, but others' each.
    shuffled = np.random.default_rng(3).permutation(lines.loc[late, "user_id"])
    lines.loc[late, "user_id"] = shuffled
    launches, features = launches_of(lines, make_items())
    other = judged(launches, features)
    users = found["scores"]["user_id"].unique()
    both = np.intersect1d(users, other["scores"]["user_id"].unique())
    assert len(both) > 20
    for arm in set(other["lists"][0.7].test) - {"oracle", "random"}:
        ours, theirs = (
            one["lists"][0.7].test[arm][np.searchsorted(one["scores"]["user_id"].unique(), both)]
            for one in (found, other)
        )
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6, err_msg=arm)


def test_generators_are_trained_only_where_a_window_opens():
    models = {
        "new_items.imagined": ImaginedParams(cuts=(0.8, 0.9)),
        "new_items.windows": WindowsParams(cuts=(0.5, 0.8)),
    }
    assert list(disagreements(models)) == [
        "new_items.windows.cuts has no 0.9, which cuts of new_items.imagined name; it has 0.5, 0.8"
    ]
    assert list(disagreements(models | {"new_items.imagined": IMAGINED.model_copy(
        update={"cuts": ()})})) == []  # fmt: skip
    titles = {"new_items.titles": TITLES, "new_items.windows": WindowsParams(cuts=(0.5,))}
    assert list(disagreements(titles)) == [
        "new_items.windows.cuts has no 0.7, which cuts of new_items.titles name; it has 0.5"
    ]
    assert list(disagreements({})) == []
