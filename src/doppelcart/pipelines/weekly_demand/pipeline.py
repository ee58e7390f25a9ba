"""Wiring of the weekly_demand pipeline."""

from typing import Any

from kedro.pipeline import Node, Pipeline

from doppelcart.pipelines.weekly_demand import nodes
from doppelcart.pipelines.weekly_demand.section import write_section

RULES = "params:weekly_demand.weeks"
FORECAST = "params:weekly_demand.forecast"


def create_pipeline(**kwargs: Any) -> Pipeline:  # noqa: ARG001
    """Count weeks, try ranges, make out stock; not part of the default run."""
    return Pipeline(
        [
            Node(
                nodes.count_weeks,
                inputs=["raw_sales", "params:sales", RULES, FORECAST],
                outputs=["weekly_demand.weeks", "weekly_demand.counts"],
                name="count_weeks",
            ),
            Node(
                nodes.judge_ranges,
                inputs=["weekly_demand.weeks", RULES, FORECAST],
                outputs=[
                    "weekly_demand.forecasts",
                    "weekly_demand.differences",
                    "weekly_demand.design",
                ],
                name="judge_ranges",
            ),
            Node(
                nodes.plan_stock,
                inputs=["weekly_demand.weeks", "weekly_demand.forecasts", RULES, FORECAST],
                outputs="weekly_demand.orders",
                name="plan_stock",
            ),
            Node(
                nodes.show_weeks,
                inputs=["weekly_demand.weeks", "weekly_demand.forecasts", RULES, FORECAST],
                outputs="weekly_demand.shown",
                name="show_weeks",
            ),
            Node(
                write_section,
                inputs=[
                    "weekly_demand.forecasts",
                    "weekly_demand.differences",
                    "weekly_demand.design",
                    "weekly_demand.orders",
                    "weekly_demand.shown",
                    "weekly_demand.counts",
                    "params:sales",
                    FORECAST,
                    "params:reporting",
                ],
                outputs="weekly_demand.section",
                name="write_weekly_demand_section",
            ),
        ]
    )
