"""Generated text and human lies are two matters: who finds the one does not find the other."""

from __future__ import annotations

import numpy as np
import pandas as pd

from doppelcart.metrics.classification import auc
from doppelcart.pipelines.reviews.params import LabelParams
from doppelcart.pipelines.reviews.review_texts import TEXT
from doppelcart.pipelines.reviews.review_trials import folds_of, joined, part_of, rows_of
from doppelcart.pipelines.reviews.text_makers import markov_texts, unmarked


def lies_or_generated(reviews: pd.DataFrame, params: LabelParams) -> pd.DataFrame:
    """What a detector of generated text finds, and what a detector of human lies finds.

    Args:
        reviews: Texts, labels and places.
        params: Folds and seed.

    Returns:
        One row per ``learnt`` (what it was taught): AUC of generated texts ``generated`` and of
        human lies ``lies`` against truthful reviews of unseen places.
    """
    from sklearn.svm import LinearSVC

    rows = []
    for number, fold in enumerate(folds_of(reviews, params)):
        rng = np.random.default_rng([params.seed, number])
        truthful = ~fold.rows.labels
        made = rows_of(
            unmarked(markov_texts(fold.texts[truthful].tolist(), int(truthful.sum()), rng)),
            np.ones(int(truthful.sum()), bool),
            fold.grams,
            fold.svd,
        )
        judged = part_of(fold.judged_rows, ~fold.judged_rows.labels)
        real = reviews[TEXT].to_numpy(object)[fold.judged][~fold.judged_rows.labels]
        fakes = rows_of(
            unmarked(markov_texts(real.tolist(), len(real), rng)),
            np.ones(len(real), bool),
            fold.grams,
            fold.svd,
        )
        taught = {
            "generated text": joined(part_of(fold.rows, truthful), made),
            "human lies": fold.rows,
        }
        for learnt, lesson in taught.items():
            model = LinearSVC(C=1.0).fit(lesson.grams, lesson.labels)
            against = joined(judged, fakes)
            rows.append(
                {
                    "learnt": learnt,
                    "generated": auc(against.labels, model.decision_function(against.grams)),
                    "lies": auc(
                        fold.judged_rows.labels, model.decision_function(fold.judged_rows.grams)
                    ),
                }
            )
    return pd.DataFrame(rows).groupby("learnt", sort=False).mean().reset_index()
