"""The figure on what cleaning took out."""

from typing import Final

import pandas as pd
from plotly import graph_objects as go

from doppelcart.columns import Columns, Tables
from doppelcart.reporting.style import (
    GRID,
    as_text,
    empty_figure,
    finish,
)

KEPT: Final = "kept"


def plot_cleaning(cleaning_report: pd.DataFrame) -> go.Figure:
    """Draw what each rule of cleaning took out of the interactions."""
    return cleaning_waterfall(cleaning_report, Tables.INTERACTIONS)


def cleaning_waterfall(cleaning_report: pd.DataFrame, table: str) -> go.Figure:
    """Rows of a table, less what each rule put into quarantine, down to the rows kept.

    Args:
        cleaning_report: rule, table, rows; the rule ``kept`` counts what stays.
        table: The table to draw.
    """
    counted = cleaning_report[(cleaning_report["table"] == table) & (cleaning_report["rows"] > 0)]
    rows_in = int(counted["rows"].sum())
    if not rows_in:
        return empty_figure(f"No row of {table} came in.")
    rules = counted[counted[Columns.RULE] != KEPT]
    taken = rules["rows"].astype(int).tolist()
    kept = rows_in - sum(taken)
    names = [str(rule).replace("_", " ") for rule in rules[Columns.RULE]]
    figure = go.Figure(
        go.Waterfall(
            orientation="h",
            measure=["absolute", *["relative"] * len(taken), "total"],
            y=["rows in", *[as_text(name) for name in names], "rows kept"],
            x=[rows_in, *[-rows for rows in taken], kept],
            text=[f"{rows_in:,}", *[f"\N{MINUS SIGN}{rows:,}" for rows in taken], f"{kept:,}"],
            textposition="auto",
            decreasing={"marker": {"color": "#b3541e"}},
            totals={"marker": {"color": "#33658a"}},
            connector={"line": {"color": GRID}},
            hovertemplate="%{y}: %{text}<extra></extra>",
        )
    )
    figure.update_yaxes(autorange="reversed").update_xaxes(
        title=f"Rows of {table}", rangemode="tozero"
    )
    removed = ", ".join(f"{name} {rows:,}" for name, rows in zip(names, taken, strict=True))
    alt = f"{rows_in:,} rows of {table} came in, {kept:,} were kept. " + (
        f"Quarantined: {removed}." if taken else "No row was quarantined."
    )
    return finish(figure, height=140 + 34 * (len(taken) + 2), alt=alt)
