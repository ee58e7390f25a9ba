"""What a section of the report is made of: text, tables, figures."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup
from plotly import graph_objects as go

from doppelcart.columns import Columns
from doppelcart.pipelines.reporting.labels import (
    arm_order,
    recommender_order,
    slice_order,
)
from doppelcart.pipelines.reporting.tables import (
    Table,
)

Block = dict[str, Any]


@dataclass(frozen=True)
class Section:
    """One heading of the report and what stands under it."""

    name: str
    title: str
    blocks: tuple[Block, ...]


def paragraph(words: str, quiet: bool = False) -> Block:
    """A paragraph."""
    return {"kind": "text", "text": words, "quiet": quiet}


def skipped(what: str, reason: str) -> Block:
    """A part that this run does not have, and why."""
    return {"kind": "skipped", "text": f"{what}: skipped because {reason}."}


def figure(name: str, drawn: go.Figure, caption: str) -> Block:
    """A figure, its alternative text taken from what it carries.

    Args:
        name: Identifier in the page.
        drawn: The figure, ``layout.meta["alt"]`` set.
        caption: Said below it.
    """
    return {
        "kind": "figure",
        "name": name,
        "alt": (drawn.layout.meta or {}).get("alt", caption),
        "height": int(drawn.layout.height or 450),
        "caption": caption,
        "json": script_json(drawn.to_json()),
    }


def table(laid_out: Table) -> Block:
    """A table, as wide as the page if it has many columns."""
    return {"kind": "table", "table": laid_out, "wide": len(laid_out.headings) > 5}


def details(summary: str, blocks: Iterable[Block]) -> Block:
    """Blocks that open on demand."""
    return {"kind": "details", "summary": summary, "blocks": list(blocks)}


def script_json(written: str) -> Markup:
    """JSON that may stand inside a script element: nothing in it can close the element."""
    escapes: dict[str, str | int | None] = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}
    return Markup(written.translate(str.maketrans(escapes)))  # noqa: S704


def ordered(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows by group of customers, recommender and arm, each in the order of the report."""
    orders = {
        Columns.SLICE: slice_order,
        Columns.RECOMMENDER: recommender_order,
        Columns.ARM: arm_order,
    }
    keys = [name for name in orders if name in frame]
    ranks = pd.DataFrame(
        {
            name: frame[name].map({value: n for n, value in enumerate(orders[name](frame[name]))})
            for name in keys
        },
        index=frame.index,
    )
    return frame.loc[ranks.sort_values(keys, kind="stable").index]
