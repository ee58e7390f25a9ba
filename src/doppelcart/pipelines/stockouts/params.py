"""Parameters of the stockouts pipeline."""

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from doppelcart.config.base import Parameters
from doppelcart.reading.declared_table import DeclaredTable


class StockSource(DeclaredTable):
    """The shop's stock table, as ``stock`` in globals.yml declares it."""

    unit: str = Field("pieces", description="what sales are counted in")


class ReadingParams(Parameters):
    """What of a stock table is read, and what of it may be wrong."""

    PATH: ClassVar[str] = "stockouts.reading"

    open_hour: int = Field(6, ge=0, le=23, description="first hour of the day that counts")
    close_hour: int = Field(22, ge=1, le=24, description="hour from which on none counts any more")
    max_missing_days: float = Field(
        0.1, ge=0, lt=1, description="share of days that a series may miss before it is dropped"
    )
    warn_share: float = Field(
        0.01, ge=0, le=1, description="share of bad rows of a kind above which the run warns"
    )
    refuse_share: float = Field(
        0.1, ge=0, le=1, description="share of bad rows of a kind above which the run stops"
    )

    @model_validator(mode="after")
    def _are_ordered(self) -> Self:
        if self.open_hour >= self.close_hour:
            raise ValueError("open_hour must be before close_hour")
        if self.warn_share > self.refuse_share:
            raise ValueError("warn_share must not be above refuse_share")
        return self


class ForecastParams(Parameters):
    """How a stock-out is foretold, and what is ordered."""

    test_days: int = Field(14, ge=7, le=60, description="last days, by which all is judged (days)")
    validation_days: int = Field(
        14, ge=7, le=60, description="days before them, by which all is chosen (days)"
    )
    penalties: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        (0.001, 0.01, 0.1, 1.0),
        min_length=1,
        description="inverse strengths of the ridge that the logistic regression chooses from",
    )
    leaves: tuple[Annotated[int, Field(ge=2, le=255)], ...] = Field(
        (4, 12), min_length=1, description="leaves of a tree that boosting chooses from"
    )
    service_levels: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = Field(
        (0.9, 0.95, 0.98),
        min_length=1,
        description="shares of days without a lack at which orders are made out",
    )
    listed: int = Field(
        20, ge=1, le=10_000, description="items in the list of tomorrow's stock-outs in the report"
    )
    seed: int = Field(0, ge=0, le=2**31 - 1, description="of boosting")


class ExperimentParams(Parameters):
    """Which shops are tried, and how much is added to them."""

    series: tuple[Annotated[int, Field(ge=2)], ...] = Field(
        (5, 20, 100, 400), min_length=1, description="series that a shop has, one shop size each"
    )
    draws: int = Field(
        5, ge=1, le=100, description="random shops of each size, over which scores are averaged"
    )
    ratios: tuple[Annotated[float, Field(ge=0, le=20)], ...] = Field(
        (0.0, 2.0),
        description="added days per real one that every arm chooses from; must hold 0",
    )
    least_hours: int = Field(
        1, ge=1, le=24, description="hours with an empty shelf that make a stock-out"
    )
    floor_multiple: float = Field(
        1.5,
        ge=1,
        le=100,
        description="how many times as far from real windows as the shop's own the GAN's may lie "
        "if it is to pass its fidelity floor",
    )
    n_bootstrap: int = Field(10_000, ge=100, description="resamples of stores")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="of draws and of what is generated")

    @model_validator(mode="after")
    def _holds_zero(self) -> Self:
        if 0 not in self.ratios or not any(self.ratios):
            raise ValueError("ratios must hold 0 and a ratio above it: every arm may add nothing")
        return self


class SamplesParams(Parameters):
    """How samples of generators are tried as a range of the next day's demand."""

    judged_series: int = Field(
        400, ge=2, le=100_000, description="series, drawn at random, whose days are judged"
    )
    draws: int = Field(
        100, ge=20, le=10_000, description="draws of a day, whose quantiles are its range"
    )
    widenings: tuple[Annotated[float, Field(gt=0, le=10)], ...] = Field(
        (1.0, 1.25, 1.5, 2.0),
        min_length=1,
        description="how many times as wide a range is made: every arm chooses from these",
    )
    n_bootstrap: int = Field(10_000, ge=100, description="resamples of stores")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="of series, training and draws")
