"""Parameters of the privacy pipeline; those of private training are in ``models.accounting``."""

from collections.abc import Iterator, Mapping
from math import ceil
from typing import Annotated, Any

from pydantic import Field, ValidationInfo, field_validator

from doppelcart.config.agreement import unknown_slices
from doppelcart.config.base import Parameters
from doppelcart.errors import ParameterError
from doppelcart.models.histories.accounting import PrivacyConfig
from doppelcart.models.histories.hyperparameters import NetworkConfig

Jitter = Annotated[float, Field(ge=0, le=10)]
Epsilon = Annotated[float, Field(gt=0)]


class AuditParams(Parameters):
    """How synthetic users are attacked, and what counts as a leak."""

    max_auc: float = Field(
        0.55, ge=0.5, le=1, description="largest AUC of a membership attack; 0.5 is a guess"
    )
    max_tpr: float = Field(
        0.02, ge=0, le=1, description="largest share of members found at max_fpr"
    )
    max_fpr: float = Field(
        0.01, gt=0, lt=1, description="share of non-members that may be taken for members"
    )
    max_copy_excess: float = Field(
        0.005,
        ge=0,
        le=1,
        description="largest share of copies beyond that among held-out users",
    )
    max_attribute_gain: float = Field(
        0.05,
        ge=0,
        le=1,
        description="largest advantage in inferring what members bought over non-members, as a "
        "share of the squared error of guessing the base rate",
    )
    min_users: int = Field(
        100, ge=2, description="members and non-members below which a check is undefined"
    )
    neighbours: tuple[int, ...] = Field(
        (1, 20), min_length=1, description="nearest users that the attacks by closeness look at"
    )
    near_copy_similarity: float = Field(
        0.8, gt=0, le=1, description="Jaccard similarity from which a user is a near copy"
    )
    n_attributes: int = Field(
        8, ge=1, le=1000, description="item groups whose purchase is inferred"
    )
    hidden_share: float = Field(
        0.5, gt=0, lt=1, description="share of a history hidden from an attacked generator"
    )
    completion_draws: int = Field(
        4, ge=1, le=100, description="noise vectors averaged in an attack on a generator"
    )
    n_folds: int = Field(5, ge=2, le=100, description="folds of the non-members")
    n_bootstrap: int = Field(1000, ge=10, le=100_000, description="resamples of users")
    alpha: float = Field(
        0.05, gt=0, lt=0.5, description="1 - level of the intervals, all attacks on a set together"
    )
    seed: int = Field(0, ge=0, le=2**31 - 1, description="seed of folds, masks and bootstrap")

    @field_validator("neighbours")
    @classmethod
    def _positive(cls, values: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(values)) != len(values) or min(values) < 1:
            raise ValueError("must be distinct and at least 1")
        return values

    def check_resamples(self) -> None:
        """Stop if the tail of an interval holds no resample: it would end short of where it should.

        Not a bound of the model, since a run without an audit has no use for resamples.

        Raises:
            ParameterError: There are too few.
        """
        attacks = len(self.neighbours) + 1
        least = ceil(2 * attacks / self.alpha)
        if self.n_bootstrap < least:
            raise ParameterError(
                f"privacy.audit.n_bootstrap {self.n_bootstrap} is too few for intervals at "
                f"privacy.audit.alpha {self.alpha:g} over {attacks} attacks on a set (one for each "
                f"of privacy.audit.neighbours, and tracing); {least} or more will do."
            )


class TradeOffParams(Parameters):
    """What utility is measured against privacy."""

    jitters: tuple[Jitter, ...] = Field(
        (0.0, 0.25, 0.5, 1.0),
        description="noise on the profiles that synthetic users are asked to have, in scaled "
        "units; users of unknown profile are always measured besides",
    )
    slice: str = Field(
        "cold_80pct", description="validation slice on which EASE is tuned and scored"
    )
    k: int = Field(20, ge=1, le=1000, description="length of its lists, items")
    l2: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        (100.0, 300.0, 1000.0, 3000.0, 10000.0), min_length=1, description="its penalties"
    )
    seed: int = Field(0, ge=0, le=2**31 - 1, description="seed of the invention")


class PrivateGridParams(Parameters):
    """The budgets at which a generator is trained."""

    epsilons: tuple[Epsilon, ...] = Field(
        (2.0, 8.0, 32.0), min_length=1, description="budgets of the utility curve"
    )
    reference: bool = Field(
        True, description="whether to train once more with clipping and without noise"
    )
    epsilon: Epsilon = Field(
        8.0, description="budget of the generator that is kept; one of epsilons"
    )

    @field_validator("epsilon")
    @classmethod
    def _kept_is_trained(cls, value: float, info: ValidationInfo) -> float:
        epsilons = info.data.get("epsilons")
        if epsilons is not None and value not in epsilons:
            raise ValueError(f"must be one of epsilons: {', '.join(map(str, epsilons))}")
        return value


__all__ = ["AuditParams", "NetworkConfig", "PrivacyConfig", "PrivateGridParams", "TradeOffParams"]


def disagreements(models: Mapping[str, Any]) -> Iterator[str]:
    """A slice that the split does not make; see ``config.agreement``."""
    if "privacy.trade_off" in models:
        yield from unknown_slices("privacy.trade_off", "slice", models)
