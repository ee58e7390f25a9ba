"""Parameters of the augmentation pipeline."""

from pydantic import Field

from doppelcart.config.base import Parameters


class AugmentationParams(Parameters):
    """How many users to invent, and how they are compared with real ones."""

    ratio: float = Field(
        1.0,
        gt=0,
        le=100,
        description="invented users a real training user; at least the largest of "
        "evaluation.ratios, and at least 1 for recommenders trained on invented users alone",
    )
    profile_jitter: float = Field(
        0.5,
        ge=0,
        le=10,
        description="standard deviation of the noise added to the behavioural profile that an "
        "invented user is asked to have, in scaled units; 0 asks for a real user's own",
    )
    near_copy_similarity: float = Field(
        0.8, gt=0, le=1, description="Jaccard similarity from which a user is a near copy"
    )
    seed: int = Field(0, ge=0, le=2**31 - 1, description="seed of every draw")
