"""Profiles of raters by all generators of the pipeline ``shilling``, which trains them together."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final, NamedTuple

import numpy as np
from scipy import sparse

from doppelcart.metrics.fidelity.neighbourhoods import embed
from doppelcart.models.histories.hyperparameters import (
    FactorisingConfig,
    NetworkConfig,
    TrainingConfig,
)
from doppelcart.pipelines.shilling.attack_design import GAN, GANMF, OTHER_FAMILY, WITHOUT_CRITIC
from doppelcart.pipelines.shilling.attack_trials import Draw, draw_parts
from doppelcart.pipelines.shilling.attacks import Scene
from doppelcart.pipelines.shilling.generated import trained_on
from doppelcart.pipelines.shilling.nodes import read_opinions
from doppelcart.pipelines.shilling.params import AttackParams, RatingParams, RatingSource
from studies import runs
from studies.trained.family import TRAINER, Family, Inputs, Made, opened, spread_of

ENVIRONMENT: Final = "movielens"
CODE: Final = (
    *TRAINER,
    "src/doppelcart/models/histories",
    "src/doppelcart/metrics/fidelity",
    *(
        f"src/doppelcart/pipelines/shilling/{name}.py"
        for name in ("attack_trials", "attacks", "generated", "rating_matrix")
    ),
    "studies/trained/profiles.py",
)
TITLES: Final = {
    GAN: "profiles of raters: GAN",
    WITHOUT_CRITIC: "profiles of raters: scoring rule in the critic's place",
    OTHER_FAMILY: "profiles of raters: VAE",
    GANMF: "profiles of raters: GANMF",
}
"""In the order in which the pipeline trains them."""


class Raters(NamedTuple):
    """Users of the pipeline's first draw.

    Attributes:
        draw: Users.
        network: Sizes.
        training: How the first three are trained.
        ganmf: How the last one is.
    """

    draw: Draw
    network: NetworkConfig
    training: TrainingConfig
    ganmf: FactorisingConfig


def read() -> Inputs:
    """The ratings, as a run reads and parts them."""
    source, tables = opened(
        lambda: RatingSource(**runs.all_parameters(ENVIRONMENT)["ratings"]),
        "ratings",
        "DOPPELCART_MOVIELENS",
        "ml100k",
    )
    given = runs.all_parameters(ENVIRONMENT)["shilling"]
    ratings, _ = read_opinions(tables, source, RatingParams(**given["reading"]))
    data = Raters(
        next(iter(draw_parts(ratings, AttackParams(**given["attacks"])))),
        NetworkConfig(**given["network"]),
        TrainingConfig(**given["training"]),
        FactorisingConfig(**given["ganmf"]),
    )
    told = json.dumps([given[name] for name in ("attacks", "network", "training", "ganmf")])
    return Inputs(data, [ratings.given.tobytes(), told.encode()])


def train(data: Raters, seed: int) -> Mapping[str, Made]:
    """All generators; of the last the evaluation has no coverage, so that it is measured here."""
    found = trained_on(data.network, data.training, data.ganmf)(data.draw, seed)
    real = np.concatenate([data.draw.to_learn, data.draw.to_judge])
    scene = Scene(data.draw.shop, real[:0], 0.05, 0.0)
    made = found.makers[GANMF](scene, len(real), np.random.default_rng(seed))
    rows = [sparse.csr_matrix((part > 0).astype(np.float64)) for part in (real, made)]
    spread = spread_of(*embed(rows[0], rows[1], seed))
    return {
        name: Made(float(found.unlike[name]), spread if name == GANMF else {}) for name in TITLES
    }


def families() -> list[Family]:
    """All four at once."""
    return [
        Family(
            "profiles",
            "MovieLens 100K",
            TITLES,
            "distance of lengths and popularity from those of the users learnt from, in real "
            "spreads: less is better",
            CODE,
            read,
            train,
        )
    ]
