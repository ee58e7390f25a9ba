"""Wiring of the privacy pipeline."""

from typing import Any

from kedro.pipeline import Node, Pipeline

from doppelcart.pipelines.privacy import figures, nodes, private


def create_pipeline(**kwargs: Any) -> Pipeline:  # noqa: ARG001
    """Audit what the last run made (tag ``audit``), and train privately (tag ``private``)."""
    strangers = Node(
        nodes.find_strangers,
        inputs=[
            "train_histories",
            "validation_interactions",
            "split_bounds",
            "params:privacy.audit",
        ],
        outputs="strangers",
        name="find_strangers",
        tags=["audit", "private"],
    )
    audit = [
        Node(
            nodes.audit_users,
            inputs=[
                "train_histories",
                "strangers",
                "synthetic_users",
                "feat_items",
                "params:privacy.audit",
            ],
            outputs="user_findings",
            name="audit_users",
        ),
        Node(
            nodes.audit_generator,
            inputs=["train_histories", "strangers", "gan.generator", "params:privacy.audit"],
            outputs="generator_findings",
            name="audit_generator",
        ),
        Node(
            nodes.judge,
            inputs=["user_findings", "generator_findings"],
            outputs=["privacy.monitors", "privacy_summary"],
            name="judge_privacy",
        ),
        Node(
            figures.draw_attacks,
            inputs=["privacy.monitors", "params:privacy.audit"],
            outputs="privacy_attacks",
            name="draw_attacks",
        ),
        Node(
            nodes.measure_trade_off,
            inputs=[
                "train_histories",
                "strangers",
                "validation_cases",
                "gan.generator",
                "profile_matrix",
                "demographics_matrix",
                "params:privacy.audit",
                "params:privacy.trade_off",
            ],
            outputs="privacy_trade_off",
            name="measure_trade_off",
        ),
    ]
    under_budget = [
        Node(
            private.train_private,
            inputs=[
                "train_histories",
                "params:gan.network",
                "params:private.training",
                "params:private.grid",
            ],
            outputs=["private.generator", "private_users", "private_budgets"],
            name="train_private",
        ),
        Node(
            private.draw_private_popularity,
            inputs=["train_histories", "params:private.training", "params:private.grid"],
            outputs=["private_popular_users", "private_popular_budgets"],
            name="draw_private_popularity",
        ),
        Node(
            private.measure_private,
            inputs=[
                "train_histories",
                "strangers",
                "validation_cases",
                "private_users",
                "private_budgets",
                "private_popular_users",
                "private_popular_budgets",
                "params:privacy.audit",
                "params:privacy.trade_off",
            ],
            outputs="private_curve",
            name="measure_private",
        ),
        Node(
            figures.draw_private_curve,
            inputs=["private_curve", "params:privacy.audit"],
            outputs="private_figure",
            name="draw_private_curve",
        ),
    ]
    return (
        Pipeline([strangers])
        + Pipeline(audit, tags="audit")
        + Pipeline(under_budget, tags="private")
    )
