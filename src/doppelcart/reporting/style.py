"""How every figure looks: colours, marks, axes, panels."""

from html import escape
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from plotly import graph_objects as go
from plotly.subplots import make_subplots

INK: Final = "#1f2933"
QUIET: Final = "#5b6672"
GRID: Final = "#e3e7eb"
FRAME: Final = 60
GAP: Final = 88
FONT: Final = "Inter, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif"


class Mark(NamedTuple):
    """How one thing is drawn in all figures: colour, marker and line style together."""

    colour: str
    symbol: str
    dash: str = "solid"


OTHER: Final = Mark("#5b6672", "star", "longdash")
"""What has no mark of its own."""


def as_text(words: str) -> str:
    """Words that Plotly shows as they are: in its texts ``<`` would begin a tag.

    Quotes stay, which it would show as ``&quot;``, so that this is nothing for HTML attributes.
    """
    return escape(words, quote=False)


def empty_figure(reason: str) -> go.Figure:
    """A figure that says why there is nothing to show."""
    figure = go.Figure()
    figure.add_annotation(text=as_text(reason), showarrow=False, font={"size": 14, "color": QUIET})
    figure.update_xaxes(visible=False).update_yaxes(visible=False)
    return finish(figure, height=160, alt=reason)


def panels(
    titles: list[str], height: int, sharey: bool = True, shared_xaxes: str | bool = False
) -> go.Figure:
    """Panels two abreast; the space between two rows is the same in every figure."""
    columns = min(2, len(titles))
    rows = (len(titles) + 1) // 2
    return make_subplots(
        rows=rows,
        cols=columns,
        subplot_titles=[as_text(title).replace(", ", ",<br>", 1) for title in titles],
        shared_yaxes=sharey,
        shared_xaxes=shared_xaxes,
        horizontal_spacing=0.04 if sharey else 0.09,
        vertical_spacing=GAP / height if rows > 1 else 0.0,
    )


def height_of(titles: list[str], panel: int) -> int:
    """Height of a figure whose panels are so high each (pixels)."""
    return FRAME + (panel + GAP) * ((len(titles) + 1) // 2)


def heights_of(found: pd.Series, rows: list[str], one: str, series: list[str]) -> list[float]:
    """Where the markers of one of several series lie: each row spreads them, the first on top."""
    middle = (len(series) - 1) / 2
    return [rows.index(v) + 0.7 * (middle - series.index(one)) / len(series) for v in found]


def name_rows(figure: go.Figure, labels: list[str]) -> None:
    """Write the names of rows 0, 1, ... beside the axis."""
    figure.update_yaxes(
        tickvals=list(range(len(labels))),
        ticktext=[as_text(label) for label in labels],
        range=[-0.6, len(labels) - 0.4],
        zeroline=False,
    )


def error_bars(
    middle: np.ndarray, low: np.ndarray, high: np.ndarray, colour: str
) -> dict[str, Any]:
    """Whiskers from ``low`` to ``high`` around ``middle``, in Plotly's words; none at NaN."""
    return {
        "type": "data",
        "symmetric": False,
        "array": (high - middle).tolist(),
        "arrayminus": (middle - low).tolist(),
        "color": colour,
        "thickness": 1.6,
        "width": 3,
    }


def marker_of(mark: Mark, size: int) -> dict[str, Any]:
    """Marker of a size (pixels), in Plotly's words."""
    return {
        "symbol": mark.symbol,
        "color": mark.colour,
        "size": size,
        "line": {"color": mark.colour, "width": 1.5},
    }


def line_of(mark: Mark, width: float = 2) -> dict[str, Any]:
    """Line of a width (pixels), in Plotly's words."""
    return {"color": mark.colour, "dash": mark.dash, "width": width}


def log_axis(title: str, suffix: str = "") -> dict[str, Any]:
    """Logarithmic axis with ticks at 1, 2 and 5 of every power of ten, each with a suffix."""
    ticks = [step * 10.0**power for power in range(-4, 7) for step in (1, 2, 5)]
    return {
        "type": "log",
        "title": title,
        "tickvals": ticks,
        "ticktext": [
            f"{tick:,.0f}{suffix}" if tick >= 1 else f"{tick:g}{suffix}" for tick in ticks
        ],
    }


def _legend_lines(figure: go.Figure) -> int:
    """Lines that the legend takes on a page of ordinary width; it lies above the panels."""
    entries = [trace.name or "" for trace in figure.data if trace.showlegend is not False]
    return 1 + sum(len(entry) + 8 for entry in entries) // 85


def finish(figure: go.Figure, height: int, alt: str, legend: bool = False) -> go.Figure:
    """Lay a figure out as all are: its height (pixels), its words for who does not see it."""
    axis = {
        "gridcolor": GRID,
        "linecolor": GRID,
        "zeroline": False,
        "automargin": True,
        "title": {"standoff": 8, "font": {"size": 13}},
    }
    template = go.layout.Template(
        layout={
            "font": {"family": FONT, "size": 13, "color": INK},
            "paper_bgcolor": "#ffffff",
            "plot_bgcolor": "#ffffff",
            "xaxis": axis,
            "yaxis": axis,
            "separators": ".,",
        }
    )
    titles = 58 if figure.layout.annotations else 20
    top = titles + 22 * _legend_lines(figure) * legend
    figure.update_layout(
        template=template,
        height=height,
        margin={"l": 10, "r": 20, "t": top, "b": 50},
        showlegend=legend,
        legend={"orientation": "h", "yanchor": "top", "y": 1, "x": 0, "yref": "container"},
        meta={"alt": " ".join(alt.split())},
    )
    figure.update_annotations(font_size=14)
    return figure
