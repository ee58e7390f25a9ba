"""The reporting pipeline: figures and one HTML report, the verdict first."""

from typing import Any

from kedro.pipeline import Node, Pipeline

from doppelcart.pipelines.reporting.nodes import (
    plot_cleaning,
    plot_history_length,
    plot_popularity,
    plot_scores,
    plot_training,
    plot_tstr,
    plot_uplift,
    write_report,
)
from doppelcart.recommendation.arms import GENERATORS

COMPARED = ["train_histories", "synthetic_users"]
REPORTED = [
    "verdict",
    "uplift",
    "uplift_against_best",
    "metrics",
    "chosen_configs",
    "tstr",
    "ranking_agreement",
    "fidelity_report",
    "privacy_report",
    "targeting_results",
    "targeting_segments",
    "cleaning_report",
    "split_summary",
    "source_summary",
    "uplift_forest",
    "scores_by_slice",
    "history_length",
    "popularity_curve",
    "tstr_shares",
    "training_curves",
    "cleaning_waterfall",
]


def create_pipeline(**kwargs: Any) -> Pipeline:  # noqa: ARG001
    """Draw the figures and write the report."""
    return Pipeline(
        [
            Node(plot_uplift, ["uplift", "params:reporting"], "uplift_forest", name="plot_uplift"),
            Node(
                plot_scores,
                ["metrics", "uplift", "params:reporting"],
                "scores_by_slice",
                name="plot_scores",
            ),
            Node(plot_history_length, COMPARED, "history_length", name="plot_history_length"),
            Node(
                plot_popularity,
                [*COMPARED, "params:reporting"],
                "popularity_curve",
                name="plot_popularity",
            ),
            Node(
                plot_training,
                {name: f"{name}.history" for name in GENERATORS},
                "training_curves",
                name="plot_training",
            ),
            Node(
                plot_cleaning,
                "cleaning_report",
                "cleaning_waterfall",
                name="plot_cleaning",
            ),
            Node(plot_tstr, "tstr", "tstr_shares", name="plot_tstr"),
            Node(
                write_report,
                {name: name for name in REPORTED}
                | {
                    **{f"{name}_monitors": f"{name}.monitors" for name in GENERATORS},
                    "all_parameters": "parameters",
                    "parameters": "params:reporting",
                },
                ["report_html", "run_facts"],
                name="write_report",
            ),
        ]
    )
