"""Nodes of the reporting pipeline: figures, and the report that holds them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from plotly import graph_objects as go

from doppelcart.columns import Columns, Tables
from doppelcart.data.histories import Histories
from doppelcart.pipelines.reporting import figures, report, words
from doppelcart.pipelines.reporting.labels import metric_label, recommender_order
from doppelcart.pipelines.reporting.params import ReportingParams
from doppelcart.pipelines.reporting.tables import count
from doppelcart.recommendation.arms import GENERATORS
from doppelcart.reporting import provenance


def plot_uplift(uplift: pd.DataFrame, parameters: ReportingParams) -> go.Figure:
    """Draw the uplift of the headline recommender, with intervals, by slice."""
    if uplift.empty:
        return figures.empty_figure("No arm was compared with the plain recommender.")
    return figures.uplift_forest(
        uplift, headline_recommender(uplift, parameters), verdict_metric(uplift)
    )


def plot_scores(
    metrics: pd.DataFrame, uplift: pd.DataFrame, parameters: ReportingParams
) -> go.Figure:
    """Draw the absolute scores of every recommender and arm, by slice."""
    if metrics.empty:
        return figures.empty_figure("No recommender was evaluated.")
    return figures.scores_by_slice(metrics, parameters.metric or verdict_metric(uplift, metrics))


def plot_history_length(
    train_histories: Histories, synthetic_users: dict[str, Histories]
) -> go.Figure:
    """Draw how many items real and generated customers have."""
    compared = _compared(train_histories, synthetic_users)
    return figures.history_length({name: found.lengths for name, found in compared.items()})


def plot_popularity(
    train_histories: Histories,
    synthetic_users: dict[str, Histories],
    parameters: ReportingParams,
) -> go.Figure:
    """Draw how popular each item is among real and generated customers."""
    compared = _compared(train_histories, synthetic_users)
    shares = {name: item_shares(found) for name, found in compared.items() if found.n_users}
    return figures.popularity_curve(shares, parameters.popularity_bins)


def plot_training(**histories: pd.DataFrame) -> go.Figure:
    """Draw what training recorded, the generator and its controls together."""
    return figures.training_curves(histories)


def plot_cleaning(cleaning_report: pd.DataFrame) -> go.Figure:
    """Draw what each rule of cleaning took out of the interactions."""
    return figures.cleaning_waterfall(cleaning_report, Tables.INTERACTIONS)


def plot_tstr(tstr: pd.DataFrame) -> go.Figure:
    """Draw the scores of recommenders trained on generated customers only."""
    return figures.tstr_shares(tstr)


def write_report(
    verdict: pd.DataFrame,
    uplift: pd.DataFrame,
    uplift_against_best: pd.DataFrame,
    metrics: pd.DataFrame,
    chosen_configs: pd.DataFrame,
    tstr: pd.DataFrame,
    ranking_agreement: pd.DataFrame,
    fidelity_report: pd.DataFrame,
    privacy_report: pd.DataFrame,
    targeting_results: pd.DataFrame,
    targeting_segments: pd.DataFrame,
    gan_monitors: pd.DataFrame,
    vae_monitors: pd.DataFrame,
    denoiser_monitors: pd.DataFrame,
    cleaning_report: pd.DataFrame,
    split_summary: dict[str, Any],
    source_summary: dict[str, Any],
    uplift_forest: go.Figure,
    scores_by_slice: go.Figure,
    history_length: go.Figure,
    popularity_curve: go.Figure,
    tstr_shares: go.Figure,
    training_curves: go.Figure,
    cleaning_waterfall: go.Figure,
    all_parameters: dict[str, Any],
    parameters: ReportingParams,
) -> tuple[str, dict[str, Any]]:
    """Lay out the whole report, the verdict first, as one HTML file that loads nothing.

    Returns:
        The page; and the commit, the versions and the moment that stand in it.
    """
    run_facts = provenance.provenance()
    limit, metric = parameters.table_rows, verdict_metric(uplift, metrics)
    drawn = {
        "history_length": history_length,
        "popularity_curve": popularity_curve,
        "tstr_shares": tstr_shares,
    }
    monitors = {
        "GAN": gan_monitors,
        "VAE": vae_monitors,
        "Control without critic": denoiser_monitors,
    }
    parts = [
        report.verdict_section(
            verdict,
            uplift,
            uplift_against_best,
            forests(uplift, uplift_forest, parameters),
            limit,
        ),
        report.scores_section(
            metrics, chosen_configs, scores_by_slice, parameters.metric or metric, limit
        ),
        report.targeting_section(
            targeting_results,
            targeting_segments,
            figures.targeting_forest(targeting_results),
            limit,
        ),
        report.fidelity_section(fidelity_report, tstr, ranking_agreement, drawn, limit),
        report.privacy_section(privacy_report, limit),
        report.training_section(monitors, training_curves, limit),
        report.data_section(
            source_summary, split_summary, cleaning_report, cleaning_waterfall, limit
        ),
    ]
    parts.append(report.skipped_section(source_summary, split_summary, parts))
    parts += [report.reading_section(), report.run_section(run_facts, all_parameters, limit)]
    source = str(source_summary.get("source", "unknown source"))
    meta = meta_line(source_summary, run_facts, metric)
    caveats = [
        parameters.caveats.get(source, ""),
        words.caution(verdict),
        words.one_training(verdict),
    ]
    caveat = " ".join(filter(None, caveats))
    return report.render(words.tell(verdict), meta, caveat, source, parts), run_facts


def forests(
    uplift: pd.DataFrame, first: go.Figure, parameters: ReportingParams
) -> dict[str, go.Figure]:
    """Uplift figures by recommender, the headline one, already drawn, first."""
    if uplift.empty:
        return {}
    headline = headline_recommender(uplift, parameters)
    metric = verdict_metric(uplift)
    return {headline: first} | {
        name: figures.uplift_forest(uplift, name, metric)
        for name in recommender_order(uplift[Columns.RECOMMENDER])
        if name != headline
    }


def verdict_metric(uplift: pd.DataFrame, metrics: pd.DataFrame | None = None) -> str:
    """The metric that verdicts were judged by, which is the only one that uplift is of.

    Where nothing was compared it is the first that was measured.
    """
    for table in (uplift, metrics):
        if table is not None and len(table):
            return str(table["metric"].iloc[0])
    return "ndcg@20"


def headline_recommender(uplift: pd.DataFrame, parameters: ReportingParams) -> str:
    """The recommender of the first figure: the one asked for if it was run, else the strongest."""
    names = recommender_order(uplift[Columns.RECOMMENDER])
    return parameters.recommender if parameters.recommender in names else names[-1]


def meta_line(source: Mapping[str, Any], run: Mapping[str, Any], metric: str) -> str:
    """One line on the data and the run."""
    size = source.get("interactions", {})
    facts = [
        f"Source {source.get('source', 'unknown')}",
        f"{count(size.get('users'))} customers and {count(size.get('items'))} items read",
        f"judged by {metric_label(metric)}",
        f"commit {str(run.get('commit', provenance.UNKNOWN))[:12]}",
        str(run.get("written", ""))[:16].replace("T", " ") + " UTC",
    ]
    return " \N{MIDDLE DOT} ".join(fact for fact in facts if fact)


def item_shares(histories: Histories) -> np.ndarray:
    """(n_items,) share of users who have the item."""
    counts = np.bincount(histories.items, minlength=histories.n_items)
    return np.asarray(counts / max(histories.n_users, 1))


def _compared(real: Histories, synthetic: Mapping[str, Histories]) -> dict[str, Histories]:
    """Real users beside those of the generators and of the one control that has no taste."""
    return {"real": real} | {name: synthetic[name] for name in (*GENERATORS, "popularity")}
