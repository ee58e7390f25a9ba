"""Figures of the report: pure functions from tables to Plotly figures.

Every figure carries a sentence in ``layout.meta["alt"]`` that says what it shows, for readers who
do not see it, and every distinction made by colour is also made by shape or by line style.
"""

from doppelcart.pipelines.reporting.figures.background import cleaning_waterfall
from doppelcart.pipelines.reporting.figures.customers import (
    history_length,
    popularity_curve,
    training_curves,
)
from doppelcart.pipelines.reporting.figures.findings import (
    BASELINES,
    in_percent,
    scores_by_slice,
    tstr_shares,
    uplift_forest,
)
from doppelcart.pipelines.reporting.figures.style import empty_figure, mark_of
from doppelcart.pipelines.reporting.figures.targeting import targeting_forest

__all__ = [
    "BASELINES",
    "cleaning_waterfall",
    "empty_figure",
    "history_length",
    "in_percent",
    "mark_of",
    "popularity_curve",
    "scores_by_slice",
    "targeting_forest",
    "training_curves",
    "tstr_shares",
    "uplift_forest",
]
