"""Figures of the tuning pipeline."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, Final

import pandas as pd
from plotly import graph_objects as go

from doppelcart.pipelines.tuning.params import TuningParams

MARKERS: Final = {
    "complete": {"symbol": "circle", "size": 9, "color": "#1f77b4"},
    "pruned": {"symbol": "x-thin", "size": 9, "line": {"width": 2, "color": "#8a6d3b"}},
    "failed": {"symbol": "triangle-down-open", "size": 10, "color": "#b3261e"},
}


def draw_trials(trials: pd.DataFrame, params: TuningParams) -> go.Figure:
    """Value by trial, the best so far, and what was given up or failed.

    Args:
        trials: One row per trial; a failed one has no value and is drawn at the lowest.
        params: Names what was searched.
    """
    floor = trials["value"].min() if trials["value"].notna().any() else 0.0
    figure = go.Figure()
    for state, marker in MARKERS.items():
        rows = trials[trials["state"] == state]
        figure.add_scatter(
            x=rows["number"],
            y=rows["value"].fillna(floor),
            mode="markers",
            marker=marker,
            name=f"{state} ({len(rows)})",
            text=[_told(row, list(params.space)) for row in rows.to_dict("records")],
            hoverinfo="text",
        )
    complete = trials[trials["state"] == "complete"]
    figure.add_scatter(
        x=complete["number"],
        y=complete["value"].cummax(),
        mode="lines",
        line={"shape": "hv", "color": "#1f77b4", "width": 1},
        name="best so far",
        hoverinfo="skip",
    )
    figure.update_layout(
        template="plotly_white",
        xaxis_title="trial",
        yaxis_title="selection metric on validation users",
        meta={"alt": "Selection metric by trial; pruned and failed trials are marked."},
    )
    return figure


def draw_importances(importances: pd.DataFrame) -> go.Figure:
    """Importance by parameter, or a line that says that it is undefined.

    Args:
        importances: ``parameter`` and ``value``.
    """
    known = importances.dropna().sort_values("value")
    figure = go.Figure(go.Bar(x=known["value"], y=known["parameter"], orientation="h"))
    if known.empty:
        figure.add_annotation(text="too few complete trials, or all equally good", showarrow=False)
    figure.update_layout(
        template="plotly_white",
        xaxis_title="importance (PED-ANOVA, shares of 1)",
        meta={"alt": "Importance of each searched parameter."},
    )
    return figure


def _told(row: Mapping[Hashable, Any], names: list[str]) -> str:
    """One trial in words."""
    head = f"trial {row['number']}: {row['state']}, {row['value']:.4f}"
    reason = [str(row["reason"])] if row["reason"] else []
    return "<br>".join([head, *reason, *(f"{name}: {row[name]}" for name in names)])
