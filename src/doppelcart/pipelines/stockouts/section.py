"""The section on stock-outs: what will run out, what to order, do generated series help?"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import pandas as pd
from plotly import graph_objects as go

from doppelcart.experiment.design import Design, Role
from doppelcart.pipelines.stockouts import hidden_demand as ways
from doppelcart.pipelines.stockouts import trials
from doppelcart.pipelines.stockouts.fidelity_floor import told_by_floor
from doppelcart.pipelines.stockouts.params import ForecastParams, StockSource
from doppelcart.pipelines.stockouts.stock_tables import (
    demand_table,
    detectors_table,
    draws_table,
    floors_table,
    forecasts_table,
    orders_table,
    samples_table,
)
from doppelcart.reporting.blocks import details, figure, heading, paragraph, table
from doppelcart.reporting.experiments import answer_of, blocks_of, evidence_of
from doppelcart.reporting.params import ReportingParams
from doppelcart.reporting.section import Capability, Claim, Evidence, Section
from doppelcart.reporting.style import INK, QUIET, finish
from doppelcart.reporting.tables import counts_table, share

SERIES, SAMPLES = "series", "samples"
CAPABILITY: Final = Capability(
    name="stockouts",
    rank=65,
    title="What will run out tomorrow",
    question="Which items will run out tomorrow, what should be ordered, and do generated series "
    "help a shop of few series to know?",
    claims=(
        Claim(
            name=SERIES,
            text="Series of sales and stock made by a GAN help a shop of few series to foretell "
            "its stock-outs.",
            source="Jeha, Bohlke-Schneider, Mercado, Kapoor, Nirwan, Flunkert, Gasthaus and "
            "Januschowski 2022, PSA-GAN (ICLR): generated series for what has few data",
        ),
        Claim(
            name=SAMPLES,
            text="Samples of a GAN that is shown the week before are a better range of the next "
            "day's demand, and so of what to order, than plain distributions.",
            source="Koochali, Schichtel, Dengel and Ahmed 2019, Probabilistic forecasting of "
            "sensory data with generative adversarial networks - ForGAN (IEEE Access)",
        ),
    ),
    command="kedro run --pipelines stockouts",
)


@CAPABILITY.written_by
def write_section(
    verdict: pd.DataFrame,
    differences: pd.DataFrame,
    declared: dict[str, Any],
    counts: pd.DataFrame,
    detectors: pd.DataFrame,
    curve: pd.DataFrame,
    demand: pd.DataFrame,
    forecasts: pd.DataFrame,
    orders: pd.DataFrame,
    draws: pd.DataFrame,
    floors: pd.DataFrame,
    samples: pd.DataFrame,
    sample_verdict: pd.DataFrame,
    sample_differences: pd.DataFrame,
    sample_declared: dict[str, Any],
    source: StockSource,
    forecast: ForecastParams,
    parameters: ReportingParams,
) -> Section:
    """Lay out what is known of stock-outs.

    Args:
        verdict: One row per shop size.
        differences: One row per comparison.
        declared: The design.
        counts: What was counted while reading.
        detectors: One row per event and method.
        curve: What was said against what came.
        demand: One row per way to put demand right.
        forecasts: One row per distribution of demand.
        orders: One row per series, the likeliest to run out first.
        draws: One row per shop size and arm, means over draws.
        floors: One row per shop size: whether the GAN passed its fidelity floor.
        samples: One row per range of demand and widening.
        sample_verdict: The verdict on the GAN's samples.
        sample_differences: One row per comparison of ranges.
        sample_declared: Their design.
        source: The stock table.
        forecast: Service levels and length of the list.
        parameters: Longest table.
    """
    design, limit = Design.model_validate(declared), parameters.table_rows
    verdict = told_by_floor(verdict, floors)
    ranges = Design.model_validate(sample_declared)
    found = {
        SERIES: of_series(verdict, design, floors),
        SAMPLES: evidence_of(sample_verdict, ranges),
    }
    chosen = detectors[detectors["chosen"]].iloc[0]
    return CAPABILITY.section(
        f"{_sure(chosen)} Do generated series help? {answer_of(verdict)} "
        f"{_floors_in_words(floors)} Do samples of the GAN say what to order? "
        f"{answer_of(sample_verdict)}",
        [
            heading("How sure that is"),
            table(detectors_table(detectors, limit)),
            figure("stockouts-calibration", calibration_figure(curve), CALIBRATION),
            heading("Demand that an empty shelf hid"),
            paragraph(_demand_in_words(demand)),
            table(demand_table(demand, limit)),
            heading("What to order"),
            table(forecasts_table(forecasts, forecast, source.unit, limit)),
            heading("Do generated series help?"),
            *blocks_of(verdict, differences, design, limit),
            table(draws_table(draws, design, limit)),
            paragraph(_floors_in_words(floors)),
            table(floors_table(floors, design, limit)),
            heading("Do samples of a GAN say what to order?"),
            paragraph(SAMPLED),
            *blocks_of(sample_verdict, sample_differences, ranges, limit),
            table(samples_table(samples, ranges, forecast, source.unit, limit)),
            details("What was read", [table(counts_table(counts, "Rows and series", limit))]),
        ],
        shown=[
            paragraph(
                "The items that are likeliest to run out, and what to have on the shelf so that "
                "the day's demand is met as often as the heading says. For a person to act on: "
                "nothing is ordered by itself."
            ),
            table(orders_table(orders.head(forecast.listed), forecast, source.unit, limit)),
        ],
        caveats=_caveats(source),
        evidence={name: evidence for name, evidence in found.items() if evidence},
        metrics={"auc": float(chosen["auc"]), "brier": float(chosen["brier"])},
        glossary=GLOSSARY,
        data=source.name,
    )


GLOSSARY: Final = {
    "AUC": "the chance that a day with a stock-out is ranked above a day without one: 0.5 is "
    "guessing, 1 is certainty",
    "Brier score": "mean squared distance of the stated chance from what happened; less is better",
    "wQL": "weighted quantile loss: how far the stated range of demand lies from what was asked "
    "for, as a share of it; less is better",
    "WAPE": "sum of all errors as a share of all that was sold; less is better",
}
SAMPLED: Final = (
    "A generator that is shown a week, and what is planned for the day after it, makes that day "
    "many times; the draws are a range of its demand. Every range chose on earlier days how much "
    "it is to be widened, the plain ones too."
)
CALIBRATION: Final = (
    "What was said against what came on the test days: each mark is a tenth of all days. On the "
    "line, a stated chance of 30 % comes true in 30 of 100 days; above it, too little was said."
)


def _sure(chosen: pd.Series) -> str:
    event, off = chosen["event"], f"{100 * chosen['off']:.1f} points on average"
    if np.isnan(chosen["auc"]):
        return (
            f"How well the detector ranks days is undefined: a stock-out of {event} came on "
            f"{share(chosen['share'])} of the test days, and it takes days with one and days "
            f"without. Its stated chances are off by {off}."
        )
    return (
        f"Of two days, one with a stock-out of {event} and one without, the detector ranks the "
        f"right one higher in {100 * chosen['auc']:.0f} of 100 cases, and its stated chances are "
        f"off by {off}."
    )


def of_series(verdict: pd.DataFrame, design: Design, floors: pd.DataFrame) -> Evidence | None:
    """The strongest case for generated series, which says whether the GAN passed its floor.

    Args:
        verdict: One row per shop size.
        design: The experiment.
        floors: One row per shop size.
    """
    evidence = evidence_of(verdict, design)
    if evidence is None:
        return None
    places = [design.words.of([shop]) for shop in floors[trials.SHOP]]
    passed = dict(zip(places, floors["passed"], strict=True))
    said = "passed" if passed.get(evidence.where) else "missed"
    return evidence.model_copy(update={"where": f"{evidence.where}; fidelity floor {said}"})


def _floors_in_words(floors: pd.DataFrame) -> str:
    """Of how many sizes the GAN passed its floor."""
    n_passed = int(floors["passed"].sum())
    said = f"The GAN passed its fidelity floor for {n_passed} of {len(floors)} sizes of shop"
    if n_passed == len(floors):
        return f"{said}."
    return f"{said}; for the others a better generator is not ruled out."


def _caveats(source: StockSource) -> list[str]:
    return [
        (
            f"Measured on {source.name} ({source.licence or 'licence not stated'}), not on the "
            "shop's log: receipts do not tell an empty shelf from an hour without demand."
        ),
        (
            "Intervals of the experiment are over stores, given the shops that were drawn; the "
            "table of draws says how far one drawn shop is from the next."
        ),
        "One training of the generator per drawn shop: indicative.",
        (
            "Which way of putting demand right is on trial, and which orders go by, was picked on "
            "the judging days of FreshRetailNet-50K: there its verdict is a find, not a test."
        ),
        "An order covers one day, and knows neither delivery times nor shelf lives.",
    ]


def calibration_figure(curve: pd.DataFrame) -> go.Figure:
    """What was said against what came, per event.

    Args:
        curve: As from ``metrics.classification.calibration``, with ``event``.
    """
    drawn = go.Figure()
    drawn.add_trace(
        go.Scatter(
            x=[0, 1], y=[0, 1], mode="lines", line={"color": QUIET, "dash": "dot"}, showlegend=False
        )
    )
    marks = (("circle", "#0b6e99"), ("square-open", "#b3541e"))
    for (event, rows), (symbol, colour) in zip(
        curve.groupby("event", sort=False), marks, strict=False
    ):
        drawn.add_trace(
            go.Scatter(
                x=rows["said"].tolist(),
                y=rows["came"].tolist(),
                mode="lines+markers",
                name=str(event),
                marker={"symbol": symbol, "color": colour, "size": 9},
                line={"color": colour},
            )
        )
    drawn.update_xaxes(title="stated chance", range=[0, 1], tickformat=".0%", color=INK)
    drawn.update_yaxes(title="share that came", range=[0, 1], tickformat=".0%", color=INK)
    alt = "Stated chance against share that came: " + "; ".join(
        f"{event}: "
        + ", ".join(f"{s:.0%} said, {c:.0%} came" for s, c in rows[["said", "came"]].to_numpy())
        for event, rows in curve.groupby("event", sort=False)
    )
    return finish(drawn, 420, alt, legend=True)


def _demand_in_words(demand: pd.DataFrame) -> str:
    rows = demand.set_index("arm").to_dict("index")
    plain = rows[ways.SOLD]
    trials_of = [
        f"{ways.DESIGN.by_name[name].phrase}: {share(rows[name]['wape'])}, "
        f"{_side(rows[name]['bias'])}, {rows[name]['outcome']}"
        for name in ways.DESIGN.of_role(Role.TRIAL)
    ]
    return (
        "On a day that ran out, what was sold is less than what was asked for. The mean of what "
        f"was sold in seven days misses the demand of days in stock by {share(plain['wape'])} "
        f"({_side(plain['bias'])}). Three ways to put such days right: "
        f"{'; '.join(trials_of)}. Days in stock are days of less demand than others, since much "
        "demand empties the shelf: a way that is right on all days is too high on these."
    )


def _side(bias: float) -> str:
    return f"{share(abs(bias))} too {'high' if bias > 0 else 'low'}"
