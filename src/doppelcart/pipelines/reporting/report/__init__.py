"""The report: sections of text, tables and figures, laid out as one HTML file."""

from doppelcart.pipelines.reporting.report.background import (
    data_section,
    reading_section,
    run_section,
    skipped_section,
)
from doppelcart.pipelines.reporting.report.blocks import script_json
from doppelcart.pipelines.reporting.report.customers import (
    fidelity_section,
    privacy_section,
    training_section,
)
from doppelcart.pipelines.reporting.report.findings import scores_section, verdict_section
from doppelcart.pipelines.reporting.report.page import render
from doppelcart.pipelines.reporting.report.targeting import targeting_section

__all__ = [
    "data_section",
    "fidelity_section",
    "privacy_section",
    "reading_section",
    "render",
    "run_section",
    "scores_section",
    "script_json",
    "skipped_section",
    "targeting_section",
    "training_section",
    "verdict_section",
]
