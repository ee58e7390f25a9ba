"""A picture of one item's place in the graph."""

from __future__ import annotations

import numpy as np
import pandas as pd
from plotly import graph_objects as go

from doppelcart.catalogue.triples import HEAD, RELATION, TAIL
from doppelcart.reporting.style import INK, QUIET, as_text, empty_figure, finish

MOST = 12
"""Neighbours that are drawn, so that their names can be read."""
PALETTE = ("#0b6e99", "#b3541e", "#6a4c93", "#2e7d32", "#8d6e00", "#ad1457", "#00695c", "#37474f")


def neighbours_of(edges: pd.DataFrame) -> tuple[str, pd.DataFrame]:
    """An item with many kinds of edges, and its edges: a few of each relation, in turn.

    Args:
        edges: ``src``, ``dst``, ``relationship``.

    Returns:
        Its name; and ``neighbour`` and ``relationship``, at most ``MOST`` of them. Of items alike
        the first by name is taken.
    """
    turned = edges.rename(columns={HEAD: TAIL, TAIL: HEAD})
    either = pd.concat([edges, turned], ignore_index=True)
    either = either[either[HEAD].str.startswith("item:")]
    if either.empty:
        return "", pd.DataFrame({"neighbour": [], RELATION: []})
    kinds = either.groupby(HEAD)[RELATION].nunique()
    centre = str(kinds.idxmax())
    own = either[either[HEAD] == centre].sort_values([RELATION, TAIL])
    turn = own.groupby(RELATION).cumcount()
    shown = own.assign(turn=turn).sort_values(["turn", RELATION]).head(MOST)
    shown = shown.sort_values([RELATION, TAIL]).rename(columns={TAIL: "neighbour"})
    return centre, shown[["neighbour", RELATION]].reset_index(drop=True)


def draw_neighbourhood(edges: pd.DataFrame) -> go.Figure:
    """An item in the middle and its neighbours around it, coloured by relation.

    Args:
        edges: ``src``, ``dst``, ``relationship``.
    """
    centre, shown = neighbours_of(edges)
    if shown.empty:
        return empty_figure("The graph has no edge of an item.")
    angle = 2 * np.pi * np.arange(len(shown)) / len(shown)
    x, y = np.cos(angle), np.sin(angle)
    drawn = go.Figure()
    for colour, (relation, rows) in zip(
        PALETTE * (1 + len(shown) // len(PALETTE)), shown.groupby(RELATION), strict=False
    ):
        own = rows.index.to_numpy()
        ends = np.column_stack([np.zeros(len(own)), x[own], np.full(len(own), np.nan)])
        rises = np.column_stack([np.zeros(len(own)), y[own], np.full(len(own), np.nan)])
        drawn.add_trace(
            go.Scatter(
                x=np.round(ends.ravel(), 3).tolist(),
                y=np.round(rises.ravel(), 3).tolist(),
                mode="lines",
                line={"color": colour, "width": 2},
                name=as_text(str(relation)),
            )
        )
        drawn.add_trace(
            go.Scatter(
                x=np.round(x[own], 3).tolist(),
                y=np.round(y[own], 3).tolist(),
                mode="markers+text",
                marker={"color": colour, "size": 9},
                text=[as_text(name) for name in rows["neighbour"]],
                textposition=["top center" if up >= 0 else "bottom center" for up in y[own]],
                textfont={"color": INK},
                showlegend=False,
                hoverinfo="text",
            )
        )
    drawn.add_trace(
        go.Scatter(
            x=[0],
            y=[0],
            mode="markers+text",
            marker={"color": QUIET, "size": 14},
            text=[as_text(centre)],
            textposition="top center",
            showlegend=False,
            hoverinfo="text",
        )
    )
    drawn.update_xaxes(visible=False, range=[-1.5, 1.5])
    drawn.update_yaxes(visible=False, range=[-1.3, 1.3])
    alt = f"{centre} and its neighbours in the graph: " + "; ".join(
        f"{row['neighbour']} ({row[RELATION]})" for row in shown.to_dict("records")
    )
    return finish(drawn, 480, alt, legend=True)
