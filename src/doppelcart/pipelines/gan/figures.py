"""The figure on training."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
from plotly import graph_objects as go

from doppelcart.recommendation.arm_marks import line_of, mark_of
from doppelcart.recommendation.labels import origin_label
from doppelcart.reporting.style import as_text, empty_figure, finish, height_of, panels

_NOT_DRAWN: Final = ("epoch", "steps", "seconds", "learning_rate", "kl_weight")


def plot_training(**histories: pd.DataFrame) -> go.Figure:
    """Draw what training recorded, the generator and its controls together."""
    return training_curves(histories)


def training_curves(histories: Mapping[str, pd.DataFrame]) -> go.Figure:
    """Every figure that training recorded by epoch, one panel per figure, one line per model.

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
                    name=as_text(origin_label(name)),
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
