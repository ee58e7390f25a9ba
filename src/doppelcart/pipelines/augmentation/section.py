"""The section on the synthetic customers: fidelity, and the privacy smoke test."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import pandas as pd
from plotly import graph_objects as go

from doppelcart.recommendation.arms import GENERATORS
from doppelcart.recommendation.labels import origin_label
from doppelcart.reporting.blocks import Block, figure, heading, paragraph, skipped, table
from doppelcart.reporting.params import ReportingParams
from doppelcart.reporting.section import Capability, Section
from doppelcart.reporting.tables import Column, alike, number, share, spelled, tabulate

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
REFERENCE: Final = "real_vs_real"
"""Column that holds real customers against other real ones: as good as it gets."""
FIDELITY: Final = {
    "detection_auc": "AUC of a classifier that tells them from real ones (0.5 is a guess)",
    "length_ks": "Lengths of histories: largest distance of the two distributions",
    "length_mean_ratio": "Mean length of histories, over the real one",
    "length_sd_ratio": "Spread of lengths, over the real one",
    "popularity_pearson": "Popularity of items: correlation with the real one",
    "popularity_spearman": "Popularity of items: rank correlation",
    "popularity_curve_ks": "Concentration on popular items: distance of the two curves",
    "cooccurrence_share": "Items bought together: correlation of how often",
    "cooccurrence_lift": "Items bought together: correlation of more often than by chance",
    "sparsity_real": "Share of customers and items without purchase, real",
    "sparsity_synthetic": "Share of customers and items without purchase, synthetic",
    "density_ratio": "Purchases per customer, over the real one",
    "duplicate_rate": "Share of customers who are there twice",
    "precision": "Share of synthetic customers among the real ones",
    "recall": "Share of real customers among the synthetic ones",
    "density": "How many real neighbourhoods hold a synthetic customer, on average",
    "coverage": "Share of real customers with a synthetic one nearby",
    "category_mix_distance_all": "Mix of categories: distance, all customers",
    "category_mix_distance_heavy": "Mix of categories: distance, heavy buyers",
    "category_mix_distance_medium": "Mix of categories: distance, medium buyers",
    "category_mix_distance_light": "Mix of categories: distance, light buyers",
}
PRIVACY: Final = {
    "exact_copy_rate": "Share who are exact copies of a training customer (0 is best)",
    "near_copy_rate": "Share who are near copies of a training customer (0 is best)",
    "closer_to_train_share": "Share nearer to a training customer than to one held out "
    "(50 % is chance)",
    "dcr_train_p05": "Distance to the nearest training customer, the nearest 5 %",
    "dcr_train_median": "Distance to the nearest training customer, median",
    "dcr_holdout_p05": "Distance to the nearest customer held out, the nearest 5 %",
    "dcr_holdout_median": "Distance to the nearest customer held out, median",
    "dcr_reference_p05": "The same from real customers to training customers, the nearest 5 %",
    "dcr_reference_median": "The same from real customers to training customers, median",
}
"""What each statistic is called on the page."""
FIRST: Final = ("detection_auc", "length_mean_ratio", "popularity_pearson", "cooccurrence_lift",
                "coverage", "duplicate_rate")  # fmt: skip
"""Statistics that are shown without opening anything."""
TOLD: Final = {
    "detection_auc": "a classifier tells them from real ones with AUC {} (0.5 is a guess)",
    "length_mean_ratio": "their histories are {} times as long",
    "popularity_pearson": "the popularity of items correlates by {}",
}
CHANCE: Final = 0.5
"""Share of synthetic customers nearer to a training customer, had these not been learnt from."""
MUCH: Final = 0.05
"""By how much more than chance it is said to be too many."""
LEAST: Final = 0.0005
"""Smallest share that one decimal of a percentage shows."""

AUDIT: Final = "kedro run --pipelines privacy"


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
            measures("Fidelity measures", fidelity_report, FIDELITY, limit),
            heading("Privacy smoke test"),
            paragraph(PRIVACY_CAVEAT),
            measures("Privacy smoke test", privacy_report, PRIVACY, limit),
        ],
        shown=[
            *first_measures(fidelity_report, limit),
            paragraph(privacy_in_words(privacy_report)),
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


def privacy_in_words(privacy: pd.DataFrame) -> str:
    """What the smoke test says of the GAN's customers, in a sentence or two.

    Args:
        privacy: ``statistic``, and one column per set of customers.
    """
    if privacy.empty or "gan" not in privacy:
        return "Privacy: no customer was generated."
    found = privacy.set_index("statistic")["gan"]
    rates = found.reindex(["exact_copy_rate", "near_copy_rate"]).astype("float64")
    if rates.max() > 0:
        few = "fewer than 0.1 %" if rates.max() < LEAST else share(rates.max())
        told = f"{few} of the GAN's customers copy a real one, or nearly"
    elif rates.isna().any():
        told = "whether customers of the GAN copy real ones is not known"
    else:
        told = "no customer of the GAN copies a real one, not even nearly"
    nearer = float(found.get("closer_to_train_share", np.nan))
    if nearer > CHANCE + MUCH:
        leak = (
            f"But {share(nearer)} are nearer to a customer that it learnt from than to one that "
            f"was held out, where {share(CHANCE)} would be chance: who was in the data may be told "
            f"from them. Run the audit before any of it leaves the company: {AUDIT}."
        )
    else:
        leak = f"{_near(nearer)} Before any of it leaves the company, run the audit: {AUDIT}."
    return f"Privacy: {told}. {leak}"


def _near(nearer: float) -> str:
    """How near customers come to those that were learnt from, where that is not too near."""
    if np.isnan(nearer):
        return "Whether they are nearer to those it learnt from than to others is not known."
    # By what is shown of it: half of an odd number of customers is never chance itself.
    if share(nearer) != share(CHANCE) and nearer > CHANCE:
        return (
            f"{share(nearer)} are nearer to those it learnt from, little more than the "
            f"{100 * CHANCE:g} % of chance. That is no proof."
        )
    return "They are no nearer to those it learnt from than to others. That is no proof."


def first_measures(fidelity: pd.DataFrame, limit: int) -> list[Block]:
    """The measures that are read most easily, beside real customers against other real ones."""
    shown = fidelity[fidelity["statistic"].isin(FIRST)] if len(fidelity) else fidelity
    if shown.empty:
        return []
    kept = [name for name in ("statistic", REFERENCE, *GENERATORS) if name in shown]
    by_name = shown[kept].set_index("statistic").reindex(FIRST).dropna(how="all").reset_index()
    return [measures("How real they look", by_name, FIDELITY, limit)]


def measures(caption: str, report: pd.DataFrame, names: Mapping[str, str], limit: int) -> Block:
    """Measures of a report, called by their names; or why there are none."""
    if report.empty:
        return skipped(caption, "no customer was generated")
    columns = [
        Column("statistic", "measure", lambda name: names.get(name, spelled(name)), False),
        *[
            Column(
                str(name),
                "real against other real ones" if name == REFERENCE else origin_label(str(name)),
                alike(report[name]),
            )
            for name in report.columns.drop("statistic")
        ],
    ]
    return table(tabulate(report, caption, columns, limit))
