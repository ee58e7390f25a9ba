"""Parameters of the serving pipeline."""

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import Field

from doppelcart.config.base import Parameters


class ServingParams(Parameters):
    """What customers are recommended; what completes their histories is evaluation's to say."""

    k: int = Field(default=20, ge=1, le=1000, description="Items recommended per customer.")
    max_gb: float = Field(
        default=0.5,
        ge=0,
        description="Memory and disk that the item-item weights of the served model may take, in "
        "GB; with 10,000 items each set of them takes 0.4. Slices that are left without go to "
        "recommenders of factors.",
    )
    min_baskets: int = Field(
        default=10,
        ge=1,
        description="Baskets that hold two items, from which on an explanation may say that they "
        "are bought together.",
    )
    min_lift: float = Field(
        default=3.0,
        ge=1,
        le=1e6,
        description="How many times as often as by chance two items must lie in one basket.",
    )
    metric: str = Field(
        default="ndcg@20",
        min_length=1,
        description="Metric that the server tells as evidence: one of accuracy, at one of "
        "evaluation.cutoffs.",
    )


def disagreements(models: Mapping[str, Any]) -> Iterator[str]:
    """Evidence that the evaluation does not measure; see ``config.agreement``."""
    serving, evaluation = models.get("serving"), models.get("evaluation")
    if serving and evaluation and serving.metric not in evaluation.measured:
        yield (
            f"serving.metric: {serving.metric} is none of what evaluation measures with "
            f"evaluation.cutoffs = {list(evaluation.cutoffs)}: {', '.join(evaluation.measured)}"
        )
