"""From a table of labelled reviews to texts that a detector can be judged by, checked."""

from __future__ import annotations

import html
import logging
import re
from collections import Counter
from typing import Any, Final

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from doppelcart.columns import Columns, Tables
from doppelcart.errors import InputError
from doppelcart.metrics.classification import auc
from doppelcart.pipelines.reviews.params import ReviewParams
from doppelcart.pipelines.reviews.review_behaviour import (
    behaviour_of,
    faults_of_behaviour,
    told_of,
)
from doppelcart.pipelines.reviews.review_labels import fault_of_labels, labels_of

GENERATED: Final = "[generated]"
"""What every generated text begins with."""
TEXT, LABEL, PLACE, PART = Columns.TEXT, "deceptive", Columns.PLACE, Columns.PART
NAME: Final = Columns.REVIEW
"""Column by which a shop may name its reviews."""
SOURCE_ROW: Final = "review"
"""What a review is found again by: its ``review_id``, or its row in the declared table, from 1."""
LEAST_PLACES: Final = 5
LEAST_OF_A_CLASS: Final = 20
MOST_NAMED: Final = 5
CONTRADICTING, DOUBLED = "contradicting labels", "texts that stand there more than once"
_TAG, _LINK = re.compile(r"<[^>]*>"), re.compile(r"(https?://|www\.)\S+")
_WORD = re.compile(r"[^\W\d_]+")
_MARK = re.compile(r"[\W_]*?\[\s*generated\s*\]", re.IGNORECASE)
"""The mark after whatever is no word: quotation marks, bullets, characters that are not seen."""

log = logging.getLogger(__name__)


def words_of(text: str) -> list[str]:
    """Words of a text in lower case.

    Examples:
        >>> words_of("It's 5 stars, or not?")
        ['it', 's', 'stars', 'or', 'not']
    """
    return _WORD.findall(text.lower())


def read_reviews(
    table: ir.Table, params: ReviewParams, where: str = Tables.LABELLED_REVIEWS
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Read labelled reviews, and refuse what nothing can be learnt from.

    Args:
        table: ``text``, ``deceptive`` (true or false, yes or no, 1 or 0) and ``place`` (hotel or
            product); perhaps ``part`` (such as praise or complaint), by which places are told apart
            besides, ``review_id``, by which a person finds a review again, and ``rating``,
            ``reviewer`` and ``written``, which tell how a writer behaves.
        params: What is tolerated.
        where: What messages call the declaration and its files.

    Returns:
        One row per review, with what it is found again by in ``review`` and the measures of
        behaviour that the table allows; and what was counted: ``what``, ``number``, ``of``,
        ``done``.

    Raises:
        InputError: All faults at once.
    """
    missing = [name for name in (TEXT, LABEL, PLACE) if name not in table.columns]
    if missing:
        raise _refused([f"they have no column {', '.join(missing)}."], where)
    frame = table.to_pandas()
    frame[PART] = frame[PART].astype(str) if PART in frame else ""
    # Before anything is left out: what is left out must not move the others.
    frame[SOURCE_ROW] = frame[NAME] if NAME in frame else np.arange(1, len(frame) + 1)
    faults = [
        *_faults_of_marks(frame[TEXT]),
        *_faults_of_names(frame[SOURCE_ROW]),
        *faults_of_behaviour(frame),
    ]
    said, unknown = labels_of(frame[LABEL])
    if unknown.any():
        # What else is wrong would be judged on the rows that are left, and be no fault of theirs.
        raise _refused([*faults, fault_of_labels(frame[LABEL], unknown)], where)
    shown = frame[TEXT].fillna("").astype(str).map(plain_text)
    # Of the whole table: what is left out is still something that its writer wrote.
    behaviour = behaviour_of(frame, PLACE, shown.map(lambda text: len(words_of(text))))
    read = frame.assign(**{LABEL: said, TEXT: shown}).join(behaviour)
    kept, counts = _sorted_out(read, params.known_words)
    bad = counts[counts["what"] != DOUBLED]
    faults += [
        f"{row['what']}: {row['number']:,} of {row['of']:,}. Correct the table, or its expressions."
        for row in bad[bad["number"] > params.refuse_share * bad["of"]].to_dict("records")
    ]
    faults += _faults_of(kept, params)
    if faults:
        raise _refused(faults, where)
    return kept[[SOURCE_ROW, TEXT, LABEL, PLACE, PART, *told_of(kept)]], counts


def _sorted_out(frame: pd.DataFrame, known_words: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Reviews that can be learnt from, and how many were left out, by reason."""
    counts = []

    def keep(rows: pd.DataFrame, wrong: Any, what: str, of: int = len(frame)) -> pd.DataFrame:
        left_out = np.asarray(wrong, bool)
        counts.append((what, int(left_out.sum()), of, "left out"))
        return rows[~left_out]

    kept = keep(frame, frame[[LABEL, PLACE]].isna().any(axis=1), "reviews without label or place")
    kept = keep(kept, kept[TEXT].map(lambda text: not words_of(text)), "reviews without words")
    foreign = ~is_known(kept[TEXT].tolist(), known_words)
    kept = keep(kept, foreign, "reviews in another language")
    # Nobody knows which of the two labels is right.
    both = kept.groupby(TEXT)[LABEL].transform("nunique") > 1
    kept = keep(kept, both, CONTRADICTING, len(kept))
    # A text in two places would be learnt from and judged.
    kept = keep(kept, kept.duplicated(TEXT, keep="first"), DOUBLED, len(kept))
    told = pd.DataFrame(counts, columns=["what", "number", "of", "done"])
    return kept.reset_index(drop=True).astype({LABEL: bool}), told


def _faults_of_marks(texts: pd.Series) -> list[str]:
    marked = int(texts.fillna("").astype(str).map(is_marked).sum())
    if not marked:
        return []
    told = (
        f"{marked:,} of {len(texts):,} begin with {GENERATED}: they were generated, and cannot be"
    )
    return [f"{told} taken for real ones. Leave them out."]


def _refused(faults: list[str], where: str) -> InputError:
    listed = "\n".join(f"  {fault}" for fault in faults)
    return InputError(
        f"deceptive reviews cannot be learnt from {where}. Correct the file, or what "
        f"`labelled_reviews` in conf/<environment>/globals.yml makes of it:\n{listed}"
    )


def _faults_of_names(names: pd.Series) -> list[str]:
    """What is wrong with that by which reviews are found again; rows are right by being rows."""
    absent, doubled = names.isna(), names.duplicated() & names.notna()
    faults = []
    if absent.any():
        faults.append(f"{int(absent.sum()):,} of {len(names):,} have no {NAME}.")
    if doubled.any():
        shown = ", ".join(names[doubled].astype(str).unique()[:MOST_NAMED])
        faults.append(
            f"{int(doubled.sum()):,} of {len(names):,} have the {NAME} of another, such as "
            f"{shown}. Leave out {NAME}, and reviews are told by their rows."
        )
    return faults


def _faults_of(kept: pd.DataFrame, params: ReviewParams) -> list[str]:
    faults = []
    places, counts = kept[PLACE].nunique(), kept[LABEL].value_counts()
    if places < LEAST_PLACES:
        faults.append(
            f"they are of {places} places, and it takes {LEAST_PLACES}: a detector is judged on "
            "places that it has not seen."
        )
    least = min(int(counts.get(label, 0)) for label in (True, False))
    if least < LEAST_OF_A_CLASS:
        faults.append(
            f"{int(counts.get(True, 0))} are deceptive and {int(counts.get(False, 0))} are not, "
            f"and it takes {LEAST_OF_A_CLASS} of each."
        )
    if not faults:
        try:
            told = auc(kept[LABEL].to_numpy(), format_alone(kept))
        except InputError as error:
            return [str(error)]
        if told > params.leak:
            faults.append(
                f"length, capitals, punctuation and digits alone tell the labels (AUC {told:.2f}): "
                "they are leaked by how the texts were collected, not by what they say."
            )
    return faults


def plain_text(text: str) -> str:
    """A text without tags, links and needless blanks."""
    return " ".join(_LINK.sub(" ", _TAG.sub(" ", text)).split())


def is_marked(text: str) -> bool:
    """Whether a text says of itself that it was generated, whatever tags or blanks come before.

    Args:
        text: As it was read.

    Examples:
        >>> is_marked("<p> [Generated] Fine room"), is_marked("The [generated] key did not work")
        (True, False)
    """
    return _MARK.match(plain_text(html.unescape(text))) is not None


def is_known(texts: list[str], least: float) -> np.ndarray:
    """(n,) whether other texts know enough of a text's words.

    Args:
        texts: Any.
        least: Share of its words.
    """
    words = [words_of(text) for text in texts]
    counted = Counter(word for own in words for word in set(own))
    shares = [np.mean([counted[word] > 1 for word in own]) if own else 0.0 for own in words]
    return np.asarray(shares) >= least


def format_of(texts: list[str]) -> np.ndarray:
    """(n, 5) log length; shares of capitals, punctuation and digits; length of a word.

    Args:
        texts: Any.
    """
    rows = []
    for text in texts:
        n = max(len(text), 1)
        rows.append(
            (
                np.log1p(n),
                sum(c.isupper() for c in text) / n,
                sum(not c.isalnum() and not c.isspace() for c in text) / n,
                sum(c.isdigit() for c in text) / n,
                n / max(len(text.split()), 1),
            )
        )
    return np.asarray(rows)


def parts_of(
    reviews: pd.DataFrame, folds: int, shuffle: bool = False
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Part the places: each part is judged by what the others teach.

    Args:
        reviews: Labels and places.
        folds: Parts, of which there are no more than places.
        shuffle: Whether places are drawn for them; else parts are of one size.

    Returns:
        Rows of the others, and of the part.

    Raises:
        InputError: The others of a part are all of one label, so that nothing can be learnt.
    """
    from sklearn.model_selection import GroupKFold

    places, labels = reviews[PLACE].astype(str), reviews[LABEL].to_numpy(bool)
    number = min(folds, places.nunique())
    if number < 2:
        raise InputError(
            f"what is learnt from is all of {places.iloc[0]}, and it takes another place to judge "
            "by. Bring reviews of more places, or raise reviews.labels.folds."
        )
    cut = GroupKFold(number, shuffle=shuffle, random_state=0 if shuffle else None)
    found = list(cut.split(reviews, groups=reviews[PLACE]))
    for others, judged in found:
        if labels[others].all() or not labels[others].any():
            label = "deceptive" if labels[others].all() else "genuine"
            named = ", ".join(places.iloc[judged].unique()[:MOST_NAMED])
            raise InputError(
                f"{len(judged):,} reviews of {named} are to be judged by what others teach, and "
                f"all {len(others):,} others are {label}: a label of one place, or of a few, "
                "cannot be told from the place. Bring both labels of more places."
            )
    return found


def format_alone(reviews: pd.DataFrame) -> np.ndarray:
    """(n,) what a logistic regression on format says of each, learnt from other places.

    Args:
        reviews: Texts, labels and places.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model: Any = make_pipeline(StandardScaler(), LogisticRegression())
    said: np.ndarray = cross_val_predict(
        model,
        format_of(reviews[TEXT].tolist()),
        reviews[LABEL],
        cv=parts_of(reviews, LEAST_PLACES),
        method="predict_proba",
    )[:, 1]
    return said
