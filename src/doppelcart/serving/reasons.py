"""Why an item is recommended: what carries its score, and that in a sentence.

A sentence names a known item and what it has in common with the recommended one, along an edge of
the shop's graph: the same type, manufacturer, brand or category, or bought together above chance.
It does so only of an item that carries a tenth of the score, and along edges that are there.
Nothing that is known of the customer besides their purchases enters it: where a generator completed
the history, which it may do by a profile, the words are of the purchases alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from scipy import sparse

from doppelcart.columns import Columns
from doppelcart.errors import RequestError
from doppelcart.serving.model import Catalogue, System
from doppelcart.serving.questions import Reason, Reasons
from doppelcart.serving.scorer import Shares

MOST_REASONS: Final = 10
LEAST_WEIGHT: Final = 0.1
"""Share of what speaks for an item that a known item must carry to be named as its reason."""
TOGETHER: Final = "bought_with"
SAME: Final = {
    Columns.TYPE: "both are {value}",
    Columns.MANUFACTURER: "both are made by {value}",
    Columns.BRAND: "both are of the brand {value}",
    Columns.CATEGORY: "both are of {value}",
}
"""What two items may have in common, in words."""
RELATIONS: Final = (
    Columns.TYPE,
    TOGETHER,
    Columns.MANUFACTURER,
    Columns.BRAND,
    Columns.CATEGORY,
)
"""Edges that a sentence may go along, the most telling first."""

BEST_SELLER: Final = "It is among what sells most: no purchase of yours bears on it."
NOTHING: Final = "No purchase of yours speaks for it."
EXPECTED: Final = "No purchase of yours speaks for it: it goes with what you may buy besides."


class Path(NamedTuple):
    """An edge of the shop's graph, or two that meet, from a known item to a recommended one.

    Attributes:
        known: Catalogue position of the known item.
        relation: Name in ``RELATIONS``.
    """

    known: int
    relation: str


def weights_of(shares: Shares) -> np.ndarray:
    """(n_known, n_targets) what each known item carries of all that speaks for a target, 0 to 1.

    What speaks against it is left out, so that parts are no more than the whole. Of what nothing
    speaks for, nothing is carried.

    Args:
        shares: What the scores are made of.
    """
    speaking = np.maximum(shares.by_item, 0)
    whole = speaking.sum(axis=0) + np.maximum(shares.base, 0)
    return np.divide(speaking, whole, out=np.zeros_like(speaking), where=whole > 0)


def path_between(catalogue: Catalogue, known: int, target: int) -> str | None:
    """The most telling relation of two items; None where they have none.

    Args:
        catalogue: The items, with what relates them.
        known: Catalogue position.
        target: Catalogue position of another item.
    """
    return next((name for name in RELATIONS if _related(catalogue, name, known, target)), None)


def _related(catalogue: Catalogue, relation: str, known: int, target: int) -> bool:
    if relation == TOGETHER:
        pairs = catalogue.pairs
        return pairs is not None and pairs.holds(known, target)
    codes = catalogue.telling.get(relation)
    return codes is not None and bool(codes[known] >= 0 and codes[known] == codes[target])


def reasons_of(
    catalogue: Catalogue,
    system: System,
    known: np.ndarray,
    targets: np.ndarray,
    added: sparse.csr_matrix | None = None,
) -> list[Reasons]:
    """What the scores of some items are made of, and why they are recommended, in words.

    Args:
        catalogue: The items.
        system: What scores them.
        known: (n_known,) distinct catalogue positions of the history; may be empty.
        targets: (n_targets,) catalogue positions of what is explained.
        added: (1, n_items) CSR of what the history was completed with; None where it was not.

    Raises:
        RequestError: An item is not in the model.
    """
    n_items = len(catalogue.ids)
    every = np.concatenate([known, targets])
    if outside := int(np.count_nonzero((every < 0) | (every >= n_items))):
        raise RequestError(
            f"{outside} of {len(every)} items are not among the {n_items} of the model: nothing "
            "can be said of them. Leave them out, or export a model that holds them."
        )
    selling = [BEST_SELLER if sells else NOTHING for sells in system.best_sellers[targets]]
    if not len(known) and added is None:
        return [
            Reasons(items=[], others=0.0, base=float(base), words=words)
            for base, words in zip(system.popularity[targets], selling, strict=True)
        ]
    plain = system.scorer.shares(known, targets)
    weights = weights_of(plain)
    shares = plain if added is None else system.scorer.shares(known, targets, added)
    # An item is no reason for itself: what it brings stays among the others.
    weights[known[:, None] == targets[None, :]] = 0
    otherwise = (
        [EXPECTED] * len(targets)
        if added is not None
        else np.where(shares.base > 0, selling, NOTHING).tolist()
    )
    return [
        _reasons(catalogue, known, int(target), shares, weights, place, otherwise[place])
        for place, target in enumerate(targets)
    ]


def _reasons(
    catalogue: Catalogue,
    known: np.ndarray,
    target: int,
    shares: Shares,
    weights: np.ndarray,
    place: int,
    otherwise: str,
) -> Reasons:
    own, base = shares.by_item[:, place], float(shares.base[place])
    kept = _first(np.where(known == target, -np.inf, own))
    path = next(_paths(catalogue, known, target, weights[:, place]), None)
    return Reasons(
        items=[
            Reason(
                item_id=catalogue.ids[known[row]],
                title=catalogue.called(known[row]),
                share=float(own[row]),
                weight=float(weights[row, place]),
            )
            for row in kept
        ],
        others=float(own.sum() - own[kept].sum()),
        base=base,
        relation=path.relation if path else None,
        words=_words(catalogue, known, target, weights[:, place], otherwise, path),
    )


def _first(shares: np.ndarray) -> np.ndarray:
    """Rows of the largest shares that are not 0, the largest first; of equals the first row."""
    order = np.argsort(-shares, kind="stable")[:MOST_REASONS]
    return order[np.isfinite(shares[order]) & (shares[order] != 0)]


def _paths(
    catalogue: Catalogue, known: np.ndarray, target: int, weights: np.ndarray
) -> Iterator[Path]:
    """Paths to known items that carry enough, from what carries most."""
    enough = np.flatnonzero(weights >= LEAST_WEIGHT)
    for row in enough[np.argsort(-weights[enough], kind="stable")]:
        if relation := path_between(catalogue, int(known[row]), target):
            yield Path(int(known[row]), relation)


def _words(
    catalogue: Catalogue,
    known: np.ndarray,
    target: int,
    weights: np.ndarray,
    otherwise: str,
    path: Path | None,
) -> str:
    if not weights.max(initial=0) > 0:
        return otherwise
    first = int(np.argmax(weights))
    if path is not None:
        weight = weights[known == path.known][0]
        return f"{_because(catalogue, path.known, weight)}: {_link(catalogue, path, target)}."
    if weights[first] >= LEAST_WEIGHT:
        return f"{_because(catalogue, int(known[first]), weights[first])}."
    return (
        f"Because of {np.count_nonzero(weights > 0):,} purchases together; none carries a tenth, "
        f"and {catalogue.called(known[first])} most ({_percent(weights[first])})."
    )


def _because(catalogue: Catalogue, known: int, weight: float) -> str:
    return (
        f"Because you bought {catalogue.called(known)} ({_percent(weight)} of what speaks for it)"
    )


def _percent(weight: float) -> str:
    if weight < 0.01:
        return f"{100 * weight:.1f} %"
    percent = round(100 * weight)
    # What falls short of a tenth is not rounded up to one: the words beside it deny that it is.
    if weight < LEAST_WEIGHT <= percent / 100:
        percent -= 1
    return f"{percent} %"


def _link(catalogue: Catalogue, path: Path, target: int) -> str:
    """What two items have in common."""
    if path.relation == TOGETHER:
        return "the two are bought together more often than by chance"
    value = catalogue.attributes[path.relation][target]
    if path.relation == Columns.MANUFACTURER and str(value).isdigit():
        value = f"manufacturer {value}"
    words = SAME[path.relation].format(value=value)
    departments = catalogue.attributes.get(Columns.DEPARTMENT)
    if path.relation != Columns.TYPE or departments is None:
        return words
    department = departments[target]
    shared = department is not None and department == departments[path.known]
    return f"{words} of {department}" if shared and department != value else words
