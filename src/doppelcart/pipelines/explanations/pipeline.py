"""Wiring of the explanations pipeline."""

from typing import Any

from kedro.pipeline import Node, Pipeline

from doppelcart.pipelines.explanations import nodes
from doppelcart.pipelines.explanations.design import COMPLETING
from doppelcart.pipelines.explanations.section import write_section
from doppelcart.templates.experiment import experiment_pipeline

SAMPLE = "params:explanations.sample"
WORDS = "params:explanations.words"
GENERATORS = {name: f"{name}.generator" for name in COMPLETING}


def create_pipeline(**kwargs: Any) -> Pipeline:  # noqa: ARG001
    """Say which purchases carry a recommendation, and try whether they do; no part of a run."""
    return Pipeline(
        [
            Node(
                nodes.train_explained_network,
                inputs=["train_histories", "params:explanations.network", SAMPLE],
                outputs="explanations.network_weights",
                name="train_explained_network",
            ),
            Node(
                nodes.choose_slopes,
                inputs={
                    "network_weights": "explanations.network_weights",
                    "train_histories": "train_histories",
                    "validation_cases": "validation_cases",
                    "demographics_matrix": "demographics_matrix",
                    "sample": SAMPLE,
                    "slopes": "params:explanations.slopes",
                    **GENERATORS,
                },
                outputs=["explanations.chosen_slopes", "explanations.tried"],
                name="choose_slopes",
            ),
            Node(
                nodes.delete_from_networks,
                inputs={
                    "network_weights": "explanations.network_weights",
                    "chosen_slopes": "explanations.chosen_slopes",
                    "train_histories": "train_histories",
                    "test_cases": "test_cases",
                    "demographics_matrix": "demographics_matrix",
                    "sample": SAMPLE,
                    **GENERATORS,
                },
                outputs=["explanations.deletions", "explanations.curves"],
                name="delete_from_networks",
            ),
            Node(
                nodes.delete_from_sums,
                inputs=["train_histories", "chosen_configs", "test_cases", SAMPLE],
                outputs="explanations.sums",
                name="delete_from_sums",
            ),
            Node(
                nodes.measure_deletions,
                inputs=["explanations.deletions", "params:explanations.experiment"],
                outputs=["explanations.scores", "explanations.design"],
                name="measure_deletions",
            ),
            *experiment_pipeline("explanations").nodes,
            Node(
                nodes.explain_customers,
                inputs=["serving.model", "test_cases", WORDS, SAMPLE],
                outputs=["explanations.reasons", "explanations.paths"],
                name="explain_customers",
            ),
            Node(
                nodes.give_examples,
                inputs=["serving.model", "synthetic_users", WORDS],
                outputs="explanations.examples",
                name="give_examples_of_reasons",
            ),
            Node(
                write_section,
                inputs=[
                    "explanations.verdict",
                    "explanations.differences",
                    "explanations.design",
                    "explanations.deletions",
                    "explanations.curves",
                    "explanations.sums",
                    "explanations.paths",
                    "explanations.examples",
                    "explanations.tried",
                    "params:reporting",
                ],
                outputs="explanations.section",
                name="write_explanations_section",
            ),
        ]
    )
