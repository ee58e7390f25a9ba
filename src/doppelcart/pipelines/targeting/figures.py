"""The figure on users added for a segment."""

import pandas as pd
from plotly import graph_objects as go

from doppelcart.columns import Columns
from doppelcart.data.slices import slice_label, slice_order
from doppelcart.experiment.outcome import UNDEFINED
from doppelcart.recommendation.arm_marks import mark_of, marker_of
from doppelcart.recommendation.arms import NONE, TARGETED_ON_TRIAL
from doppelcart.recommendation.labels import (
    arm_label,
    arm_order,
    customers_label,
    metric_label,
    recommender_label,
)
from doppelcart.reporting.style import (
    INK,
    as_text,
    empty_figure,
    error_bars,
    finish,
    height_of,
    heights_of,
    name_rows,
    panels,
)
from doppelcart.reporting.tables import change_within, in_percent


def targeting_forest(results: pd.DataFrame) -> go.Figure:
    """Change by segment and arm with its interval: the segment left, everybody else right.

    Of the first recommender. An arm that validation did not use has no mark, and where too few
    customers leave the verdict undefined it is hollow.

    Args:
        results: One row per comparison: slice, segment, customers, recommender, arm, against,
            metric, ratio, relative, relative_low, relative_high (shares of the base), outcome.
    """
    if results.empty:
        return empty_figure("No segment was measured.")
    recommender = str(results[Columns.RECOMMENDER].iloc[0])
    used = (results["against"] == NONE) & (results["ratio"] > 0) & results["relative"].notna()
    rows = in_percent(results[used & (results[Columns.RECOMMENDER] == recommender)])
    if rows.empty:
        return empty_figure("Validation chose to add nobody, for any segment.")
    slices, arms = slice_order(rows[Columns.SLICE]), arm_order(rows[Columns.ARM])
    segments = list(dict.fromkeys(results["segment"]))[::-1]
    places = [(name, who) for name in slices for who in ("segment", "others")]
    titles = [f"{slice_label(name)}: {customers_label(who)}" for name, who in places]
    height = height_of(titles, 20 + len(segments) * (14 + 9 * len(arms)))
    figure = panels(titles, height)
    for arm in arms:
        for number, place in enumerate(places):
            here = rows[[Columns.SLICE, "customers"]].apply(tuple, axis=1) == place
            shown = rows[here & (rows[Columns.ARM] == arm)]
            figure.add_trace(
                _intervals(shown, arm, heights_of(shown["segment"], segments, arm, arms)),
                row=number // 2 + 1,
                col=number % 2 + 1,
            )
        figure.add_scatter(
            x=[None],
            y=[None],
            mode="markers",
            marker=marker_of(arm, size=9),
            name=as_text(arm_label(arm)),
        )
    name_rows(figure, segments)
    figure.update_xaxes(
        zeroline=True, zerolinecolor=INK, zerolinewidth=1.5, ticksuffix=" %", showticklabels=True
    )
    alt = (
        f"Change of {metric_label(str(rows['metric'].iloc[0]))} of "
        f"{recommender_label(recommender)} by segment and kind of added customers, with 95 % "
        "intervals. "
        + " ".join(
            f"{row['segment']}, {slice_label(row[Columns.SLICE])}, "
            f"{customers_label(row['customers'])}: "
            f"{change_within(row['percent'], row['percent_low'], row['percent_high'])}, "
            f"{row['outcome']}."
            for row in rows.to_dict("records")
            if row[Columns.ARM] == TARGETED_ON_TRIAL
        )
    )
    return finish(figure, height, alt, legend=True)


def _intervals(rows: pd.DataFrame, arm: str, heights: list[float]) -> go.Scatter:
    mark = marker_of(arm, size=8)
    hollow = {UNDEFINED: mark["symbol"] + "-open"}
    return go.Scatter(
        x=rows["percent"].tolist(),
        y=heights,
        error_x=error_bars(
            rows["percent"].to_numpy(float),
            rows["percent_low"].to_numpy(float),
            rows["percent_high"].to_numpy(float),
            mark_of(arm).colour,
        ),
        mode="markers",
        marker={**mark, "symbol": [hollow.get(word, mark["symbol"]) for word in rows["outcome"]]},
        name=as_text(arm_label(arm)),
        showlegend=False,
        text=[f"{as_text(row['segment'])}, {row['outcome']}" for row in rows.to_dict("records")],
        hovertemplate="%{text}: %{x:+.1f} %<extra>%{fullData.name}</extra>",
    )
