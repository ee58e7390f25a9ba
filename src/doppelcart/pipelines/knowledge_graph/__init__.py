"""A knowledge graph of the shop: what its vectors know, and whether that helps to recommend."""

from doppelcart.pipelines.knowledge_graph.pipeline import create_pipeline

__all__ = ["create_pipeline"]

ALGORITHM_VERSION = 2
"""To be raised by hand where what this pipeline makes changes: what is saved is then made anew."""
