from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from doppelcart.recommendation.arms import ARMS
from doppelcart.recommendation.protocol import EvaluationParams

GRIDS = {"ease": {"l2": [100.0]}}


@pytest.fixture(scope="module")
def default(project_root: Path) -> dict[str, Any]:
    text = (project_root / "conf/base/evaluation/parameters.yml").read_text()
    parameters: dict[str, Any] = yaml.safe_load(text)["evaluation"]
    return parameters


def test_the_shipped_parameters_are_valid_and_complete(default: dict[str, Any]) -> None:
    params = EvaluationParams(**default)
    assert set(default) == set(EvaluationParams.model_fields)
    assert set(params.arms) == set(ARMS) - {"none"}
    assert set(params.configs) == {"popularity", "itemknn", "ials", "puresvd", "ease"}
    assert params.target == "ndcg@20"


def test_null_leaves_a_recommender_out() -> None:
    params = EvaluationParams(grids={**GRIDS, "itemknn": None})
    assert set(params.configs) == {"ease"}
    with pytest.raises(ValidationError, match="at least 1 item"):
        EvaluationParams(grids={"ease": None})


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("ratios", [0, -0.5], "greater than or equal to 0"),
        ("ratios", [0.5, 1], "must hold 0"),
        ("ratios", [], "must hold 0"),
        ("strengths", [0, 1.5], "less than or equal to 1"),
        ("k", 0, "greater than or equal to 1"),
        ("cutoffs", [5, 10], "must hold k = 20"),
        ("cutoffs", [0, 20], "greater than or equal to 1"),
        ("metric", "auc", "'ndcg'"),
        ("arms", ["vae"], "unknown arms vae"),
        ("grids", {}, "at least 1 item"),
        ("grids", {"ease": {"l2": []}}, "no value to try for l2"),
        ("grids", {"ease": {"l2": [-1]}}, "ease.l2"),
        ("grids", {"svd++": {}}, "'svd++' is unknown"),
        ("n_seeds", 0, "greater than or equal to 1"),
        ("alpha", 0.9, "less than 0.5"),
        ("alpah", 0.05, "Extra inputs"),
    ],
)
def test_a_bad_parameter_is_refused(field: str, value: object, says: str) -> None:
    with pytest.raises(ValidationError, match=says.replace("+", r"\+")):
        EvaluationParams(**({"grids": GRIDS} | {field: value}))


def test_all_bad_parameters_are_listed_together() -> None:
    with pytest.raises(ValidationError) as raised:
        EvaluationParams(
            grids={"ease": {"l2": []}}, ratios=[-1.0], strengths=[0.0, 2.0], k=0, alpha=0.9, x=1
        )
    places = {str(error["loc"][0]) for error in raised.value.errors()}
    assert places == {"grids", "ratios", "strengths", "k", "alpha", "x"}


def test_arms_are_put_in_the_order_of_the_tables() -> None:
    params = EvaluationParams(grids=GRIDS, arms=("gan_new_users", "copies"), ratios=(1, 0))
    assert params.arms == ("copies", "gan_new_users")
    assert params.ratios == (0, 1)
    assert params.completion_arms == ()
