"""The section on the search of the generator's parameters."""

from typing import Any, Final

import pandas as pd
from plotly import graph_objects as go

from doppelcart.pipelines.tuning.nodes import confirmation, interval
from doppelcart.reporting.blocks import Block, details, figure, table
from doppelcart.reporting.params import ReportingParams
from doppelcart.reporting.section import Capability, Claim, Evidence, Section
from doppelcart.reporting.signals import LEVEL, NOT_PROVEN, UNDEFINED, WORSE
from doppelcart.reporting.tables import flatten, tabulate_all, tabulate_mapping

SEARCH: Final = "search"

CAPABILITY: Final = Capability(
    name="tuning",
    rank=60,
    title="Search of parameters",
    question="Does a search of its parameters make the generator better than what is configured?",
    claims=(
        Claim(
            name=SEARCH,
            text="A search of its parameters makes a GAN better.",
            source="Lucic, Kurach, Michalski, Gelly and Bousquet 2018, Are GANs created equal? "
            "(NeurIPS)",
        ),
    ),
    command="kedro run --pipelines tuning",
)


@CAPABILITY.written_by
def write_section(
    trials: pd.DataFrame,
    best: dict[str, Any],
    found: pd.DataFrame,
    trials_figure: go.Figure,
    importances_figure: go.Figure,
    parameters: ReportingParams,
) -> Section:
    """Lay out what was tried, what is best, and whether it holds with other seeds.

    Args:
        trials: One row per trial.
        best: The best trial's parameters, as they stand in a configuration.
        found: One row per seed that did not choose: ``configured``, ``best``, ``difference``.
        trials_figure: Value by trial.
        importances_figure: Which parameters matter.
        parameters: Longest table.
    """
    limit = parameters.table_rows
    blocks: list[Block] = [
        figure("tuning-trials", trials_figure, "Value by trial, higher is better."),
        table(tabulate_mapping(flatten(best), "The best trial", limit, "parameter")),
        figure("tuning-importances", importances_figure, "How much each parameter mattered."),
        table(tabulate_all(found, "With seeds that did not choose it", limit)),
        details("All trials", [table(tabulate_all(trials, "Trials", limit))]),
    ]
    return CAPABILITY.section(
        confirmation(found["difference"].to_numpy()), blocks, evidence={SEARCH: evidence(found)}
    )


def evidence(found: pd.DataFrame) -> Evidence:
    """What the seeds that had no part in the choice say of the best trial."""
    ends = interval(found["difference"].to_numpy())
    mean, low, high = ends or (None, None, None)
    signal = UNDEFINED
    if low is not None and high is not None:
        signal = NOT_PROVEN if low > 0 else WORSE if high < 0 else LEVEL
    return Evidence(
        signal=signal,
        measure="value of the search, best trial minus configured",
        effect=mean,
        low=low,
        high=high,
        where="validation customers",
        controls=1,
        beaten=int(low is not None and low > 0),
        seeds=max(len(found), 1),
    )
