"""Detectors of deceptive reviews with all labels, on places that they have not seen."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd

from doppelcart.metrics.classification import auc
from doppelcart.pipelines.reviews.params import ReviewListParams
from doppelcart.pipelines.reviews.review_texts import (
    LABEL,
    PART,
    PLACE,
    SOURCE_ROW,
    TEXT,
    format_alone,
)

WORDS, CHARACTERS, FORMAT = "words", "characters", "format alone"
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


def said_by(kind: str, reviews: pd.DataFrame, folds: int) -> np.ndarray:
    """(n,) what a linear support vector machine says of each review, learnt from other places.

    Args:
        kind: ``WORDS`` or ``CHARACTERS``.
        reviews: Texts, labels and places.
        folds: Parts of the places.
    """
    from sklearn.model_selection import GroupKFold
    from sklearn.svm import LinearSVC

    labels, said = reviews[LABEL].to_numpy(), np.zeros(len(reviews))
    parts = GroupKFold(min(folds, reviews[PLACE].nunique()))
    for train, test in parts.split(said, groups=reviews[PLACE]):
        grams = vectoriser(kind)
        learnt = grams.fit_transform(reviews[TEXT].iloc[train])
        model = LinearSVC(C=1.0).fit(learnt, labels[train])
        said[test] = model.decision_function(grams.transform(reviews[TEXT].iloc[test]))
    return said


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
    for name in (WORDS, CHARACTERS, FORMAT):
        said = format_alone(reviews) - 0.5 if name == FORMAT else said_by(name, reviews, folds)
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
