"""The pipeline from a small shop to five sets of users and two reports."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner
from kedro.validation import TypeExtractor
from kept import KeptDataset

from doppelcart.datasets.npz import HistoriesDataset, HistorySetsDataset
from doppelcart.pipelines.augmentation import create_pipeline
from doppelcart.pipelines.augmentation.params import AugmentationParams
from doppelcart.pipelines.augmentation.pipeline import CONTROLS
from doppelcart.recommendation.arms import GENERATORS
from doppelcart.reporting.params import ReportingParams

SETS = [f"synthetic_{name}" for name in (*GENERATORS, *CONTROLS)]


def test_from_a_shop_to_six_sets_and_two_reports(
    shop: dict[str, Any], generator: Any, tmp_path: Path
) -> None:
    entries = shop | {
        "params:augmentation": AugmentationParams(ratio=0.5),
        "params:reporting": ReportingParams(),
    }
    catalog = DataCatalog(
        {
            **{name: MemoryDataset(value) for name, value in entries.items()},
            "gan.generator": MemoryDataset(generator, copy_mode="assign"),
            "denoiser.generator": MemoryDataset(generator, copy_mode="assign"),
            "vae.generator": MemoryDataset(generator, copy_mode="assign"),
            # the runner lets go of what is in memory when its last reader is done
            **{name: HistoriesDataset(str(tmp_path / f"{name}.npz")) for name in SETS},
            "synthetic_users": HistorySetsDataset(str(tmp_path / "users.npz")),
            "fidelity_report": KeptDataset(),
            "privacy_report": KeptDataset(),
            "augmentation.section": MemoryDataset(),
        }
    )
    SequentialRunner().run(create_pipeline(), catalog)
    for name in SETS:
        made = catalog.load(name)
        assert made.n_users == 20, name
        np.testing.assert_array_equal(made.item_ids, shop["train_histories"].item_ids)
        gathered = catalog.load("synthetic_users")[name.removeprefix("synthetic_")]
        np.testing.assert_array_equal(gathered.items, made.items)
    for name in ("fidelity_report", "privacy_report"):
        report = catalog.load(name)
        assert isinstance(report, pd.DataFrame)
        assert {"statistic", *(name.removeprefix("synthetic_") for name in SETS)} <= set(report)
    assert catalog.load("augmentation.section").failure == ""


def test_borders() -> None:
    pipeline = create_pipeline()
    assert pipeline.all_outputs() == {
        *SETS,
        "synthetic_users",
        "fidelity_report",
        "privacy_report",
        "history_length",
        "popularity_curve",
        "augmentation.section",
    }
    assert pipeline.inputs() == {
        "params:reporting",
        "train_histories",
        "profile_matrix",
        "demographics_matrix",
        "feat_items",
        "validation_cases",
        "gan.generator",
        "denoiser.generator",
        "vae.generator",
        "params:augmentation",
    }
    readers = [node.name for node in pipeline.nodes if "validation_cases" in node.inputs]
    assert readers == ["measure_privacy"]


def test_each_generator_feeds_the_set_of_its_name() -> None:
    makers = {node.outputs[0]: node for node in create_pipeline().nodes}
    for name in GENERATORS:
        assert makers[f"synthetic_{name}"].inputs[0] == f"{name}.generator"
    for name, function in {
        "copies": "copy_training_users",
        "popularity": "draw_popular_users",
        "mixup": "mix_training_users",
    }.items():
        assert makers[f"synthetic_{name}"].func.__name__ == function


def test_parameters_reach_every_node_as_their_model() -> None:
    hints = TypeExtractor({"augmentation": create_pipeline()}).extract_types_from_pipelines()
    assert hints == {"augmentation": AugmentationParams, "reporting": ReportingParams}
