"""Parameters of the knowledge_graph pipeline."""

from typing import Annotated

from pydantic import Field, field_validator

from doppelcart.config.base import Parameters
from doppelcart.models.graphs.hyperparameters import GraphModel

Positive = Annotated[float, Field(gt=0, le=1e6)]
Weight = Annotated[float, Field(ge=0, le=1e6)]
Name = Annotated[str, Field(min_length=1)]


class GraphParams(Parameters):
    """Which triples there are, and which are held out."""

    min_buyers: int = Field(
        5,
        ge=1,
        description="buyers before the moment of a graph that put an item in it; of an item that "
        "is launched then, buyers in the window that follows",
    )
    min_baskets: int = Field(
        10, ge=1, description="baskets that hold two items, from which on they may be related"
    )
    min_baskets_later: int = Field(
        5, ge=1, description="the same for baskets after the cut, of which there are fewer"
    )
    min_lift: float = Field(
        3.0,
        ge=1,
        le=1e6,
        description="how many times as often as by chance two items must lie in one basket",
    )
    relations: tuple[Name, ...] = Field(
        (), description="relations to keep; none given keeps all that the source tells"
    )
    tuning_share: float = Field(
        0.2,
        gt=0,
        lt=1,
        description="share of the lines before the cut that a graph to tune by does not see",
    )
    validation_share: float = Field(0.05, gt=0, lt=0.5, description="triples to choose by")
    test_share: float = Field(
        0.05, gt=0, lt=0.5, description="triples that are tested, of relations that know no time"
    )
    seed: int = Field(0, ge=0, le=2**31 - 1, description="of what is held out and shuffled")


class LinksParams(Parameters):
    """How well held-out triples are ranked."""

    models: tuple[GraphModel, ...] = Field(
        ("complex", "transe", "rotate"),
        min_length=1,
        description="models of vectors; the first is also that of the recommenders",
    )
    tested: int = Field(500, ge=1, description="test triples of a relation, at most, either way")
    chosen_by: int = Field(
        100, ge=1, description="validation triples of a relation that choose its lookup, at most"
    )


class RecommendingParams(Parameters):
    """What recommenders with and without the graph choose from."""

    l2: tuple[Positive, ...] = Field(
        (100.0, 300.0, 1000.0), min_length=1, description="penalties of EASE"
    )
    side_weights: tuple[Weight, ...] = Field(
        (0.0, 3.0, 10.0, 30.0, 100.0),
        description="households that vectors of items count as in EASE; must hold 0",
    )
    penalties: tuple[Positive, ...] = Field(
        (0.1, 0.3, 1.0, 3.0), min_length=1, description="penalties of the ridge for new items"
    )
    vector_weights: tuple[Weight, ...] = Field(
        (0.0, 0.25, 0.5, 1.0, 2.0),
        description="length of a vector beside an item's attributes of length 1; must hold 0",
    )
    min_buyers_before: int = Field(
        10, ge=1, description="buyers before a window that make an item old"
    )
    min_buyers_after: int = Field(
        5, ge=1, description="buyers in a window that a new item must have to be ranked"
    )
    min_households: int = Field(
        30, ge=1, description="households that bought a new item, below which none is recommended"
    )

    @field_validator("side_weights", "vector_weights")
    @classmethod
    def _holds_zero(cls, values: tuple[float, ...]) -> tuple[float, ...]:
        if 0 not in values:
            raise ValueError("must hold 0: the graph may be of no use")
        return tuple(sorted(set(values)))


class ExperimentParams(Parameters):
    """How lists are judged."""

    list_length: int = Field(20, ge=1, le=1_000, description="items per list")
    alpha: float = Field(0.05, gt=0, lt=0.5, description="error rate over all comparisons")
    margin: float = Field(
        0.03, gt=0, lt=1, description="relative loss up to which lists count as not worse"
    )
    n_bootstrap: int = Field(10_000, ge=100, le=1_000_000, description="resamples of customers")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="of resampling and of random lists")
