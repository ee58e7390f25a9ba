"""Wiring of the privacy pipeline."""

from typing import Any

from kedro.pipeline import Node, Pipeline

from doppelcart.pipelines.privacy import figures, nodes, private
from doppelcart.pipelines.privacy.section import write_section


def create_pipeline(**kwargs: Any) -> Pipeline:  # noqa: ARG001
    """Audit what the last run made (tag ``audit``), and train privately (tag ``private``)."""
    non_members = Node(
        nodes.find_non_members,
        inputs=[
            "train_histories",
            "validation_interactions",
            "split_bounds",
            "params:privacy.audit",
        ],
        outputs="privacy.non_members",
        name="find_non_members",
        tags=["audit", "private"],
    )
    audit = [
        Node(
            nodes.audit_users,
            inputs=[
                "train_histories",
                "privacy.non_members",
                "synthetic_users",
                "feat_items",
                "params:privacy.audit",
            ],
            outputs="privacy.user_findings",
            name="audit_users",
        ),
        Node(
            nodes.audit_generator,
            inputs=[
                "train_histories",
                "privacy.non_members",
                "gan.generator",
                "params:privacy.audit",
            ],
            outputs="privacy.generator_findings",
            name="audit_generator",
        ),
        Node(
            nodes.judge,
            inputs=["privacy.user_findings", "privacy.generator_findings"],
            outputs=["privacy.monitors", "privacy.summary"],
            name="judge_privacy",
        ),
        Node(
            figures.draw_attacks,
            inputs=["privacy.monitors", "params:privacy.audit"],
            outputs="privacy.attacks",
            name="draw_attacks",
        ),
        Node(
            nodes.measure_trade_off,
            inputs=[
                "train_histories",
                "privacy.non_members",
                "validation_cases",
                "gan.generator",
                "profile_matrix",
                "demographics_matrix",
                "params:privacy.audit",
                "params:privacy.trade_off",
            ],
            outputs="privacy.trade_off",
            name="measure_trade_off",
        ),
        Node(
            write_section,
            inputs=[
                "privacy.monitors",
                "privacy.summary",
                "privacy.attacks",
                "privacy.trade_off",
                "privacy.curve",
                "params:privacy.audit",
                "params:reporting",
            ],
            outputs="privacy.section",
            name="write_privacy_section",
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
            outputs=["privacy.generator", "privacy.private_users", "privacy.private_budgets"],
            name="train_private",
        ),
        Node(
            private.draw_private_popularity,
            inputs=["train_histories", "params:private.training", "params:private.grid"],
            outputs=["privacy.popular_users", "privacy.popular_budgets"],
            name="draw_private_popularity",
        ),
        Node(
            private.measure_private,
            inputs=[
                "train_histories",
                "privacy.non_members",
                "validation_cases",
                "privacy.private_users",
                "privacy.private_budgets",
                "privacy.popular_users",
                "privacy.popular_budgets",
                "params:privacy.audit",
                "params:privacy.trade_off",
            ],
            outputs="privacy.curve",
            name="measure_private",
        ),
        Node(
            figures.draw_private_curve,
            inputs=["privacy.curve", "params:privacy.audit"],
            outputs="privacy.curve_figure",
            name="draw_private_curve",
        ),
    ]
    return (
        Pipeline([non_members])
        + Pipeline(audit, tags="audit")
        + Pipeline(under_budget, tags="private")
    )
