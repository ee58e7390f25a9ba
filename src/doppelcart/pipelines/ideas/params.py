"""Parameters of the ideas pipeline."""

from itertools import pairwise
from typing import Annotated, ClassVar

from pydantic import Field, field_validator

from doppelcart.config.base import Parameters
from doppelcart.models.items.hyperparameters import ItemTrainingConfig

Positive = Annotated[float, Field(gt=0, le=1e6)]
Weight = Annotated[float, Field(ge=0, le=100)]
Rank = Annotated[int, Field(ge=1, le=10_000)]


class WindowsParams(Parameters):
    """Which moments of the log part what is known from what is launched after it."""

    cuts: tuple[float, ...] = Field(
        (0.6, 0.8),
        min_length=1,
        description="shares of the lines before the judged windows, each of which ends where "
        "`width` more lines are told",
    )
    width: float = Field(
        0.2, gt=0, lt=1, description="share of the lines that a window takes, judged or earlier"
    )
    recent_weeks: int = Field(17, ge=1, le=520, description="weeks that count as recent")
    min_launches: int = Field(
        30, ge=1, description="launched combinations below which a window is left out"
    )

    @field_validator("cuts")
    @classmethod
    def _are_shares(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        if not all(0 < value < 1 for value in values):
            raise ValueError("must lie between 0 and 1")
        return tuple(sorted(set(values)))


class RankingsParams(Parameters):
    """What the plain rankings choose from in the window before the judged one."""

    l2: tuple[Positive, ...] = Field(
        (10.0, 30.0, 100.0), min_length=1, description="penalties of EASE"
    )
    factors: tuple[Rank, ...] = Field((32, 64), min_length=1, description="singular vectors")
    penalties: tuple[Positive, ...] = Field(
        (0.01, 0.1, 1.0), min_length=1, description="inverse penalties of the learned blend"
    )
    negatives: int = Field(
        200_000, ge=100, le=10_000_000, description="combinations not launched that it learns from"
    )


class ImaginedParams(Parameters):
    """How a generator imagines combinations."""

    household_units: int = Field(
        32, ge=1, le=1_024, description="singular vectors by which a household is known"
    )
    largest_head: int = Field(
        800, ge=1, le=100_000, description="most values of an attribute that are told apart"
    )
    purchases: int = Field(
        100_000, ge=100, le=100_000_000, description="most purchases that it learns from, at random"
    )
    draws: int = Field(
        60_000, ge=100, le=100_000_000, description="purchases in whose place items are imagined"
    )
    audience_draws: int = Field(
        2, ge=1, le=1_000, description="draws of the noise by which an audience is told"
    )
    weights: tuple[Weight, ...] = Field(
        (0.0, 0.1, 0.25, 0.5, 1.0),
        description="weights beside the best plain ranking, from which every arm chooses; must "
        "hold 0",
    )

    @field_validator("weights")
    @classmethod
    def _holds_zero(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        if 0 not in values:
            raise ValueError("must hold 0: what is added may be of no use")
        return tuple(sorted(set(values)))


class IdeasTrainingConfig(ItemTrainingConfig):
    """How the generator is trained."""

    PATH: ClassVar[str] = "ideas.training"


class ExperimentParams(Parameters):
    """How rankings are judged."""

    list_lengths: tuple[Rank, ...] = Field(
        (100, 1_000),
        min_length=1,
        description="ideas looked at; the verdict is on the last, the longest",
    )
    min_buyers: int = Field(
        5, ge=1, description="buyers of a launch whose audience is held against the predicted one"
    )
    share_prior: Positive = Field(
        50.0, description="lines that a group above is worth in a household's shares"
    )
    ideas_told: int = Field(100, ge=1, le=10_000, description="ideas for tomorrow that are told")
    alpha: float = Field(0.05, gt=0, lt=0.5, description="error rate over all comparisons")
    n_bootstrap: int = Field(10_000, ge=100, le=1_000_000, description="resamples of makers")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="of resampling and of random rankings")

    @field_validator("list_lengths")
    @classmethod
    def _grow(cls, values: tuple[int, ...]) -> tuple[int, ...]:
        if any(after <= before for before, after in pairwise(values)):
            raise ValueError("must grow")
        return values

    @property
    def judged_length(self) -> int:
        """Ideas among which a launch must be, to count in the verdict."""
        return self.list_lengths[-1]
