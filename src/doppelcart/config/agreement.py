"""Parameters of different pipelines that must agree with one another.

Each is allowed by its own model, and only together do they make no sense; without a look at them
before the run, it would find out after the training. A pipeline that reads another's parameters
says in its ``params.py``, in a function ``disagreements``, what would not fit together.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

Rule = Callable[[Mapping[str, Any]], Iterator[str]]
"""From validated parameters, by the name they are asked for (such as ``gan.trainer``), to one line
for whatever does not fit, which begins with the name of the parameter to change. Parameters that a
project has not are missing, and not looked at."""


def unknown_slices(name: str, field: str, models: Mapping[str, Any]) -> Iterator[str]:
    """Say of a field which of its slices the split does not make.

    Args:
        name: Of the parameters that have the field.
        field: Holds the name of a slice, or several.
        models: Validated parameters by name; without those of ``split`` nothing is said.
    """
    split = models.get("split")
    if split is None:
        return
    value = getattr(models[name], field)
    for wanted in (value,) if isinstance(value, str) else value:
        if wanted not in split.slices:
            yield (
                f"{name}.{field}: {wanted!r} is none of the slices that split makes: "
                f"{', '.join(split.slices)}"
            )
