"""What is searched among a generator's parameters, within the bounds of its hyperparameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, Final

from pydantic import BaseModel, Field, ValidationError, model_validator

from doppelcart.config.base import Parameters
from doppelcart.models.histories.hyperparameters import NetworkConfig, TrainingConfig

Choice = bool | int | float | str | None

UNSEARCHED: Final[dict[str, str]] = {
    "seed": "it would choose by luck",
    "evaluate_every": "trials are compared where they were evaluated alike",
}
"""Fields that cannot be searched, and why."""

OWNERS: Final[dict[str, type[BaseModel]]] = {
    field: model
    for model in (NetworkConfig, TrainingConfig)
    for field in model.model_fields
    if field not in UNSEARCHED
}
"""The model of each field that can be searched."""


class Dimension(Parameters):
    """One parameter that is searched: all values of a range, or some choices."""

    name: str = Field(
        exclude=True,
        description="field of NetworkConfig or TrainingConfig; the key it stands under",
    )
    low: float | None = Field(None, description="least value of a range, in the parameter's unit")
    high: float | None = Field(None, description="largest value of a range, itself included")
    log: bool = Field(False, description="whether a range is searched by its logarithm")
    choices: tuple[Choice, ...] = Field((), description="values to choose from, without a range")

    @property
    def is_integer(self) -> bool:
        """Whether a range holds whole numbers only."""
        return OWNERS[self.name].model_fields[self.name].annotation is int

    def holds(self, value: Choice) -> bool:
        """Whether a value can be drawn."""
        if self.choices:
            return value in self.choices
        is_number = isinstance(value, int | float)
        return is_number and self.low <= value <= self.high  # type: ignore[operator]

    @model_validator(mode="after")
    def _can_be_searched(self) -> Dimension:
        problems = [*self._of_name()] or [*self._of_shape(), *self._of_bounds()]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _of_name(self) -> Iterator[str]:
        if self.name in UNSEARCHED:
            yield f"is not searched: {UNSEARCHED[self.name]}"
        elif self.name not in OWNERS:
            near = get_close_matches(self.name, OWNERS, n=1)
            hint = f"did you mean {near[0]}? " if near else ""
            yield f"is no parameter of the generator; {hint}known are {', '.join(sorted(OWNERS))}"

    def _of_shape(self) -> Iterator[str]:
        ends = (self.low, self.high)
        if bool(self.choices) == any(end is not None for end in ends) or ends.count(None) == 1:
            yield "give either low and high, or choices"
        elif self.low is not None and self.high is not None:
            if self.low > self.high:
                yield f"low {self.low:g} lies above high {self.high:g}"
            if self.log and self.low <= 0:
                yield f"low {self.low:g} has no logarithm: leave out log, or raise low"

    def _of_bounds(self) -> Iterator[str]:
        """What the parameter's own model refuses."""
        values = self.choices or tuple(end for end in (self.low, self.high) if end is not None)
        for value in values:
            try:
                OWNERS[self.name].model_validate({self.name: value})
            except ValidationError as refused:
                reason = refused.errors(include_url=False)[0]["msg"]
                yield f"{value!r} is out of bounds: {reason[:1].lower()}{reason[1:]}"


def apply(
    values: Mapping[str, Choice], network: NetworkConfig, training: TrainingConfig
) -> tuple[NetworkConfig, TrainingConfig]:
    """Both configurations with some values changed."""
    changed_network, changed_training = (
        type(config).model_validate(config.model_dump() | of_model(values, type(config)))
        for config in (network, training)
    )
    return changed_network, changed_training  # type: ignore[return-value]


def of_model(values: Mapping[str, Choice], model: type[BaseModel]) -> dict[str, Any]:
    """The values of a model's own fields, of the fields' types."""
    own = {name: value for name, value in values.items() if OWNERS[name] is model}
    return model.model_validate(own).model_dump(include=set(own))


def current(
    space: Mapping[str, Dimension], network: NetworkConfig, training: TrainingConfig
) -> dict[str, Choice]:
    """What the configuration has now of each searched parameter, where the space holds it."""
    now = network.model_dump() | training.model_dump()
    now["gradient_penalty"] = training.penalty_weight
    return {name: now[name] for name, dimension in space.items() if dimension.holds(now[name])}
