"""The experiment: few labelled reviews, what is added to them, and what a detector learns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from doppelcart.errors import InputError
from doppelcart.metrics.classification import auc
from doppelcart.pipelines.reviews.params import FakeReviewParams, LabelParams
from doppelcart.pipelines.reviews.review_design import (
    CLUSTER,
    COPIES,
    IN_COORDINATES,
    IN_WORDS,
    LABELS,
    MARKOV,
    MIXUP,
    NONE,
    ORACLE,
    REVIEW,
    SELF_TRAINING,
    WORD_CHANGES,
    written_group,
)
from doppelcart.pipelines.reviews.review_texts import LABEL, PART, PLACE, TEXT, parts_of
from doppelcart.pipelines.reviews.text_detectors import WORDS, vectoriser
from doppelcart.pipelines.reviews.text_makers import (
    CONFIDENT,
    Rows,
    changed_words,
    markov_texts,
    mixed,
    unmarked,
)
from doppelcart.progress import tracked

ON_GRAMS, ON_COORDINATES = "words", "coordinates"
VALIDATION: Final = 0.3
"""Share of the labelled reviews that choose."""
LABELLED: Final = 0.8
"""Share of the reviews of other places that may be labelled; the rest stays unlabelled."""
QUANTILES: Final = np.linspace(0.02, 0.98, 49)

Drawer = Callable[[np.ndarray, np.ndarray, np.ndarray, int], tuple[np.ndarray, float]]
"""Coordinates, labels, labels asked for, seed -> coordinates, and how unlike real ones they are."""
Write = Callable[[str, list[str], np.ndarray, np.ndarray, int], list[str]]
"""Arm, texts, labels, labels asked for, seed -> marked texts, one per label asked for."""
Read = Callable[[list[str], int], Write]
"""Unlabelled texts of a fold and a seed -> who has read them, and writes."""


class Fold(NamedTuple):
    """Reviews by what they are for.

    Attributes:
        pool: Reviews of places that may be learnt from.
        judged: Reviews of the other places.
        texts: (n_pool,) texts of the pool.
        rows: Of the pool.
        judged_rows: Of the others.
        grams: What counts words.
        svd: What makes coordinates.
    """

    pool: np.ndarray
    judged: np.ndarray
    texts: np.ndarray
    rows: Rows
    judged_rows: Rows
    grams: Any
    svd: Any


def sizes_of(reviews: pd.DataFrame, params: LabelParams) -> list[int]:
    """Numbers of labels that there are reviews for.

    Args:
        reviews: All.
        params: Numbers asked for.

    Raises:
        InputError: None is left.
    """
    labels = reviews[LABEL].to_numpy(bool)
    pools = [labels[pool] for pool, _ in parts_of(reviews, params.folds, shuffle=True)]
    most = int(min(map(len, pools)) * LABELLED)
    rarest = min(int((pool == label).sum()) for pool in pools for label in (True, False))
    # Labels take turns, and of either some have to be left when those are gone that choose.
    fitting = sorted(
        {size for size in params.sizes if size <= most and n_choosing(size) < 2 * rarest - 1}
    )
    if not fitting:
        raise InputError(
            f"{len(reviews)} labelled reviews are too few: {min(params.sizes)} labels take more "
            f"than there are in other places, at least {min(map(len, pools)):,} reviews, of which "
            f"{rarest:,} or more have the rarer label. Lower reviews.labels.sizes, or bring more "
            "reviews."
        )
    return fitting


def n_choosing(size: int) -> int:
    """How many of the labelled reviews choose.

    Args:
        size: Labelled reviews.
    """
    return max(2, round(VALIDATION * size))


def folds_of(reviews: pd.DataFrame, params: LabelParams) -> Iterator[Fold]:
    """Part the places; words and coordinates are learnt from the pool, without its labels.

    Args:
        reviews: Texts, labels and places.
        params: Folds, components.
    """
    from sklearn.decomposition import TruncatedSVD

    texts, labels = reviews[TEXT].to_numpy(object), reviews[LABEL].to_numpy()
    for pool, judged in parts_of(reviews, params.folds, shuffle=True):
        grams = vectoriser(WORDS).fit(texts[pool])
        weighted = grams.transform(texts[pool])
        width = min(params.components, min(weighted.shape) - 1)
        svd = TruncatedSVD(width, random_state=params.seed).fit(weighted)
        yield Fold(
            pool,
            judged,
            texts[pool],
            rows_of(texts[pool], labels[pool], grams, svd),
            rows_of(texts[judged], labels[judged], grams, svd),
            grams,
            svd,
        )


def rows_of(texts: Any, labels: np.ndarray, grams: Any, svd: Any) -> Rows:
    """Texts as rows.

    Args:
        texts: (n,) texts.
        labels: (n,) labels.
        grams: What counts words.
        svd: What makes coordinates.
    """
    weighted = grams.transform(texts)
    return Rows(weighted, svd.transform(weighted), labels, np.ones(len(labels)))


def part_of(rows: Rows, places: np.ndarray) -> Rows:
    """Some of the rows."""
    grams = None if rows.grams is None else rows.grams[places]
    return Rows(grams, rows.coordinates[places], rows.labels[places], rows.weights[places])


def joined(one: Rows, other: Rows) -> Rows:
    """Rows of two; their words only if both have them."""
    from scipy import sparse

    both = one.grams is not None and other.grams is not None
    grams = sparse.vstack([one.grams, other.grams]).tocsr() if both else None
    parts = (np.concatenate(pair) for pair in zip(one[1:], other[1:], strict=True))
    return Rows(grams, *parts)


def fit(family: str, strength: float, rows: Rows) -> Any:
    """A linear detector on words, or on coordinates.

    Args:
        family: ``ON_GRAMS`` or ``ON_COORDINATES``.
        strength: Inverse strength of its penalty.
        rows: What to learn from.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import LinearSVC

    if family == ON_GRAMS:
        return LinearSVC(C=strength, class_weight="balanced").fit(
            rows.grams, rows.labels, sample_weight=rows.weights
        )
    ridge = LogisticRegression(C=strength / 100, max_iter=500, class_weight="balanced")
    model = make_pipeline(StandardScaler(), ridge)
    return model.fit(rows.coordinates, rows.labels, logisticregression__sample_weight=rows.weights)


def said_by(family: str, model: Any, rows: Rows) -> np.ndarray:
    """(n,) above 0 for deceptive."""
    seen = rows.grams if family == ON_GRAMS else rows.coordinates
    said: np.ndarray = model.decision_function(seen)
    return said


def choose(
    learnt: Rows, validation: Rows, added: Rows | None, params: LabelParams
) -> tuple[str, float, float]:
    """Family, strength and ratio that tell most validation reviews right.

    Args:
        learnt: Labelled reviews to learn from.
        validation: Labelled reviews that choose.
        added: What can be added; as many as the largest ratio asks for.
        params: Grid.
    """
    best, found = -1.0, (ON_GRAMS, params.penalties[0], 0.0)
    ratios = params.ratios if added is not None else (0.0,)
    for ratio in ratios:
        rows = _with(learnt, added, ratio, max(params.ratios))
        families = [ON_COORDINATES] if rows.grams is None else [ON_GRAMS, ON_COORDINATES]
        for family in families:
            for strength in params.penalties:
                said = said_by(family, fit(family, strength, rows), validation)
                right = float(((said > 0) == validation.labels).mean())
                if right > best:
                    best, found = right, (family, strength, ratio)
    return found


def _with(learnt: Rows, added: Rows | None, ratio: float, largest: float) -> Rows:
    if added is None or not ratio:
        return learnt
    kept = np.arange(round(len(added.labels) * ratio / largest))
    return joined(learnt, part_of(added, kept))


def measure(
    reviews: pd.DataFrame,
    params: LabelParams,
    drawers: Mapping[str, Drawer],
    read: Read | None = None,
    making: FakeReviewParams | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Try every arm with every number of labels, on places that no arm has seen.

    Args:
        reviews: Texts, labels and places.
        params: Numbers, folds, grids.
        drawers: Trained generators by arm; none where nothing is generated.
        read: What learns to write from the reviews of a fold; None where no texts are written.
        making: For which numbers of labels, and how many draws of them, texts are written; None
            for what is so by default.

    Returns:
        One score per (labels, arm, review), right or wrong, mean over draws; and one row per
        (labels, arm, fold, draw) with ``accuracy``, ``auc``, ``family``, ``ratio``, ``unlike``.
    """
    scores, tried = [], []
    sizes, making = sizes_of(reviews, params), making or FakeReviewParams()
    plan = [
        (number, fold, size, draw)
        for number, fold in enumerate(folds_of(reviews, params))
        for size in sizes
        for draw in range(params.draws)
    ]
    clusters = (reviews[PLACE].astype(str) + " " + reviews[PART]).to_numpy()
    writers: dict[int, Write] = {}
    for number, fold, size, draw in tracked(plan, "trying labels", "shop"):
        rng = np.random.default_rng([params.seed, number, size, draw])
        write = None
        if read is not None and size in making.text_sizes and draw < making.text_draws:
            if number not in writers:
                writers[number] = read(fold.texts.tolist(), params.seed + number)
            write = writers[number]
        for arm, said, told in arms_of(fold, size, params, drawers, rng, write):
            right = (said > 0) == fold.judged_rows.labels
            for group in groups_of(size, arm, write is not None):
                about = {LABELS: group, "arm": arm}
                scores.append(
                    pd.DataFrame(
                        {
                            **about,
                            REVIEW: fold.judged,
                            CLUSTER: clusters[fold.judged],
                            "value": right.astype(float),
                            "level": told["ratio"],
                        }
                    )
                )
                tried.append(
                    about
                    | {"fold": number, "draw": draw, "accuracy": float(right.mean())}
                    | {"auc": auc(fold.judged_rows.labels, said)}
                    | told
                )
    table = pd.concat(scores, ignore_index=True)
    levels = table.groupby([LABELS, "arm"])["level"].mean().rename("mean_level")
    means: Any = table.groupby([LABELS, "arm", REVIEW, CLUSTER], sort=False)["value"].mean()
    found = means.reset_index().merge(levels.reset_index(), on=[LABELS, "arm"])
    return found.rename(columns={"mean_level": "level"}), pd.DataFrame(tried)


def groups_of(size: int, arm: str, is_written: bool) -> list[str]:
    """Groups that an arm is compared in: all draws, and those draws that texts are written for.

    Args:
        size: Labels.
        arm: Its name.
        is_written: Whether texts are written for this draw.
    """
    everywhere = [] if arm in IN_WORDS else [str(size)]
    return [*everywhere, *([written_group(size)] * (is_written and arm not in IN_COORDINATES))]


def arms_of(
    fold: Fold,
    size: int,
    params: LabelParams,
    drawers: Mapping[str, Drawer],
    rng: np.random.Generator,
    write: Write | None = None,
) -> Iterator[tuple[str, np.ndarray, dict[str, Any]]]:
    """Every arm on one draw of labels.

    What is added is made of the labelled reviews that do not choose.

    Args:
        fold: Reviews.
        size: Labels.
        params: Grid.
        drawers: Trained generators by arm.
        rng: Of labels and of what is made.
        write: Writes texts, where that is asked for.

    Yields:
        Arm, what it says of the judged reviews, and what it chose.
    """
    order = _alternating(fold.rows.labels, rng)
    own, rest = order[:size], order[size:]
    n_validation = n_choosing(size)
    chooses, learns = part_of(fold.rows, own[:n_validation]), own[n_validation:]
    learnt, whole = part_of(fold.rows, learns), part_of(fold.rows, own)
    number = round(max(params.ratios) * len(learns))
    seed = int(rng.integers(2**31 - 1))

    def judged(added: Rows | None) -> tuple[np.ndarray, dict[str, Any]]:
        family, strength, ratio = choose(learnt, chooses, added, params)
        rows = _with(whole, added, ratio, max(params.ratios))
        said = said_by(family, fit(family, strength, rows), fold.judged_rows)
        return said, {"family": family, "ratio": ratio, "unlike": float("nan")}

    yield NONE, *judged(None)
    # All of them before any comes a third time, and no draw: other arms' draws stay as they are.
    yield COPIES, *judged(part_of(fold.rows, np.resize(learns, number)))
    like = learns[rng.integers(0, len(learns), number)]
    texts = changed_words(fold.texts[like].tolist(), rng)
    labels = fold.rows.labels
    yield WORD_CHANGES, *judged(rows_of(texts, labels[like], fold.grams, fold.svd))
    yield MIXUP, *judged(mixed(learnt, number, rng))
    yield SELF_TRAINING, *judged(_sure(fold, learnt, rest))
    if drawers:
        chain = _markov(fold, learns, labels, number, rng)
        said, told = judged(chain)
        yield MARKOV, said, told | {"unlike": unlikeness(chain.coordinates, learnt.coordinates)}
    asked = labels[like]
    for arm, draw in drawers.items():
        made, unlike = draw(learnt.coordinates, learnt.labels, asked, seed)
        said, told = judged(Rows(None, made, asked, np.ones(len(asked))))
        yield arm, said, told | {"unlike": unlike}
    if write is not None:
        for arm in IN_WORDS:
            texts = write(arm, fold.texts[learns].tolist(), labels[learns], asked, seed)
            rows = rows_of(unmarked(texts), asked, fold.grams, fold.svd)
            said, told = judged(rows)
            yield arm, said, told | {"unlike": unlikeness(rows.coordinates, learnt.coordinates)}
    everything = choose(learnt, chooses, None, params)
    said = said_by(everything[0], fit(*everything[:2], fold.rows), fold.judged_rows)
    yield ORACLE, said, {"family": everything[0], "ratio": 1.0, "unlike": float("nan")}


def unlikeness(made: np.ndarray, real: np.ndarray) -> float:
    """How far made reviews lie from real ones: distance of quantiles, in spreads of the real ones.

    Args:
        made: (n, n_components) coordinates.
        real: (m, n_components) coordinates.

    Examples:
        >>> unlikeness(np.array([[1.0], [3.0]]), np.array([[0.0], [2.0]]))
        1.0
    """
    gaps = np.abs(np.quantile(made, QUANTILES, axis=0) - np.quantile(real, QUANTILES, axis=0))
    return float(np.mean(gaps.mean(axis=0) / (real.std(axis=0) + 1e-6)))


def _alternating(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(n,) places in random order, one label after the other as long as there are both."""
    keys = np.empty(len(labels))
    for label in (False, True):
        own = np.flatnonzero(labels == label)
        keys[rng.permutation(own)] = np.arange(len(own)) + rng.random()
    return np.argsort(keys)


def _sure(fold: Fold, learnt: Rows, rest: np.ndarray) -> Rows | None:
    """Unlabelled reviews with the labels that a detector is surest of, as many of each."""
    if not len(rest):
        return None
    unlabelled = part_of(fold.rows, rest)
    said = said_by(ON_GRAMS, fit(ON_GRAMS, 1.0, learnt), unlabelled)
    each = max(1, round(CONFIDENT * len(rest) / 2))
    order = np.argsort(said)
    taken = np.concatenate([order[:each], order[-each:]])
    return part_of(unlabelled, taken)._replace(labels=said[taken] > 0)


def _markov(
    fold: Fold, learns: np.ndarray, labels: np.ndarray, number: int, rng: np.random.Generator
) -> Rows:
    texts, of = [], []
    for label in (False, True):
        own = fold.texts[learns[labels[learns] == label]].tolist()
        if own:
            texts += unmarked(markov_texts(own, number // 2, rng))
            of += [label] * (number // 2)
    shuffled = rng.permutation(len(texts))
    return rows_of(np.array(texts, object)[shuffled], np.array(of)[shuffled], fold.grams, fold.svd)


def summary(tried: pd.DataFrame) -> pd.DataFrame:
    """Means over folds and draws, per number of labels and arm.

    Args:
        tried: One row per labels, arm, fold and draw.
    """
    grouped: Any = tried.groupby([LABELS, "arm"], sort=False)
    return grouped.agg(
        accuracy=("accuracy", "mean"),
        sd=("accuracy", "std"),
        auc=("auc", "mean"),
        ratio=("ratio", "mean"),
        unlike=("unlike", "mean"),
        tried=("accuracy", "size"),
    ).reset_index()
