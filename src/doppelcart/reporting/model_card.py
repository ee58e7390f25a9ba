"""A model's card: what it is, what it learnt from, what it may and may not be used for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

FIELDS: Final = (
    "purpose", "data", "licence", "split", "controls", "result", "known failure", "forbidden uses",
)  # fmt: skip
"""What every card has to say, in this order."""


def card(name: str, told: Mapping[str, str | Sequence[str]]) -> dict[str, Any]:
    """A card as JSON.

    Args:
        name: Of the model.
        told: By field of ``FIELDS``, a sentence or several.

    Raises:
        ValueError: A field is missing, or unknown.
    """
    wrong = set(FIELDS) ^ set(told)
    if wrong:
        raise ValueError(f"the card of {name} lacks, or does not know, {', '.join(sorted(wrong))}")
    return {
        "model": name,
        **{
            field: told[field] if isinstance(told[field], str) else list(told[field])
            for field in FIELDS
        },
    }


def as_page(said: Mapping[str, Any]) -> str:
    """A card as one page of Markdown.

    Args:
        said: As from ``card``.
    """
    lines = [f"# Model card: {said['model']}", ""]
    for field in FIELDS:
        lines += [f"## {field.capitalize()}", ""]
        entries = said[field]
        lines += [entries] if isinstance(entries, str) else [f"- {entry}" for entry in entries]
        lines.append("")
    return "\n".join(lines)
