"""Parameters of a network that learns to tell pictures."""

from pydantic import Field

from doppelcart.config.base import Parameters


class ClassifierConfig(Parameters):
    """A small convolutional network, and how it learns."""

    side: int = Field(48, ge=16, le=256, description="pixels of a side that it sees")
    width: int = Field(
        16, ge=4, le=256, description="channels of the first block; in each next one they double"
    )
    blocks: int = Field(4, ge=1, le=6, description="blocks, each of which halves the side")
    dropout: float = Field(0.3, ge=0, lt=1, description="share of what the last layer is denied")
    epochs: int = Field(40, ge=1, le=10_000, description="passes over the photographs")
    batch_size: int = Field(32, ge=2, le=65_536, description="photographs per step")
    learning_rate: float = Field(
        3e-3, gt=0, le=1, description="AdamW step at first; it falls to 0 by a half cosine"
    )
    weight_decay: float = Field(1e-4, ge=0, le=1, description="decoupled weight decay")
