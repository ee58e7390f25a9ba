"""Figures on the generated customers and on the training behind them."""

from collections.abc import Mapping
from html import escape
from typing import Final

import numpy as np
import pandas as pd
from plotly import graph_objects as go

from doppelcart.pipelines.reporting.figures.style import (
    empty_figure,
    finish,
    height_of,
    line_of,
    log_axis,
    mark_of,
    origin_label,
    panels,
)

_NOT_DRAWN: Final = ("epoch", "steps", "seconds", "learning_rate", "kl_weight")


def history_length(lengths: Mapping[str, np.ndarray]) -> go.Figure:
    """Share of users with at most so many distinct items, real and generated.

    Args:
        lengths: Distinct items a user (items), by source: ``real`` and the generators' names.
    """
    known = {name: np.sort(np.asarray(values)) for name, values in lengths.items() if len(values)}
    if not known:
        return empty_figure("No history to measure.")
    shares = np.linspace(0, 1, 101)
    figure = go.Figure()
    for name, values in known.items():
        quantiles = np.quantile(values, shares, method="inverted_cdf")
        figure.add_trace(
            go.Scatter(
                x=np.maximum(quantiles, 1).tolist(),
                y=(100 * shares).tolist(),
                mode="lines",
                name=escape(origin_label(name)),
                line={**line_of(name), "shape": "hv"},
                hovertemplate="%{y:.0f} % have at most %{x} items<extra>%{fullData.name}</extra>",
            )
        )
    figure.update_xaxes(**log_axis("Distinct items a customer (log scale)"))
    figure.update_yaxes(title="Customers with at most so many", ticksuffix=" %", range=[0, 101])
    alt = "History length, real and generated. " + " ".join(
        f"{origin_label(name)}: median {np.median(values):.0f}, mean {values.mean():.1f} items."
        for name, values in known.items()
    )
    return finish(figure, height=380, alt=alt, legend=True)


def popularity_curve(shares: Mapping[str, np.ndarray], bins: int) -> go.Figure:
    """Share of users who bought an item, against the item's rank in the real data.

    Items keep the order of their real popularity in every line, so a generator that makes the
    wrong items popular shows as a flat line and not as a good fit.

    Args:
        shares: (n_items,) share of users with the item, by source; ``real`` gives the order.
        bins: Groups of items on the log scale of rank.
    """
    if "real" not in shares or not len(shares["real"]):
        return empty_figure("No real popularity to compare with.")
    real = np.asarray(shares["real"], dtype=float)
    order = np.argsort(-real, kind="stable")
    edges = np.unique(np.geomspace(1, len(real) + 1, bins + 1).round().astype(int))
    middles = np.sqrt(edges[:-1] * (edges[1:] - 1).clip(min=1))
    figure, notes = go.Figure(), []
    for name, values in shares.items():
        ordered = np.asarray(values, dtype=float)[order]
        means = [ordered[start - 1 : stop - 1].mean() for start, stop in _pairs(edges)]
        figure.add_trace(
            go.Scatter(
                x=middles.tolist(),
                y=[100 * mean if mean > 0 else None for mean in means],
                mode="lines+markers" if name == "real" else "lines",
                name=escape(origin_label(name)),
                line=line_of(name),
                marker={"size": 4},
                hovertemplate="rank %{x:.0f}: %{y:.2f} %<extra>%{fullData.name}</extra>",
            )
        )
        if name != "real":
            notes.append(
                f"{origin_label(name)}: correlation with real {_correlation(real, values)}."
            )
    figure.update_xaxes(**log_axis("Item, by its rank in the real data (log scale)"))
    figure.update_yaxes(**log_axis("Customers with the item (log scale)", " %"))
    alt = "Popularity of items, real and generated. " + " ".join(notes)
    return finish(figure, height=400, alt=alt, legend=True)


def training_curves(histories: Mapping[str, pd.DataFrame]) -> go.Figure:
    """Every figure that training recorded by epoch, one panel a figure, one line a model.

    Args:
        histories: Per-epoch tables by model name; column ``epoch``, the others numeric.
    """
    known = {name: table for name, table in histories.items() if len(table)}
    columns = _recorded(known)
    if not columns:
        return empty_figure("No training was recorded.")
    titles = [column.replace("_", " ") for column in columns]
    height = height_of(titles, 150)
    figure = panels(titles, height, sharey=False)
    for name, table in known.items():
        first = True
        for place, column in enumerate(columns):
            if column not in table:
                continue
            figure.add_trace(
                go.Scatter(
                    x=table["epoch"].tolist(),
                    y=[float(value) if np.isfinite(value) else None for value in table[column]],
                    mode="lines+markers"
                    if table[column].count() < len(table) or len(table) == 1
                    else "lines",
                    connectgaps=True,
                    marker={"size": 5, "symbol": mark_of(name).symbol},
                    name=escape(origin_label(name)),
                    legendgroup=name,
                    showlegend=first,
                    line=line_of(name),
                    hovertemplate="epoch %{x}: %{y:.4g}<extra>%{fullData.name}</extra>",
                ),
                row=place // 2 + 1,
                col=place % 2 + 1,
            )
            first = False
    for place, column in enumerate(columns):
        drawn = pd.concat([table[column] for table in known.values() if column in table])
        figure.update_yaxes(range=_range(drawn), row=place // 2 + 1, col=place % 2 + 1)
    alt = "Training by epoch. " + " ".join(
        f"{origin_label(name)}: {len(table)} epochs." for name, table in known.items()
    )
    return finish(figure, height, alt, legend=True)


def _pairs(edges: np.ndarray) -> list[tuple[int, int]]:
    return list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))


def _correlation(real: np.ndarray, other: np.ndarray) -> str:
    other = np.asarray(other, dtype=float)
    if len(real) < 2 or not real.std() or not other.std():
        return "undefined"
    return f"{np.corrcoef(real, other)[0, 1]:.3f}"


def _recorded(histories: Mapping[str, pd.DataFrame]) -> list[str]:
    columns: dict[str, None] = {}
    for table in histories.values():
        for column in table.columns:
            numeric = pd.api.types.is_numeric_dtype(table[column])
            if column not in _NOT_DRAWN and numeric and np.isfinite(table[column]).any():
                columns[str(column)] = None
    return list(columns)


def _range(values: pd.Series) -> list[float] | None:
    """Ends of an axis from 0 for a line that is flat, which Plotly would draw on one through 0."""
    low, high = float(values.min()), float(values.max())
    if low != high:
        return None
    return [2 * low, 0.0] if low < 0 else [0.0, 2 * low or 1.0]
