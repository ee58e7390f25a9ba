"""Parameters of the cross_domain pipeline."""

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from doppelcart.config.base import Parameters

Positive = Annotated[float, Field(gt=0, le=1e6)]
Weight = Annotated[float, Field(ge=0, le=100)]
Count = Annotated[int, Field(ge=1, le=10_000)]
Protocol = Literal["masked", "natural"]


class DepartmentsParams(Parameters):
    """Which departments are recommended from, and whose purchases are held out."""

    validation_share: float = Field(
        0.2, gt=0, lt=1, description="share of the households on which everything is chosen"
    )
    test_share: float = Field(
        0.2, gt=0, lt=1, description="share of the households whose department is masked and tested"
    )
    cut: float = Field(
        0.8, gt=0, lt=1, description="share of the lines before which natural entrants are known"
    )
    min_buyers: int = Field(
        10, ge=1, description="training households that make an item one that can be recommended"
    )
    min_items: int = Field(
        30, ge=2, description="items that can be recommended, below which a department is left out"
    )
    min_households: int = Field(
        30,
        ge=1,
        description="training, validation and masked test households below which a department is "
        "left out",
    )
    largest_share: float = Field(
        0.97,
        gt=0,
        le=1,
        description="share of the households above which a department is only a source: nobody "
        "is left who has yet to come to it",
    )
    seed: int = Field(0, ge=0, le=2**31 - 1, description="of who is held out")

    @model_validator(mode="after")
    def _leaves_some(self) -> Self:
        if self.validation_share + self.test_share >= 1:
            raise ValueError("validation_share and test_share leave no household to learn from")
        return self


class SystemsParams(Parameters):
    """What the plain systems choose from on validation households."""

    ranks: tuple[Count, ...] = Field(
        (8, 16, 32, 64), min_length=1, description="components of the source in reduced rank"
    )
    penalties: tuple[Positive, ...] = Field(
        (30.0, 100.0, 300.0, 1000.0, 3000.0),
        min_length=1,
        description="penalties of the ridge regression, of full and of reduced rank",
    )
    graph_penalties: tuple[Positive, ...] = Field(
        (1000.0, 3000.0, 10_000.0, 30_000.0, 100_000.0),
        min_length=1,
        description="penalties of the regression from a household's place in the graph, whose few "
        "units vary more each",
    )
    neighbours: tuple[Count, ...] = Field(
        (20, 50, 100, 200), min_length=1, description="households whose baskets are copied"
    )
    l2: tuple[Positive, ...] = Field((300.0, 1000.0, 3000.0), min_length=1, description="of EASE")
    weights: tuple[Weight, ...] = Field(
        (0.0, 0.1, 0.25, 0.5, 1.0),
        description="weights beside the linear system, from which every arm chooses; must hold 0",
    )

    @field_validator("weights")
    @classmethod
    def _holds_zero(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        if 0 not in values:
            raise ValueError("must hold 0: what is added may be of no use")
        return tuple(sorted(set(values)))


class CompletionParams(Parameters):
    """Where baskets are completed by a generator, and what it is told of a household."""

    protocols: tuple[Protocol, ...] = Field(
        ("masked", "natural"), description="protocols for which generators are trained; may be none"
    )
    household_units: int = Field(
        64, ge=1, le=1_024, description="singular vectors by which a household is known"
    )
    draws: int = Field(8, ge=1, le=1_000, description="draws of the noise")


class ExperimentParams(Parameters):
    """How lists are judged."""

    list_length: int = Field(20, ge=1, le=1_000, description="items per list")
    alpha: float = Field(0.05, gt=0, lt=0.5, description="error rate over all comparisons")
    n_bootstrap: int = Field(10_000, ge=100, le=1_000_000, description="resamples of households")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="of resampling and of random lists")
