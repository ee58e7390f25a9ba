"""Parameters of the fusion pipeline."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import Field, field_validator

from doppelcart.config.agreement import unknown_slices
from doppelcart.config.base import Parameters
from doppelcart.experiment.design import largest_family
from doppelcart.experiment.families import least_resamples
from doppelcart.pipelines.fusion.arms import declare
from doppelcart.recommendation.grid import Grids, expand_all
from doppelcart.recommendation.listing_rules import RulesParams
from doppelcart.recommendation.protocol import comparison_settings
from doppelcart.recommenders import RecommenderConfig

Balance = Annotated[float, Field(ge=0, le=1)]


class FusionParams(Parameters):
    """What is fused, how, and by which rules; the rest is as in evaluation."""

    slices: tuple[str, ...] | None = Field(
        default=None,
        min_length=1,
        description="Slices of customers to fuse for; null takes all that were tuned.",
    )
    networks: Grids = Field(
        default={},
        description="Grids of recommenders that are tuned here, beside those of evaluation. `null` "
        "leaves a recommender out.",
    )
    depth: int = Field(
        default=100, ge=10, le=5_000, description="Items that each source lists for a customer."
    )
    max_users: int = Field(
        default=500,
        ge=10,
        description="Validation customers of a slice on whom weights are chosen, at most.",
    )
    min_users: int = Field(
        default=30,
        ge=6,
        description="Validation customers below which a slice is left to its best recommender.",
    )
    folds: int = Field(
        default=3,
        ge=2,
        le=10,
        description="Parts of them, each judged by weights that were found on the others.",
    )
    rules: RulesParams = Field(default=RulesParams(), description="What may stand in a list.")
    balances: tuple[Balance, ...] = Field(
        default=(1.0, 0.9, 0.8, 0.7, 0.5, 0.3),
        min_length=1,
        description="Weights of the ranking against the variety of a list (1: the ranking alone) "
        "at which the trade-off is measured.",
    )
    seed: int = Field(default=0, ge=0, description="Of folds, draws and the random ranking.")

    @field_validator("balances")
    @classmethod
    def _in_order(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(sorted(set(values), reverse=True))

    @property
    def configs(self) -> dict[str, list[RecommenderConfig]]:
        """Configurations of the networks to try, by recommender name."""
        return expand_all(self.networks)


def disagreements(models: Mapping[str, Any]) -> Iterator[str]:
    """What does not fit the split's and the evaluation's parameters; see ``config.agreement``."""
    fusion, evaluation = models.get("fusion"), models.get("evaluation")
    if fusion is None:
        return
    if fusion.slices is not None:
        yield from unknown_slices("fusion", "slices", models)
    if evaluation is None:
        return
    if twice := [name for name in fusion.networks if name in evaluation.grids]:
        yield (
            f"fusion.networks: {', '.join(twice)} is tuned in evaluation.grids already; leave it "
            "out of one of them by null"
        )
    split = models.get("split")
    if split is not None:
        yield from _too_few_resamples(evaluation, fusion.slices or split.slices)


def _too_few_resamples(evaluation: Any, slices: tuple[str, ...]) -> Iterator[str]:
    design = declare(evaluation.target, slices, **comparison_settings(evaluation))
    size = largest_family(design, [(name,) for name in slices], [""])
    least = least_resamples(size, evaluation.alpha)
    if evaluation.n_resamples < least:
        yield (
            f"evaluation.n_bootstrap: {evaluation.n_resamples} resamples of all seeds cannot show "
            f"anything of the fusion, whose families have up to {size} comparisons; {least} or "
            "more can"
        )
