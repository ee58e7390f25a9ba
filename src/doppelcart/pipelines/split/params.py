"""Parameters of the split."""

from typing import Self

from pydantic import Field, field_validator, model_validator

from doppelcart.config.base import Parameters
from doppelcart.data.slices import WARM, Slice


class SplitParams(Parameters):
    """Who and what is held out, and how much is revealed of held-out users."""

    seed: int = Field(default=7, ge=0, description="Seed of the draw of users.")
    validation_user_share: float = Field(
        default=0.2, gt=0, lt=1, description="Share of users held out to choose configurations."
    )
    test_user_share: float = Field(
        default=0.2, gt=0, lt=1, description="Share of users held out for the verdict."
    )
    validation_from: float = Field(
        default=0.8,
        gt=0,
        lt=1,
        description="Share of all lines, in time order, before the validation window.",
    )
    test_from: float = Field(
        default=0.9, gt=0, lt=1, description="Share of all lines before the test window."
    )
    known_items: tuple[int, ...] = Field(
        default=(0, 1, 2, 5, 10, 20),
        description="How many first items of a held-out user are revealed, a slice each.",
    )
    known_shares: tuple[float, ...] = Field(
        default=(0.8,),
        description="Which first share of a held-out user's items is revealed, a slice each.",
    )
    max_warm_users: int = Field(
        default=1000, ge=1, description="Most users in a warm case; more are drawn from."
    )

    @property
    def slices(self) -> tuple[str, ...]:
        """Names of all slices of users, of whom there may turn out to be none."""
        return (
            WARM,
            *(Slice.cold(known).name for known in (*self.known_items, *self.known_shares)),
        )

    @field_validator("known_items")
    @classmethod
    def _distinct_counts(cls, values: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(values)) != len(values) or any(value < 0 for value in values):
            raise ValueError("known_items must be distinct and not negative")
        return values

    @field_validator("known_shares")
    @classmethod
    def _proper_shares(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        if len(set(values)) != len(values) or any(not 0 < value < 1 for value in values):
            raise ValueError("known_shares must be distinct and between 0 and 1")
        return values

    @model_validator(mode="after")
    def _room_for_training(self) -> Self:
        if self.validation_user_share + self.test_user_share >= 1:
            raise ValueError("validation_user_share + test_user_share must stay below 1")
        if self.validation_from >= self.test_from:
            raise ValueError("validation_from must be less than test_from")
        return self
