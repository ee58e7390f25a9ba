"""Wiring of the ideas pipeline."""

from typing import Any

from kedro.pipeline import Node, Pipeline

from doppelcart.pipelines.ideas import nodes
from doppelcart.pipelines.ideas.section import write_section
from doppelcart.templates.experiment import experiment_pipeline

EXPERIMENT = "params:ideas.experiment"
RANKINGS = "params:ideas.rankings"
WINDOWS = "params:ideas.windows"


def create_pipeline(**kwargs: Any) -> Pipeline:  # noqa: ARG001
    """Rank combinations that the shop lacks, and judge; not part of the default run."""
    return Pipeline(
        [
            Node(
                nodes.gather_lines,
                inputs=["prm_interactions", "quarantine"],
                outputs="ideas.lines",
                name="gather_lines_of_ideas",
            ),
            Node(
                nodes.open_cuts,
                inputs=["ideas.lines", "items.features", WINDOWS],
                outputs=["ideas.cuts", "ideas.sizes"],
                name="open_cuts",
            ),
            Node(
                nodes.rank_plainly,
                inputs=["ideas.cuts", RANKINGS, EXPERIMENT],
                outputs=["ideas.plain", "ideas.rankings", "ideas.tried_plainly"],
                name="rank_ideas_plainly",
            ),
            Node(
                nodes.imagine_ideas,
                inputs=[
                    "ideas.cuts",
                    "items.features",
                    "ideas.plain",
                    "params:ideas.imagined",
                    "params:ideas.training",
                    EXPERIMENT,
                ],
                outputs=[
                    "ideas.places",
                    "ideas.audiences",
                    "ideas.tried_imagining",
                    "ideas.training_log",
                ],
                name="imagine_ideas",
            ),
            Node(
                nodes.list_tried,
                inputs=["ideas.tried_plainly", "ideas.tried_imagining"],
                outputs="ideas.tried",
                name="list_tried_for_ideas",
            ),
            Node(
                nodes.measure_rankings,
                inputs=["ideas.cuts", "items.features", "ideas.plain", "ideas.places", EXPERIMENT],
                outputs=["ideas.scores", "ideas.design"],
                name="measure_rankings_of_ideas",
            ),
            *experiment_pipeline("ideas").nodes,
            Node(
                nodes.tell,
                inputs=[
                    "ideas.lines",
                    "items.features",
                    "ideas.cuts",
                    "ideas.plain",
                    WINDOWS,
                    RANKINGS,
                    EXPERIMENT,
                ],
                outputs=["ideas.ideas", "ideas.became"],
                name="tell_ideas",
            ),
            Node(
                write_section,
                inputs=[
                    "ideas.verdict",
                    "ideas.differences",
                    "ideas.design",
                    "ideas.scores",
                    "ideas.sizes",
                    "ideas.rankings",
                    "ideas.audiences",
                    "ideas.ideas",
                    "ideas.became",
                    "ideas.tried",
                    "ideas.training_log",
                    "params:reporting",
                ],
                outputs="ideas.section",
                name="write_ideas_section",
            ),
        ]
    )
