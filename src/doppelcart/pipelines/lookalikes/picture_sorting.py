"""What is said of a photograph: its product, another one, not even its category, or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd

from doppelcart.imaging.photographs import GROUP, ID, PRODUCT, SPLIT, TEST
from doppelcart.pipelines.lookalikes.lookalike_trials import (
    ASTRAY,
    BLANK,
    CHOOSING,
    SIBLINGS,
    Heard,
    Pool,
    Prepared,
    heard,
)
from doppelcart.pipelines.lookalikes.params import DetectorParams, LookalikeListParams
from doppelcart.pipelines.lookalikes.photo_detectors import Choice
from doppelcart.pipelines.lookalikes.product_tasks import Task, Tasks
from doppelcart.pipelines.lookalikes.product_views import Views
from doppelcart.pipelines.lookalikes.unjudged import CANNOT

NOT_CATEGORY: Final = "not this category"
SUSPECT, UNSURE, FINE = "perhaps another product", "unsure", "like the product"
WORDS: Final = (NOT_CATEGORY, SUSPECT, UNSURE, FINE)
KINDS: Final = {
    "genuine": "genuine, from other shops",
    SIBLINGS: "siblings, sold as the product",
    ASTRAY: "products of other categories",
    BLANK: "blank pictures",
}
REJECTED: Final = 0.01
"""Share of genuine validation photographs that may be said to be of no such category."""
OF_A_HUNDRED: Final = 5
"""Siblings among a hundred photographs of the made-up market that precision is told of."""
MARKETS: Final = 200


class Limits(NamedTuple):
    """Thresholds, all of them from validation.

    Attributes:
        suspect: Score below which a photograph is suspected.
        sure: Score from which it is taken for the product; between the two a person decides.
        astray: How much nearer to other categories than to its own it may be.
        contrast: Spread of brightness below which a picture shows nothing.
    """

    suspect: float
    sure: float
    astray: float
    contrast: float


def nearer_to_others(views: Views, task: Task, asked: np.ndarray) -> np.ndarray:
    """(n,) distance to the category's nearest photograph less that to other categories' nearest."""
    shown = views.network[asked]

    def nearest(rows: np.ndarray) -> np.ndarray:
        known = views.network[rows]
        squared = np.square(shown).sum(1)[:, None] + np.square(known).sum(1) - 2 * shown @ known.T
        return np.sqrt(np.maximum(squared.min(axis=1), 0))

    # Siblings are of the category; here nobody asks which product it is.
    return nearest(np.concatenate([task.genuine, task.siblings])) - nearest(task.others)


def limits_of(
    tasks: Sequence[Task],
    said: Mapping[str, Heard],
    choice: Choice,
    pool: Pool,
    params: DetectorParams,
) -> Limits:
    """Thresholds from validation photographs of all products.

    Args:
        tasks: Products.
        said: Per product, what detectors say.
        choice: The detector.
        pool: All pictures.
        params: Share of false alarms.
    """
    genuine, siblings, astray, contrasts = [], [], [], []
    for task in tasks:
        own = said[task.product]
        genuine.append(own.said[choice][own.places["genuine_choosing"]])
        siblings.append(own.said[choice][own.places[CHOOSING]])
        astray.append(nearer_to_others(pool.views, task, task.choosing[0]))
        contrasts.append(pool.contrast[task.genuine])
    suspect = float(np.quantile(np.concatenate(genuine), params.false_alarms))
    sure = float(np.quantile(np.concatenate(siblings), 1 - params.false_alarms))
    return Limits(
        suspect,
        max(suspect, sure),
        float(np.quantile(np.concatenate(astray), 1 - REJECTED)),
        float(np.concatenate(contrasts).min()) / 2,
    )


def words_for(
    scores: np.ndarray, astray: np.ndarray, contrast: np.ndarray, limits: Limits
) -> np.ndarray:
    """(n,) what is said of photographs.

    Args:
        scores: (n,) of the detector.
        astray: (n,) as from ``nearer_to_others``.
        contrast: (n,) spread of brightness.
        limits: Thresholds.
    """
    rejected = (astray > limits.astray) | (contrast < limits.contrast)
    said: np.ndarray = np.select(
        [rejected, scores < limits.suspect, scores < limits.sure],
        [NOT_CATEGORY, SUSPECT, UNSURE],
        FINE,
    )
    return said


class Sorted(NamedTuple):
    """Photographs by what is said of them.

    Attributes:
        rates: One row per kind of picture: share of each word, ``pictures``, ``right``, the share
            of those of which something is said that is so; and, alike for all, ``precision`` of the
            first ``places`` of a list in a made-up market with its range, and ``sold_falsely``,
            the share of siblings in that market.
        alarms: One row per category: ``group``, ``genuine`` photographs, ``alarms`` among 1,000 of
            them, ``found`` among 100 siblings.
        ranks: One row per test photograph, sold as what it is labelled: ``picture_id``,
            ``sold_as``, ``group``, ``score`` (NaN where nobody can judge), ``said``.
    """

    rates: pd.DataFrame
    alarms: pd.DataFrame
    ranks: pd.DataFrame


def sort_pictures(
    table: pd.DataFrame,
    tasks: Tasks,
    said: Mapping[str, Heard],
    choice: Choice,
    pool: Pool,
    params: DetectorParams,
) -> Sorted:
    """Say something of every test photograph, and of what was put among them.

    Args:
        table: Photographs.
        tasks: Products.
        said: Per judged product, what detectors say.
        choice: The detector that validation chose where nothing is added.
        pool: All pictures.
        params: Share of false alarms.
    """
    limits = limits_of(tasks.judged, said, choice, pool, params)
    told = []
    for task in tasks.judged:
        own = said[task.product]
        for kind in KINDS:
            places = own.places[kind]
            rows = own.asked[places]
            words = words_for(
                own.said[choice][places],
                nearer_to_others(pool.views, task, rows),
                pool.contrast[rows],
                limits,
            )
            told.append(
                pd.DataFrame(
                    {
                        "group": task.group,
                        "kind": kind,
                        "score": own.said[choice][places],
                        "said": words,
                    }
                )
            )
    pictures = pd.concat(told, ignore_index=True)
    return Sorted(
        rates_by_kind(pictures, params),
        alarms_by_group(pictures),
        _ranks(table, tasks, said, choice, pool, params, limits),
    )


def rates_by_kind(pictures: pd.DataFrame, params: DetectorParams) -> pd.DataFrame:
    """What is said of each kind of picture, and how precise a list of suspects is.

    Args:
        pictures: ``group``, ``kind``, ``score`` and what is ``said``, a row a picture.
        params: Places of the list.

    Returns:
        As ``Sorted.rates``.
    """
    right = {"genuine": FINE, SIBLINGS: SUSPECT, ASTRAY: NOT_CATEGORY, BLANK: NOT_CATEGORY}
    rows = []
    for kind in KINDS:
        own = pictures.loc[pictures["kind"] == kind, "said"]
        shares = {word: float((own == word).mean()) for word in WORDS}
        decided = 1 - shares[UNSURE]
        rows.append(
            {"kind": kind, "pictures": len(own)}
            | shares
            | {"right": shares[right[kind]] / decided if decided else float("nan")}
        )
    shown = pictures[pictures["said"] != NOT_CATEGORY]
    scores = {kind: shown.loc[shown["kind"] == kind, "score"].to_numpy() for kind in KINDS}
    rng = np.random.default_rng(params.seed)
    mean, low, high = precision_at(scores["genuine"], scores[SIBLINGS], params.precision_at, rng)
    n_genuine = len(scores["genuine"])
    n_market = n_genuine + siblings_among(n_genuine)
    return pd.DataFrame(rows).assign(
        precision=mean,
        precision_low=low,
        precision_high=high,
        places=min(params.precision_at, n_market),
        sold_falsely=siblings_among(n_genuine) / n_market,
    )


def alarms_by_group(pictures: pd.DataFrame) -> pd.DataFrame:
    """False alarms of each category.

    Args:
        pictures: As for ``rates_by_kind``.

    Returns:
        As ``Sorted.alarms``.
    """
    rows = []
    for group, own in pictures.groupby("group"):
        genuine = own.loc[own["kind"] == "genuine", "said"]
        siblings = own.loc[own["kind"] == SIBLINGS, "said"]
        rows.append(
            {
                "group": group,
                "genuine": len(genuine),
                "alarms": 1000 * float((genuine == SUSPECT).mean()),
                "found": 100 * float((siblings == SUSPECT).mean()),
            }
        )
    return pd.DataFrame(rows)


def _ranks(
    table: pd.DataFrame,
    tasks: Tasks,
    said: Mapping[str, Heard],
    choice: Choice,
    pool: Pool,
    params: DetectorParams,
    limits: Limits,
) -> pd.DataFrame:
    is_test, products = (table[SPLIT] == TEST).to_numpy(), table[PRODUCT].to_numpy()
    parts = []
    for task in tasks.products:
        rows = np.flatnonzero(is_test & (products == task.product))
        if not len(rows):
            continue
        if task.product in said:
            own = said[task.product]
            scores = own.said[choice][own.places["genuine"]]
        else:
            alone = Prepared(task._replace(judged=(rows, rows[:0])), {}, {}, {}, {})
            own = heard(alone, pool.views, [choice], params)
            scores = own.said[choice][own.places["genuine"]]
        astray = nearer_to_others(pool.views, task, rows)
        words = words_for(scores, astray, pool.contrast[rows], limits)
        parts.append(pd.DataFrame({"row": rows, "score": scores, "said": words}))
    judged = pd.concat(parts, ignore_index=True)
    unable = np.flatnonzero(is_test & np.isin(products, tasks.unable["product"].tolist()))
    missing = pd.DataFrame({"row": unable, "score": np.nan, "said": CANNOT})
    found = pd.concat([judged, missing], ignore_index=True) if len(missing) else judged
    named = table.iloc[found["row"]].reset_index(drop=True)
    found.insert(0, ID, named[ID])
    found.insert(1, "sold_as", named[PRODUCT])
    found.insert(2, "group", named[GROUP])
    return found.drop(columns="row")


def siblings_among(n_genuine: int) -> int:
    """Siblings that a made-up market holds, so that they are five of a hundred photographs.

    Args:
        n_genuine: Genuine photographs of the market.

    Examples:
        >>> siblings_among(95)
        5
        >>> siblings_among(4)
        1
    """
    return max(1, round(n_genuine * OF_A_HUNDRED / (100 - OF_A_HUNDRED)))


def precision_at(
    genuine: np.ndarray, siblings: np.ndarray, k: int, rng: np.random.Generator
) -> tuple[float, float, float]:
    """Share of siblings among the first k of a market, its mean and 95 % of what is drawn.

    The market is made up: all genuine photographs, and siblings sold as the product, as many as
    ``siblings_among`` says.

    Args:
        genuine: (n,) scores.
        siblings: (m,) scores.
        k: Places of the list.
        rng: Of siblings.
    """
    n = siblings_among(len(genuine))
    shares = []
    for _ in range(MARKETS):
        scores = np.concatenate([genuine, rng.choice(siblings, n)])
        first = np.argsort(scores, kind="stable")[:k]
        shares.append(float((first >= len(genuine)).mean()))
    low, high = np.quantile(shares, [0.025, 0.975]).tolist()
    return float(np.mean(shares)), low, high


def listed(ranks: pd.DataFrame, params: LookalikeListParams) -> pd.DataFrame:
    """Photographs for a person to look at: those that look least like what they are sold as.

    Args:
        ranks: As from ``sort_pictures``.
        params: Whether they are flagged, and how many.

    Returns:
        ``place``, the columns of ``ranks``, ``flag``. What is of no such category comes in a row
        of its own after those that may be another product, and what cannot be judged last.
    """
    order: Any = {SUSPECT: 0, UNSURE: 0, FINE: 0, NOT_CATEGORY: 1, CANNOT: 2}
    found = ranks.assign(part=ranks["said"].map(order))
    found = found.sort_values(["part", "score"], kind="stable").reset_index(drop=True)
    found.insert(0, "place", np.arange(1, len(found) + 1))
    found["flag"] = params.flags(found["place"], found["said"] == SUSPECT)
    return found.drop(columns="part")
