"""Wiring of the evaluation pipeline."""

from kedro.pipeline import Node, Pipeline

from doppelcart.pipelines.evaluation import figures, nodes
from doppelcart.pipelines.evaluation.customers import show_customers
from doppelcart.pipelines.evaluation.section import write_section
from doppelcart.recommendation.arms import GENERATORS
from doppelcart.templates.experiment import experiment_pipeline

TRAINED = {
    "train_histories": "train_histories",
    "synthetic_users": "synthetic_users",
    "demographics_matrix": "demographics_matrix",
    "params": "params:evaluation",
    **{name: f"{name}.generator" for name in GENERATORS},
}

REPORTED = [
    "verdict",
    "uplift",
    "uplift_against_best",
    "metrics",
    "chosen_configs",
    "tstr",
    "ranking_agreement",
    "uplift_forest",
    "scores_by_slice",
    "tstr_shares",
    "gains",
    "promotion",
]


def create_pipeline() -> Pipeline:
    """Tune on validation, score on test, compare, judge, tell.

    Test users enter at ``evaluate_arms`` and ``measure_ranking_agreement``, after everything is
    chosen.
    """
    return Pipeline(
        [
            Node(
                nodes.tune_arms,
                inputs={**TRAINED, "validation_cases": "validation_cases"},
                outputs=["validation_scores", "chosen_configs", "validation_user_scores"],
                name="tune_arms",
            ),
            Node(
                nodes.evaluate_arms,
                inputs={
                    **TRAINED,
                    "item_matrix": "item_matrix",
                    "feat_items": "feat_items",
                    "test_cases": "test_cases",
                    "chosen_configs": "chosen_configs",
                },
                outputs=["user_metrics", "metrics"],
                name="evaluate_arms",
            ),
            Node(
                nodes.declare_experiment,
                inputs=["user_metrics", "chosen_configs", "params:evaluation"],
                outputs=["evaluation.scores", "evaluation.design"],
                name="declare_experiment",
            ),
            *experiment_pipeline("evaluation", differences="uplift", verdict="verdict").nodes,
            Node(
                nodes.compare_with_best,
                inputs=["evaluation.scores", "evaluation.design", "chosen_configs"],
                outputs="uplift_against_best",
                name="compare_with_best",
            ),
            Node(
                nodes.measure_gains,
                inputs=["user_metrics", "chosen_configs", "verdict", "evaluation.design"],
                outputs="gains",
                name="measure_gains",
            ),
            Node(
                show_customers,
                inputs={
                    **TRAINED,
                    "feat_items": "feat_items",
                    "test_cases": "test_cases",
                    "chosen_configs": "chosen_configs",
                    "user_metrics": "user_metrics",
                    "verdict": "verdict",
                },
                outputs="evaluation.customers",
                name="show_customers",
            ),
            Node(
                nodes.measure_synthetic_only,
                inputs=["user_metrics", "params:evaluation"],
                outputs="tstr",
                name="measure_synthetic_only",
            ),
            Node(
                nodes.measure_ranking_agreement,
                inputs=[
                    "train_histories",
                    "validation_cases",
                    "test_cases",
                    "chosen_configs",
                    "validation_user_scores",
                    "user_metrics",
                    "params:evaluation",
                ],
                outputs="ranking_agreement",
                name="measure_ranking_agreement",
            ),
            Node(
                nodes.decide_promotion,
                inputs=["verdict", "chosen_configs", "uplift_against_best", "evaluation.design"],
                outputs="promotion",
                name="decide_promotion",
            ),
            Node(
                figures.plot_uplift,
                inputs="uplift",
                outputs="uplift_forest",
                name="plot_uplift",
            ),
            Node(
                figures.plot_scores,
                inputs=["metrics", "uplift"],
                outputs="scores_by_slice",
                name="plot_scores",
            ),
            Node(figures.tstr_shares, inputs="tstr", outputs="tstr_shares", name="plot_tstr"),
            Node(
                write_section,
                inputs={name: name for name in REPORTED}
                | {"customers": "evaluation.customers", "source_summary": "source_summary"}
                | {"parameters": "params:reporting"},
                outputs="evaluation.section",
                name="write_evaluation_section",
            ),
        ]
    )
