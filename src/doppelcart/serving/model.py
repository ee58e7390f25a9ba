"""What a server answers from: scorers by slice, the catalogue, and the customers that are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np
from pydantic import BaseModel, ConfigDict
from scipy import sparse

from doppelcart.data.slices import WARM, Slice
from doppelcart.errors import InputError
from doppelcart.serving.history_completer import Completer, strongest_unseen
from doppelcart.serving.scorer import Scorer, histories_of, rank


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
        promoted: Whether the verdict promoted it.
        admitted: Whether it uses what a plainer way generates, and is shown to help. What is
            neither is the best without synthetic data.
        completed_by: Name of the generator that completes histories before they are scored; empty
            where none does.
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
    admitted: bool = False
    completed_by: str = ""
    note: str = ""
    evidence: Evidence | None = None


BEST_SELLERS: Final = 0.1
"""Share of the items within which one is said to be among what sells most."""


@dataclass(frozen=True)
class System:
    """Arrays that one or several strategies share.

    Args:
        scorer: What scores a history.
        popularity: (n_items,) float32 scores where nothing is known.
    """

    scorer: Scorer
    popularity: np.ndarray

    @cached_property
    def best_sellers(self) -> np.ndarray:
        """(n_items,) bool of the tenth that sells most, of few items the first.

        Where items sell alike across its end, none of them belongs to it.
        """
        n_items = len(self.popularity)
        as_much = n_items - np.searchsorted(np.sort(self.popularity), self.popularity)
        found: np.ndarray = (as_much <= max(BEST_SELLERS * n_items, 1)) & (self.popularity > 0)
        return found


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
class Profiles:
    """What is known of customers besides their purchases, in the numbers that a generator reads.

    Args:
        values: By attribute: the column of each value that has one.
        missing: By attribute: the column that says that it is not known.
        nothing: Column that says that nothing at all is known; None where there is none.
        rows: (n_customers, n_columns) float32 of the known customers.
    """

    values: Mapping[str, Mapping[str, int]]
    missing: Mapping[str, int]
    nothing: int | None
    rows: np.ndarray

    def row_of(self, profile: Mapping[str, Any]) -> tuple[np.ndarray, list[str]]:
        """A profile in numbers, and the attributes of it that say nothing here.

        Args:
            profile: Values by attribute; None where one is not known.

        Returns:
            (n_columns,) float32; and what is no attribute, or a value that has no column.
        """
        row = np.zeros(self.rows.shape[1], dtype=np.float32)
        known = {name: _written(value) for name, value in profile.items() if value is not None}
        told = [name for name in known if name in self.values or name in self.missing]
        row[[column for name, column in self.missing.items() if name not in told]] = 1
        if self.nothing is not None and not told:
            row[self.nothing] = 1
        columns = {name: self.values.get(name, {}).get(known[name]) for name in told}
        row[[column for column in columns.values() if column is not None]] = 1
        return row, [name for name in profile if columns.get(name) is None]


def _written(value: Any) -> str:
    """A value as logs have it: a whole number without a point.

    Examples:
        >>> _written(2), _written(2.0), _written(2.5), _written("35-44")
        ('2', '2', '2.5', '35-44')
    """
    return str(int(value) if isinstance(value, float) and value.is_integer() else value)


@dataclass(frozen=True)
class Model:
    """Everything that an answer needs.

    Args:
        catalogue: Items.
        customers: Known customers.
        strategies: By slice; at least one.
        lineage: What it was made from, ready for JSON.
        completers: Generators by name: those that complete histories for strategies, and those that
            are only to show what they would complete one with. The first one is shown.
        completion_top: Items per customer that a completion keeps; None keeps all.
        profiles: What is known of customers besides; None where generators learnt of none.
    """

    catalogue: Catalogue
    customers: Customers
    strategies: Mapping[str, Strategy]
    lineage: Mapping[str, Any]
    completers: Mapping[str, Completer] = field(default_factory=dict)
    completion_top: int | None = None
    profiles: Profiles | None = None

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
        for name, completer in self.completers.items():
            if len(completer.encoder) != n_items:
                raise InputError(
                    f"The generator {name} completes histories of {len(completer.encoder)} items, "
                    f"and the catalogue has {n_items}. Train it again, or export without it."
                )
            n_columns = 0 if self.profiles is None else self.profiles.rows.shape[1]
            if len(completer.told) - 1 != n_columns:
                raise InputError(
                    f"The generator {name} learnt {len(completer.told) - 1} columns of profiles, "
                    f"and there are {n_columns}. Train it again, or export without it."
                )
        wanted = {one.facts.completed_by for one in self.strategies.values()} - {""}
        if absent := sorted(wanted - set(self.completers)):
            raise InputError(
                f"Strategies complete histories by {', '.join(absent)}, which the model does not "
                "hold. Export it again."
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

    def profiles_of(self, users: slice | np.ndarray) -> np.ndarray | None:
        """(n_users, n_columns) what is known of some customers besides; None where of nobody.

        Args:
            users: Rows of known customers.
        """
        return None if self.profiles is None else self.profiles.rows[users]

    def nobody(self) -> np.ndarray | None:
        """(1, n_columns) profile of somebody of whom nothing is known; None where of nobody."""
        return None if self.profiles is None else self.profiles.row_of({})[0][None]

    def added(
        self, strategy: Strategy, seen: sparse.csr_matrix, profiles: np.ndarray | None
    ) -> sparse.csr_matrix | None:
        """What a strategy adds to histories before it scores them; None where it adds nothing.

        Args:
            strategy: What serves.
            seen: (n_users, n_items) CSR of ones.
            profiles: (n_users, n_columns) what else is known of them.

        Returns:
            (n_users, n_items) CSR of probabilities times the strategy's strength.
        """
        facts = strategy.facts
        if not facts.completed_by or not facts.level:
            return None
        probable = self.completers[facts.completed_by].probabilities(seen, profiles)
        kept = strongest_unseen(probable, seen, self.completion_top)
        return kept.multiply(np.float32(facts.level)).tocsr().astype(np.float32)

    def rank(
        self,
        strategy: Strategy,
        seen: sparse.csr_matrix,
        k: int,
        *,
        profiles: np.ndarray | None = None,
        hidden: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """The best items of every history, as ``scorer.rank`` has them.

        Args:
            strategy: What serves.
            seen: (n_users, n_items) CSR of ones.
            k: Length of the lists.
            profiles: (n_users, n_columns) what else is known of them.
            hidden: (n_items,) bool of items that are not to be listed.
        """
        added = self.added(strategy, seen, profiles)
        given = None if added is None else (seen + added).tocsr()
        system = strategy.system
        return rank(system.scorer, system.popularity, seen, k, hidden, given)

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
