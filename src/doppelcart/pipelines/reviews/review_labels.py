"""Labels of reviews, read as what they say and not as what they are made of."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd

SAID: Final = {
    "true": True, "yes": True, "1": True, "1.0": True,
    "false": False, "no": False, "0": False, "0.0": False,
}  # fmt: skip
"""What a label may be, in lower case. Any text is true to Python, 'no' as well."""
MOST_NAMED: Final = 5


def labels_of(column: pd.Series) -> tuple[pd.Series, pd.Series]:
    """What labels say.

    Args:
        column: Truth values, 0 and 1, or texts.

    Returns:
        (n,) true, false, or missing where there is no label; and (n,) whether a label says neither.

    Examples:
        >>> labels_of(pd.Series(["no", "YES ", "truthful", None]))[0].tolist()
        [False, True, <NA>, <NA>]
        >>> labels_of(pd.Series(["no", "YES ", "truthful", None]))[1].tolist()
        [False, False, True, False]
    """
    written = column.map(_written)
    said = written.map(SAID).astype("boolean")
    return said, written.ne("") & said.isna()


def fault_of_labels(column: pd.Series, unknown: pd.Series) -> str:
    """What is told of labels that say neither.

    Args:
        column: Labels as they were read.
        unknown: (n,) whether a label says neither.
    """
    values = [repr(value) for value in column[unknown].unique()]
    more = f" and {len(values) - MOST_NAMED:,} more" if len(values) > MOST_NAMED else ""
    return (
        f"column {column.name}: {int(unknown.sum()):,} of {len(column):,} values are "
        f"neither true nor false, such as {', '.join(values[:MOST_NAMED])}{more}. Give true or "
        f"false, yes or no, 1 or 0; or compare in `labelled_reviews: table: columns`, as in "
        f"{column.name}: label = 'fake'."
    )


def _written(value: Any) -> str:
    return "" if pd.isna(value) else str(value).strip().lower()
