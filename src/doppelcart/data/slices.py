"""Slices: groups of customers by how much is known of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

WARM: Final = "warm"
"""Returning customers, who bought before the split in time."""
COLD: Final = "cold"
"""New customers, of whom a part of their history is revealed."""

_NAME: Final = re.compile(rf"{COLD}_(\d+(?:\.\d+)?)(pct)?")


@dataclass(frozen=True)
class Slice:
    """One slice. Its name, such as ``cold_5`` or ``cold_80pct``, is parsed here only.

    Args:
        name: Identifier in every table.
        known_items: First items that are revealed of each customer; None where it is no number.
        known_share: First share of each customer's items that is revealed; None where it is none.
    """

    name: str
    known_items: int | None = None
    known_share: float | None = None

    @classmethod
    def of(cls, name: str) -> Self:
        """The slice of a name; one that is neither warm nor cold has nothing but that name.

        Args:
            name: As in a table.
        """
        match = _NAME.fullmatch(name)
        if match is None or (match[2] is None and "." in match[1]):
            return cls(name)
        if match[2]:
            return cls(name, known_share=float(match[1]) / 100)
        return cls(name, known_items=int(match[1]))

    @classmethod
    def cold(cls, known: float) -> Self:
        """New customers of whom so many first items, or such a share of them, are known.

        Args:
            known: A whole number of items, or a share between 0 and 1.
        """
        if isinstance(known, int):
            return cls(f"{COLD}_{known}", known_items=known)
        return cls(f"{COLD}_{known * 100:g}pct", known_share=known)

    @property
    def is_cold(self) -> bool:
        """Whether its customers are new."""
        return self.known_items is not None or self.known_share is not None

    @property
    def label(self) -> str:
        """A heading: ``New customers, first 5 items known``."""
        if self.name == WARM:
            return "Returning customers"
        if self.known_share is not None:
            return f"New customers, {100 * self.known_share:g} % of their history known"
        if self.known_items is None:
            return self.name
        if self.known_items == 0:
            return "New customers, nothing bought yet"
        if self.known_items == 1:
            return "New customers, first item known"
        return f"New customers, first {self.known_items} items known"

    @property
    def phrase(self) -> str:
        """Its customers in a sentence: ``new customers with 5 known items``."""
        if self.name == WARM:
            return "returning customers"
        if self.known_share is not None:
            return f"new customers with {100 * self.known_share:g} % of their history known"
        if self.known_items is None:
            return f"customers of slice {self.name}"
        if self.known_items == 0:
            return "new customers of whom no purchase is known"
        return f"new customers with {self.known_items} known item{'s' * (self.known_items != 1)}"

    @property
    def order(self) -> tuple[int, float, str]:
        """Place in tables: returning customers, then new ones by how much is known of them."""
        if not self.is_cold:
            return (0 if self.name == WARM else 2, 0.0, self.name)
        if self.known_share is not None:
            return (1, 1e6 + 100 * self.known_share, self.name)
        return (1, float(self.known_items or 0), self.name)


def slice_order(names: Iterable[str]) -> list[str]:
    """Distinct slices in the order of the tables."""
    return sorted(set(names), key=lambda name: Slice.of(name).order)


def slice_label(name: str) -> str:
    """The heading of a slice by its name.

    Examples:
        >>> slice_label("cold_12.5pct")
        'New customers, 12.5 % of their history known'
    """
    return Slice.of(name).label
