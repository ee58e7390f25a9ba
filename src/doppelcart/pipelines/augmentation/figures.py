"""Figures on the synthetic customers: how long their histories are, and what they choose."""

from collections.abc import Mapping

import numpy as np
from plotly import graph_objects as go

from doppelcart.data.histories import Histories
from doppelcart.recommendation.arm_marks import REAL, line_of
from doppelcart.recommendation.arms import GENERATORS
from doppelcart.recommendation.labels import origin_label
from doppelcart.reporting.style import as_text, empty_figure, finish, log_axis

BINS = 40
"""Bins of item rank."""


def plot_history_length(
    train_histories: Histories, synthetic_users: dict[str, Histories]
) -> go.Figure:
    """Draw how many items real and synthetic customers have."""
    compared = _compared(train_histories, synthetic_users)
    return history_length({name: found.lengths for name, found in compared.items()})


def plot_popularity(
    train_histories: Histories,
    synthetic_users: dict[str, Histories],
) -> go.Figure:
    """Draw how popular each item is among real and synthetic customers."""
    compared = _compared(train_histories, synthetic_users)
    shares = {name: item_shares(found) for name, found in compared.items() if found.n_users}
    return popularity_curve(shares, BINS)


def item_shares(histories: Histories) -> np.ndarray:
    """(n_items,) share of users who have the item."""
    counts = np.bincount(histories.items, minlength=histories.n_items)
    return np.asarray(counts / max(histories.n_users, 1))


def _compared(real: Histories, synthetic: Mapping[str, Histories]) -> dict[str, Histories]:
    """Real users beside those of the generators and of the one control that has no taste."""
    return {REAL: real} | {name: synthetic[name] for name in (*GENERATORS, "popularity")}


def history_length(lengths: Mapping[str, np.ndarray]) -> go.Figure:
    """Share of users with at most so many distinct items, real and synthetic.

    Args:
        lengths: Distinct items per user (items), by source: ``real`` and the generators' names.
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
                name=as_text(origin_label(name)),
                line={**line_of(name), "shape": "hv"},
                hovertemplate="%{y:.0f} % have at most %{x} items<extra>%{fullData.name}</extra>",
            )
        )
    figure.update_xaxes(**log_axis("Distinct items per customer (log scale)"))
    figure.update_yaxes(title="Customers with at most so many", ticksuffix=" %", range=[0, 101])
    alt = "History length, real and synthetic. " + " ".join(
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
                name=as_text(origin_label(name)),
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
    alt = "Popularity of items, real and synthetic. " + " ".join(notes)
    return finish(figure, height=400, alt=alt, legend=True)


def _pairs(edges: np.ndarray) -> list[tuple[int, int]]:
    return list(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True))


def _correlation(real: np.ndarray, other: np.ndarray) -> str:
    other = np.asarray(other, dtype=float)
    if len(real) < 2 or not real.std() or not other.std():
        return "undefined"
    return f"{np.corrcoef(real, other)[0, 1]:.3f}"
