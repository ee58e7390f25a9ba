"""Pictures of products by the generators of the pipelines ``pictures`` and ``lookalikes``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, cast

import numpy as np

from doppelcart.imaging.photographs import (
    PRODUCT,
    SPLIT,
    Photographs,
    PhotographSource,
    PictureParams,
    read_photographs,
)
from doppelcart.metrics.fidelity.neighbourhoods import prdc
from doppelcart.metrics.pictures import kernel_distance
from doppelcart.models.images.image_config import ImageTrainingConfig
from doppelcart.pipelines.lookalikes import generated_pictures, lookalike_trials
from doppelcart.pipelines.lookalikes.params import PainterParams
from doppelcart.pipelines.pictures import nodes, params
from doppelcart.pipelines.pictures import picture_drawing as drawing
from doppelcart.pipelines.pictures.picture_views import Eye, weights_of
from studies import runs
from studies.trained.family import TRAINER, Family, Inputs, Made, opened

ENVIRONMENT: Final = "grocery"
DATA: Final = "Grocery Store Dataset"
CODE: Final = (
    *TRAINER,
    "src/doppelcart/imaging/lite0.py",
    "src/doppelcart/imaging/photographs.py",
    "src/doppelcart/metrics/pictures.py",
    "src/doppelcart/models/images",
    "studies/trained/images.py",
)
FIDELITY: Final = (
    "kernel distance (KD-EL0) of pictures from half of the test photographs, in what "
    "EfficientNet-Lite0 sees: less is better"
)
PICTURES: Final = {drawing.GAN: "pictures: GAN"}
LOOKALIKES: Final = {
    lookalike_trials.GAN: "look-alikes: GAN",
    lookalike_trials.WITHOUT_CRITIC: "look-alikes: scoring rule in the critic's place",
    lookalike_trials.OTHER: "look-alikes: GAN of another loss, critic of pixels",
}
"""In the order in which the pipeline trains them."""


class Shelf(NamedTuple):
    """Photographs of products, and what made ones are held against.

    Attributes:
        photographs: All.
        eye: How pictures are looked at, by EfficientNet-Lite0 alone.
        reference: (n, 1280) what is seen of one half of the test photographs.
        asked: (m,) products of the other half, of which pictures are made.
        neighbours: Pictures that make a neighbourhood.
        given: Parameters of the pipeline.
    """

    photographs: Photographs
    eye: Eye
    reference: np.ndarray
    asked: np.ndarray
    neighbours: int
    given: Mapping[str, Any]


def _read(pipeline: str) -> Inputs:
    """The photographs, as a run of a pipeline reads them, held to the same test photographs."""
    source, tables = opened(
        lambda: PhotographSource(**runs.all_parameters(ENVIRONMENT)["photographs"]),
        "photographs",
        "DOPPELCART_GROCERY",
        "grocery_store",
    )
    every = runs.all_parameters(ENVIRONMENT)
    given, own = every["pictures"], every[pipeline]
    photographs = read_photographs(tables, source, PictureParams(**own["reading"])).photographs
    samples = params.SampleParams(**given["samples"])
    looking = params.PictureViewParams(**given["looking"])
    side = ImageTrainingConfig(**given["training"]).image_size
    # Nothing is asked here of the small network that the pipeline trains besides.
    eye = Eye(weights_of(looking), cast(Any, None), side, looking)
    table, pixels = photographs
    halves = drawing.halves_of(
        table, samples.judged, params.PictureTrialParams(**given["trials"]).seed
    )
    asked = drawing.products_of(table).labels[halves.other]
    reference = eye.small(pixels[halves.reference])
    data = Shelf(photographs, eye, reference, asked, samples.neighbours, own)
    told = json.dumps([given, own], sort_keys=True).encode()
    splits = "\n".join(table[SPLIT].astype(str) + table[PRODUCT].astype(str))
    return Inputs(data, [pixels.tobytes(), splits.encode(), told])


def read_pictures() -> Inputs:
    """Those of the pipeline ``pictures``."""
    return _read("pictures")


def read_lookalikes() -> Inputs:
    """Those of the pipeline ``lookalikes``."""
    return _read("lookalikes")


def held_to_test(data: Shelf, pixels: np.ndarray) -> Made:
    """How near pictures come to photographs of other shops, in nothing that was chosen."""
    seen = data.eye.small(pixels)
    found = prdc(data.reference, seen, data.neighbours)
    return Made(
        kernel_distance(data.reference, seen), {key: found[key] for key in ("coverage", "recall")}
    )


def draw(data: Shelf, seed: int) -> Mapping[str, Made]:
    """Pictures of the GAN that learns from all photographs."""
    table, pixels = data.photographs
    products = drawing.products_of(table)
    trainer = nodes.trainers_of(
        ImageTrainingConfig(**data.given["training"]),
        params.PictureTrialParams(**data.given["trials"]),
        data.eye.weights,
    )[drawing.GAN]
    rows = drawing.few_rows(table, products.labels, None, seed)
    made = trainer(pixels[rows], products.labels[rows], products.groups, False, seed)
    return {drawing.GAN: held_to_test(data, made.sample(data.asked, seed=seed))}


def paint(data: Shelf, seed: int) -> Mapping[str, Made]:
    """Pictures of all generators of ``lookalikes``, which trains them together."""
    config = PainterParams(**data.given["generator"]).model_copy(update={"seed": seed})
    painters = generated_pictures.painters_of(data.photographs, config, data.eye.weights)
    return {
        name: held_to_test(data, painter.trained.sample(data.asked, seed=seed))
        for name, painter in painters.items()
    }


def pictures() -> list[Family]:
    """Those of the pipeline ``pictures``."""
    return [
        Family(
            "pictures",
            DATA,
            PICTURES,
            FIDELITY,
            (*CODE, "src/doppelcart/pipelines/pictures/picture_drawing.py"),
            read_pictures,
            draw,
        )
    ]


def lookalikes() -> list[Family]:
    """Those of the pipeline ``lookalikes``."""
    return [
        Family(
            "lookalikes",
            f"{DATA}; the GAN is that of the pictures, trained on the same photographs in fewer "
            "and larger steps",
            LOOKALIKES,
            FIDELITY,
            (*CODE, "src/doppelcart/pipelines/lookalikes/generated_pictures.py"),
            read_lookalikes,
            paint,
        )
    ]
