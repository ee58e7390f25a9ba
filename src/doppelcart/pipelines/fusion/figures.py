"""The figure on what variety costs."""

import pandas as pd
from plotly import graph_objects as go

from doppelcart.columns import Columns
from doppelcart.data.slices import slice_label, slice_order
from doppelcart.recommendation.labels import metric_label
from doppelcart.reporting.style import (
    Mark,
    as_text,
    empty_figure,
    finish,
    height_of,
    line_of,
    marker_of,
    panels,
)

MARK = Mark("#0b6e99", "circle")


def trade_off(table: pd.DataFrame, metric: str) -> go.Figure:
    """How right lists are against how varied, by the balance between both; a panel per slice.

    Args:
        table: One row per (slice, balance): value, diversity, coverage.
        metric: What ``value`` is, such as ``ndcg@20``.
    """
    if table.empty:
        return empty_figure("No list was made.")
    slices = slice_order(table[Columns.SLICE])
    height = height_of(list(slices), 220)
    figure = panels([slice_label(name) for name in slices], height, sharey=False)
    for number, name in enumerate(slices):
        rows = table[table[Columns.SLICE] == name]
        figure.add_trace(
            go.Scatter(
                x=rows["diversity"].tolist(),
                y=rows["value"].tolist(),
                mode="lines+markers",
                line=line_of(MARK),
                marker=marker_of(MARK, size=8),
                showlegend=False,
                text=[
                    f"balance {row['balance']:g}, {100 * row['coverage']:.0f} % of the catalogue"
                    for row in rows.to_dict("records")
                ],
                hovertemplate="%{text}: %{y:.4f}, diversity %{x:.3f}<extra></extra>",
                name=as_text(slice_label(name)),
            ),
            row=number // 2 + 1,
            col=number % 2 + 1,
        )
    figure.update_xaxes(title="diversity within a list", showticklabels=True)
    figure.update_yaxes(title=metric_label(metric))
    return finish(figure, height, " ".join(_told(table, name, metric) for name in slices))


def _told(table: pd.DataFrame, name: str, metric: str) -> str:
    rows = table[table[Columns.SLICE] == name]
    first, last = rows.iloc[0], rows.iloc[-1]
    return (
        f"{slice_label(name)}: from balance {first['balance']:g} to {last['balance']:g}, "
        f"{metric_label(metric)} goes from {first['value']:.4f} to {last['value']:.4f}, diversity "
        f"from {first['diversity']:.3f} to {last['diversity']:.3f}."
    )
