"""Parameters of the items pipeline."""

from typing import Literal

from pydantic import Field, field_validator

from doppelcart.config.base import Parameters

Attribute = Literal["department", "category", "type", "brand", "manufacturer", "size"]
Words = Literal["title", "description", "category", "type", "department"]


class EmbeddingParams(Parameters):
    """How items become vectors."""

    units: int = Field(
        64, ge=1, le=1_024, description="singular vectors of what items are that a vector has"
    )
    together_units: int = Field(
        64,
        ge=0,
        le=1_024,
        description="singular vectors of what is bought by the same users that a vector has; 0 for "
        "none",
    )
    penalty: float = Field(
        1.0, gt=0, le=1e6, description="of the ridge regression from what an item is to the latter"
    )
    min_buyers: int = Field(
        10, ge=1, description="buyers that an item must have for vectors to be learnt from it"
    )
    min_items: int = Field(
        2, ge=1, description="such items that must have a value for it to count as a feature"
    )
    max_runs: int = Field(
        2_000, ge=0, le=20_000, description="runs of characters that count, the commonest first"
    )


class PicturesParams(Parameters):
    """How pictures of items are looked at."""

    folder: str | None = Field(
        None, description="folder that the paths of the table `pictures` are in"
    )
    size: int = Field(
        128, ge=16, le=512, description="pixels of a side to which every picture is brought"
    )
    network: bool = Field(
        True,
        description="whether EfficientNet-Lite0 looks at them, where the extra `images` is "
        "installed; else their colours are counted",
    )


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
    pictures: PicturesParams = Field(
        PicturesParams(), description="how pictures of items are looked at, if there are any"
    )
    embedding: EmbeddingParams = Field(
        EmbeddingParams(), description="how items become vectors, from the items that sell"
    )

    @field_validator("ngrams")
    @classmethod
    def _in_order(cls, value: tuple[int, int]) -> tuple[int, int]:
        if not 1 <= value[0] <= value[1] <= 20:
            raise ValueError("must be two lengths from 1 to 20, the shortest first")
        return value
