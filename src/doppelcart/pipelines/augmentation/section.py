"""The section on the synthetic customers: fidelity, and the privacy smoke test."""

from typing import Final

import pandas as pd
from plotly import graph_objects as go

from doppelcart.reporting.blocks import Block, figure, heading, paragraph, skipped, table
from doppelcart.reporting.params import ReportingParams
from doppelcart.reporting.section import Capability, Section
from doppelcart.reporting.tables import number, spelled, tabulate_all

CAPABILITY: Final = Capability(
    name="augmentation",
    rank=30,
    title="Do synthetic customers look real?",
    question="Do the customers that the generator makes shop like real ones: how long are their "
    "histories, and which items do they choose?",
)
PRIVACY_CAVEAT: Final = (
    "The privacy figures are a smoke test, not an audit. Being far from every real record does "
    "not show that nobody can be recognised: leaks are known that such distances miss. Before "
    "synthetic data leaves the company, run a membership inference audit."
)
TRACKED: Final = {
    "fidelity": ("detection_auc", "precision", "recall", "coverage", "duplicate_rate"),
    "privacy": ("near_copy_rate", "closer_to_train_share"),
}
"""By report: the measures of the GAN's customers by which runs are told apart."""
TOLD: Final = {
    "detection_auc": "a classifier tells them from real ones with AUC {} (0.5 is a guess)",
    "length_mean_ratio": "their histories are {} times as long",
    "popularity_pearson": "the popularity of items correlates by {}",
}


@CAPABILITY.written_by
def write_section(
    fidelity_report: pd.DataFrame,
    privacy_report: pd.DataFrame,
    history_length: go.Figure,
    popularity_curve: go.Figure,
    parameters: ReportingParams,
) -> Section:
    """Lay out how well synthetic customers resemble real ones, and how near they come to any."""
    limit = parameters.table_rows
    return CAPABILITY.section(
        in_short(fidelity_report),
        [
            figure("history-length", history_length, "Items per customer, as a running share."),
            figure(
                "popularity-curve",
                popularity_curve,
                "Every line keeps the items in the order of their real popularity.",
            ),
            measures("Fidelity measures", fidelity_report, limit),
            heading("Privacy smoke test"),
            paragraph(PRIVACY_CAVEAT),
            measures("Privacy smoke test", privacy_report, limit),
        ],
        metrics=tracked(fidelity=fidelity_report, privacy=privacy_report),
    )


def tracked(**reports: pd.DataFrame) -> dict[str, float]:
    """The few measures that are compared between runs, as ``report/statistic``."""
    found = {
        name: report.set_index("statistic")["gan"]
        for name, report in reports.items()
        if "gan" in report
    }
    return {
        f"{name}/{statistic}": float(found[name][statistic])
        for name in found
        for statistic in TRACKED[name]
        if statistic in found[name]
    }


def in_short(fidelity: pd.DataFrame) -> str:
    """The generator's customers beside real ones, by the measures that are read most easily.

    Args:
        fidelity: ``statistic``, and one column per set of customers.
    """
    if fidelity.empty or "gan" not in fidelity:
        return "No customer was generated."
    found = fidelity.set_index("statistic")["gan"]
    told = [words.format(number(found[name])) for name, words in TOLD.items() if name in found]
    return f"Customers made by the GAN: {'; '.join(told)}." if told else "It was not measured."


def measures(caption: str, report: pd.DataFrame, limit: int) -> Block:
    """All measures of a report, or why there are none."""
    if report.empty:
        return skipped(caption, "no customer was generated")
    return table(tabulate_all(report, caption, limit, {"statistic": spelled}))
