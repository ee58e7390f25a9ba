"""What a server answers from: scorers by slice, the catalogue, and the customers that are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from pydantic import BaseModel, ConfigDict
from scipy import sparse

from doppelcart.data.slices import WARM, Slice
from doppelcart.errors import InputError
from doppelcart.serving.history_completer import Completer
from doppelcart.serving.scorer import Scorer, histories_of


class Evidence(BaseModel):
    """What a strategy was seen to do for held-out customers of its slice.

    Attributes:
        metric: What was measured, such as ``ndcg@20``.
        value: Its mean over these customers.
        against: What it was compared with, in words; empty where nothing was compared.
        relative: Relative gain over that; None where it is undefined.
        relative_low: Lower end of its 95 % interval; None where there is none.
        relative_high: Upper end of its 95 % interval; None where there is none.
        n_customers: Customers measured.
        verdict: Word of the verdict on what is generated; empty where nothing generated is used.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    metric: str
    value: float
    against: str = ""
    relative: float | None = None
    relative_low: float | None = None
    relative_high: float | None = None
    n_customers: int
    verdict: str = ""


class Facts(BaseModel):
    """What a strategy is, in words and as it was configured.

    Attributes:
        slice: Customers that it serves, by the name of their slice.
        customers: These customers in words.
        recommender: Name of the recommender.
        label: The recommender as the field writes it.
        arm: What it was given of synthetic data.
        level: How much of that.
        config: Its configuration, as JSON.
        promoted: Whether the verdict promoted it; otherwise it is the best without synthetic data.
        note: What else is to be known; empty where there is nothing.
        evidence: What it did for held-out customers; None where none were measured.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    slice: str
    customers: str
    recommender: str
    label: str
    arm: str
    level: float
    config: str
    promoted: bool
    note: str = ""
    evidence: Evidence | None = None


@dataclass(frozen=True)
class System:
    """Arrays that one or several strategies share.

    Args:
        scorer: What scores a history.
        popularity: (n_items,) float32 scores where nothing is known.
    """

    scorer: Scorer
    popularity: np.ndarray


@dataclass(frozen=True)
class Strategy:
    """What serves the customers of one slice."""

    facts: Facts
    system: System


@dataclass(frozen=True)
class Pairs:
    """Items that are bought together above chance.

    Args:
        indptr: (n_items + 1,) where each item's partners begin.
        partners: (n,) int32 catalogue positions, ascending within an item; every pair both ways.
    """

    indptr: np.ndarray
    partners: np.ndarray

    def holds(self, one: int, other: int) -> bool:
        """Whether two items are a pair."""
        own = self.partners[self.indptr[one] : self.indptr[one + 1]]
        place = int(np.searchsorted(own, other))
        return place < len(own) and int(own[place]) == other


COMMON: Final = 0.1
"""Share of the items above which an attribute's value relates nothing: half a shop has it."""


@dataclass(frozen=True)
class Catalogue:
    """The items that can be recommended.

    Args:
        ids: Identifiers, by catalogue position.
        titles: What they are called.
        attributes: By name, a text of every item, None where it has none: what can be filtered by,
            and what items may have in common.
        pairs: Which are bought together; None where that was not exported.
    """

    ids: list[str]
    titles: list[str]
    attributes: Mapping[str, list[str | None]]
    pairs: Pairs | None = None

    def called(self, item: int) -> str:
        """What an item is called; its identifier where it has no title."""
        return self.titles[item].strip() or self.ids[item]

    @cached_property
    def positions(self) -> dict[str, int]:
        """Catalogue position by identifier."""
        return {name: position for position, name in enumerate(self.ids)}

    @cached_property
    def codes(self) -> dict[str, tuple[dict[str, int], np.ndarray]]:
        """By attribute: code of each value, and (n_items,) int32 codes, -1 where it has none."""
        coded = {}
        for name, values in self.attributes.items():
            known = {
                text: code for code, text in enumerate(dict.fromkeys(values)) if text is not None
            }
            coded[name] = (
                known,
                np.array([-1 if text is None else known[text] for text in values], dtype=np.int32),
            )
        return coded

    @cached_property
    def telling(self) -> dict[str, np.ndarray]:
        """By attribute: (n_items,) codes, -1 where there is none or a tenth of all have the same.

        In a shop of few items, a value that only two have in common tells something however few.
        """
        found = {}
        for name, (_, codes) in self.codes.items():
            counts = np.bincount(codes[codes >= 0], minlength=1)
            most = max(COMMON * len(codes), 2)
            found[name] = np.where((codes >= 0) & (counts[codes] <= most), codes, -1)
        return found


@dataclass(frozen=True)
class Customers:
    """Customers that are known, with what they bought.

    Args:
        ids: (n_customers,) text identifiers, ascending.
        indptr: (n_customers + 1,) where each one's items begin.
        items: (nnz,) int32 catalogue positions, ascending within a customer.
    """

    ids: np.ndarray
    indptr: np.ndarray
    items: np.ndarray

    def find(self, name: str) -> int | None:
        """Row of a customer; None where there is none of that name."""
        # A longer text would be cut to the width of the array, and found.
        if len(name) * 4 > self.ids.dtype.itemsize:
            return None
        row = int(np.searchsorted(self.ids, np.array(name, dtype=self.ids.dtype)))
        return row if row < len(self.ids) and str(self.ids[row]) == name else None

    def of(self, row: int) -> np.ndarray:
        """Catalogue positions of what a customer bought."""
        return self.items[self.indptr[row] : self.indptr[row + 1]]

    def matrix(self, part: slice, n_items: int) -> sparse.csr_matrix:
        """CSR of ones of some customers in a row.

        Args:
            part: Rows, with both ends.
            n_items: Size of the catalogue.
        """
        indptr = self.indptr[part.start : part.stop + 1]
        items = np.asarray(self.items[indptr[0] : indptr[-1]])
        ones = np.ones(len(items), dtype=np.float32)
        shape = (part.stop - part.start, n_items)
        return sparse.csr_matrix((ones, items, indptr - indptr[0]), shape=shape)


@dataclass(frozen=True)
class Model:
    """Everything that an answer needs.

    Args:
        catalogue: Items.
        customers: Known customers.
        strategies: By slice; at least one.
        lineage: What it was made from, ready for JSON.
        completer: The generator, to show what it would complete a history with; None where that
            was not exported. Lists do not depend on it.
    """

    catalogue: Catalogue
    customers: Customers
    strategies: Mapping[str, Strategy]
    lineage: Mapping[str, Any]
    completer: Completer | None = None

    def __post_init__(self) -> None:
        """Refuse a model that could not answer.

        Raises:
            InputError: There is no strategy, or arrays are not as long as the catalogue.
        """
        if not self.strategies:
            raise InputError("A model to serve needs at least one strategy; it has none.")
        n_items = len(self.catalogue.ids)
        wrong = [
            name for name, one in self.strategies.items() if len(one.system.popularity) != n_items
        ]
        if wrong:
            raise InputError(
                f"{len(wrong)} of {len(self.strategies)} strategies ({', '.join(wrong)}) do not "
                f"fit the catalogue of {n_items} items. Export the model again."
            )
        if self.completer is not None and len(self.completer.encoder) != n_items:
            raise InputError(
                f"The generator completes histories of {len(self.completer.encoder)} items, and "
                f"the catalogue has {n_items}. Train it again, or export without it."
            )

    @property
    def n_items(self) -> int:
        """Size of the catalogue."""
        return len(self.catalogue.ids)

    def history(self, known: np.ndarray) -> sparse.csr_matrix:
        """(1, n_items) CSR of ones.

        Args:
            known: Distinct catalogue positions.
        """
        return histories_of([known], self.n_items)

    def strategy(self, n_known: int, *, returning: bool) -> Strategy:
        """What serves a customer.

        Args:
            n_known: Items of the catalogue that are known of them.
            returning: Whether they are among the known customers.
        """
        return self.strategies[slice_for(n_known, tuple(self.strategies), returning=returning)]


def slice_for(n_known: int, slices: tuple[str, ...], *, returning: bool) -> str:
    """The slice whose strategy serves a customer.

    Returning customers have a slice of their own. New ones go with the slice of the most known
    items that they reach, and where they reach none, with that of the fewest. Slices by a share of
    a history serve nobody: how much of a history is known is never known.

    Args:
        n_known: Items of the catalogue that are known of them.
        slices: Names of the slices there are.
        returning: Whether they are among the known customers.

    Examples:
        >>> slice_for(7, ("warm", "cold_0", "cold_5", "cold_10", "cold_80pct"), returning=False)
        'cold_5'
        >>> slice_for(7, ("warm", "cold_5"), returning=True)
        'warm'
    """
    if returning and n_known and WARM in slices:
        return WARM
    by_items = {known: name for name in slices if (known := Slice.of(name).known_items) is not None}
    if not by_items:
        return WARM if WARM in slices else slices[0]
    reached = [known for known in by_items if known <= n_known]
    return by_items[max(reached) if reached else min(by_items)]
