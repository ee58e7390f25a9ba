"""Parameters of the gan pipeline; those of the networks: ``models.histories.hyperparameters``."""

from collections.abc import Iterator, Mapping
from typing import Any

from doppelcart.config.agreement import unknown_slices
from doppelcart.models.histories.hyperparameters import NetworkConfig, TrainingConfig
from doppelcart.models.histories.preparation import TrainerParams

__all__ = ["NetworkConfig", "TrainerParams", "TrainingConfig"]


def disagreements(models: Mapping[str, Any]) -> Iterator[str]:
    """Slices that the split does not make; see ``config.agreement``."""
    for name, model in models.items():
        if isinstance(model, TrainerParams):
            yield from unknown_slices(name, "selection_slice", models)
