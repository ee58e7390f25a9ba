"""Wiring of the new_items pipeline."""

from typing import Any

from kedro.pipeline import Node, Pipeline

from doppelcart.pipelines.new_items import nodes
from doppelcart.pipelines.new_items.section import write_section
from doppelcart.templates.experiment import experiment_pipeline

LAUNCHES = ["new_items.launches", "items.features"]
SYSTEMS = "params:new_items.systems"
IMAGINED = "params:new_items.imagined"
EXPERIMENT = "params:new_items.experiment"


def create_pipeline(**kwargs: Any) -> Pipeline:  # noqa: ARG001
    """Rank what nobody bought yet, forecast its sales, and judge; not part of the default run."""
    return Pipeline(
        [
            Node(
                nodes.gather_lines,
                inputs=["prm_interactions", "quarantine"],
                outputs="new_items.lines",
                name="gather_lines",
            ),
            Node(
                nodes.open_windows,
                inputs=["new_items.lines", "items.features", "params:new_items.windows"],
                outputs=["new_items.launches", "new_items.sizes"],
                name="open_windows",
            ),
            Node(
                nodes.rank_plainly,
                inputs=[*LAUNCHES, SYSTEMS, EXPERIMENT],
                outputs=["new_items.plain_lists", "new_items.tried_plainly"],
                name="rank_plainly",
            ),
            Node(
                nodes.forecast_demand,
                inputs=[*LAUNCHES, SYSTEMS, EXPERIMENT],
                outputs=["new_items.forecasts", "new_items.demand"],
                name="forecast_demand",
            ),
            Node(
                nodes.imagine_items,
                inputs=[*LAUNCHES, IMAGINED, "params:new_items.training", EXPERIMENT],
                outputs=[
                    "new_items.imagined_lists",
                    "new_items.imagining_log",
                    "new_items.tried_imagining",
                ],
                name="imagine_items",
            ),
            Node(
                nodes.read_titles,
                inputs=[
                    *LAUNCHES,
                    "items.words",
                    "params:new_items.titles",
                    "params:new_items.sentences",
                    EXPERIMENT,
                ],
                outputs=[
                    "new_items.read_lists",
                    "new_items.reading_log",
                    "new_items.tried_reading",
                ],
                name="read_titles",
            ),
            Node(
                nodes.list_trainings,
                inputs=["new_items.imagining_log", "new_items.reading_log"],
                outputs="new_items.training_log",
                name="list_trainings",
            ),
            Node(
                nodes.combine,
                inputs=[
                    *LAUNCHES,
                    "new_items.plain_lists",
                    "new_items.forecasts",
                    "new_items.imagined_lists",
                    "new_items.read_lists",
                    SYSTEMS,
                    IMAGINED,
                    EXPERIMENT,
                ],
                outputs=["new_items.lists", "new_items.weights", "new_items.tried_together"],
                name="combine",
            ),
            Node(
                nodes.list_tried,
                inputs=[
                    "new_items.tried_plainly",
                    "new_items.tried_imagining",
                    "new_items.tried_reading",
                    "new_items.tried_together",
                ],
                outputs="new_items.tried",
                name="list_tried",
            ),
            Node(
                nodes.measure_lists,
                inputs=["new_items.launches", "new_items.lists", "new_items.weights", EXPERIMENT],
                outputs=["new_items.scores", "new_items.design"],
                name="measure_lists",
            ),
            *experiment_pipeline("new_items").nodes,
            Node(
                write_section,
                inputs=[
                    "new_items.verdict",
                    "new_items.differences",
                    "new_items.design",
                    "new_items.scores",
                    "new_items.sizes",
                    "new_items.demand",
                    "new_items.tried",
                    "new_items.training_log",
                    "params:reporting",
                ],
                outputs="new_items.section",
                name="write_new_items_section",
            ),
        ]
    )
