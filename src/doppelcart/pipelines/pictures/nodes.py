"""Nodes of the pictures pipeline."""

from __future__ import annotations

import base64
import logging
from collections.abc import Mapping
from typing import Any

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from doppelcart.experiment.comparison import check_resamples
from doppelcart.experiment.design import largest_family
from doppelcart.imaging.photographs import (
    SPLIT,
    TRAIN,
    VALIDATION,
    Photographs,
    PhotographSource,
    PictureParams,
    read_photographs,
)
from doppelcart.models.images.classifier_config import ClassifierConfig
from doppelcart.models.images.image_config import ImageTrainingConfig
from doppelcart.pipelines.pictures import picture_drawing as drawing
from doppelcart.pipelines.pictures import picture_measures as measures
from doppelcart.pipelines.pictures import picture_trials as trials
from doppelcart.pipelines.pictures.contact_sheet import rows_of, sheet_of
from doppelcart.pipelines.pictures.params import (
    PictureTrialParams,
    PictureViewParams,
    SampleParams,
)
from doppelcart.pipelines.pictures.photographs_alone import plain_learners
from doppelcart.pipelines.pictures.picture_views import eye_of, weights_of
from doppelcart.pipelines.pictures.section import describe_generator
from doppelcart.reporting.model_card import as_page
from doppelcart.reporting.provenance import stamp

log = logging.getLogger(__name__)


def read_product_pictures(
    raw_tables: dict[str, ir.Table], source: PhotographSource, params: PictureParams
) -> tuple[Photographs, pd.DataFrame, pd.DataFrame]:
    """Read photographs of products.

    Args:
        raw_tables: The files' tables by file name.
        source: The declaration.
        params: Size, and what is tolerated.

    Returns:
        Those that can be used, those that cannot, and what was counted.

    Raises:
        InputError: The source is not what it should be, a picture says that it was generated, too
            many are bad, or there is no split to learn from, to choose in or to judge by.
    """
    found = read_photographs(raw_tables, source, params)
    products = drawing.products_of(found.photographs.table)
    log.info(
        "%s: %d photographs of %d products.",
        source.name, len(products.labels), len(products.names),
    )  # fmt: skip
    return found.photographs, found.quarantine, found.counts


def draw_pictures(
    photographs: Photographs,
    training: ImageTrainingConfig,
    looking: PictureViewParams,
    params: PictureTrialParams,
    samples: SampleParams,
) -> drawing.Drawn:
    """Train generators, and draw what is judged, added and shown.

    Args:
        photographs: All; only those in training are learnt from.
        training: How the GAN is trained.
        looking: By which weights a projected critic sees.
        params: Pictures per product to learn from.
        samples: Pictures to judge and to show.

    Returns:
        Generated pictures, which stay in the memory of the run.

    Raises:
        TrainingDivergedError: A training diverged before anything could be kept.
    """
    design = trials.declare(params.n_bootstrap, params.sizes)
    groups = [best.group for best in design.best]
    family = largest_family(design, groups, list(trials.SIGHTS))
    check_resamples(family, design.n_resamples, design.alpha, design.name)
    return drawing.draw_all(
        photographs.table,
        photographs.pixels,
        trainers_of(training, params, weights_of(looking)),
        params,
        samples,
    )


def trainers_of(
    training: ImageTrainingConfig, params: PictureTrialParams, weights: Mapping[str, np.ndarray]
) -> dict[str, drawing.Train]:
    """How each generator is trained.

    Args:
        training: How the GAN is trained.
        params: Epochs where there are few pictures, and how often each is met.
        weights: That a projected critic sees by.
    """
    unchanged = training.model_copy(update={"augment": False})
    without = training.model_copy(update={"adversarial_loss": "energy_score", "augment": False})
    configs = {drawing.GAN: training, drawing.UNCHANGED: unchanged, drawing.WITHOUT_CRITIC: without}
    return {name: _trainer(name, config, params, weights) for name, config in configs.items()}


def epochs_of(
    config: ImageTrainingConfig, params: PictureTrialParams, n_photographs: int, few: bool
) -> int:
    """Epochs of a generator, which meets no photograph too often.

    Args:
        config: How it is trained.
        params: Epochs where there are few pictures per product, and the most passes.
        n_photographs: That it learns from.
        few: Whether these are a few per product.

    Examples:
        >>> config = ImageTrainingConfig(steps_per_epoch=100, batch_size=16, epochs=16)
        >>> epochs_of(config, PictureTrialParams(), 2640, few=False)
        16
        >>> epochs_of(config, PictureTrialParams(), 93, few=False)
        6
    """
    wanted = params.few_epochs if few else config.epochs
    met_each_epoch = config.steps_per_epoch * config.batch_size
    return max(1, min(wanted, -(-params.most_passes * n_photographs // met_each_epoch)))


def _trainer(
    name: str,
    config: ImageTrainingConfig,
    params: PictureTrialParams,
    weights: Mapping[str, np.ndarray],
) -> drawing.Train:
    def train(
        pixels: np.ndarray, labels: np.ndarray, groups: np.ndarray, few: bool, seed: int
    ) -> drawing.Generator:
        # TensorFlow is slow to import, and what only wires the pipeline does without.
        from doppelcart.models.images.image_training import train_image_generator

        epochs = epochs_of(config, params, len(labels), few)
        own = config.model_copy(update={"epochs": epochs})
        told = f"{drawing.GENERATORS[name]}, {len(labels)} photographs"
        return train_image_generator(
            pixels,
            labels,
            own,
            n_classes=len(groups),
            seed=seed,
            groups=groups,
            weights=weights,
            label=told,
        )

    return train


def train_small_network(
    photographs: Photographs, training: ImageTrainingConfig, params: ClassifierConfig
) -> Any:
    """Train a small network to tell products, which no generator knows.

    Args:
        photographs: Those in training are learnt from, and those in validation choose the epoch.
        training: The generator's size, at which it sees.
        params: How it learns.

    Returns:
        A ``PictureClassifier``.
    """
    from doppelcart.models.images.picture_classifier import train_classifier

    table, pixels = photographs
    learnt, chosen = (np.flatnonzero(table[SPLIT] == split) for split in (TRAIN, VALIDATION))
    config = params.model_copy(update={"side": training.image_size})
    labels = np.asarray(drawing.products_of(table).labels)
    return train_classifier(pixels, labels, learnt, chosen, config, training.seed)


def measure_pictures(
    photographs: Photographs,
    drawn: drawing.Drawn,
    own: Any,
    looking: PictureViewParams,
    params: PictureTrialParams,
    samples: SampleParams,
) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, Any], pd.DataFrame, pd.DataFrame]:
    """Measure generated pictures, and try whether they teach.

    Args:
        photographs: All.
        drawn: Generated pictures.
        own: The small network.
        looking: How pictures are looked at.
        params: Pictures per product, grid.
        samples: Neighbours, and the memorised share that is tolerated.

    Returns:
        Measures, one row per set of pictures; scores and design of the experiment; means per
        number of pictures, sight and arm; and learners with photographs alone.
    """
    eye = eye_of(looking, own)
    table, pixels = photographs
    real = measures.looks_of(pixels, eye)
    measured = measures.measure_all(table, real, drawn, eye, params, samples)
    seen = {trials.WHOLE: eye.whole(pixels), trials.SMALL: real.small}
    scores, means = trials.measure(
        table,
        pixels,
        seen,
        {trials.WHOLE: eye.whole, trials.SMALL: eye.small},
        drawn,
        lambda size, name: measures.refused(measured, size, name),
        params,
    )
    plain = plain_learners(table, pixels, seen[trials.WHOLE], own.classes(pixels), params)
    design = trials.declare(params.n_bootstrap, params.sizes)
    return measured, scores, design.model_dump(mode="json"), means, plain


def lay_out_pictures(
    photographs: Photographs, drawn: drawing.Drawn, measured: pd.DataFrame, samples: SampleParams
) -> dict[str, Any]:
    """Lay out sheets of thumbnails, each marked as generated by this commit of the code.

    Args:
        photographs: All.
        drawn: Generated pictures.
        measured: As from ``measure_pictures``.
        samples: Columns.

    Returns:
        By purpose the file in base64 and the products of its rows; empty where the pictures count
        as copies, which nobody is to see.
    """
    if measures.refused(measured, None, drawing.GAN):
        return {}
    names = drawing.products_of(photographs.table).names
    made_by = f"pictures, commit {stamp()['commit']}"
    return {
        purpose: {
            "png": base64.b64encode(
                sheet_of(drawn, purpose, samples.sheet_columns, made_by)
            ).decode(),
            "rows": rows_of(drawn, purpose, names),
        }
        for purpose in (drawing.TO_SHOW, drawing.BETWEEN)
    }


def write_generator_card(
    measured: pd.DataFrame, verdict: pd.DataFrame, source: PhotographSource
) -> tuple[dict[str, Any], str]:
    """Write the generator's card.

    Args:
        measured: As from ``measure_pictures``.
        verdict: As from the experiment.
        source: The data.

    Returns:
        The card as JSON and as one page.
    """
    said = describe_generator(measured, verdict, source)
    return said, as_page(said)
