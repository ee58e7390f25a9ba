"""Figures of the privacy pipeline."""

from __future__ import annotations

from typing import Final

import numpy as np
import pandas as pd
from plotly import graph_objects as go

from doppelcart.pipelines.privacy.audit import AUC
from doppelcart.pipelines.privacy.params import AuditParams
from doppelcart.pipelines.privacy.utility import POPULARITY

INK: Final = "#1f2933"
SYMBOLS: Final = ("circle", "square", "diamond", "triangle-up", "x", "star")
LIMIT: Final = {"color": INK, "dash": "dot"}
CURVES: Final = (
    ("EASE trained on it, share of real", "ease_share", "circle"),
    ("correlation of popularity", "popularity", "square"),
    ("AUC of membership inference", "auc", "diamond"),
)
# Okabe and Ito's, told apart by those who see fewer colours
COLOURS: Final = ("#0072b2", "#d55e00", "#009e73")


def draw_attacks(findings: pd.DataFrame, params: AuditParams) -> go.Figure:
    """AUC of every attack on every set, with its interval and the limit.

    Args:
        findings: One row per set, check and attack.
        params: Holds the limit.
    """
    rows = findings[findings["check"] == AUC]
    figure = go.Figure()
    for place, (attack, found) in enumerate(rows.groupby("attack", sort=False)):
        figure.add_scatter(
            x=found["value"],
            y=found["set"],
            error_x=_bars(found, "value", "low", "high"),
            mode="markers",
            marker={"symbol": SYMBOLS[place % len(SYMBOLS)], "size": 9},
            name=str(attack),
        )
    figure.add_vline(x=params.max_auc, line=LIMIT)
    figure.update_layout(
        template="plotly_white",
        xaxis_title=f"AUC of membership inference (0.5 a guess; limit {params.max_auc:g})",
        scattermode="group",
        meta={"alt": "AUC of membership attacks by set of synthetic users, with the limit."},
    )
    return figure


def draw_private_curve(curve: pd.DataFrame, params: AuditParams) -> go.Figure:
    """Utility and membership AUC of privately synthetic users over epsilon, beside their control.

    Args:
        curve: One row per budget and ``learned``; no noise is drawn at the right end.
        params: Holds the limit.
    """
    figure = go.Figure()
    for (name, column, symbol), colour in zip(CURVES, COLOURS, strict=True):
        for learned, rows in curve.groupby("learned", sort=False):
            is_control = learned == POPULARITY
            figure.add_scatter(
                x=rows["budget"],
                y=rows[column],
                error_y=_bars(rows, "auc", "auc_low", "auc_high") if column == "auc" else None,
                mode="lines+markers",
                line={"color": colour, "dash": "dash" if is_control else "solid"},
                marker={"symbol": symbol + ("-open" if is_control else ""), "size": 9},
                name=f"{name}, popularity alone" if is_control else name,
            )
    figure.add_hline(y=params.max_auc, line=LIMIT)
    figure.update_layout(
        template="plotly_white",
        meta={"alt": "Utility and membership AUC by privacy budget epsilon."},
    )
    return figure


def _bars(rows: pd.DataFrame, value: str, low: str, high: str) -> dict[str, object]:
    above, below = (rows[high] - rows[value], rows[value] - rows[low])
    return {
        "type": "data",
        "symmetric": False,
        "array": np.maximum(above.to_numpy(float), 0),
        "arrayminus": np.maximum(below.to_numpy(float), 0),
    }
