"""Parameters of the explanations pipeline."""

from typing import Annotated

from pydantic import Field, field_validator

from doppelcart.config.base import Parameters
from doppelcart.recommendation.attribution import Where

Name = Annotated[str, Field(min_length=1)]


class SampleParams(Parameters):
    """Whose recommendations are explained and then put to the test."""

    slices: tuple[Name, ...] = Field(
        ("warm", "cold_20"), min_length=1, description="customers, by the name of their slice"
    )
    households: int = Field(40, ge=1, description="tested customers of a slice, at most")
    chosen_by: int = Field(
        6, ge=1, description="validation customers of a slice who choose the slopes, at most"
    )
    recommendations: int = Field(
        3, ge=1, description="recommendations of a customer, drawn from their list at random"
    )
    list_length: int = Field(
        20, ge=1, le=1_000, description="length of the list that deletions move an item out of"
    )
    most_deleted: int = Field(
        20, ge=5, le=1_000, description="items that are deleted one by one, at most"
    )
    draws: int = Field(2, ge=1, le=100, description="draws of a generator that are averaged")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="of who and what is drawn")


class SlopesParams(Parameters):
    """Which slopes of a network validation customers choose from."""

    where: tuple[Where, ...] = Field(
        ("gradient", "line", "subsets"),
        min_length=1,
        description="where they are taken: at the history, along the line to it, at parts of it",
    )
    contrast: tuple[bool, ...] = Field(
        (False, True),
        min_length=1,
        description="whether of an item's score alone, or less that of the items that come next",
    )

    @field_validator("where", "contrast")
    @classmethod
    def _once(cls, values: tuple[object, ...]) -> tuple[object, ...]:
        return tuple(dict.fromkeys(values))


class ExperimentParams(Parameters):
    """How orders of deletion are compared."""

    alpha: float = Field(0.05, gt=0, lt=0.5, description="error rate over all comparisons")
    n_bootstrap: int = Field(10_000, ge=100, le=1_000_000, description="resamples of customers")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="of resampling")


class WordsParams(Parameters):
    """Which recommendations are told in words."""

    list_length: int = Field(20, ge=1, le=1_000, description="items of a customer that are told")
    examples: int = Field(10, ge=1, le=1_000, description="examples of made-up customers")
    example_items: int = Field(
        20, ge=1, description="items of a made-up customer that are taken as known"
    )
    households: int = Field(
        500, ge=1, description="customers of a slice whose words are counted, at most"
    )
