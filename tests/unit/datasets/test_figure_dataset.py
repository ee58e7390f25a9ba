"""Previews of figures: their first panel, at the size that previews have."""

from pathlib import Path

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from doppelcart.datasets.figure import FigureDataset


def saved(figure: go.Figure, folder: Path) -> FigureDataset:
    dataset = FigureDataset(filepath=str(folder / "figure.json"))
    dataset.save(figure)
    return dataset


def test_of_several_panels_the_first_is_previewed_under_its_title(tmp_path):
    figure = make_subplots(rows=2, cols=1, subplot_titles=("Returning", "New"), shared_xaxes=True)
    for row in (1, 2):
        figure.add_scatter(x=[1, 2], y=[row, row], name=f"row {row}", row=row, col=1)
        figure.add_vline(x=row, row=row, col=1)
    figure.update_layout(height=1532)
    dataset = saved(figure, tmp_path)
    shown = dataset.preview()
    assert [trace["name"] for trace in shown["data"]] == ["row 1"]
    assert [shape["x0"] for shape in shown["layout"]["shapes"]] == [1]
    assert shown["layout"]["title"]["text"] == "Returning"
    assert shown["layout"]["annotations"] == []
    assert shown["layout"]["height"] is None
    assert not any(name.endswith("axis2") for name in shown["layout"])
    assert shown["layout"]["yaxis"]["domain"] == [0, 1]
    assert go.Figure(shown).layout.xaxis.matches is None
    # What is saved is whole.
    assert len(dataset.load().data) == 2
    assert dataset.load().layout.height == 1532


def test_a_figure_of_one_panel_loses_its_height_alone(tmp_path):
    figure = go.Figure(go.Bar(x=["a"], y=[1], name="bar"), {"height": 412})
    figure.update_layout(title="Lines")
    shown = saved(figure, tmp_path).preview()
    assert shown["layout"]["height"] is None
    assert shown["layout"]["title"]["text"] == "Lines"
    assert [trace["name"] for trace in shown["data"]] == ["bar"]


def test_panels_without_titles_are_previewed_too(tmp_path):
    figure = make_subplots(rows=1, cols=2)
    figure.add_bar(x=["a"], y=[1], row=1, col=1)
    assert saved(figure, tmp_path).preview()["layout"]["title"]["text"] == ""
