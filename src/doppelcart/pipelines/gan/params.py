"""Parameters of the gan pipeline; those of the networks are in ``doppelcart.models.config``."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from doppelcart.models.config import Family, NetworkConfig, TrainingConfig


class GameParams(BaseModel):
    """What makes one instance of the pipeline differ from another."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

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
