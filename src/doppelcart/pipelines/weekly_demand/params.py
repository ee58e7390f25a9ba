"""Parameters of the weekly_demand pipeline."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from doppelcart.config.base import Parameters
from doppelcart.reading.declared_table import DeclaredTable


class SalesSource(DeclaredTable):
    """What was sold when, as ``sales`` in globals.yml declares it."""

    unit: str = Field("pieces", description="what sales are counted in")
    currency: str = Field("", description="what `value` is in; nothing is said of money without")


class WeeksParams(Parameters):
    """Which items have a forecast, today and at each moment of the past that is judged."""

    PATH: ClassVar[str] = "weekly_demand.weeks"

    min_weeks_sold: int = Field(
        8, ge=1, le=1000, description="weeks in which an item was sold, below which it has none"
    )
    max_weeks_unsold: int = Field(
        13, ge=1, le=1000, description="weeks without a sale after which an item is taken as gone"
    )
    refuse_share: float = Field(
        0.1, ge=0, le=1, description="share of unusable rows above which the run stops"
    )


class WeekForecastParams(Parameters):
    """How far is foretold, and what judges it."""

    horizon: int = Field(4, ge=1, le=26, description="weeks ahead that are foretold and judged")
    origins: int = Field(
        4, ge=1, le=52, description="moments of the past at which forecasts are made and judged; "
        "as many before them choose"
    )  # fmt: skip
    past_weeks: int = Field(
        26, ge=4, le=520, description="weeks whose sales are the plain range to beat"
    )
    service_levels: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = Field(
        (0.9, 0.95, 0.98),
        min_length=1,
        description="shares of weeks without a lack at which orders are made out",
    )
    judged_level: float = Field(
        0.95, gt=0, lt=1, description="the service level at which orders are judged"
    )
    judged_items: int = Field(
        2000, ge=10, le=1_000_000, description="items, drawn at random, that choose and judge"
    )
    listed: int = Field(20, ge=1, le=10_000, description="items in the report's list of orders")
    drawn: int = Field(4, ge=0, le=12, description="items that are drawn with their forecast")
    n_bootstrap: int = Field(10_000, ge=100, description="resamples of items")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="of the items that are judged")
