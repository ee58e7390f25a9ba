"""Nodes of the reviews pipeline."""

from __future__ import annotations

from typing import Any

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from doppelcart.columns import Tables
from doppelcart.experiment.comparison import check_resamples
from doppelcart.experiment.design import Design, largest_family
from doppelcart.models.text import vocabulary as words
from doppelcart.models.text.coordinate_config import CoordinateConfig
from doppelcart.models.text.writing_config import WritingConfig
from doppelcart.pipelines.reviews import review_trials as trials
from doppelcart.pipelines.reviews.lies_or_generated import COLUMNS, lies_or_generated
from doppelcart.pipelines.reviews.list_quality import list_quality
from doppelcart.pipelines.reviews.params import (
    FakeReviewParams,
    LabelParams,
    ReviewListParams,
    ReviewParams,
)
from doppelcart.pipelines.reviews.review_card import describe_detector
from doppelcart.pipelines.reviews.review_design import (
    GAN,
    GAN_TEXT,
    WITHOUT_CRITIC,
    declare,
)
from doppelcart.pipelines.reviews.review_texts import GENERATED, read_reviews
from doppelcart.pipelines.reviews.text_detectors import (
    detectors_table,
    lister_of,
    said_by,
    suspects_table,
)
from doppelcart.reading.declared_table import DeclaredTable, named_files, real
from doppelcart.reporting.model_card import as_page


def read_labelled(
    raw_tables: dict[str, ir.Table], source: DeclaredTable, params: ReviewParams
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read labelled reviews.

    Args:
        raw_tables: The files' tables by file name.
        source: The declaration.
        params: What is tolerated.

    Returns:
        One row per review, and what was counted on the way.

    Raises:
        InputError: The expressions do not fit the files, or nothing can be learnt.
    """
    table = real(raw_tables, source, Tables.LABELLED_REVIEWS)
    return read_reviews(table, params, named_files(source, Tables.LABELLED_REVIEWS))


def try_text_detectors(reviews: pd.DataFrame, params: LabelParams) -> pd.DataFrame:
    """Tell deceptive reviews of unseen places, with all labels.

    Args:
        reviews: Texts, labels and places.
        params: Folds.
    """
    return detectors_table(reviews, params.folds, params.seed)


def list_reviews(
    reviews: pd.DataFrame, params: LabelParams, listing: ReviewListParams
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rank the reviews by how likely they are to deceive, for a person to look at.

    Args:
        reviews: Texts, labels and places.
        params: Folds, seed.
        listing: Length of the list, whether they are flagged.

    Returns:
        The list, and what its head is worth: precision and false alarms, by group.
    """
    said = said_by(lister_of(reviews), reviews, params.folds)
    quality = list_quality(reviews, said, listing, params.seed)
    return suspects_table(reviews, said, listing), quality


def measure_labels(
    reviews: pd.DataFrame,
    params: LabelParams,
    making: FakeReviewParams,
    training: CoordinateConfig,
    writing: WritingConfig,
) -> tuple[pd.DataFrame, dict[str, Any], pd.DataFrame, pd.DataFrame]:
    """Try what can be added to few labelled reviews.

    Args:
        reviews: Texts, labels and places.
        params: Numbers of labels, folds, grids.
        making: Whether reviews are generated.
        training: How the GAN is trained.
        writing: How the network that writes is trained.

    Returns:
        Scores and design of the experiment; means per number of labels and arm; and what detectors
        of generated text and of human lies find of each, empty where nothing is generated.
    """
    sizes = trials.sizes_of(reviews, params)
    written = [n for n in sizes if making.generate_fakes and n in making.text_sizes]
    design = declare(params.n_bootstrap, sizes, making.generate_fakes, written)
    family = largest_family(design, [best.group for best in design.best], [""])
    check_resamples(family, design.n_resamples, design.alpha, design.name)
    drawers = drawers_of(training) if making.generate_fakes else {}
    read = remembered(reader_of(writing)) if written else None
    scores, tried = trials.measure(reviews, params, drawers, read, making)
    columns = (
        lies_or_generated(reviews, params, read)
        if making.generate_fakes
        else pd.DataFrame(columns=list(COLUMNS))
    )
    return scores, design.model_dump(mode="json"), trials.summary(tried), columns


def drawers_of(training: CoordinateConfig) -> dict[str, trials.Drawer]:
    """Generators by arm: the network without a critic, and the GAN.

    Args:
        training: How the GAN is trained.
    """
    without = training.model_copy(update={"adversarial_loss": "energy_score"})
    return {WITHOUT_CRITIC: _drawer(without), GAN: _drawer(training)}


def _drawer(training: CoordinateConfig) -> trials.Drawer:
    def draw(
        values: np.ndarray, labels: np.ndarray, asked: np.ndarray, seed: int
    ) -> tuple[np.ndarray, float]:
        # TensorFlow is slow to import, and detectors do without.
        from doppelcart.models.text.coordinate_training import fit_and_draw

        return fit_and_draw(values, labels, asked, training.model_copy(update={"seed": seed}))

    return draw


def reader_of(config: WritingConfig) -> trials.Read:
    """What reads the reviews of a fold once, and then writes for every draw of labels.

    Args:
        config: Sizes and training.
    """

    def read_pool(texts: list[str], seed: int) -> trials.Write:
        # TensorFlow is slow to import, and detectors do without.
        from doppelcart.models.text import writing_training as writing

        reader = writing.read(texts, config.model_copy(update={"seed": seed}))

        def write(
            arm: str, own: list[str], labels: np.ndarray, asked: np.ndarray, seed: int
        ) -> list[str]:
            writer, _ = reader.learn(own, labels, arm == GAN_TEXT, seed)
            lengths = np.array([len(words.tokens_of(text)) for text in own])
            longest = np.random.default_rng(seed).choice(lengths, len(asked))
            made = writing.written(writer, reader.vocabulary, asked, longest, seed)
            return [f"{GENERATED} {text}" for text in made]

        return write

    return read_pool


def remembered(read: trials.Read) -> trials.Read:
    """One that reads the same texts once: it takes longer than to write.

    Args:
        read: What reads.
    """
    known: dict[tuple[int, int], trials.Write] = {}

    def read_once(texts: list[str], seed: int) -> trials.Write:
        key = hash(tuple(texts)), seed
        if key not in known:
            known[key] = read(texts, seed)
        return known[key]

    return read_once


def write_review_card(
    detectors: pd.DataFrame,
    quality: pd.DataFrame,
    verdict: pd.DataFrame,
    declared_design: dict[str, Any],
    source: DeclaredTable,
    making: FakeReviewParams,
    listing: ReviewListParams,
) -> tuple[dict[str, Any], str]:
    """Write the detector's card.

    Args:
        detectors: One row per detector.
        quality: What the list is worth, by group.
        verdict: As from the experiment.
        declared_design: The design.
        source: The data.
        making: Whether reviews were generated.
        listing: Length of the list, and whether it is flagged.

    Returns:
        The card as JSON and as one page.
    """
    design = Design.model_validate(declared_design)
    said = describe_detector(detectors, quality, verdict, design, source, making, listing)
    return said, as_page(said)
