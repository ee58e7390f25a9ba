"""The pipeline from a small shop to three trained generators."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kedro.io import DataCatalog, MemoryDataset
from kedro.runner import SequentialRunner
from kedro.validation import TypeExtractor
from kept import KeptDataset

from doppelcart.pipelines.gan import create_pipeline
from doppelcart.pipelines.gan.params import NetworkConfig, TrainerParams, TrainingConfig
from doppelcart.reporting.params import ReportingParams

OUTPUTS = {
    f"{name}.{output}"
    for name, beside in (("gan", "critic"), ("denoiser", "critic"), ("vae", "encoder"))
    for output in ("generator", beside, "training_log", "monitors")
} | {"training_curves", "gan.section"}


@pytest.fixture
def catalog(shop: dict[str, Any], tmp_path: Path) -> DataCatalog:
    def trainer(name: str, weight: float, family: str = "gan") -> TrainerParams:
        return TrainerParams(
            name=name,
            family=family,
            adversarial_weight=weight,
            selection_slice="cold_2",
            state_folder=tmp_path / "state",
        )

    entries: dict[str, Any] = {
        **shop,
        "params:reporting": ReportingParams(),
        "params:gan.network": NetworkConfig(noise_units=4, hidden_units=8, critic_units=8),
        "params:gan.training": TrainingConfig(epochs=3, batch_size=20, evaluate_every=2),
        "params:gan.trainer": trainer("gan", 1.0),
        "params:denoiser.trainer": trainer("denoiser", 0.0),
        "params:vae.trainer": trainer("vae", 0.0, "vae"),
    }
    data = {name: MemoryDataset(value) for name, value in entries.items()}
    # a model cannot be copied as other data in memory are
    models = {name: KeptDataset(copy_mode="assign") for name in OUTPUTS}
    return DataCatalog({**data, **models})


def test_from_a_shop_to_three_generators(catalog: DataCatalog, tmp_path: Path) -> None:
    SequentialRunner().run(create_pipeline(), catalog)
    for name in ("gan", "denoiser", "vae"):
        generator = catalog.load(f"{name}.generator")
        assert generator.output.shape == (None, 12)
        assert generator.input["demographics"].shape == (None, 1)
        training_log = catalog.load(f"{name}.training_log")
        assert training_log["epoch"].tolist() == [1, 2, 3]
        assert training_log["selection"].notna().tolist() == [False, True, True]
        assert np.isfinite(training_log["generator_loss"]).all()
        assert set(catalog.load(f"{name}.monitors")["status"]) <= {"ok", "warning"}
    assert "critic_loss" in catalog.load("gan.training_log")
    assert "critic_loss" not in catalog.load("denoiser.training_log")
    assert "kl" in catalog.load("vae.training_log")
    section = catalog.load("gan.section")
    assert section.failure == ""
    assert "Monitors: VAE" in section.model_dump_json()
    assert catalog.load("vae.encoder").output.shape == (None, 2 * 4)
    # trained to the end: there is nothing left to resume
    assert list((tmp_path / "state").glob("*")) == []


def test_the_three_differ_in_what_trains_the_generator_alone() -> None:
    nodes = {node.name: node for node in create_pipeline().nodes}
    told = [nodes.pop(name) for name in ("plot_training", "write_gan_section")]
    assert told[0].outputs == ["training_curves"]
    assert set(nodes) == {"gan.train", "denoiser.train", "vae.train"}
    gan = nodes.pop("gan.train")
    for name, other in nodes.items():
        assert gan.func is other.func
        own = f"params:{name.removesuffix('.train')}.trainer"
        assert set(gan.inputs) ^ set(other.inputs) == {"params:gan.trainer", own}


def test_borders() -> None:
    pipeline = create_pipeline()
    assert pipeline.all_outputs() == OUTPUTS
    assert {name for name in pipeline.inputs() if not name.startswith("params:")} == {
        "train_histories",
        "profile_matrix",
        "demographics_matrix",
        "item_matrix",
        "validation_cases",
    }


def test_parameters_reach_the_nodes_as_their_models() -> None:
    hints = TypeExtractor({"gan": create_pipeline()}).extract_types_from_pipelines()
    assert hints == {
        "gan.network": NetworkConfig,
        "gan.training": TrainingConfig,
        "gan.trainer": TrainerParams,
        "denoiser.trainer": TrainerParams,
        "vae.trainer": TrainerParams,
        "reporting": ReportingParams,
    }


@pytest.mark.parametrize("name", ["gan", "augmentation"])
def test_a_pipeline_loads_without_tensorflow(name: str) -> None:
    code = (
        f"import sys; from doppelcart.pipelines.{name} import create_pipeline; "
        "create_pipeline(); assert not {'tensorflow', 'keras'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
