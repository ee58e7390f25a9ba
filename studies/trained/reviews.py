"""Reviews as coordinates and as texts, by the generators of the pipeline ``reviews``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np

from doppelcart.models.text.coordinate_config import CoordinateConfig
from doppelcart.models.text.writing_config import WritingConfig
from doppelcart.pipelines.reviews import review_trials as trials
from doppelcart.pipelines.reviews.nodes import drawers_of, read_labelled, reader_of
from doppelcart.pipelines.reviews.params import LabelParams, ReviewParams
from doppelcart.pipelines.reviews.review_design import GAN, GAN_TEXT, WITHOUT_CRITIC
from doppelcart.pipelines.reviews.text_makers import unmarked
from doppelcart.reading.declared_table import DeclaredTable
from studies import runs
from studies.trained.family import TRAINER, Family, Inputs, Made, opened, spread_of

DATA: Final = "Deceptive Opinion Spam Corpus"
LABELS: Final = 100
"""Labels that are known, the middle one of the numbers that the pipeline tries."""
WRITTEN: Final = 300
"""Texts that are compared."""
READING: Final = "reading"
"""The training on unlabelled texts that comes before the one with labels."""
CODE: Final = (
    *TRAINER,
    "src/doppelcart/models/text",
    *(
        f"src/doppelcart/pipelines/reviews/{name}.py"
        for name in ("nodes", "review_texts", "review_trials", "text_detectors")
    ),
    "studies/trained/reviews.py",
)


class Labelled(NamedTuple):
    """Reviews of the first fold, and those that have a label.

    Attributes:
        fold: Reviews.
        known: (n,) places of those whose label is known.
        training: How coordinates are learnt.
        writing: How texts are learnt.
    """

    fold: trials.Fold
    known: np.ndarray
    training: CoordinateConfig
    writing: WritingConfig


def read() -> Inputs:
    """The corpus, as a run reads and parts it."""
    env = "opspam"
    source, tables = opened(
        lambda: DeclaredTable(**runs.all_parameters(env)["labelled_reviews"]),
        "labelled_reviews",
        "DOPPELCART_OPSPAM",
        "opspam/deceptive-opinion.csv",
    )
    given = runs.all_parameters(env)["reviews"]
    reviews, _ = read_labelled(tables, source, ReviewParams(**given["reading"]))
    labels = LabelParams(**given["labels"])
    fold = next(iter(trials.folds_of(reviews, labels)))
    data = Labelled(
        fold,
        some_of_each(fold.rows.labels, LABELS, labels.seed),
        CoordinateConfig(**given["training"]),
        WritingConfig(**given["writing"]),
    )
    told = json.dumps([given[name] for name in ("reading", "labels", "training", "writing")])
    return Inputs(data, [reviews.to_csv(index=False).encode(), told.encode()])


def some_of_each(labels: np.ndarray, number: int, seed: int) -> np.ndarray:
    """Places of as many reviews of either label, at random.

    Args:
        labels: (n,) whether deceptive.
        number: Of both together.
        seed: Of the choice.
    """
    rng = np.random.default_rng(seed)
    halves = [np.flatnonzero(labels == label) for label in (False, True)]
    return np.concatenate([rng.permutation(own)[: number // 2] for own in halves])


def draw(data: Labelled, seed: int, arm: str) -> Mapping[str, Made]:
    """Coordinates on labels, as many as are known."""
    rows = trials.part_of(data.fold.rows, data.known)
    drawer = drawers_of(data.training)[arm]
    made, unlike = drawer(rows.coordinates, rows.labels, rows.labels, seed)
    spread = rows.coordinates.std(axis=0) + 1e-6
    return {arm: Made(unlike, spread_of(rows.coordinates / spread, made / spread))}


def write(data: Labelled, seed: int) -> Mapping[str, Made]:
    """Texts on labels: unlabelled ones are read first, then those with labels, with a critic."""
    fold, labels = data.fold, data.fold.rows.labels
    writer = reader_of(data.writing)(fold.texts.tolist(), seed)
    asked = np.arange(WRITTEN) % 2 == 0
    own = data.known
    texts = writer(GAN_TEXT, fold.texts[own].tolist(), labels[own], asked, seed)
    made = trials.rows_of(unmarked(texts), asked, fold.grams, fold.svd).coordinates
    real = fold.rows.coordinates
    unlike = trials.unlikeness(made, real)
    return {GAN_TEXT: Made(unlike, spread_of(real, made))}


def families() -> list[Family]:
    """Coordinates with a critic and without, and texts."""
    far = "distance of quantiles of coordinates from those of real reviews, in real spreads: less "
    common: dict[str, Any] = {"code": CODE, "read": read}
    told = {
        GAN: "reviews as coordinates: GAN",
        WITHOUT_CRITIC: "reviews as coordinates: scoring rule in the critic's place",
    }
    return [
        *(
            Family(
                f"reviews, {arm}",
                f"{DATA}, {LABELS} labels",
                {arm: title},
                "distance of sorted coordinates from those of the reviews learnt from, in real "
                "spreads: less is better",
                train=partial(draw, arm=arm),
                **common,
            )
            for arm, title in told.items()
        ),
        Family(
            "reviews, texts",
            f"{DATA}, {LABELS} labels",
            {READING: "texts: network that reads", GAN_TEXT: "texts: the same with a critic"},
            f"{far}is better",
            train=write,
            **common,
        ),
    ]
