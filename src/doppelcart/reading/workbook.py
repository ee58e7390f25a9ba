"""Excel workbooks: the cells of a sheet as text."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Mapping
from functools import partial
from typing import Any

import pandas as pd

from doppelcart.errors import InputError
from doppelcart.reading.delimited import LOOKED_AT, check_names, table_start

log = logging.getLogger(__name__)


def read_workbook(
    name: str, path: str, options: Mapping[str, Any], decimal: str = "."
) -> pd.DataFrame:
    """Read a sheet of a workbook, or several, one below the other.

    Args:
        name: Name of the file, for the log.
        path: The workbook.
        options: Arguments of ``pandas.read_excel``; without ``sheet_name`` the first sheet is read.
        decimal: What stands before the fraction of a number in cells of text.

    Returns:
        The rows, each cell as text: whole numbers without a fraction, others as cells of text have
        them, moments as in ISO 8601.

    Raises:
        InputError: If a sheet holds no table, openpyxl is missing, or the workbook is broken.
    """
    arguments: dict[str, Any] = {"dtype": object, "keep_default_na": False, "na_values": [""]}
    arguments |= {"sheet_name": 0, **options, "header": None}
    try:
        with pd.ExcelFile(path) as book:
            sheets = book.parse(**arguments)
            names = [str(sheet) for sheet in book.sheet_names]
    except ImportError as error:
        raise InputError(
            "reading a workbook needs openpyxl (`pip install openpyxl`), or save the sheets as CSV"
        ) from error
    if "sheet_name" not in options and len(names) > 1:
        log.warning(
            "file %s (%s): only the first of its %d sheets is read, %r; for others say "
            "`options: {sheet_name: [...]}`, and `sheet_name: null` for all",
            *(name, path, len(names), names[0]),
        )
    if not isinstance(sheets, dict):
        sheets = {names[0]: sheets}
    header = options.get("header")
    frames = [_table(sheet, cells, header, decimal) for sheet, cells in sheets.items()]
    return pd.concat(frames, ignore_index=True)


def _table(sheet: Any, cells: pd.DataFrame, header: int | None, decimal: str) -> pd.DataFrame:
    """The rows of one sheet, below the titles and blank rows above its header."""
    texts = cells.apply(lambda column: column.map(partial(_text, decimal=decimal)))
    texts = texts.astype("string")
    head = texts.head(LOOKED_AT).fillna("")
    start = table_start(list(head.itertuples(index=False, name=None))) if header is None else header
    if start >= len(texts):
        raise InputError(f"its sheet {sheet!r} holds no table: no row of it has a value")
    names = [
        text.strip() or f"column{place}" for place, text in enumerate(texts.iloc[start].fillna(""))
    ]
    check_names(tuple(names))
    return texts.iloc[start + 1 :].set_axis(names, axis=1).dropna(how="all")


def _text(value: Any, decimal: str) -> str | None:
    """A cell as text."""
    if value is None or value is pd.NaT or value != value:
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value).replace(".", decimal)
    return str(value)
