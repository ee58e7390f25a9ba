"""Parameters of the profiles pipeline."""

from pydantic import Field

from doppelcart.config.base import Parameters


class ProfilesParams(Parameters):
    """What a user's and an item's profile is made of."""

    n_departments: int = Field(
        default=12,
        ge=0,
        le=200,
        description="Departments that get a column of their own, by training rows.",
    )
    n_categories: int = Field(
        default=24,
        ge=0,
        le=500,
        description="Categories that get a column of their own, by training rows.",
    )
    private_label_brands: tuple[str, ...] = Field(
        default=("Private",),
        description="Values of `brand` that mean the shop's own label, whatever their case.",
    )
    clip: float = Field(
        default=5.0,
        gt=0,
        le=100,
        description="Scaled values are clipped to plus or minus this many interquartile ranges.",
    )
    max_demographic_levels: int = Field(
        default=12,
        ge=1,
        le=200,
        description="Levels of a demographic column that get a column of their own.",
    )
    min_demographic_users: int = Field(
        default=10,
        ge=1,
        description="Training users a demographic level needs to get a column of its own.",
    )
    n_taste: int = Field(
        default=32,
        ge=1,
        le=500,
        description="Coordinates of taste: singular vectors of the training histories.",
    )
    n_words: int = Field(
        default=64,
        ge=0,
        le=500,
        description="Coordinates of what is written about an item, from its department, category, "
        "type, brand and title; 0 for none.",
    )
    seed: int = Field(default=0, ge=0, le=2**31 - 1, description="Seed of the singular vectors.")
