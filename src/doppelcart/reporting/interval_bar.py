"""An interval as a small drawing beside its words."""

from collections.abc import Iterable
from typing import Final

from pydantic import BaseModel, ConfigDict

from doppelcart.reporting.section import Finding

LEAST: Final = 1.0
"""Least reach of the axis to either side (percent), so that next to nothing looks like it."""


class Bar(BaseModel):
    """Where an interval lies on an axis from 0 to 100.

    Attributes:
        zero: Place of no change.
        middle: Place of the effect.
        low: Place of the lower end.
        high: Place of the upper end.
    """

    model_config = ConfigDict(frozen=True)

    zero: float
    middle: float
    low: float
    high: float


def bars_of(findings: Iterable[Finding]) -> list[Bar | None]:
    """A bar per finding, all on one axis; None for a finding without an interval."""
    findings = list(findings)
    ends = [
        (f.low, f.effect, f.high)
        for f in findings
        if f.low is not None and f.effect is not None and f.high is not None
    ]
    start = min([-LEAST, *(low for low, _, _ in ends)])
    stop = max([LEAST, *(high for _, _, high in ends)])

    def place(value: float) -> float:
        return round(4 + 92 * (value - start) / (stop - start), 2)

    return [
        Bar(zero=place(0), middle=place(f.effect), low=place(f.low), high=place(f.high))
        if f.low is not None and f.effect is not None and f.high is not None
        else None
        for f in findings
    ]
