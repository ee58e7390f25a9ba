"""Slices: groups of customers by how much is known of them."""

from typing import Final

WARM: Final = "warm"
"""Returning customers, who bought before the split in time."""
COLD: Final = "cold"
"""New customers, of whom a part of their history is revealed."""


def describe_slice(name: str) -> str:
    """A slice in words: ``cold_5`` is ``new customers with 5 known items``."""
    if name == WARM:
        return "returning customers"
    known = name.removeprefix(f"{COLD}_")
    if known == name:
        return f"customers of slice {name}"
    if known == "0":
        return "new customers of whom no purchase is known"
    if known.endswith("pct"):
        return f"new customers with {known.removesuffix('pct')} % of their history known"
    return f"new customers with {known} known item{'' if known == '1' else 's'}"
