"""Parameters of the items pipeline."""

from typing import Literal

from pydantic import Field, field_validator

from doppelcart.config.base import Parameters

Attribute = Literal["department", "category", "type", "brand", "manufacturer", "size"]
Words = Literal["title", "description", "category", "type", "department"]


class ItemsParams(Parameters):
    """What of an item is made into features."""

    attributes: tuple[Attribute, ...] = Field(
        ("department", "category", "type", "brand", "manufacturer", "size"),
        description="columns of the items whose every value becomes a column of ones",
    )
    texts: tuple[Words, ...] = Field(
        ("title", "description", "category", "type"),
        min_length=1,
        description="columns of the items whose words are cut into runs of characters",
    )
    ngrams: tuple[int, int] = Field(
        (3, 5), description="shortest and longest run of characters, within words"
    )

    @field_validator("ngrams")
    @classmethod
    def _in_order(cls, value: tuple[int, int]) -> tuple[int, int]:
        if not 1 <= value[0] <= value[1] <= 20:
            raise ValueError("must be two lengths from 1 to 20, the shortest first")
        return value
