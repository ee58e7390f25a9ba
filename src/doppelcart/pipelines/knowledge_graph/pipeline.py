"""Wiring of the knowledge_graph pipeline."""

from typing import Any

from kedro.pipeline import Node, Pipeline

from doppelcart.pipelines.knowledge_graph import nodes
from doppelcart.pipelines.knowledge_graph.section import write_section
from doppelcart.templates.experiment import experiment_pipeline

GRAPH = "params:knowledge_graph.graph"
LINKS = "params:knowledge_graph.links"


def create_pipeline(**kwargs: Any) -> Pipeline:  # noqa: ARG001
    """Learn vectors of a graph, and see what they are good for; not part of the default run."""
    return Pipeline(
        [
            Node(
                nodes.gather_lines,
                inputs=["prm_interactions", "quarantine"],
                outputs="knowledge_graph.lines",
                name="gather_lines_of_graph",
            ),
            Node(
                nodes.build_graphs,
                inputs=[
                    "knowledge_graph.lines",
                    "prm_interactions",
                    "int_items",
                    "int_coupons",
                    "int_campaigns",
                    "int_facts",
                    "split_bounds",
                    GRAPH,
                ],
                outputs=[
                    "knowledge_graph.graphs",
                    "knowledge_graph.edges",
                    "knowledge_graph.sizes",
                ],
                name="build_graphs",
            ),
            Node(
                nodes.learn_graph_vectors,
                inputs=["knowledge_graph.graphs", LINKS, "params:knowledge_graph.embedding"],
                outputs=["knowledge_graph.vectors", "knowledge_graph.training_log"],
                name="learn_graph_vectors",
            ),
            Node(
                nodes.rank_links,
                inputs=["knowledge_graph.graphs", "knowledge_graph.vectors", LINKS, GRAPH],
                outputs="knowledge_graph.links",
                name="rank_links",
            ),
            Node(
                nodes.recommend_with_graph,
                inputs=[
                    "knowledge_graph.graphs",
                    "knowledge_graph.vectors",
                    "knowledge_graph.lines",
                    "items.features",
                    "train_histories",
                    "validation_cases",
                    "test_cases",
                    LINKS,
                    "params:knowledge_graph.recommending",
                    "params:knowledge_graph.experiment",
                ],
                outputs=[
                    "knowledge_graph.scores",
                    "knowledge_graph.design",
                    "knowledge_graph.tried",
                ],
                name="recommend_with_graph",
            ),
            *experiment_pipeline("knowledge_graph").nodes,
            Node(
                write_section,
                inputs=[
                    "knowledge_graph.verdict",
                    "knowledge_graph.differences",
                    "knowledge_graph.design",
                    "knowledge_graph.links",
                    "knowledge_graph.sizes",
                    "knowledge_graph.edges",
                    "knowledge_graph.tried",
                    "knowledge_graph.training_log",
                    "params:reporting",
                ],
                outputs="knowledge_graph.section",
                name="write_knowledge_graph_section",
            ),
        ]
    )
