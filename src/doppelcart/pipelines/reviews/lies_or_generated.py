"""Generated text and human lies are two matters, with a figure each."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from doppelcart.metrics.classification import auc
from doppelcart.pipelines.reviews.params import LabelParams
from doppelcart.pipelines.reviews.review_design import GAN_TEXT
from doppelcart.pipelines.reviews.review_texts import TEXT
from doppelcart.pipelines.reviews.review_trials import (
    Fold,
    Read,
    folds_of,
    joined,
    part_of,
    rows_of,
)
from doppelcart.pipelines.reviews.text_makers import Rows, markov_texts, unmarked

COLUMNS: Final = ("learnt", "generated", "unseen", "lies", "warning")
BY_GENERATED, BY_LIES = "generated text", "human lies"
SAME_GENERATOR: Final = "judged on the generator that taught it"


def lies_or_generated(
    reviews: pd.DataFrame, params: LabelParams, read: Read | None = None
) -> pd.DataFrame:
    """What a detector of generated text finds, and what a detector of human lies finds.

    Args:
        reviews: Texts, labels and places.
        params: Folds and seed.
        read: What learns to write from the reviews of a fold, and taught no detector; None where
            no texts are written.

    Returns:
        One row per ``learnt`` (what it was taught): AUC of texts of a Markov chain ``generated``,
        of texts of a network that writes ``unseen`` (NaN where none are written) and of human lies
        ``lies``, against truthful reviews of unseen places; and a ``warning`` of what
        ``generated`` was judged on.
    """
    from sklearn.svm import LinearSVC

    rows = []
    for number, fold in enumerate(folds_of(reviews, params)):
        rng = np.random.default_rng([params.seed, number])
        truthful = ~fold.rows.labels
        made = _chained(fold, fold.texts[truthful].tolist(), rng)
        judged = part_of(fold.judged_rows, ~fold.judged_rows.labels)
        real = reviews[TEXT].to_numpy(object)[fold.judged][~fold.judged_rows.labels].tolist()
        chained = joined(judged, _chained(fold, real, rng))
        unseen = None
        if read is not None:
            unseen = joined(judged, _written(fold, len(real), read, params.seed + number))
        taught = {BY_GENERATED: joined(part_of(fold.rows, truthful), made), BY_LIES: fold.rows}
        for learnt, lesson in taught.items():
            model = LinearSVC(C=1.0).fit(lesson.grams, lesson.labels)
            found = {"generated": chained, "unseen": unseen, "lies": fold.judged_rows}
            rows.append({"learnt": learnt} | {name: _told(model, of) for name, of in found.items()})
    means = pd.DataFrame(rows).groupby("learnt", sort=False).mean().reset_index()
    return means.assign(warning=means["learnt"].map({BY_GENERATED: SAME_GENERATOR, BY_LIES: ""}))


def _chained(fold: Fold, texts: list[str], rng: np.random.Generator) -> Rows:
    """As many texts of a Markov chain as it is made of."""
    made = unmarked(markov_texts(texts, len(texts), rng))
    return rows_of(made, np.ones(len(made), bool), fold.grams, fold.svd)


def _written(fold: Fold, number: int, read: Read, seed: int) -> Rows:
    """Truthful texts of the network that writes, which has read all reviews of other places."""
    write = read(fold.texts.tolist(), seed)
    labels, asked = fold.rows.labels, np.zeros(number, bool)
    made = unmarked(write(GAN_TEXT, fold.texts.tolist(), labels, asked, seed))
    return rows_of(made, np.ones(number, bool), fold.grams, fold.svd)


def _told(model: Any, rows: Rows | None) -> float:
    if rows is None:
        return float("nan")
    return auc(rows.labels, model.decision_function(rows.grams))
