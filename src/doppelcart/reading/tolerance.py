"""What is tolerated in the rows of a source, and which moments a line may have."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Final, Self

import ibis
import ibis.expr.types as ir
from pydantic import Field, NaiveDatetime, model_validator

from doppelcart.columns import Columns
from doppelcart.config.base import Parameters

NUMBERS: Final = (Columns.QUANTITY, Columns.AMOUNT, Columns.DISCOUNT, Columns.COUPON_AMOUNT)
"""Numbers of a line; a line with an unusable one is quarantined."""


class IngestionParams(Parameters):
    """How much of a source may be unusable before the run stops."""

    max_missing_share: float = Field(
        default=0.05,
        ge=0,
        lt=1,
        description="Greatest share of interactions without user, item or time, each; "
        "fewer are quarantined in cleaning.",
    )
    max_bad_amount_share: float = Field(
        default=0.05,
        ge=0,
        lt=1,
        description="Greatest share of interactions whose amount is negative or not a number, or "
        "any of whose numbers is infinite or not a number; fewer are quarantined in cleaning.",
    )
    max_unreadable_share: float = Field(
        default=0.01,
        ge=0,
        lt=1,
        description="Greatest share of a column's values that cannot be read as the column's "
        "type; fewer are taken as missing.",
    )
    earliest_time: NaiveDatetime = Field(
        default=datetime.fromisoformat("1971-01-01"),
        description="First moment that a line may have; the default is later than what stands for "
        "an unknown time (1900-01-01, the zero of 1970) and than seconds read as milliseconds.",
    )
    latest_time: NaiveDatetime | None = Field(
        default=None,
        description="First moment that is too late for a line; by default the end of the day after "
        "the run's. Where the log holds lines beyond, set it to the end of the export, so that "
        "every later run takes the same.",
    )
    max_implausible_time_share: float = Field(
        default=0.05,
        ge=0,
        lt=1,
        description="Greatest share of interactions outside of earliest_time to latest_time; "
        "fewer are quarantined in cleaning.",
    )
    min_match_share: float = Field(
        default=0.05,
        ge=0,
        lt=1,
        description="Least share of a list's identifiers that the log has, or of the log's lines "
        "that the list knows, whichever is greater; below it the run stops.",
    )
    warn_match_share: float = Field(
        default=0.5, ge=0, le=1, description="The same share below which the run warns."
    )

    @model_validator(mode="after")
    def _some_time(self) -> Self:
        if self.latest_time is not None and self.latest_time <= self.earliest_time:
            raise ValueError("latest_time must be after earliest_time")
        return self

    def time_bounds(self, now: datetime) -> tuple[datetime, datetime]:
        """The first moment that a line may have, and the first that is too late.

        Args:
            now: The moment of the run, UTC, without a zone.
        """
        after_tomorrow = datetime.combine(now.date() + timedelta(days=2), time())
        return self.earliest_time, self.latest_time or after_tomorrow


def implausible(time: ir.Value, bounds: tuple[datetime, datetime]) -> ir.Value:
    """Whether a moment lies before the first bound, or not before the second; false for null."""
    early = time < ibis.literal(bounds[0], type="timestamp")
    late = time >= ibis.literal(bounds[1], type="timestamp")
    return (early | late).fill_null(False)
