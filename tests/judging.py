"""The experiment of recommenders in one call, for tests that make up the metrics of users."""

from dataclasses import dataclass

import pandas as pd

from doppelcart.experiment import verdict
from doppelcart.experiment.comparison import columns_of
from doppelcart.experiment.comparison import compare as compare_scores
from doppelcart.experiment.design import Design
from doppelcart.experiment.outcome import NOT_USED, outcome
from doppelcart.recommendation import design


@dataclass(frozen=True)
class Settings:
    metric: str
    n_bootstrap: int = 10_000
    seeds: tuple[int, ...] = (0,)
    alpha: float = 0.05
    family: tuple[str, ...] = ("slice",)
    min_units: int = 30


def declared(chosen: pd.DataFrame, settings: Settings) -> Design:
    options = vars(settings) | {"slices": chosen["slice"].unique()}
    return design.declare(chosen=chosen, **options)


COLUMNS = columns_of(
    declared(pd.DataFrame(columns=["slice", "arm", "value", "recommender"]), Settings("ndcg@20"))
)


def compare(users: pd.DataFrame, chosen: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    scores = design.unit_scores(users, chosen, settings.metric)
    return compare_scores(scores, declared(chosen, settings))


def against_best(users: pd.DataFrame, chosen: pd.DataFrame, settings: Settings) -> pd.DataFrame:
    scores = design.unit_scores(users, chosen, settings.metric)
    return design.against_best(scores, chosen, declared(chosen, settings))


def decide(uplift: pd.DataFrame, chosen: pd.DataFrame, alpha: float = 0.05) -> pd.DataFrame:
    """The verdict on comparisons, whose levels and outcomes follow if a test left them out."""
    if uplift.empty:
        uplift = pd.DataFrame(columns=COLUMNS)
    if "n_clusters" not in uplift:
        uplift = uplift.assign(n_clusters=uplift["n_units"])
    if "outcome" not in uplift:
        levels = chosen.set_index(["slice", "recommender", "arm"])["level"]
        keys = zip(uplift["slice"], uplift["recommender"], uplift["arm"], strict=True)
        uplift = uplift.assign(level=[float(levels.get(key, 1.0)) for key in keys])
        uplift["outcome"] = [
            outcome(row["difference"], row["p_holm"], alpha) if row["level"] else NOT_USED
            for row in uplift.to_dict("records")
        ]
    settings = Settings("ndcg@20", alpha=alpha)
    return verdict.judge(uplift, declared(chosen, settings))


def promotion(
    verdicts: pd.DataFrame,
    chosen: pd.DataFrame,
    alpha: float = 0.05,
    best: pd.DataFrame | None = None,
) -> dict:
    settings = Settings("ndcg@20", alpha=alpha)
    return design.promote(
        verdicts, chosen, pd.DataFrame() if best is None else best, declared(chosen, settings)
    )
