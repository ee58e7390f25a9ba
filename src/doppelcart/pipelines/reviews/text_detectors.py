"""Detectors of deceptive reviews with all labels, on places that they have not seen."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from doppelcart.metrics.classification import auc
from doppelcart.pipelines.reviews.params import ReviewListParams
from doppelcart.pipelines.reviews.review_behaviour import told_of
from doppelcart.pipelines.reviews.review_texts import (
    LABEL,
    PART,
    PLACE,
    SOURCE_ROW,
    TEXT,
    format_alone,
    parts_of,
)

WORDS, CHARACTERS, FORMAT = "words", "characters", "format alone"
BEHAVIOUR, BOTH = "behaviour", "words and behaviour"
N_BOOTSTRAP: Final = 2000


def vectoriser(kind: str) -> Any:
    """Weighted n-grams: words of 1 to 2, or characters of 2 to 5.

    Args:
        kind: ``WORDS`` or ``CHARACTERS``.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    if kind == CHARACTERS:
        return TfidfVectorizer(analyzer="char", ngram_range=(2, 5), sublinear_tf=True, min_df=2)
    return TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)


def kinds_of(reviews: pd.DataFrame) -> tuple[str, ...]:
    """Detectors that these reviews allow.

    Args:
        reviews: As read.
    """
    behaving = (BEHAVIOUR, BOTH) if told_of(reviews) else ()
    return (WORDS, CHARACTERS, *behaving, FORMAT)


def lister_of(reviews: pd.DataFrame) -> str:
    """The detector that ranks the list: by words, and by behaviour where there is any.

    It is not chosen by how well either does, so that what the list is worth needs no other reviews.

    Args:
        reviews: As read.
    """
    return BOTH if told_of(reviews) else WORDS


def said_by(kind: str, reviews: pd.DataFrame, folds: int) -> np.ndarray:
    """(n,) what a detector says of each review, learnt from other places; above 0 is deceptive.

    Args:
        kind: One of ``kinds_of``.
        reviews: Texts, labels and places.
        folds: Parts of the places.
    """
    if kind == FORMAT:
        return format_alone(reviews) - 0.5
    labels, said = reviews[LABEL].to_numpy(), np.zeros(len(reviews))
    for train, test in parts_of(reviews, folds):
        model = _detector(kind, reviews.iloc[train], folds)
        model.fit(reviews.iloc[train], labels[train])
        said[test] = model.decision_function(reviews.iloc[test])
    return said


def _detector(kind: str, learnt: pd.DataFrame, folds: int) -> Any:
    """A detector yet to be fitted on the reviews that are learnt from."""
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import HistGradientBoostingClassifier, StackingClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import LinearSVC

    def reads(taken: Any, of: Any, model: Any) -> Any:
        return make_pipeline(ColumnTransformer([("read", taken, of)]), model)

    if kind in (WORDS, CHARACTERS):
        return reads(vectoriser(kind), TEXT, LinearSVC(C=1.0, random_state=0))
    # Few measures, some of them missing: small trees take both, and no early stopping by chance.
    trees = HistGradientBoostingClassifier(
        max_leaf_nodes=7, max_iter=60, early_stopping=False, random_state=0
    )
    behaving = reads("passthrough", told_of(learnt), trees)
    if kind == BEHAVIOUR:
        return behaving
    # What each of the two is worth is learnt on places that it has not seen, too.
    return StackingClassifier(
        [
            ("words", reads(vectoriser(WORDS), TEXT, LinearSVC(C=1.0, random_state=0))),
            ("behaviour", behaving),
        ],
        LogisticRegression(),
        cv=parts_of(learnt, folds),
    )


def detectors_table(reviews: pd.DataFrame, folds: int, seed: int) -> pd.DataFrame:
    """Accuracy and AUC of every detector with all labels, intervals over places.

    Args:
        reviews: Texts, labels and places.
        folds: Parts of the places.
        seed: Of resampling.

    Returns:
        ``by``, ``accuracy``, ``low``, ``high``, ``auc``, ``reviews``, ``places``.
    """
    labels, places = reviews[LABEL].to_numpy(), reviews[PLACE].to_numpy()
    rows = []
    for name in kinds_of(reviews):
        said = said_by(name, reviews, folds)
        right = (said > 0) == labels
        low, high = over_places(right, places, seed)
        rows.append(
            {
                "by": name,
                "accuracy": float(right.mean()),
                "low": low,
                "high": high,
                "auc": auc(labels, said),
                "reviews": len(labels),
                "places": len(np.unique(places)),
            }
        )
    return pd.DataFrame(rows)


def suspects_table(
    reviews: pd.DataFrame, said: np.ndarray, listing: ReviewListParams
) -> pd.DataFrame:
    """Reviews by how much they read like deceptive ones, learnt from other places; no text.

    Args:
        reviews: Texts, labels and places.
        said: (n,) the higher, the nearer to the head of the list.
        listing: Whether they are flagged, and how many.

    Returns:
        The most suspicious first: ``place``, ``review`` (its ``review_id``, or its row in the
        declared table, from 1), ``about`` (the hotel or product), ``part``, ``suspicion`` (rank, 0
        to 1), ``flag``.
    """
    order = np.argsort(-said, kind="stable")
    found = pd.DataFrame(
        {
            "place": np.arange(1, len(said) + 1),
            "review": reviews[SOURCE_ROW].to_numpy()[order],
            "about": reviews[PLACE].to_numpy()[order],
            "part": reviews[PART].to_numpy()[order],
            "suspicion": np.linspace(1, 0, len(said)),
        }
    )
    return found.assign(flag=listing.flags(found["place"]))


def over_places(right: np.ndarray, places: np.ndarray, seed: int) -> tuple[float, float]:
    """95 % interval of a share, places resampled.

    Args:
        right: (n,) whether.
        places: (n,) where.
        seed: Of resampling.
    """
    _, codes = np.unique(places, return_inverse=True)
    hits, sizes = np.bincount(codes, right), np.bincount(codes)
    drawn = np.random.default_rng(seed).integers(0, len(sizes), (N_BOOTSTRAP, len(sizes)))
    shares = hits[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    low, high = np.quantile(shares, [0.025, 0.975])
    return float(low), float(high)
