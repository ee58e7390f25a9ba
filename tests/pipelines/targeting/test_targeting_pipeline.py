"""The pipeline from what a run saved to the tables and the figure."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pandas as pd
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner
from kedro_datasets.pandas import CSVDataset
from kept import KeptDataset

from doppelcart.data.histories import Histories
from doppelcart.datasets.npz import HistorySetsDataset
from doppelcart.datasets.section import SectionDataset
from doppelcart.pipeline_registry import register_pipelines
from doppelcart.pipelines.augmentation.params import AugmentationParams
from doppelcart.pipelines.evaluation.params import EvaluationParams
from doppelcart.pipelines.targeting import create_pipeline
from doppelcart.pipelines.targeting.params import (
    ExperimentParams,
    NamedValues,
    RareValues,
    SegmentsParams,
)
from doppelcart.reporting.params import ReportingParams


def lines(users: Histories, protocol: str) -> Any:
    """One line per user and item; every third user is of store s0."""
    rows = np.repeat(np.arange(users.n_users), users.lengths)
    return ibis.memtable(
        pd.DataFrame(
            {
                "user_id": users.user_ids[rows],
                "timestamp": pd.Timestamp("2020-01-01"),
                "store_id": [f"s{row % 3}" for row in rows],
                "protocol": protocol,
            }
        )
    )


def test_from_what_is_saved_to_the_tables_and_the_figure(
    shop: dict[str, Any], generator: Any, make: Any, tmp_path: Path
) -> None:
    train, validation = shop["train_histories"], make(20, 1)
    everybody = np.concatenate([train.user_ids, validation.user_ids])
    ages = np.where(np.arange(len(everybody)) % 10 == 0, "old", "young")
    inputs = {
        **{name: shop[name] for name in ("train_histories", "profile_matrix", "item_matrix")},
        "demographics_matrix": shop["demographics_matrix"],
        "synthetic_users": {"gan": make(40, 5)},
        "validation_cases": shop["validation_cases"],
        "test_cases": shop["validation_cases"],
        "train_interactions": lines(train, "warm"),
        "validation_interactions": lines(validation, "cold"),
        "test_interactions": lines(validation, "cold"),
        "prm_users": ibis.memtable(pd.DataFrame({"user_id": everybody, "age": ages})),
        "params:augmentation": AugmentationParams(),
        "params:reporting": ReportingParams(),
        "params:evaluation": EvaluationParams(
            k=3, cutoffs=(3,), grids={"ease": {"l2": [1.0]}}, n_bootstrap=2000, n_seeds=1
        ),
        "params:targeting.segments": SegmentsParams(
            rare_values=RareValues(max_share=0.2),
            named={"s0": NamedValues(column="store_id", values=("s0",))},
        ),
        "params:targeting.experiment": ExperimentParams(
            slices=("cold_2", "warm"), ratios=(0.0, 0.5), min_validation_users=3, min_test_users=3
        ),
    }
    pipeline = create_pipeline()
    data = {name: MemoryDataset(value, copy_mode="assign") for name, value in inputs.items()}
    for name in ("gan.generator", "denoiser.generator"):
        data[name] = MemoryDataset(generator, copy_mode="assign")
    for name in ("targeting.segment_sizes", "targeting.results"):
        path = str(tmp_path / f"{name}.csv")
        data[name] = CSVDataset(filepath=path, save_args={"index": False})
    # kept, though later nodes read them
    data["targeting.synthetic_users"] = HistorySetsDataset(str(tmp_path / "targeted.npz"))
    data["targeting.forest"] = KeptDataset()
    data["targeting.section"] = SectionDataset(filepath=str(tmp_path / "section.json"))
    catalog = DataCatalog(data)
    SequentialRunner().run(pipeline, catalog)

    segments = catalog.load("targeting.segment_sizes")
    assert segments["segment"].unique().tolist() == ["age: rare", "buyers of tail items", "s0"]
    assert segments.groupby("segment")["train_users"].first().to_dict() == {
        "age: rare": 4, "buyers of tail items": 18, "s0": 14
    }  # fmt: skip
    assert set(catalog.load("targeting.synthetic_users")) == {
        f"{segment}/{maker}"
        for segment in segments["segment"].unique()
        for maker in ("gan", "denoiser", "copies")
    }
    results = catalog.load("targeting.results")
    assert not results.duplicated(["segment", "slice", "customers", "arm", "against"]).any()
    # four arms against none inside and among the others, the one on trial against its controls
    sizes = results.groupby(["segment", "slice"]).size()
    assert set(sizes) == {11}
    few = results[(results["segment"] == "age: rare") & (results["slice"] == "cold_2")]
    inside = few[few["customers"] == "segment"]
    assert set(inside["n_units"]) == {2}
    assert set(inside["outcome"]) <= {"undefined", "not used"}
    assert catalog.load("targeting.forest").layout.meta["alt"]
    section = catalog.load("targeting.section")
    assert section.failure == ""
    assert section.evidence["segments"].controls == 3


def test_it_is_no_part_of_the_default() -> None:
    registered = register_pipelines()
    assert not {*registered["__default__"].nodes} & {*registered["targeting"].nodes}


def test_test_users_reach_no_arm_before_everything_is_chosen() -> None:
    before = create_pipeline().to_outputs("targeting.chosen_configs", "targeting.synthetic_users")
    assert not {"test_cases", "test_interactions"} & before.inputs()


def test_it_loads_without_tensorflow() -> None:
    code = (
        "import sys; from doppelcart.pipelines.targeting import create_pipeline; "
        "create_pipeline(); assert not {'tensorflow', 'keras'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
