"""What can be chosen about vectors of a graph, with bounds and units."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from doppelcart.config.base import Parameters

GraphModel = Literal["transe", "complex", "rotate"]


class EmbeddingConfig(Parameters):
    """How vectors of entities and relations are learnt."""

    PATH: ClassVar[str] = "knowledge_graph.embedding"

    units: int = Field(32, ge=1, le=1_024, description="complex units of an entity; twice as real")
    epochs: int = Field(40, ge=1, le=10_000, description="passes over the triples, both ways")
    batch_size: int = Field(1_024, ge=1, le=65_536, description="triples per step")
    negatives: int = Field(
        256,
        ge=1,
        le=100_000,
        description="entities drawn per step that a triple's own is told from; all, where a graph "
        "has no more",
    )
    learning_rate: float = Field(0.1, gt=0, le=10, description="Adagrad step")
    penalty: float = Field(
        0.01,
        ge=0,
        le=100,
        description="weight of the cubed moduli of a triple's vectors (N3, Lacroix et al. 2018)",
    )
    evaluate_every: int = Field(
        10, ge=1, description="epochs between two evaluations on validation triples"
    )
    evaluated: int = Field(
        1_000, ge=1, description="validation triples that choose the epoch, at most"
    )
    seed: int = Field(0, ge=0, le=2**31 - 1, description="of first vectors, batches and negatives")
