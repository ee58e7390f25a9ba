"""Wiring of the stockouts pipeline."""

from typing import Any

from kedro.pipeline import Node, Pipeline

from doppelcart.pipelines.stockouts import nodes
from doppelcart.pipelines.stockouts.section import write_section
from doppelcart.templates.experiment import experiment_pipeline

FORECAST = "params:stockouts.forecast"


def create_pipeline(**kwargs: Any) -> Pipeline:  # noqa: ARG001
    """Read the stock table, foretell, order, try generated series; not part of the default run."""
    return Pipeline(
        [
            Node(
                nodes.read_stock,
                inputs=["raw_stock", "params:stock", "params:stockouts.reading", FORECAST],
                outputs=["stockouts.panel", "stockouts.counts"],
                name="read_stock",
            ),
            Node(
                nodes.try_detectors,
                inputs=["stockouts.panel", FORECAST],
                outputs=["stockouts.detectors", "stockouts.calibration", "stockouts.chances"],
                name="try_detectors",
            ),
            Node(
                nodes.correct_demand,
                inputs=["stockouts.panel", FORECAST],
                outputs="stockouts.demand",
                name="correct_demand",
            ),
            Node(
                nodes.plan_orders,
                inputs=["stockouts.panel", "stockouts.chances", FORECAST],
                outputs=["stockouts.forecasts", "stockouts.orders"],
                name="plan_orders",
            ),
            Node(
                nodes.measure_arms,
                inputs=[
                    "stockouts.panel",
                    "stockouts.chances",
                    FORECAST,
                    "params:stockouts.experiment",
                    "params:stockouts.generator",
                ],
                outputs=["stockouts.scores", "stockouts.design", "stockouts.draws"],
                name="measure_stockout_arms",
            ),
            *experiment_pipeline("stockouts").nodes,
            Node(
                nodes.summarise_draws,
                inputs="stockouts.draws",
                outputs="stockouts.draw_means",
                name="summarise_draws",
            ),
            Node(
                nodes.hold_to_floor,
                inputs=["stockouts.draw_means", "params:stockouts.experiment"],
                outputs="stockouts.floors",
                name="hold_to_floor",
            ),
            Node(
                nodes.measure_samples,
                inputs=[
                    "stockouts.panel",
                    FORECAST,
                    "params:stockouts.samples",
                    "params:stockouts.generator",
                ],
                outputs=[
                    "stockouts.sample_scores",
                    "stockouts.sample_design",
                    "stockouts.samples",
                ],
                name="measure_samples",
            ),
            Node(
                nodes.judge_samples,
                inputs=["stockouts.sample_scores", "stockouts.sample_design"],
                outputs=["stockouts.sample_differences", "stockouts.sample_verdict"],
                name="judge_samples",
            ),
            Node(
                nodes.write_stock_card,
                inputs=[
                    "stockouts.detectors",
                    "stockouts.verdict",
                    "stockouts.sample_verdict",
                    "stockouts.design",
                    "params:stock",
                ],
                outputs=["stockouts.card", "stockouts.card_page"],
                name="write_stock_card",
            ),
            Node(
                write_section,
                inputs={
                    "verdict": "stockouts.verdict",
                    "differences": "stockouts.differences",
                    "declared": "stockouts.design",
                    "counts": "stockouts.counts",
                    "detectors": "stockouts.detectors",
                    "curve": "stockouts.calibration",
                    "demand": "stockouts.demand",
                    "forecasts": "stockouts.forecasts",
                    "orders": "stockouts.orders",
                    "draws": "stockouts.draw_means",
                    "floors": "stockouts.floors",
                    "samples": "stockouts.samples",
                    "sample_verdict": "stockouts.sample_verdict",
                    "sample_differences": "stockouts.sample_differences",
                    "sample_declared": "stockouts.sample_design",
                    "source": "params:stock",
                    "forecast": FORECAST,
                    "parameters": "params:reporting",
                },
                outputs="stockouts.section",
                name="write_stockouts_section",
            ),
        ]
    )
