"""Histories with items deleted, or put back, in an order; and what becomes of a recommendation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

import numpy as np
from scipy import sparse

from doppelcart.recommendation.attribution import Explained
from doppelcart.serving.scorer import histories_of

SHARES: Final = np.round(np.arange(1, 10) / 10, 1)
"""Shares of a history that are deleted, or put back, along a curve."""
FEW: Final = 5
"""Items after which the figures @5 are taken."""
ROWS: Final = 256
"""Histories scored at once: at 10,000 items one float32 block of scores is then 10 MB."""


class Recommended(NamedTuple):
    """Some recommendations of one customer.

    Attributes:
        known: (n_known,) catalogue positions of the history, in time order.
        targets: (n_targets,) recommended items.
        others: (n_others,) those that come next in the list.
        profile: What else is known of the customer; None where nothing is.
    """

    known: np.ndarray
    targets: np.ndarray
    others: np.ndarray
    profile: np.ndarray | None = None


class Curve(NamedTuple):
    """What deletions do to one recommendation, and what puts it back.

    Attributes:
        set_size: Deletions by which it leaves the list first; one more than was tried if never.
        left: (n_shares,) score after a share of the history was deleted, of what it was.
        back: (n_shares,) score where that share alone is there, of what it was.
        listed: (n_shares,) whether it still stands in the list after the deletions.
        returned: (n_shares,) whether it stands in the list where that share alone is there.
        left_few: Score after ``FEW`` deletions, of what it was.
        back_few: Score where ``FEW`` items alone are there, of what it was.
        listed_few: Whether it still stands in the list after ``FEW`` deletions.
    """

    set_size: int
    left: np.ndarray
    back: np.ndarray
    listed: np.ndarray
    returned: np.ndarray
    left_few: float
    back_few: float
    listed_few: bool


def recommended(
    explained: Explained,
    known: np.ndarray,
    profile: np.ndarray | None,
    n_items: int,
    length: int,
    n_targets: int,
    rng: np.random.Generator,
) -> Recommended:
    """Draw recommendations from a customer's list.

    Args:
        explained: What scores.
        known: (n_known,) history in time order.
        profile: What else is known of the customer.
        n_items: Size of the catalogue.
        length: Of the list; the next as many items are those it is held against.
        n_targets: Recommendations to draw.
        rng: Source of randomness.
    """
    scores = explained.score(histories_of([known], n_items), profile)[0].copy()
    scores[known] = -np.inf
    order = np.argsort(-scores, kind="stable")[: n_items - len(known)]
    listed = order[:length]
    targets = rng.choice(listed, min(n_targets, len(listed)), replace=False)
    return Recommended(known, targets, order[length : 2 * length], profile)


def orders_of(
    brought: Mapping[str, np.ndarray], n_known: int, n_targets: int
) -> dict[str, np.ndarray]:
    """(n_known, n_targets) rows of a history by arm, in the order of deletion.

    Args:
        brought: By arm: (n_known, n_targets) or (n_known,) what is deleted first has most.
        n_known: Length of the history.
        n_targets: Recommendations.
    """
    return {
        arm: np.argsort(
            -np.broadcast_to(values.reshape(n_known, -1), (n_known, n_targets)), 0, kind="stable"
        )
        for arm, values in brought.items()
    }


def leave_one_out(explained: Explained, case: Recommended, n_items: int) -> np.ndarray:
    """(n_known, n_targets) what the log of a score loses, beside those that come next, by one item.

    Args:
        explained: What scores; its scores are above 0.
        case: The recommendations.
        n_items: Size of the catalogue.
    """
    rows = [case.known, *(np.delete(case.known, row) for row in range(len(case.known)))]
    margin = np.concatenate(
        [
            np.log(scores[:, case.targets])
            - np.log(scores[:, case.others].mean(axis=1, keepdims=True))
            for scores in _scored(explained, rows, case.profile, n_items)
        ]
    )
    lost: np.ndarray = margin[0] - margin[1:]
    return lost


def curves_of(
    explained: Explained,
    case: Recommended,
    order: np.ndarray,
    n_items: int,
    *,
    length: int,
    most_deleted: int,
) -> list[Curve]:
    """Delete the items of a history in an order, and put them back in the same order.

    What is deleted is still known to the customer, and recommended to nobody.

    Args:
        explained: What scores.
        case: The recommendations.
        order: (n_known, n_targets) rows of the history, the first to be deleted first.
        n_items: Size of the catalogue.
        length: Of the list.
        most_deleted: Items that are deleted one by one, at most.

    Returns:
        One per recommendation.
    """
    n_known = len(case.known)
    most = min(most_deleted, n_known)
    along = np.maximum(np.round(SHARES * n_known), 1).astype(int)
    few = min(FEW, n_known)
    # Deletions one by one, and at the shares of the curve; then what is put back.
    gone = np.unique(np.concatenate([np.arange(most + 1), along, [few]]))
    there = np.unique(np.concatenate([along, [few]]))
    found = []
    for place, own in _distinct(order):
        ordered = case.known[own]
        rows = [ordered[count:] for count in gone] + [ordered[:count] for count in there]
        score, rank = _followed(explained, rows, case, place, n_items)
        for column, _ in enumerate(place):
            whole = score[0, column]
            left = score[: len(gone), column] / whole
            back = score[len(gone) :, column] / whole
            out = rank[: len(gone), column] >= length
            first = np.flatnonzero(out[: most + 1])
            at, again = np.searchsorted(gone, along), np.searchsorted(there, along)
            found.append(
                Curve(
                    set_size=int(first[0]) if len(first) else most_deleted + 1,
                    left=left[at],
                    back=back[again],
                    listed=~out[at],
                    returned=rank[len(gone) :, column][again] < length,
                    left_few=float(left[np.searchsorted(gone, few)]),
                    back_few=float(back[np.searchsorted(there, few)]),
                    listed_few=bool(~out[np.searchsorted(gone, few)]),
                )
            )
    places = np.concatenate([place for place, _ in _distinct(order)])
    return [found[n] for n in np.argsort(places, kind="stable")]


def _distinct(order: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Columns that have an order in common, with it: histories are then deleted from once."""
    same: dict[bytes, list[int]] = {}
    for column in range(order.shape[1]):
        same.setdefault(order[:, column].tobytes(), []).append(column)
    for columns in same.values():
        yield np.array(columns), order[:, columns[0]]


def _followed(
    explained: Explained, rows: list[np.ndarray], case: Recommended, place: np.ndarray, n_items: int
) -> tuple[np.ndarray, np.ndarray]:
    """(n_rows, n_targets) scores of some targets, and how many unknown items stand before them."""
    targets = case.targets[place]
    scores, ranks = [], []
    for block in _scored(explained, rows, case.profile, n_items):
        own = block[:, targets]
        block = np.array(block)
        block[:, case.known] = -np.inf
        scores.append(own)
        before = [
            (block > own[:, [n]]).sum(axis=1) + (block[:, :target] == own[:, [n]]).sum(axis=1)
            for n, target in enumerate(targets)
        ]
        ranks.append(np.column_stack(before))
    return np.concatenate(scores), np.concatenate(ranks)


def _scored(
    explained: Explained, rows: list[np.ndarray], profile: np.ndarray | None, n_items: int
) -> Iterator[np.ndarray]:
    seen: sparse.csr_matrix = histories_of(rows, n_items)
    for start in range(0, len(rows), ROWS):
        yield explained.score(seen[start : start + ROWS], profile)
