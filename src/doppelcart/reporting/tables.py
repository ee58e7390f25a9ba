"""Tables of a page: data frames to rows of text with the right alignment."""

from collections.abc import Callable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict

UNDEFINED: Final = "\N{EN DASH}"
NOISE: Final = 1e-12
"""What lies nearer to 0 comes of how computers calculate."""
EXPONENT_FROM: Final = 9_999.5
"""From here on four figures would be written with an exponent."""
Formatter = Callable[[Any], str]
Row = tuple[str, ...]


class Column(NamedTuple):
    """One column of a table: where it comes from, its heading, and how a value is written."""

    name: str
    label: str
    write: Formatter
    numeric: bool = True


class Table(BaseModel):
    """A table ready to be laid out.

    Attributes:
        caption: What it shows.
        headings: Heading and whether the column is numeric, one per column.
        groups: Rows of cells as text, under the heading they share; an empty heading is none.
        note: What a reader must know of it, such as that it was cut; may be empty.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    caption: str
    headings: tuple[tuple[str, bool], ...]
    groups: tuple[tuple[str, tuple[Row, ...]], ...]
    note: str = ""

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows of all groups, without the groups' headings."""
        return tuple(row for _, rows in self.groups for row in rows)


def text(value: Any) -> str:
    """Words as they are; nothing for a missing value."""
    return "" if _missing(value) else str(value)


def spelled(value: Any) -> str:
    """An identifier as words.

    Examples:
        >>> spelled("exact_copy_rate")
        'exact copy rate'
    """
    return text(value).replace("_", " ")


def count(value: Any) -> str:
    """A whole number with thousands separated.

    Examples:
        >>> count(1469307)
        '1,469,307'
    """
    return UNDEFINED if _missing(value) else f"{int(value):,}"


def score(value: Any) -> str:
    """A score with four decimals."""
    return UNDEFINED if _missing(value) else decimal(float(value), 4)


def probability(value: Any) -> str:
    """A p-value with three decimals.

    Examples:
        >>> probability(0.00004)
        '< 0.001'
    """
    if _missing(value):
        return UNDEFINED
    return "< 0.001" if float(value) < 0.001 else f"{float(value):.3f}"


def change(value: Any) -> str:
    """A change in percent, with its sign, from percent.

    Examples:
        >>> change(3.456)
        '+3.5 %'
    """
    return UNDEFINED if _missing(value) else signed(f"{float(value):+.1f} %")


def change_within(effect: Any, low: Any, high: Any) -> str:
    """A change in percent with its 95 % interval, the unit said once.

    Examples:
        >>> change_within(3.456, 1, 5), change_within(3.456, None, None)
        ('+3.5 % (+1.0 to +5.0)', '+3.5 % (interval undefined)')
    """
    if _missing(low) or _missing(high):
        return f"{change(effect)} (interval undefined)"
    return (
        f"{change(effect)} ({change(low).removesuffix(' %')} to {change(high).removesuffix(' %')})"
    )


CHANGE: Final = (
    Column("percent", "change", change),
    Column("percent_low", "from", change),
    Column("percent_high", "to", change),
    Column("p_holm", "corrected p", probability),
)
"""A comparison in four columns: the change, the ends of its interval, the corrected p-value."""


def in_percent(comparisons: pd.DataFrame) -> pd.DataFrame:
    """Add percent, percent_low and percent_high: the relative change and its interval."""
    return comparisons.assign(
        percent=100 * comparisons["relative"].astype(float),
        percent_low=100 * comparisons["relative_low"].astype(float),
        percent_high=100 * comparisons["relative_high"].astype(float),
    )


def share(value: Any) -> str:
    """A share in percent, from a fraction.

    Examples:
        >>> share(0.0312)
        '3.1 %'
    """
    return UNDEFINED if _missing(value) else signed(f"{100 * float(value):.1f} %")


def yes_no(value: Any) -> str:
    """A truth value in words."""
    return UNDEFINED if _missing(value) else "yes" if value else "no"


def number(value: Any) -> str:
    """Any value at a readable precision: whole numbers separated, others to four digits.

    Examples:
        >>> number(12345), number(0.123456), number("wgan_gp"), number(True)
        ('12,345', '0.1235', 'wgan_gp', 'yes')
    """
    if isinstance(value, bool | np.bool_):
        return yes_no(value)
    if isinstance(value, list | tuple):
        return ", ".join(number(part) for part in value) or UNDEFINED
    if _missing(value):
        return UNDEFINED
    if isinstance(value, int | np.integer):
        return signed(f"{int(value):,}")
    if isinstance(value, float | np.floating):
        whole = float(value).is_integer() or abs(float(value)) >= EXPONENT_FROM
        return signed(f"{value:,.0f}" if whole else f"{value:.4g}")
    return str(value)


def alike(column: pd.Series) -> Formatter:
    """One formatter for a whole column, so that its decimal points stand below each other.

    Args:
        column: Any values; only floating-point ones that are not whole need decimals.
    """
    if not pd.api.types.is_float_dtype(column):
        return number
    values = column[np.isfinite(column)].abs()
    if (values % 1 == 0).all():
        return number
    largest = float(values.max())
    most = 0 if largest >= 10_000 else 1 if largest >= 100 else 3 if largest >= 1 else 4
    # No more than say something: stock in tenths has one.
    enough = (n for n in range(most) if np.allclose(values, values.round(n), rtol=0, atol=1e-9))
    decimals = next(enough, most)

    return lambda value: UNDEFINED if _missing(value) else decimal(float(value), decimals)


def decimal(value: float, decimals: int) -> str:
    """A number with so many decimals; two figures of one that would be written as 0.

    Examples:
        >>> decimal(1234.5678, 2), decimal(0.00004, 4), decimal(0.0, 4)
        ('1,234.57', '4e-05', '0.0000')
    """
    hidden = NOISE < abs(value) <= 0.5 * 10.0**-decimals
    return signed(f"{value:.2g}" if hidden else f"{value:,.{decimals}f}")


def numbers(frame: pd.DataFrame, name: str, label: str) -> Column:
    """A column of numbers with as many decimals in one row as in another.

    Args:
        frame: The rows that are shown.
        name: Of the column in it.
        label: Its heading.
    """
    return Column(name, label, alike(frame[name]))


def signed(written: str) -> str:
    """Write a minus sign instead of a hyphen, and none before a zero."""
    if not written.startswith("-"):
        return written
    is_zero = not any(digit in written for digit in "123456789")
    return written[1:] if is_zero else written.replace("-", "\N{MINUS SIGN}", 1)


def tabulate(
    frame: pd.DataFrame,
    caption: str,
    columns: Sequence[Column],
    limit: int,
    note: str = "",
    grouped: bool = False,
) -> Table:
    """Lay out chosen columns of a frame.

    Args:
        frame: The data.
        caption: What the table shows.
        columns: Columns in order.
        limit: Longest table; rows beyond it are left out, and the note says so.
        note: Said below the table.
        grouped: Make the first column the heading of the rows that share it.
    """
    cut = f" The first {limit:,} of {len(frame):,} rows." if len(frame) > limit else ""
    head = frame.head(limit)
    cells = [[column.write(value) for value in head[column.name]] for column in columns]
    rows = list(zip(*cells, strict=True)) if cells else []
    return Table(
        caption=caption,
        headings=tuple((column.label, column.numeric) for column in columns[grouped:]),
        groups=_by_first(rows) if grouped else (("", tuple(rows)),),
        note=(note + cut).strip(),
    )


def _by_first(rows: Sequence[Row]) -> tuple[tuple[str, tuple[Row, ...]], ...]:
    return tuple(
        (heading, tuple(row[1:] for row in found))
        for heading, found in groupby(rows, key=itemgetter(0))
    )


def tabulate_all(
    frame: pd.DataFrame, caption: str, limit: int, words: Mapping[str, Formatter] | None = None
) -> Table:
    """Lay out every column of a frame, numbers at a readable precision.

    Args:
        frame: The data.
        caption: What the table shows.
        limit: Longest table (rows).
        words: Formatter of some columns, by name.
    """
    words = words or {}
    columns = [
        Column(
            name=str(name),
            label=str(name).replace("_", " "),
            write=words.get(str(name)) or alike(frame[name]),
            numeric=words.get(str(name)) is not text and _is_number(frame[name]),
        )
        for name in frame.columns
    ]
    return tabulate(frame, caption, columns, limit)


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested mappings and models to one level, names dotted; lists of plain values stay lists.

    Examples:
        >>> flatten({"gan": {"training": {"epochs": 5}}, "seed": 1})
        {'gan.training.epochs': 5, 'seed': 1}
    """
    flat: dict[str, Any] = {}
    for name, value in values.items():
        path = f"{prefix}{name}"
        if isinstance(value, BaseModel):
            value = value.model_dump(mode="json")
        if isinstance(value, Mapping) and value:
            flat |= flatten(value, f"{path}.")
        elif isinstance(value, list) and any(isinstance(part, Mapping) for part in value):
            flat |= flatten({str(place): part for place, part in enumerate(value)}, f"{path}.")
        else:
            flat[path] = value
    return flat


def tabulate_mapping(
    values: Mapping[str, Any], caption: str, limit: int, heading: str = "what"
) -> Table:
    """Lay out a mapping as two columns, nested names joined by dots."""
    flat = flatten(values)
    frame = pd.DataFrame({"name": list(flat), "value": [number(value) for value in flat.values()]})
    columns = [Column("name", heading, text, False), Column("value", "value", text)]
    return tabulate(frame, caption, columns, limit)


def _is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def _missing(value: Any) -> bool:
    return value is None or value is pd.NaT or (isinstance(value, float) and not np.isfinite(value))


def counts_table(counts: pd.DataFrame, caption: str, limit: int) -> Table:
    """What was found while reading, and what was done about it.

    Args:
        counts: ``what``, ``number``, ``of`` how many, what was ``done``.
        caption: Of what they were.
        limit: Longest table (rows).
    """
    columns = [
        Column("what", "what", text, False),
        Column("number", "number", count),
        Column("of", "of", count),
        Column("done", "done", text, False),
    ]
    return tabulate(counts, caption, columns, limit)
