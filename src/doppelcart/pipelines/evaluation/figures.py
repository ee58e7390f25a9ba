"""Figures on what was found: uplift, scores, and what synthetic users alone are worth."""

from typing import Final

import pandas as pd
from plotly import graph_objects as go

from doppelcart.columns import Columns
from doppelcart.data.slices import slice_label, slice_order
from doppelcart.experiment.design import BEST_BASELINE
from doppelcart.recommendation.arm_marks import mark_of, marker_of
from doppelcart.recommendation.arms import NONE
from doppelcart.recommendation.labels import (
    against_label,
    arm_label,
    arm_order,
    is_generator,
    metric_label,
    recommender_label,
    recommender_order,
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

BASELINES: Final = (NONE, BEST_BASELINE)
_HEIGHTS: Final = {NONE: 0.12, BEST_BASELINE: -0.26}


def plot_uplift(uplift: pd.DataFrame) -> go.Figure:
    """Draw the uplift of the headline recommender, with intervals, by slice."""
    if uplift.empty:
        return empty_figure("No arm was compared with the plain recommender.")
    return uplift_forest(uplift, headline_recommender(uplift), verdict_metric(uplift))


def plot_scores(metrics: pd.DataFrame, uplift: pd.DataFrame) -> go.Figure:
    """Draw the absolute scores of every recommender and arm, by slice."""
    if metrics.empty:
        return empty_figure("No recommender was evaluated.")
    return scores_by_slice(metrics, verdict_metric(uplift, metrics))


def verdict_metric(uplift: pd.DataFrame, metrics: pd.DataFrame | None = None) -> str:
    """The metric that verdicts were judged by, which is the only one that uplift is of.

    Where nothing was compared it is the first that was measured.
    """
    for table in (uplift, metrics):
        if table is not None and len(table):
            return str(table["metric"].iloc[0])
    return "ndcg@20"


def headline_recommender(uplift: pd.DataFrame) -> str:
    """The recommender of the first figure: the strongest without synthetic data, on average."""
    plain = uplift[uplift["against"] == NONE]
    return str(plain.groupby(Columns.RECOMMENDER, sort=False)["base"].mean().idxmax())


def uplift_forest(uplift: pd.DataFrame, recommender: str, metric: str) -> go.Figure:
    """Relative change by arm with its interval, one panel per slice of test users.

    Filled markers compare with the same recommender without synthetic data, hollow ones with the
    best recommender without synthetic data.

    Args:
        uplift: One row per comparison: slice, recommender, arm, against, metric, relative,
            relative_low, relative_high (the change and its interval, as shares of the base), and
            p_holm, without which a change is undefined and is not drawn.
        recommender: The recommender to draw.
        metric: The metric to draw, as ``uplift`` names it.
    """
    rows = in_percent(uplift)
    rows = rows[
        (rows[Columns.RECOMMENDER] == recommender)
        & (rows["metric"] == metric)
        & rows["against"].isin(BASELINES)
        & rows["percent"].notna()
        & rows["p_holm"].notna()
    ]
    if rows.empty:
        return empty_figure(
            f"No comparison of {recommender_label(recommender)} by {metric_label(metric)}."
        )
    slices, arms = slice_order(rows[Columns.SLICE]), arm_order(rows[Columns.ARM])
    titles = [slice_label(name) for name in slices]
    height = height_of(titles, 28 * len(arms))
    figure = panels(titles, height, shared_xaxes="all")
    for against in [name for name in BASELINES if name in set(rows["against"])]:
        for arm in arms:
            for place, name in enumerate(slices):
                chosen = rows[
                    (rows[Columns.SLICE] == name)
                    & (rows[Columns.ARM] == arm)
                    & (rows["against"] == against)
                ]
                row = len(arms) - 1 - arms.index(arm) + _HEIGHTS[against]
                trace = _interval_trace(chosen, arm, against, row)
                figure.add_trace(trace, row=place // 2 + 1, col=place % 2 + 1)
    name_rows(figure, [arm_label(arm) for arm in reversed(arms)])
    figure.update_xaxes(
        zeroline=True, zerolinecolor=INK, zerolinewidth=1.5, ticksuffix=" %", showticklabels=True
    )
    _legend_of_fill(figure, set(rows["against"]))
    synthetic = rows[rows[Columns.ARM].map(is_generator) & (rows["against"] == NONE)]
    alt = (
        f"Change of {metric_label(metric)} of {recommender_label(recommender)} by kind of "
        "synthetic data, with 95 % intervals, one panel per group of customers. "
        + " ".join(
            f"{slice_label(row[Columns.SLICE])}, {arm_label(row[Columns.ARM])}: "
            f"{change_within(row['percent'], row['percent_low'], row['percent_high'])}."
            for _, row in synthetic.iterrows()
        )
    )
    return finish(figure, height, alt, legend=True)


def scores_by_slice(metrics: pd.DataFrame, metric: str) -> go.Figure:
    """Absolute scores: one panel per slice, a line of markers per recommender, a marker per arm.

    Args:
        metrics: slice, arm, recommender, metric, value, n_users.
        metric: The metric to draw, as ``metrics`` names it.
    """
    rows = metrics[(metrics["metric"] == metric) & metrics["value"].notna()]
    if rows.empty:
        return empty_figure(f"No score by {metric_label(metric)}.")
    slices, arms = slice_order(rows[Columns.SLICE]), arm_order(rows[Columns.ARM])
    recommenders = recommender_order(rows[Columns.RECOMMENDER])
    titles = [slice_label(name) for name in slices]
    height = height_of(titles, len(recommenders) * (14 + 5 * len(arms)))
    figure = panels(titles, height)
    for arm in arms:
        for place, name in enumerate(slices):
            chosen = rows[(rows[Columns.ARM] == arm) & (rows[Columns.SLICE] == name)]
            figure.add_trace(
                go.Scatter(
                    x=chosen["value"].tolist(),
                    y=heights_of(chosen[Columns.RECOMMENDER], recommenders, arm, arms),
                    text=[recommender_label(value) for value in chosen[Columns.RECOMMENDER]],
                    mode="markers",
                    name=as_text(arm_label(arm)),
                    legendgroup=arm,
                    showlegend=place == 0,
                    marker=marker_of(arm, size=10 if is_generator(arm) or arm == NONE else 8),
                    hovertemplate="%{text}: %{x:.4f}<extra>%{fullData.name}</extra>",
                ),
                row=place // 2 + 1,
                col=place % 2 + 1,
            )
    name_rows(figure, [recommender_label(name) for name in recommenders])
    base = rows[rows[Columns.ARM] == NONE]
    best = base.sort_values("value").groupby(Columns.SLICE).tail(1)
    alt = f"{metric_label(metric)} by recommender and kind of synthetic data. " + " ".join(
        f"{slice_label(row[Columns.SLICE])}: best without synthetic data "
        f"{recommender_label(row[Columns.RECOMMENDER])}, {row['value']:.4f}."
        for _, row in best.iterrows()
    )
    return finish(figure, height, alt, legend=True)


def tstr_shares(tstr: pd.DataFrame) -> go.Figure:
    """Score of recommenders trained on synthetic users only, as a share of training on real ones.

    Args:
        tstr: recommender, slice, arm, share, low, high (shares of the score on real users).
    """
    rows = tstr[tstr["share"].notna()]
    if rows.empty:
        return empty_figure("No recommender was trained on synthetic users only.")
    slices, arms = slice_order(rows[Columns.SLICE]), arm_order(rows[Columns.ARM])
    recommenders = recommender_order(rows[Columns.RECOMMENDER])
    titles = [slice_label(name) for name in slices]
    height = height_of(titles, 34 * len(recommenders))
    figure = panels(titles, height, shared_xaxes="all")
    for arm in arms:
        for place, name in enumerate(slices):
            chosen = rows[(rows[Columns.SLICE] == name) & (rows[Columns.ARM] == arm)]
            share = 100 * chosen["share"].to_numpy(float)
            figure.add_trace(
                go.Scatter(
                    x=share.tolist(),
                    y=heights_of(chosen[Columns.RECOMMENDER], recommenders, arm, arms),
                    text=[recommender_label(value) for value in chosen[Columns.RECOMMENDER]],
                    error_x=error_bars(
                        share,
                        100 * chosen["low"].to_numpy(float),
                        100 * chosen["high"].to_numpy(float),
                        mark_of(arm).colour,
                    ),
                    mode="markers",
                    name=as_text(arm_label(arm)),
                    legendgroup=arm,
                    showlegend=place == 0,
                    marker=marker_of(arm, size=8),
                    hovertemplate="%{text}: %{x:.1f} %<extra>%{fullData.name}</extra>",
                ),
                row=place // 2 + 1,
                col=place % 2 + 1,
            )
    name_rows(figure, [recommender_label(name) for name in recommenders])
    figure.update_xaxes(ticksuffix=" %", showticklabels=True)
    figure.add_vline(x=100, line={"color": INK, "width": 1.5})
    best = rows[rows[Columns.ARM].map(is_generator)]
    alt = "Score when trained on synthetic users only, as a share of training on real ones. "
    alt += " ".join(
        f"{recommender_label(row[Columns.RECOMMENDER])}, {slice_label(row[Columns.SLICE])}, "
        f"{arm_label(row[Columns.ARM])}: {100 * row['share']:.1f} %."
        for _, row in best.iterrows()
    )
    return finish(figure, height, alt, legend=True)


def _interval_trace(rows: pd.DataFrame, arm: str, against: str, height: float) -> go.Scatter:
    hollow = against != NONE
    mark = marker_of(arm, size=9)
    return go.Scatter(
        x=rows["percent"].tolist(),
        y=[height] * len(rows),
        error_x=error_bars(
            rows["percent"].to_numpy(float),
            rows["percent_low"].to_numpy(float),
            rows["percent_high"].to_numpy(float),
            mark_of(arm).colour,
        ),
        mode="markers",
        name=as_text(f"{arm_label(arm)}, against {against_label(against)}"),
        showlegend=False,
        opacity=0.75 if hollow else 1.0,
        marker={**mark, "symbol": mark["symbol"] + "-open"} if hollow else mark,
        text=[
            change_within(row["percent"], row["percent_low"], row["percent_high"])
            for row in rows.to_dict("records")
        ],
        hovertemplate="%{text}<extra>%{fullData.name}</extra>",
    )


def _legend_of_fill(figure: go.Figure, against: set[str]) -> None:
    for name in [name for name in BASELINES if name in against]:
        figure.add_trace(
            go.Scatter(
                x=[None],
                y=[None],
                mode="markers",
                name=as_text(f"against {against_label(name)}"),
                marker={
                    "color": INK,
                    "size": 9,
                    "symbol": "circle" if name == NONE else "circle-open",
                    "line": {"color": INK, "width": 1.5},
                },
                showlegend=True,
            )
        )
