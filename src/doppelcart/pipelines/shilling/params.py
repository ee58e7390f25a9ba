"""Parameters of the shilling pipeline."""

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from doppelcart.config.base import Parameters
from doppelcart.reading.declared_table import DeclaredTable
from doppelcart.reporting.suspect_list import SuspectListParams


class RatingSource(DeclaredTable):
    """Who rated, or bought, what; as ``ratings`` in globals.yml declares it."""

    scale: tuple[float, float] | None = Field(
        None, description="lowest and highest rating; null where the table has no `rating`"
    )

    @model_validator(mode="after")
    def _is_a_scale(self) -> Self:
        if self.scale is not None and self.scale[0] >= self.scale[1]:
            raise ValueError("ratings.scale: the lowest rating must be below the highest")
        return self


class RatingParams(Parameters):
    """What of the table is used, and what of it may be wrong."""

    PATH: ClassVar[str] = "shilling.reading"

    max_users: int = Field(
        1000, ge=50, le=20_000, description="users that are drawn for the experiment at most"
    )
    max_items: int = Field(
        2000, ge=50, le=20_000, description="items that are drawn for the experiment at most"
    )
    min_items_per_user: int = Field(
        5, ge=2, description="items that a user must have; others are left out and counted"
    )
    refuse_share: float = Field(
        0.1, ge=0, le=1, description="share of bad rows of a kind above which the run stops"
    )
    seed: int = Field(0, ge=0, le=2**31 - 1, description="of users and items that are drawn")


class AttackParams(Parameters):
    """Which attacks are made up, and how detectors are tried on them."""

    PATH: ClassVar[str] = "shilling.attacks"

    targets: int = Field(
        60, ge=1, le=1000, description="items that are pushed; each is a cluster of the experiment"
    )
    target_items: tuple[str, ...] = Field(
        (), description="ids of items to push; empty draws as many as `targets` says"
    )
    draws: int = Field(
        3, ge=1, le=100, description="random parts of the users, among which targets are shared out"
    )
    sizes: tuple[Annotated[float, Field(gt=0, le=0.5)], ...] = Field(
        (0.03, 0.05),
        min_length=1,
        description="fake profiles per genuine one in a judged attack; each at least 5 profiles",
    )
    training_size: float = Field(
        0.05, gt=0, le=0.5, description="fake profiles per genuine one in an attack to learn from"
    )
    training_targets: int = Field(
        3, ge=1, le=100, description="attacks of a kind to learn from, each on another item"
    )
    training_fillers: float = Field(
        0.03, gt=0, le=0.5, description="share of items that a profile to learn from has"
    )
    judged_fillers: float = Field(
        0.06, gt=0, le=0.5, description="share of items that a judged profile has"
    )
    within_days: tuple[Annotated[float, Field(ge=1, le=3650)], ...] = Field(
        (3.0, 30.0),
        description="days within which the attackers of an item act, where there are times: one "
        "row of the detector of bursts each, beside one of attackers spread over the whole span",
    )
    burst_days: tuple[Annotated[float, Field(gt=0, le=3650)], ...] = Field(
        (1.0, 3.0, 10.0, 30.0),
        min_length=1,
        description="days before and after a rating in which the detector of bursts counts other "
        "ratings of the item; the most striking of them says how suspicious it is",
    )
    dropped: float = Field(
        0.3, ge=0, lt=1, description="share of a copied user's items that is left out"
    )
    held_out: float = Field(
        0.2,
        gt=0,
        lt=0.9,
        description="share of users that appear in no matrix, whom attackers imitate",
    )
    penalties: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        (0.1, 10.0),
        min_length=1,
        description="inverse strengths of the ridge that the logistic regression chooses from",
    )
    trees: int = Field(60, ge=1, le=2000, description="trees of the random forest")
    false_alarms: float = Field(
        0.01, gt=0, lt=0.5, description="share of genuine users that may be listed"
    )
    harmed_targets: int = Field(
        1, ge=0, le=1000, description="targets per draw of which the harm is measured"
    )
    n_bootstrap: int = Field(10_000, ge=100, description="resamples of targets")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="of draws, attacks and detectors")


class GeneratorParams(Parameters):
    """Whether fake profiles are generated."""

    PATH: ClassVar[str] = "shilling.generator"

    generate_fakes: bool = Field(
        False, description="whether generators of fake profiles are trained, within the run"
    )


class ListParams(SuspectListParams):
    """The list of users for a person to look at."""

    PATH: ClassVar[str] = "shilling.listing"
    FAKES: ClassVar[str] = "fake profiles"
