"""Grids of recommender configurations, the same for every arm."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ValidationError

from doppelcart.errors import ParameterError
from doppelcart.recommenders import RECOMMENDERS, RecommenderConfig

Grid = Mapping[str, Sequence[Any]]
"""By field of a recommender's configuration: the values to try."""


def expand(recommender: str, grid: Grid) -> list[RecommenderConfig]:
    """Every combination of a grid's values, in the order in which they are written.

    Args:
        recommender: Name in ``RECOMMENDERS``.
        grid: Values by field; an empty grid gives the default configuration alone.

    Returns:
        One configuration per combination.

    Raises:
        ParameterError: All of: unknown recommender, field without values, configurations
            that the recommender refuses.
    """
    if recommender not in RECOMMENDERS:
        raise ParameterError(
            f"recommender '{recommender}' is unknown; known: {', '.join(RECOMMENDERS)}"
        )
    empty = [field for field, values in grid.items() if not values]
    if empty:
        raise ParameterError(f"{recommender}: no value to try for {', '.join(empty)}")
    configs, problems = [], []
    for values in itertools.product(*grid.values()):
        try:
            configs.append(RECOMMENDERS[recommender].Config(**dict(zip(grid, values, strict=True))))
        except ValidationError as error:
            problems += [
                f"{recommender}.{'.'.join(map(str, problem['loc']))}: {problem['msg']}"
                f" (got {problem['input']!r})"
                for problem in error.errors()
            ]
    if problems:
        raise ParameterError("; ".join(dict.fromkeys(problems)))
    return configs


def expand_all(grids: Mapping[str, Grid]) -> dict[str, list[RecommenderConfig]]:
    """``expand`` for every recommender, with all errors together.

    Args:
        grids: Grid by recommender name.

    Returns:
        Configurations by recommender name.

    Raises:
        ParameterError: If any grid is at fault.
    """
    expanded, problems = {}, []
    for name, grid in grids.items():
        try:
            expanded[name] = expand(name, grid)
        except ParameterError as error:
            problems.append(str(error))
    if problems:
        raise ParameterError("; ".join(problems))
    return expanded


def _without_those_left_out(grids: Any) -> Any:
    if not isinstance(grids, Mapping):
        return grids
    return {name: grid for name, grid in grids.items() if grid is not None}


def _valid(grids: dict[str, dict[str, list[Any]]]) -> dict[str, dict[str, list[Any]]]:
    try:
        expand_all(grids)
    except ParameterError as error:
        raise ValueError(str(error)) from error
    return grids


Grids = Annotated[
    dict[str, dict[str, list[Any]]],
    BeforeValidator(_without_those_left_out),
    AfterValidator(_valid),
]
"""Grids by recommender as a parameter; one that is null leaves its recommender out."""
