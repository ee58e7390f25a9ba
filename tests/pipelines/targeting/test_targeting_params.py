"""Parameters that make no sense are refused; those that are shipped are allowed."""

from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from doppelcart.pipelines.targeting.params import ExperimentParams, SegmentsParams

CONF = Path(__file__).parents[3] / "conf"


def test_what_is_shipped_is_the_default():
    raw = yaml.safe_load((CONF / "base/targeting/parameters.yml").read_text())["targeting"]
    assert SegmentsParams(**raw["segments"]) == SegmentsParams()
    assert ExperimentParams(**raw["experiment"]) == ExperimentParams()


@pytest.mark.parametrize(
    "wrong", [{"ratios": (0.1,)}, {"ratios": (0.0,)}, {"slices": ()}, {"min_test_users": 1}]
)
def test_an_experiment_without_a_choice_is_refused(wrong):
    with pytest.raises(ValidationError):
        ExperimentParams(**wrong)


def test_ratios_are_put_in_order():
    assert ExperimentParams(ratios=(0.3, 0.0, 0.3, 0.1)).ratios == (0.0, 0.1, 0.3)


def test_a_named_segment_needs_values():
    with pytest.raises(ValidationError):
        SegmentsParams(named={"x": {"column": "age", "values": []}})
