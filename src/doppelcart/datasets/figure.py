"""A figure whose preview is drawn for the size that previews have."""

from __future__ import annotations

import re
from typing import Any

from kedro_datasets._typing import PlotlyPreview
from kedro_datasets.plotly import JSONDataset

LATER_AXIS = re.compile(r"[xy]axis\d+")
TEXT_SIZE = 10


class FigureDataset(JSONDataset):
    """A Plotly figure as JSON, of several panels of which a preview shows the first.

    Kedro-Viz draws previews 300 px high, whatever the figure: panels that stand below one another
    would lie over one another. The whole figure is in the report.
    """

    def preview(self) -> PlotlyPreview:
        """The figure as JSON, its first panel alone, without a height of its own."""
        return PlotlyPreview(first_panel(super().preview()))


def first_panel(figure: dict[str, Any]) -> dict[str, Any]:
    """The first panel of a figure over the whole of its area, under its own title.

    Args:
        figure: A Plotly figure as JSON; it is left as it is. One of a single panel loses but its
            height.
    """
    layout = dict(figure["layout"])
    later = [name for name in layout if LATER_AXIS.fullmatch(name)]
    small = {"height": None, "autosize": True, "font": {"size": TEXT_SIZE}}
    if not later:
        return figure | {"layout": layout | small}
    title, *_ = [note["text"] for note in layout.get("annotations", ())] or [""]
    kept = {name: value for name, value in layout.items() if name not in later}
    whole: dict[str, Any] = {"domain": [0.0, 1.0], "automargin": True, "matches": None}
    return {
        "data": [trace for trace in figure["data"] if _is_first(trace)],
        "layout": kept
        | small
        | {
            "title": {"text": title, "font": {"size": TEXT_SIZE + 2}},
            "annotations": [],
            "shapes": [shape for shape in layout.get("shapes", ()) if _is_first(shape)],
            "xaxis": layout["xaxis"] | whole,
            "yaxis": layout["yaxis"] | whole,
            "showlegend": False,
            "margin": {"l": 10, "r": 10, "t": 40, "b": 30},
        },
    }


def _is_first(drawn: dict[str, Any]) -> bool:
    """Whether a trace or a shape belongs to the first pair of axes."""
    across, up = (drawn.get(f"{a}axis", drawn.get(f"{a}ref", a)) for a in "xy")
    return across.split()[0] == "x" and up.split()[0] == "y"
