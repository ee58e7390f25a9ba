"""Wiring of the greetings pipeline."""

from typing import Any

from doppelcart.pipelines.greetings.nodes import measure_visits
from doppelcart.pipelines.greetings.section import write_section
from kedro.pipeline import Node, Pipeline

from doppelcart.templates.experiment import experiment_pipeline


def create_pipeline(**kwargs: Any) -> Pipeline:  # noqa: ARG001
    """Measure, compare, judge, and say so; not part of the default run."""
    own = [
        Node(
            measure_visits,
            "params:greetings",
            ["greetings.scores", "greetings.design"],
            name="measure_visits",
        ),
        Node(
            write_section,
            ["greetings.verdict", "greetings.differences", "greetings.design", "params:reporting"],
            "greetings.section",
            name="write_greetings_section",
        ),
    ]
    return Pipeline([*own, *experiment_pipeline("greetings").nodes])
