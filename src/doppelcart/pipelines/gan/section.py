"""The section on training: curves of the generator and its controls, and the monitors."""

from collections.abc import Mapping
from typing import Final

import pandas as pd
from plotly import graph_objects as go

from doppelcart.recommendation.arms import GENERATORS
from doppelcart.reporting.blocks import Block, figure, skipped, table
from doppelcart.reporting.params import ReportingParams
from doppelcart.reporting.section import Capability, Section
from doppelcart.reporting.tables import number, tabulate_all

CAPABILITY: Final = Capability(
    name="gan",
    rank=50,
    title="Training",
    question="Did the training of the generator and of its controls go well?",
)


@CAPABILITY.written_by
def write_section(
    training_curves: go.Figure, parameters: ReportingParams, **monitors: pd.DataFrame
) -> Section:
    """Lay out what training recorded, and what its monitors say.

    Args:
        training_curves: The figure of the curves.
        parameters: Longest table.
        **monitors: By model, one row per monitor.
    """
    named = {
        generator.label: monitors[name]
        for name, generator in GENERATORS.items()
        if name in monitors
    }
    return CAPABILITY.section(
        in_short(named),
        [
            figure(
                "training-curves",
                training_curves,
                "The generator with its critic (solid) and without (dashed, the control). The "
                "kept model is that of the best validation figure, not of the lowest loss.",
            ),
            *[_monitors(name, found, parameters.table_rows) for name, found in named.items()],
        ],
        caveats=[words for name, found in named.items() for words in alarms(name, found)],
        metrics={f"{name}/warnings": len(alarms(name, found)) for name, found in monitors.items()},
    )


def in_short(monitors: Mapping[str, pd.DataFrame]) -> str:
    """Which trainings have warnings, and how many."""
    warned = {name: len(alarms(name, found)) for name, found in monitors.items()}
    told = [f"{name} {n}" for name, n in warned.items() if n]
    return f"Monitors warn: {', '.join(told)}." if told else "No monitor warns."


def _monitors(name: str, found: pd.DataFrame, limit: int) -> Block:
    if found.empty:
        return skipped(f"Monitors: {name}", "training recorded none")
    return table(tabulate_all(found, f"Monitors: {name}", limit))


def alarms(name: str, monitors: pd.DataFrame) -> list[str]:
    """What the monitors of a training warn of, one sentence each.

    Args:
        name: Whose training.
        monitors: monitor, status (``ok`` or another word), value, limit, advice.
    """
    raised = monitors[monitors["status"] == "warning"] if len(monitors) else monitors
    return [
        f"{name}, {row['monitor']}: {number(row['value'])} (limit: {number(row['limit'])}). "
        f"{row['advice']}"
        for row in raised.to_dict("records")
    ]
