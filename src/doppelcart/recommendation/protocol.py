"""The protocol by which recommenders are tuned, compared and judged."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from doppelcart.columns import Columns
from doppelcart.config.base import Parameters
from doppelcart.experiment.families import LEAST_UNITS, least_resamples
from doppelcart.recommendation.arms import ARMS, NONE, Kind, of_kind
from doppelcart.recommendation.design import largest_family
from doppelcart.recommendation.grid import Grids, expand_all
from doppelcart.recommendation.grid_search import TuningSettings
from doppelcart.recommendation.scoring import METRICS
from doppelcart.recommenders import RecommenderConfig

Ratio = Annotated[float, Field(ge=0, le=10)]
Strength = Annotated[float, Field(ge=0, le=1)]
Cutoff = Annotated[int, Field(ge=1, le=1000)]


class EvaluationParams(Parameters):
    """What is compared, how it is tuned, and what counts as proof."""

    metric: Literal["ndcg", "recall", "precision", "map", "hit_rate", "mrr"] = Field(
        default="ndcg", description="Metric that tunes every arm and decides the verdict."
    )
    k: int = Field(
        default=20, ge=1, le=1000, description="Length of the lists for `metric`, items."
    )
    cutoffs: tuple[Cutoff, ...] = Field(
        default=(5, 10, 20),
        validate_default=True,
        description="Lengths of the lists at which accuracy is reported; must hold `k`.",
    )
    arms: tuple[str, ...] = Field(
        default=tuple(name for name in ARMS if name != NONE),
        description="Arms to run beside `none`. A generator's arm cannot win if a control of its "
        "kind is left out.",
    )
    ratios: tuple[Ratio, ...] = Field(
        default=(0.0, 1.0),
        description="Synthetic users per real one that training arms choose from; must hold 0.",
    )
    strengths: tuple[Strength, ...] = Field(
        default=(0.0, 0.1, 0.3, 1.0),
        description="Weights of a completed item (a known one weighs 1) that completion arms "
        "choose from; must hold 0.",
    )
    completion_top: int | None = Field(
        default=1000, ge=1, description="Items per user that a completion keeps; null keeps all."
    )
    completion_draws: int = Field(
        default=4, ge=1, le=100, description="Draws of the generator averaged into a completion."
    )
    grids: Grids = Field(
        min_length=1,
        description="By recommender: values by hyper-parameter. Every combination is tried, the "
        "same for every arm. `null` leaves a recommender out.",
    )
    max_tuning_users: int = Field(
        default=250, ge=1, description="Validation users per slice at most, drawn by `seed`."
    )
    first_tuning_users: int | None = Field(
        default=100,
        ge=10,
        description="Of these, those on whom everything is tried; only the best go on to all of "
        "them. null tries everything on all.",
    )
    finalists: float = Field(
        default=0.3,
        gt=0,
        le=1,
        description="Share of what is tried that goes on, never fewer than two.",
    )
    synthetic_only_slices: tuple[str, ...] = Field(
        default=("cold_5", "cold_80pct"),
        description="Slices on which recommenders trained on synthetic users alone are measured.",
    )
    n_bootstrap: int = Field(
        default=10_000,
        ge=100,
        le=1_000_000,
        description="Resamples of the test users' differences per seed.",
    )
    n_seeds: int = Field(
        default=3,
        ge=1,
        le=100,
        description="Seeds of resamples; those of all are taken together.",
    )
    min_test_users: int = Field(
        default=LEAST_UNITS,
        ge=2,
        description="Test users of a slice below which a verdict is undefined. With fewer than 30, "
        "skewed differences give false verdicts.",
    )
    alpha: float = Field(
        default=0.05, gt=0, lt=0.5, description="Error rate of one family of comparisons."
    )
    family: Literal["slice", "table"] = Field(
        default="slice", description="Comparisons over which Holm's correction runs."
    )
    workers: int = Field(
        default=2, ge=1, le=64, description="Fits made side by side; figures do not depend on it."
    )
    seed: int = Field(
        default=0,
        ge=0,
        description="Of the draw of validation users, the completions and the bootstrap.",
    )

    @field_validator("arms")
    @classmethod
    def _known_arms(cls, arms: tuple[str, ...]) -> tuple[str, ...]:
        known = [name for name in ARMS if name != NONE]
        if unknown := [arm for arm in arms if arm not in known]:
            raise ValueError(f"unknown arms {', '.join(unknown)}; known: {', '.join(known)}")
        return tuple(name for name in known if name in arms)

    @field_validator("ratios", "strengths")
    @classmethod
    def _holds_zero(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        if 0 not in values:
            raise ValueError("must hold 0: every arm may decline to use what was generated")
        return tuple(sorted(set(values)))

    @field_validator("cutoffs")
    @classmethod
    def _holds_k(cls, cutoffs: tuple[int, ...], info: ValidationInfo) -> tuple[int, ...]:
        k = info.data.get("k")
        if k is not None and k not in cutoffs:
            raise ValueError(f"must hold k = {k}")
        return tuple(sorted(set(cutoffs)))

    @property
    def target(self) -> str:
        """Column of the user metrics that decides, such as ``ndcg@20``."""
        return f"{self.metric}@{self.k}"

    @property
    def measured(self) -> list[str]:
        """Every column of the user metrics that tells accuracy."""
        return [f"{metric}@{k}" for k in self.cutoffs for metric in METRICS]

    @property
    def configs(self) -> dict[str, list[RecommenderConfig]]:
        """Configurations to try, by recommender name."""
        return expand_all(self.grids)

    @property
    def n_resamples(self) -> int:
        """Resamples of all seeds together."""
        return self.n_bootstrap * self.n_seeds

    def most_comparisons(self, n_slices: int) -> int:
        """Comparisons of the largest family there can be, where users come in so many slices."""
        a_slice = largest_family(self.grids, self.arms)
        return a_slice * (n_slices if self.family == "table" else 1)

    def least_resamples(self, n_slices: int) -> int:
        """Resamples from which on that family can show anything."""
        return least_resamples(self.most_comparisons(n_slices), self.alpha)

    @property
    def completion_arms(self) -> tuple[str, ...]:
        """Completion arms that are run."""
        return tuple(arm for arm in of_kind(Kind.COMPLETION) if arm in self.arms)


def tuning_settings(params: EvaluationParams) -> TuningSettings:
    """What the tuning loop tries, as the parameters have it."""
    return TuningSettings(
        configs=params.configs,
        arms=params.arms,
        ratios=[ratio for ratio in params.ratios if ratio > 0],
        strengths=[strength for strength in params.strengths if strength > 0],
        metric=params.metric,
        k=params.k,
        max_users=params.max_tuning_users,
        completion_top=params.completion_top,
        first_users=params.first_tuning_users,
        finalists=params.finalists,
        seed=params.seed,
        synthetic_only_slices=params.synthetic_only_slices,
        workers=params.workers,
    )


def comparison_settings(params: EvaluationParams) -> dict[str, Any]:
    """How arms are compared, as fields of ``experiment.design.Design``."""
    return {
        "family": (Columns.SLICE,) if params.family == "slice" else (),
        "alpha": params.alpha,
        "n_bootstrap": params.n_bootstrap,
        "seeds": tuple(range(params.seed, params.seed + params.n_seeds)),
        "min_units": params.min_test_users,
    }
