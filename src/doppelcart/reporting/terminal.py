"""The verdict as a table for the terminal."""

from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd
from rich.table import Table

from doppelcart.columns import Columns

BASELINE = "none"
NOTHING = (
    "No verdict: evaluation.arms names no arm of the generator that is compared with the plain "
    "recommender."
)
A_WIN = "* a win: helps against no augmentation and against every control"
UNDEFINED = "undefined"
STYLES = {"helps": "green", "harms": "red", "no evidence": "dim", UNDEFINED: "yellow"}


def render(verdict: pd.DataFrame, uplift: pd.DataFrame | None = None) -> Table:
    """Lay the verdict out: a row per slice and recommender, a column per arm.

    Args:
        verdict: Columns slice, recommender, arm, verdict (helps, no evidence, harms, undefined),
            win, n_units and least_units.
        uplift: Columns slice, recommender, arm, against and relative (a share); where given, the
            change against no augmentation stands beside each verdict.

    Returns:
        A table in the order of the rows of ``verdict``; a star marks a win. Without a row, what a
        verdict would have taken stands in its place.
    """
    keys = [Columns.SLICE, Columns.RECOMMENDER, Columns.ARM]
    change = _changes(uplift, keys)
    arms = list(dict.fromkeys(verdict[Columns.ARM]))
    table = Table(
        title="Does synthetic data help? Change of the main metric against no augmentation",
        caption=NOTHING if verdict.empty else A_WIN,
        title_justify="left",
        caption_justify="left",
    )
    for name in (Columns.SLICE, Columns.RECOMMENDER, *arms):
        table.add_column(str(name), overflow="fold")
    for labels, rows in verdict.groupby(keys[:2], sort=False):
        cells = {row[Columns.ARM]: _cell(row, change) for row in rows.to_dict("records")}
        table.add_row(*map(str, labels), *(cells.get(arm, "") for arm in arms))
    return table


def _changes(uplift: pd.DataFrame | None, keys: list[str]) -> dict[tuple[str, ...], float]:
    if uplift is None or not {*keys, "against", "relative"} <= set(uplift.columns):
        return {}
    against = uplift[uplift["against"] == BASELINE].drop_duplicates(keys)
    rows = against.dropna(subset="relative").to_dict("list")
    return dict(zip(zip(*(rows[key] for key in keys), strict=True), rows["relative"], strict=True))


def _cell(row: Mapping[Hashable, Any], change: dict[tuple[str, ...], float]) -> str:
    says = str(row["verdict"])
    if says == UNDEFINED:
        return f"[{STYLES[says]}]{says}: {row['n_units']} of {row['least_units']} customers[/]"
    key = (str(row[Columns.SLICE]), str(row[Columns.RECOMMENDER]), str(row[Columns.ARM]))
    number = f" {change[key]:+.1%}" if key in change else ""
    star = " *" if row.get("win") else ""
    style = STYLES.get(says, "default")
    return f"[{style}]{says}{number}{star}[/]"
