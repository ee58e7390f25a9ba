"""Words for what is refused: what there is that is near it, and where."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel

OF_A_VALIDATOR = "Value error, "


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A question that ends in a space where something known is near; empty where nothing is.

    Args:
        name: What was typed.
        known: Names; or, as a mapping, what may be typed and the name that is meant by it.

    Examples:
        >>> did_you_mean("evaluatoin", ["evaluation", "gan"])
        'Did you mean evaluation? '
        >>> did_you_mean("tune_amrs", {"tune_arms": "evaluation.tune_arms"})
        'Did you mean evaluation.tune_arms? '
    """
    near = get_close_matches(name, sorted(known), n=1)
    meant = known if isinstance(known, Mapping) else {}
    return f"Did you mean {meant.get(near[0], near[0])}? " if near else ""


def unknown(name: str, known: Iterable[str]) -> str:
    """What to say of a name that there is not: the one that is near, or else all that there are.

    Examples:
        >>> unknown("epoch", ["epochs", "seed"])
        'unknown; did you mean epochs?'
        >>> unknown("colour", ["epochs", "seed"])
        'unknown; known are epochs, seed'
    """
    near = did_you_mean(name, known)
    return f"unknown; {near[0].lower()}{near[1:-1]}" if near else (
        f"unknown; known are {', '.join(sorted(known))}"
    )  # fmt: skip


def fault_message(fault: Mapping[str, Any], model: Any) -> str:
    """What is wrong with one value, in pydantic's words but for unknown names.

    Args:
        fault: One of ``ValidationError.errors()``.
        model: The type that was asked to take the values.
    """
    if fault["type"] == "extra_forbidden":
        return unknown(str(fault["loc"][-1]), fields_at(model, fault["loc"][:-1]))
    return str(fault["msg"]).removeprefix(OF_A_VALIDATOR)


def fields_at(model: Any, path: Sequence[str | int]) -> set[str]:
    """Names that a model takes at a place within it.

    Args:
        model: Type of the whole.
        path: Names of fields, keys and indices that lead to the place.
    """
    models = set(_models_in(model))
    for key in path:
        inner = {
            found
            for one in models
            for name, field in one.model_fields.items()
            if key in (name, field.alias)
            for found in _models_in(field.annotation)
        }
        models = inner or models  # the key of a mapping or the index of a list is no field
    return {field.alias or name for one in models for name, field in one.model_fields.items()}


def _models_in(hint: Any) -> Iterator[type[BaseModel]]:
    """The models that a type hint names, perhaps within a list, a mapping or a union."""
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        yield hint
    for inner in get_args(hint):
        yield from _models_in(inner)
