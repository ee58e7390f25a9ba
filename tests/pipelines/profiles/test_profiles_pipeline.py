"""The pipeline as wired, from its inputs to its outputs."""

from typing import Any

import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner
from pydantic import ValidationError

from doppelcart.pipelines.profiles import create_pipeline
from doppelcart.pipelines.profiles.params import ProfilesParams


def test_a_slice_of_the_pipeline_runs(shop: dict[str, Any]) -> None:
    inputs = shop | {"params:profiles": ProfilesParams(min_demographic_users=1)}
    catalog = DataCatalog({name: MemoryDataset(data) for name, data in inputs.items()})
    outputs = SequentialRunner().run(create_pipeline(), catalog)
    assert set(outputs) == {"profile_matrix", "item_matrix", "demographics_matrix"}
    assert [len(outputs[name].load()) for name in sorted(outputs)] == [3, 4, 2]


def test_only_training_rows_come_in() -> None:
    inputs = create_pipeline().inputs()
    assert not {name for name in inputs if "test" in name or "validation" in name}
    assert "prm_interactions" not in inputs


@pytest.mark.parametrize("wrong", [{"clip": 0}, {"n_categories": -1}, {"n_departement": 3}])
def test_parameters_out_of_bounds_or_unknown_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ProfilesParams(**wrong)
