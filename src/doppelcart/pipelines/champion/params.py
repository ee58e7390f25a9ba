"""Parameters of the champion pipeline."""

from typing import Literal

from pydantic import Field

from doppelcart.config.base import Parameters
from doppelcart.experiment.families import LEAST_UNITS


class ChampionParams(Parameters):
    """What it takes to replace what serves."""

    metric: Literal["ndcg", "recall", "precision", "map", "hit_rate", "mrr"] = Field(
        default="ndcg", description="Metric that decides."
    )
    k: int = Field(default=20, ge=1, le=1000, description="Length of the lists, items.")
    margin: float = Field(
        default=0.02,
        gt=0,
        lt=1,
        description="Relative loss that a slice may bear, and up to which a smaller model counts "
        "as not worse.",
    )
    saving: float = Field(
        default=0.1,
        gt=0,
        lt=1,
        description="Share by which a model must be smaller to count as cheaper.",
    )
    min_customers: int = Field(
        default=LEAST_UNITS,
        ge=2,
        description="Held-out customers below which a slice is told but decides nothing.",
    )
    alpha: float = Field(
        default=0.05, gt=0, lt=0.5, description="Error rate of the test over all customers."
    )
    n_bootstrap: int = Field(default=10_000, ge=100, description="Resamples.")
    seed: int = Field(default=0, ge=0, description="Of the resamples.")
