"""What the pipeline reads of the shop, and a study of a few short trials."""

from pathlib import Path
from typing import Any

import pytest

from doppelcart.pipelines.gan.params import NetworkConfig, TrainerParams, TrainingConfig
from doppelcart.pipelines.tuning.nodes import gather_data
from doppelcart.pipelines.tuning.params import TuningParams

READ = (
    "train_histories",
    "profile_matrix",
    "demographics_matrix",
    "item_matrix",
    "validation_cases",
)


@pytest.fixture
def params(tmp_path: Path) -> TuningParams:
    """Three trials of two parameters."""
    return TuningParams.model_validate(
        {
            "study": {"storage": tmp_path / "studies.db", "n_trials": 3, "n_startup_trials": 2},
            "space": {
                "hidden_units": {"low": 4, "high": 16},
                "learning_rate": {"low": 1e-3, "high": 1e-2, "log": True},
            },
        }
    )


@pytest.fixture
def read(shop: dict[str, Any]) -> dict[str, Any]:
    """What the pipeline reads of the shop."""
    return {name: shop[name] for name in READ}


@pytest.fixture
def inputs(read: dict[str, Any], params: TuningParams, tmp_path: Path) -> dict[str, Any]:
    """What the search is given, by name."""
    trainer = TrainerParams(
        name="gan", adversarial_weight=1.0, selection_slice="cold_2", state_folder=tmp_path
    )
    return {
        "data": gather_data(**read, trainer=trainer),
        "network": NetworkConfig(noise_units=4, hidden_units=8, critic_units=8),
        "training": TrainingConfig(epochs=3, batch_size=20, evaluate_every=2),
        "trainer": trainer,
        "params": params,
    }
