"""Parameters of the gan pipeline; those of the networks are in ``models.histories.config``."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from doppelcart.config.agreement import unknown_slices
from doppelcart.config.base import Parameters
from doppelcart.models.histories.config import Family, NetworkConfig, TrainingConfig


class GameParams(Parameters):
    """What makes one instance of the pipeline differ from another."""

    name: str = Field(min_length=1, description="name on progress bars and in messages")
    family: Family = Field(
        "gan", description="what trains the generator: a critic (gan) or an encoder (vae)"
    )
    adversarial_weight: float = Field(
        ge=0,
        le=1000,
        description="weight of the critic's opinion; 0 trains without a critic; a VAE has none",
    )
    selection_slice: str = Field(
        "cold_5",
        description="validation slice whose completion helps choose the checkpoint; where nobody "
        "is in it, the nearest of fewer known items",
    )
    state_folder: Path = Field(description="folder of the state that training resumes from")


__all__ = ["GameParams", "NetworkConfig", "TrainingConfig"]


def disagreements(models: Mapping[str, Any]) -> Iterator[str]:
    """Slices that the split does not make; see ``config.agreement``."""
    for name, model in models.items():
        if isinstance(model, GameParams):
            yield from unknown_slices(name, "selection_slice", models)
