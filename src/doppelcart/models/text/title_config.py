"""How a network that reads titles is trained."""

from pydantic import Field

from doppelcart.config.base import Parameters


class TitleTrainingConfig(Parameters):
    """A convolutional network over the characters of a title, and its training."""

    length: int = Field(96, ge=8, le=1_000, description="characters of a title that are read")
    largest_alphabet: int = Field(
        128, ge=1, le=10_000, description="characters that are told apart, the commonest first"
    )
    character_units: int = Field(16, ge=1, le=512, description="units of a character")
    filters: int = Field(64, ge=1, le=2_048, description="of each width of convolution")
    widths: tuple[int, ...] = Field(
        (3, 4, 5), min_length=1, description="characters that a convolution sees at once"
    )
    hidden_units: int = Field(128, ge=1, le=4_096, description="units of the hidden layer")
    dropout: float = Field(0.3, ge=0, lt=1, description="share of what the hidden layer is denied")
    epochs: int = Field(60, ge=1, le=10_000, description="most passes over the titles")
    patience: int = Field(
        10, ge=1, le=10_000, description="passes without a better one after which training ends"
    )
    batch_size: int = Field(64, ge=2, le=65_536, description="titles per step")
    learning_rate: float = Field(2e-3, gt=0, le=1, description="Adam step")
    held_out_share: float = Field(
        0.1, gt=0, lt=1, description="share of the titles that choose the epoch, untrained on"
    )
    seed: int = Field(0, ge=0, le=2**31 - 1, description="of weights, batches and dropout")
