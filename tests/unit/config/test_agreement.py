"""Parameters that are allowed one by one and make no sense together."""

from pathlib import Path
from typing import Any

import pytest

from doppelcart.config.agreement import unknown_slices
from doppelcart.pipeline_registry import find_rules
from doppelcart.pipelines.augmentation.params import AugmentationParams
from doppelcart.pipelines.evaluation.params import EvaluationParams
from doppelcart.pipelines.gan.params import TrainerParams
from doppelcart.pipelines.privacy.params import TradeOffParams
from doppelcart.pipelines.serving.params import ServingParams
from doppelcart.pipelines.split.params import SplitParams
from doppelcart.pipelines.targeting.params import ExperimentParams
from doppelcart.recommendation.arms import ARMS as ALL_ARMS

ARMS = ("copies", "gan_new_users")
"""Compared once, and thrice: four comparisons per recommender and slice."""


def disagreements(models: dict[str, Any]) -> list[str]:
    return [line for rule in find_rules() for line in rule(models)]


def found(**changes: Any) -> list[str]:
    evaluation = {"grids": {"ease": {"l2": [1.0]}}, "arms": ARMS} | changes.pop("evaluation", {})
    models = {
        "evaluation": EvaluationParams(**evaluation),
        "split": SplitParams(known_items=(1, 5), known_shares=(0.8,)),
        "augmentation": AugmentationParams(ratio=changes.pop("ratio", 1.0)),
        "gan.trainer": TrainerParams(
            name="gan",
            adversarial_weight=1,
            selection_slice=changes.pop("selection_slice", "cold_80pct"),
            state_folder=Path("states"),
        ),
    }
    return disagreements(models | changes)


def test_what_agrees_is_not_mentioned() -> None:
    assert found() == []
    assert disagreements({}) == []


@pytest.mark.parametrize(
    ("family", "n_seeds", "n_bootstrap", "says"),
    [
        # Twenty comparisons at .05 take 400 resamples, of all seeds together.
        ("slice", 1, 400, None),
        ("slice", 1, 399, "up to 20 comparisons; 400 or more can"),
        ("slice", 3, 134, None),
        ("slice", 3, 133, "up to 20 comparisons; 134 or more can"),
        # Four slices: warm, cold_1, cold_5, cold_80pct.
        ("table", 1, 1600, None),
        ("table", 1, 1599, "up to 80 comparisons; 1600 or more can"),
    ],
)
def test_resamples_are_held_against_the_largest_family(
    family: str, n_seeds: int, n_bootstrap: int, says: str | None
) -> None:
    everything = tuple(name for name in ALL_ARMS if name != "none")
    asked = {"family": family, "n_seeds": n_seeds, "n_bootstrap": n_bootstrap, "arms": everything}
    problems = found(evaluation=asked)
    if says is None:
        assert problems == []
    else:
        (problem,) = problems
        assert problem.startswith("evaluation.n_bootstrap: ")
        assert problem.endswith(says)


def test_ratios_need_as_many_synthetic_users() -> None:
    assert found(ratio=2.0, evaluation={"ratios": (0, 2)}) == []
    (problem,) = found(ratio=0.5)
    assert problem.startswith("augmentation.ratio: 0.5 synthetic users per real one are fewer than")


def test_learning_from_synthetic_users_alone_takes_as_many_as_there_are_real_ones() -> None:
    alone = {"arms": (*ARMS, "gan_only"), "ratios": (0, 0.25), "n_bootstrap": 1000}
    assert found(ratio=1.0, evaluation=alone) == []
    (problem,) = found(ratio=0.25, evaluation=alone)
    assert "fewer than the 1 that gan_only of evaluation.arms takes" in problem
    assert found(ratio=0.25, evaluation=alone | {"synthetic_only_slices": ()}) == []


def test_it_is_measured_on_slices_that_there_are() -> None:
    wanted = {"synthetic_only_slices": ("cold_7",)}
    assert found(evaluation=wanted) == []
    (problem,) = found(evaluation=wanted | {"arms": (*ARMS, "gan_only")})
    assert problem.startswith("evaluation.synthetic_only_slices: 'cold_7' is none of the slices")


def test_the_price_of_privacy_is_measured_on_a_slice_that_there_is() -> None:
    (problem,) = found(**{"privacy.trade_off": TradeOffParams(slice="cold_99")})
    assert problem.startswith("privacy.trade_off.slice: 'cold_99' is none of the slices")


def test_the_checkpoint_is_chosen_on_a_slice_that_there_is() -> None:
    (problem,) = found(selection_slice="cold_7")
    assert problem == (
        "gan.trainer.selection_slice: 'cold_7' is none of the slices that split makes: "
        "warm, cold_1, cold_5, cold_80pct"
    )


def test_segments_are_measured_on_slices_and_by_recommenders_that_there_are() -> None:
    fine = ExperimentParams(slices=("warm", "cold_5"), recommenders=("ease",))
    assert found(**{"targeting.experiment": fine}) == []
    wrong = ExperimentParams(slices=("warm", "cold_7"), recommenders=("ease", "ials"))
    slices, recommenders = found(**{"targeting.experiment": wrong})
    assert slices.startswith("targeting.experiment.slices: cold_7 is none of the slices that split")
    assert recommenders == (
        "targeting.experiment.recommenders: ials is none of the recommenders of evaluation.grids: "
        "ease"
    )


def test_the_evidence_of_what_serves_is_a_metric_that_is_measured() -> None:
    shorter = {"k": 10, "cutoffs": (5, 10)}
    assert found(serving=ServingParams(metric="recall@5"), evaluation=shorter) == []
    (problem,) = found(serving=ServingParams(), evaluation=shorter)
    assert problem.startswith(
        "serving.metric: ndcg@20 is none of what evaluation measures with evaluation.cutoffs = "
        "[5, 10]: ndcg@5, recall@5, "
    )


def test_without_a_split_no_slice_is_unknown() -> None:
    models = {"privacy.trade_off": TradeOffParams(slice="cold_99")}
    assert list(unknown_slices("privacy.trade_off", "slice", models)) == []
