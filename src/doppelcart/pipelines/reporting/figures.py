"""Figures of the report: pure functions from tables to Plotly figures.

Every figure carries a sentence in ``layout.meta["alt"]`` that says what it shows, for readers who
do not see it, and every distinction made by colour is also made by shape or by line style.
"""

from collections.abc import Mapping
from html import escape
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
from plotly import graph_objects as go
from plotly.subplots import make_subplots

from doppelcart.arms.comparing import BEST_BASELINE
from doppelcart.arms.definition import NONE
from doppelcart.columns import Columns
from doppelcart.pipelines.reporting.labels import (
    against_label,
    arm_label,
    arm_order,
    is_generator,
    metric_label,
    recommender_label,
    recommender_order,
    slice_label,
    slice_order,
)

INK: Final = "#1f2933"
QUIET: Final = "#5b6672"
GRID: Final = "#e3e7eb"
BASELINES: Final = (NONE, BEST_BASELINE)
_HEIGHTS: Final = {NONE: 0.12, BEST_BASELINE: -0.26}
KEPT: Final = "kept"
FRAME: Final = 60
GAP: Final = 88
FONT: Final = "Inter, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif"


class Mark(NamedTuple):
    """How one arm or model is drawn: colour, marker and line style together."""

    colour: str
    symbol: str
    dash: str = "solid"


_MARKS: Final = {
    "gan_completion": Mark("#0b5cab", "circle"),
    "gan_new_users": Mark("#7a3fa0", "diamond", "dashdot"),
    "gan_only": Mark("#0b5cab", "circle"),
    "gan": Mark("#0b5cab", "circle"),
    "vae_completion": Mark("#00796b", "hexagon", "longdash"),
    "vae_new_users": Mark("#00796b", "star-square", "longdash"),
    "vae_only": Mark("#00796b", "hexagon", "longdash"),
    "vae": Mark("#00796b", "hexagon", "longdash"),
    "denoiser_completion": Mark("#a84a00", "square", "dash"),
    "denoiser_new_users": Mark("#8a6d00", "pentagon", "dash"),
    "denoiser_only": Mark("#a84a00", "square", "dash"),
    "denoiser": Mark("#a84a00", "square", "dash"),
    "popularity_completion": Mark("#5b6672", "triangle-right", "dot"),
    "popularity_only": Mark("#5b6672", "triangle-down", "dot"),
    "popularity": Mark("#5b6672", "triangle-down", "dot"),
    "mixup": Mark("#5b6672", "triangle-up", "longdashdot"),
    "copies": Mark("#5b6672", "x", "longdash"),
    NONE: Mark(INK, "line-ns-open"),
    "real": Mark(INK, "circle"),
}
_OTHER: Final = Mark("#5b6672", "star", "longdash")


_NOT_DRAWN: Final = ("epoch", "steps", "seconds", "learning_rate", "kl_weight")


def mark_of(name: str) -> Mark:
    """How an arm is drawn, in every figure alike."""
    return _MARKS.get(name, _OTHER)


def empty_figure(reason: str) -> go.Figure:
    """A figure that says why there is nothing to show."""
    figure = go.Figure()
    figure.add_annotation(text=escape(reason), showarrow=False, font={"size": 14, "color": QUIET})
    figure.update_xaxes(visible=False).update_yaxes(visible=False)
    return _finish(figure, height=160, alt=reason)


def uplift_forest(uplift: pd.DataFrame, recommender: str, metric: str) -> go.Figure:
    """Relative change by arm with its interval, one panel a slice of test users.

    Filled markers compare with the same recommender without generated data, hollow ones with the
    best recommender without generated data.

    Args:
        uplift: One row a comparison: slice, recommender, arm, against, metric, and relative,
            relative_low, relative_high (the change and its interval, as shares of the base).
        recommender: The recommender to draw.
        metric: The metric to draw, as ``uplift`` names it.
    """
    rows = in_percent(uplift)
    rows = rows[
        (rows[Columns.RECOMMENDER] == recommender)
        & (rows["metric"] == metric)
        & rows["against"].isin(BASELINES)
        & rows["percent"].notna()
    ]
    if rows.empty:
        return empty_figure(
            f"No comparison of {recommender_label(recommender)} by {metric_label(metric)}."
        )
    slices, arms = slice_order(rows[Columns.SLICE]), arm_order(rows[Columns.ARM])
    titles = [slice_label(name) for name in slices]
    height = _height(titles, 28 * len(arms))
    figure = _panels(titles, height, shared_xaxes="all")
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
    _name_rows(figure, [arm_label(arm) for arm in reversed(arms)])
    figure.update_xaxes(
        zeroline=True, zerolinecolor=INK, zerolinewidth=1.5, ticksuffix=" %", showticklabels=True
    )
    _legend_of_fill(figure, set(rows["against"]))
    generated = rows[rows[Columns.ARM].map(is_generator) & (rows["against"] == NONE)]
    alt = (
        f"Change of {metric_label(metric)} of {recommender_label(recommender)} by kind of "
        "generated data, with 95 % intervals, one panel a group of customers. "
        + " ".join(
            f"{slice_label(row[Columns.SLICE])}, {arm_label(row[Columns.ARM])}: "
            f"{row['percent']:+.1f} % ({row['percent_low']:+.1f} to {row['percent_high']:+.1f})."
            for _, row in generated.iterrows()
        )
    )
    return _finish(figure, height, alt, legend=True)


def in_percent(uplift: pd.DataFrame) -> pd.DataFrame:
    """Add percent, percent_low and percent_high: the relative change and its interval."""
    return uplift.assign(
        percent=100 * uplift["relative"].astype(float),
        percent_low=100 * uplift["relative_low"].astype(float),
        percent_high=100 * uplift["relative_high"].astype(float),
    )


def scores_by_slice(metrics: pd.DataFrame, metric: str) -> go.Figure:
    """Absolute scores, one panel a slice, one line of markers a recommender, one marker an arm.

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
    height = _height(titles, len(recommenders) * (14 + 5 * len(arms)))
    figure = _panels(titles, height)
    for arm in arms:
        for place, name in enumerate(slices):
            chosen = rows[(rows[Columns.ARM] == arm) & (rows[Columns.SLICE] == name)]
            figure.add_trace(
                go.Scatter(
                    x=chosen["value"].tolist(),
                    y=_heights(chosen[Columns.RECOMMENDER], recommenders, arm, arms),
                    text=[recommender_label(value) for value in chosen[Columns.RECOMMENDER]],
                    mode="markers",
                    name=escape(arm_label(arm)),
                    legendgroup=arm,
                    showlegend=place == 0,
                    marker=_marker(arm, size=10 if is_generator(arm) or arm == NONE else 8),
                    hovertemplate="%{text}: %{x:.4f}<extra>%{fullData.name}</extra>",
                ),
                row=place // 2 + 1,
                col=place % 2 + 1,
            )
    _name_rows(figure, [recommender_label(name) for name in recommenders])
    base = rows[rows[Columns.ARM] == NONE]
    best = base.sort_values("value").groupby(Columns.SLICE).tail(1)
    alt = f"{metric_label(metric)} by recommender and kind of generated data. " + " ".join(
        f"{slice_label(row[Columns.SLICE])}: best without generated data "
        f"{recommender_label(row[Columns.RECOMMENDER])}, {row['value']:.4f}."
        for _, row in best.iterrows()
    )
    return _finish(figure, height, alt, legend=True)


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
                name=escape(_origin(name)),
                line={**_line(name), "shape": "hv"},
                hovertemplate="%{y:.0f} % have at most %{x} items<extra>%{fullData.name}</extra>",
            )
        )
    figure.update_xaxes(**_log_axis("Distinct items a customer (log scale)"))
    figure.update_yaxes(title="Customers with at most so many", ticksuffix=" %", range=[0, 101])
    alt = "History length, real and generated. " + " ".join(
        f"{_origin(name)}: median {np.median(values):.0f}, mean {values.mean():.1f} items."
        for name, values in known.items()
    )
    return _finish(figure, height=380, alt=alt, legend=True)


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
                name=escape(_origin(name)),
                line=_line(name),
                marker={"size": 4},
                hovertemplate="rank %{x:.0f}: %{y:.2f} %<extra>%{fullData.name}</extra>",
            )
        )
        if name != "real":
            notes.append(f"{_origin(name)}: correlation with real {_correlation(real, values)}.")
    figure.update_xaxes(**_log_axis("Item, by its rank in the real data (log scale)"))
    figure.update_yaxes(**_log_axis("Customers with the item (log scale)", " %"))
    alt = "Popularity of items, real and generated. " + " ".join(notes)
    return _finish(figure, height=400, alt=alt, legend=True)


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
    height = _height(titles, 150)
    figure = _panels(titles, height, sharey=False)
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
                    name=escape(_origin(name)),
                    legendgroup=name,
                    showlegend=first,
                    line=_line(name),
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
        f"{_origin(name)}: {len(table)} epochs." for name, table in known.items()
    )
    return _finish(figure, height, alt, legend=True)


def cleaning_waterfall(cleaning_report: pd.DataFrame, table: str) -> go.Figure:
    """Rows of a table, less what each rule put into quarantine, down to the rows kept.

    Args:
        cleaning_report: rule, table, rows; the rule ``kept`` counts what stays.
        table: The table to draw.
    """
    counted = cleaning_report[(cleaning_report["table"] == table) & (cleaning_report["rows"] > 0)]
    rows_in = int(counted["rows"].sum())
    if not rows_in:
        return empty_figure(f"No row of {table} came in.")
    rules = counted[counted[Columns.RULE] != KEPT]
    taken = rules["rows"].astype(int).tolist()
    kept = rows_in - sum(taken)
    names = [str(rule).replace("_", " ") for rule in rules[Columns.RULE]]
    figure = go.Figure(
        go.Waterfall(
            orientation="h",
            measure=["absolute", *["relative"] * len(taken), "total"],
            y=["rows in", *[escape(name) for name in names], "rows kept"],
            x=[rows_in, *[-rows for rows in taken], kept],
            text=[f"{rows_in:,}", *[f"\N{MINUS SIGN}{rows:,}" for rows in taken], f"{kept:,}"],
            textposition="auto",
            decreasing={"marker": {"color": "#b3541e"}},
            totals={"marker": {"color": "#33658a"}},
            connector={"line": {"color": GRID}},
            hovertemplate="%{y}: %{text}<extra></extra>",
        )
    )
    figure.update_yaxes(autorange="reversed").update_xaxes(
        title=f"Rows of {table}", rangemode="tozero"
    )
    removed = ", ".join(f"{name} {rows:,}" for name, rows in zip(names, taken, strict=True))
    alt = f"{rows_in:,} rows of {table} came in, {kept:,} were kept. " + (
        f"Quarantined: {removed}." if taken else "No row was quarantined."
    )
    return _finish(figure, height=140 + 34 * (len(taken) + 2), alt=alt)


def tstr_shares(tstr: pd.DataFrame) -> go.Figure:
    """Score of recommenders trained on generated users only, as a share of training on real ones.

    Args:
        tstr: recommender, slice, arm, share, low, high (shares of the score on real users).
    """
    rows = tstr[tstr["share"].notna()]
    if rows.empty:
        return empty_figure("No recommender was trained on generated users only.")
    slices, arms = slice_order(rows[Columns.SLICE]), arm_order(rows[Columns.ARM])
    recommenders = recommender_order(rows[Columns.RECOMMENDER])
    titles = [slice_label(name) for name in slices]
    height = _height(titles, 34 * len(recommenders))
    figure = _panels(titles, height, shared_xaxes="all")
    for arm in arms:
        for place, name in enumerate(slices):
            chosen = rows[(rows[Columns.SLICE] == name) & (rows[Columns.ARM] == arm)]
            share = 100 * chosen["share"].to_numpy(float)
            figure.add_trace(
                go.Scatter(
                    x=share.tolist(),
                    y=_heights(chosen[Columns.RECOMMENDER], recommenders, arm, arms),
                    text=[recommender_label(value) for value in chosen[Columns.RECOMMENDER]],
                    error_x=_errors(
                        share,
                        100 * chosen["low"].to_numpy(float),
                        100 * chosen["high"].to_numpy(float),
                        mark_of(arm).colour,
                    ),
                    mode="markers",
                    name=escape(arm_label(arm)),
                    legendgroup=arm,
                    showlegend=place == 0,
                    marker=_marker(arm, size=8),
                    hovertemplate="%{text}: %{x:.1f} %<extra>%{fullData.name}</extra>",
                ),
                row=place // 2 + 1,
                col=place % 2 + 1,
            )
    _name_rows(figure, [recommender_label(name) for name in recommenders])
    figure.update_xaxes(ticksuffix=" %", showticklabels=True)
    figure.add_vline(x=100, line={"color": INK, "width": 1.5})
    best = rows[rows[Columns.ARM].map(is_generator)]
    alt = "Score when trained on generated users only, as a share of training on real ones. "
    alt += " ".join(
        f"{recommender_label(row[Columns.RECOMMENDER])}, {slice_label(row[Columns.SLICE])}, "
        f"{arm_label(row[Columns.ARM])}: {100 * row['share']:.1f} %."
        for _, row in best.iterrows()
    )
    return _finish(figure, height, alt, legend=True)


def _heights(found: pd.Series, rows: list[str], arm: str, arms: list[str]) -> list[float]:
    """Where an arm's markers lie: each row spreads its arms, the first on top."""
    middle = (len(arms) - 1) / 2
    return [rows.index(value) + 0.7 * (middle - arms.index(arm)) / len(arms) for value in found]


def _name_rows(figure: go.Figure, labels: list[str]) -> None:
    """Write the names of rows 0, 1, ... beside the axis."""
    figure.update_yaxes(
        tickvals=list(range(len(labels))),
        ticktext=[escape(label) for label in labels],
        range=[-0.6, len(labels) - 0.4],
        zeroline=False,
    )


def _interval_trace(rows: pd.DataFrame, arm: str, against: str, height: float) -> go.Scatter:
    hollow = against != NONE
    mark = _marker(arm, size=9)
    return go.Scatter(
        x=rows["percent"].tolist(),
        y=[height] * len(rows),
        error_x=_errors(
            rows["percent"].to_numpy(float),
            rows["percent_low"].to_numpy(float),
            rows["percent_high"].to_numpy(float),
            mark_of(arm).colour,
        ),
        mode="markers",
        name=escape(f"{arm_label(arm)}, against {against_label(against)}"),
        showlegend=False,
        opacity=0.75 if hollow else 1.0,
        marker={**mark, "symbol": mark["symbol"] + "-open"} if hollow else mark,
        customdata=[
            [float(low), float(high)]
            for low, high in zip(rows["percent_low"], rows["percent_high"], strict=True)
        ],
        hovertemplate="%{x:+.1f} % (%{customdata[0]:+.1f} to %{customdata[1]:+.1f})"
        "<extra>%{fullData.name}</extra>",
    )


def _legend_of_fill(figure: go.Figure, against: set[str]) -> None:
    for name in [name for name in BASELINES if name in against]:
        figure.add_trace(
            go.Scatter(
                x=[None],
                y=[None],
                mode="markers",
                name=escape(f"against {against_label(name)}"),
                marker={
                    "color": INK,
                    "size": 9,
                    "symbol": "circle" if name == NONE else "circle-open",
                    "line": {"color": INK, "width": 1.5},
                },
                showlegend=True,
            )
        )


def _errors(middle: np.ndarray, low: np.ndarray, high: np.ndarray, colour: str) -> dict[str, Any]:
    return {
        "type": "data",
        "symmetric": False,
        "array": np.nan_to_num(high - middle).tolist(),
        "arrayminus": np.nan_to_num(middle - low).tolist(),
        "color": colour,
        "thickness": 1.6,
        "width": 3,
    }


def _marker(arm: str, size: int) -> dict[str, Any]:
    mark = mark_of(arm)
    return {
        "symbol": mark.symbol,
        "color": mark.colour,
        "size": size,
        "line": {"color": mark.colour, "width": 1.5},
    }


def _line(name: str) -> dict[str, Any]:
    mark = mark_of(name)
    return {"color": mark.colour, "dash": mark.dash, "width": 3 if name == "real" else 2}


def _log_axis(title: str, suffix: str = "") -> dict[str, Any]:
    ticks = [step * 10.0**power for power in range(-4, 7) for step in (1, 2, 5)]
    return {
        "type": "log",
        "title": title,
        "tickvals": ticks,
        "ticktext": [
            f"{tick:,.0f}{suffix}" if tick >= 1 else f"{tick:g}{suffix}" for tick in ticks
        ],
    }


def _origin(name: str) -> str:
    names = {
        "real": "Real customers",
        "gan": "GAN",
        "vae": "VAE",
        "denoiser": "Generator without its critic",
        "popularity": "Random baskets by popularity",
        "mixup": "Blends of two customers",
        "copies": "Exact copies",
    }
    return names.get(name, name)


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


def _panels(
    titles: list[str], height: int, sharey: bool = True, shared_xaxes: str | bool = False
) -> go.Figure:
    """Panels two abreast; the space between two rows is the same in every figure."""
    columns = min(2, len(titles))
    rows = (len(titles) + 1) // 2
    return make_subplots(
        rows=rows,
        cols=columns,
        subplot_titles=[escape(title).replace(", ", ",<br>", 1) for title in titles],
        shared_yaxes=sharey,
        shared_xaxes=shared_xaxes,
        horizontal_spacing=0.04 if sharey else 0.09,
        vertical_spacing=GAP / height if rows > 1 else 0.0,
    )


def _height(titles: list[str], panel: int) -> int:
    """Height of a figure whose panels are so high each (pixels)."""
    return FRAME + (panel + GAP) * ((len(titles) + 1) // 2)


def _legend_lines(figure: go.Figure) -> int:
    """Lines that the legend takes on a page of ordinary width; it lies above the panels."""
    entries = [trace.name or "" for trace in figure.data if trace.showlegend is not False]
    return 1 + sum(len(entry) + 8 for entry in entries) // 85


def _finish(figure: go.Figure, height: int, alt: str, legend: bool = False) -> go.Figure:
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
