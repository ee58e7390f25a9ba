"""Parameters of the targeting pipeline."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field, field_validator

from doppelcart.config.base import Parameters

Ratio = Annotated[float, Field(ge=0, le=10)]


class RareValues(Parameters):
    """Segments of users with a rare value, one per column."""

    columns: tuple[str, ...] | None = Field(
        None, description="columns of the users to look at; null takes all, store_id is allowed"
    )
    max_share: float = Field(
        0.03, gt=0, lt=1, description="share of training users below which a value is rare"
    )


class TailBuyers(Parameters):
    """The segment of users who buy what few others do."""

    item_share: float = Field(
        0.5, gt=0, lt=1, description="share of the catalogue, the least popular, that is the tail"
    )
    user_share: float = Field(
        0.1,
        gt=0,
        lt=1,
        description="share of training users who are in the segment: those with most tail items "
        "among their own",
    )


class NewStores(Parameters):
    """The segment of users who began in a store with few of them."""

    max_share: float = Field(
        0.005, gt=0, lt=1, description="share of training users below which a store has few"
    )


class NamedValues(Parameters):
    """A segment that is asked for, whether it is short of data or not."""

    column: str = Field(min_length=1, description="column of the users, or store_id")
    values: tuple[str, ...] = Field(min_length=1, description="its values that make the segment")


class SegmentsParams(Parameters):
    """Which segments to look for."""

    rare_values: RareValues | None = Field(
        RareValues(), description="users with a rare value of a column; null looks for none"
    )
    tail_buyers: TailBuyers | None = Field(
        TailBuyers(), description="users who buy tail items; null looks for none"
    )
    new_stores: NewStores | None = Field(
        NewStores(), description="users of stores with few users; null looks for none"
    )
    named: dict[str, NamedValues] = Field({}, description="other segments, by the name to give")


class ExperimentParams(Parameters):
    """How many users are added where, and who judges it; the rest is as in evaluation."""

    slices: tuple[str, ...] = Field(
        ("cold_5", "warm"), min_length=1, description="slices of customers to measure on"
    )
    recommenders: tuple[str, ...] = Field(
        ("ease",), min_length=1, description="recommenders, tuned on their grids of evaluation"
    )
    ratios: tuple[Ratio, ...] = Field(
        (0.0, 0.1, 0.3),
        description="added users per real one that every arm chooses from; must hold 0",
    )
    min_validation_users: int = Field(
        30,
        ge=1,
        description="validation users of a segment below which all of the slice choose for it",
    )
    min_test_users: int = Field(
        30, ge=2, description="test users of a segment below which nothing is tested"
    )

    @field_validator("ratios")
    @classmethod
    def _holds_zero(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        if 0 not in values or not any(values):
            raise ValueError("must hold 0 and a ratio above it: every arm may add nobody")
        return tuple(sorted(set(values)))


def disagreements(models: Mapping[str, Any]) -> Iterator[str]:
    """Slices that nobody makes and recommenders without a grid; see ``config.agreement``."""
    experiment = models.get("targeting.experiment")
    evaluation, split = models.get("evaluation"), models.get("split")
    if not (experiment and evaluation and split):
        return
    asked = (
        ("slices", experiment.slices, split.slices, "that split makes"),
        ("recommenders", experiment.recommenders, evaluation.grids, "of evaluation.grids"),
    )
    for field, wanted, known, whose in asked:
        if unknown := [name for name in wanted if name not in known]:
            yield (
                f"targeting.experiment.{field}: {', '.join(unknown)} is none of the {field} "
                f"{whose}: {', '.join(known)}"
            )
