"""Scaling of profiles: functions and transformers fitted on training rows, saved by skops."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Protocol, Self

import numpy as np
import pandas as pd

from doppelcart.columns import MISSING

if TYPE_CHECKING:
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline as Steps
    from sklearn.preprocessing import OneHotEncoder


class Transformer(Protocol):
    """What scikit-learn's transformers have in common."""

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn from the rows of a table or matrix."""
        ...

    def transform(self, X: Any) -> Any:
        """The rows of a table or matrix, transformed."""
        ...


def log_amount(values: np.ndarray) -> np.ndarray:
    """log(1 + x) of amounts and counts; negative values count as zero."""
    return np.log1p(np.maximum(np.asarray(values, dtype=np.float64), 0.0))


def log_share(values: np.ndarray) -> np.ndarray:
    """log(1 + x in per cent) of shares between 0 and 1."""
    return log_amount(100.0 * np.asarray(values, dtype=np.float64))


def clipped(values: np.ndarray, limit: float) -> np.ndarray:
    """Values held within plus or minus the limit."""
    return np.clip(values, -limit, limit)


def slug(value: object) -> str:
    """Lower-case letters, digits and single underscores: fit for a column name."""
    return re.sub(r"[^0-9a-z]+", "_", str(value).lower()).strip("_") or "other"


def slugs(values: Iterable[object]) -> dict[str, str]:
    """A distinct slug for each value; where two would meet, the later one is numbered."""
    names: dict[str, str] = {}
    for value in values:
        name, number = slug(value), 2
        while name in names.values():
            name, number = f"{slug(value)}_{number}", number + 1
        names[str(value)] = name
    return names


def robust_steps(function: Callable[[np.ndarray], np.ndarray] | None, clip: float) -> Steps:
    """Fill with the median (flagged), apply a function, centre and scale by quartiles, clip."""
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import Pipeline as Steps
    from sklearn.preprocessing import FunctionTransformer, RobustScaler

    named = {"feature_names_out": "one-to-one"}
    return Steps(
        [
            (
                "fill",
                SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
            ),
            ("function", FunctionTransformer(function, **named)),
            ("scale", RobustScaler()),
            ("clip", FunctionTransformer(clipped, kw_args={"limit": clip}, **named)),
        ]
    )


def fill_with(value: float) -> SimpleImputer:
    """Leave values between 0 and 1 as they are; an unknown one takes the value given."""
    from sklearn.impute import SimpleImputer

    return SimpleImputer(strategy="constant", fill_value=value, keep_empty_features=True)


def one_hot(levels: Sequence[Sequence[str]]) -> OneHotEncoder:
    """One column for each level named; any other value, or none, is all zeros."""
    from sklearn.preprocessing import OneHotEncoder

    return OneHotEncoder(
        categories=[np.array(column, dtype=object) for column in levels],
        handle_unknown="ignore",
        sparse_output=False,
        dtype=np.float32,
    )


def columns_of(parts: Sequence[tuple[str, object, Sequence[str]]]) -> ColumnTransformer:
    """A transformer of the parts that have columns; all other columns are dropped."""
    from sklearn.compose import ColumnTransformer

    kept = [(name, steps, list(columns)) for name, steps, columns in parts if len(columns)]
    return ColumnTransformer(kept, remainder="drop", verbose_feature_names_out=False)


def to_matrix(
    frame: pd.DataFrame, transformer: ColumnTransformer, prefix: str, id_column: str
) -> pd.DataFrame:
    """Applies a fitted transformer.

    Args:
        frame: One row per user or item, the identifier as index.
        transformer: Fitted on columns of the frame.
        prefix: What the matrix's columns begin with.
        id_column: Name of the identifier's column in the result.

    Returns:
        The identifier and float32 columns ``<prefix>__<name>``, rows in the frame's order.
    """
    values = np.asarray(transformer.transform(frame), dtype=np.float32)
    flagged = re.compile(r"^missingindicator_(.*)$")
    names = slugs(
        flagged.sub(rf"\1{MISSING}", name) for name in transformer.get_feature_names_out()
    ).values()
    matrix = pd.DataFrame(values, columns=[f"{prefix}__{name}" for name in names])
    matrix.insert(0, id_column, frame.index.to_numpy().astype(str))
    return matrix
