"""Parameters of the tuning pipeline; what is searched is in ``doppelcart.search.space``."""

from typing import Annotated, Any

from pydantic import Field, field_validator

from doppelcart.config.base import Parameters
from doppelcart.search.optimisation import PruningConfig, StudyConfig
from doppelcart.search.space import Dimension

Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]


class TuningParams(Parameters):
    """What is searched, and how long."""

    study: StudyConfig = Field(description="how long the study goes on, and how it draws")
    space: dict[str, Dimension] = Field(
        min_length=1, description="range or choices by field of gan.network or gan.training"
    )

    confirmation_seeds: tuple[Seed, ...] = Field(
        (1, 2, 3),
        description="seeds of training with which the best trial is compared to what is "
        "configured; none to leave it unconfirmed",
    )

    @field_validator("confirmation_seeds")
    @classmethod
    def _distinct(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(seeds)) != len(seeds):
            raise ValueError("must be distinct: the same seed makes the same training")
        return seeds

    @field_validator("space", mode="before")
    @classmethod
    def _named(cls, space: Any) -> Any:
        """Tell each dimension the key it stands under, so that all are refused at once."""
        if not isinstance(space, dict):
            return space
        return {
            name: {**dimension, "name": name} if isinstance(dimension, dict) else dimension
            for name, dimension in space.items()
        }


__all__ = ["Dimension", "PruningConfig", "StudyConfig", "TuningParams"]
