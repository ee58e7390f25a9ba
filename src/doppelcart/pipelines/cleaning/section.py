"""The section on what cleaning took out."""

from typing import Final

import pandas as pd
from plotly import graph_objects as go

from doppelcart.columns import Columns, Tables
from doppelcart.pipelines.cleaning.figures import KEPT
from doppelcart.reporting.blocks import figure, table
from doppelcart.reporting.params import ReportingParams
from doppelcart.reporting.section import Capability, Section
from doppelcart.reporting.tables import count, share, tabulate_all, text

CAPABILITY: Final = Capability(
    name="cleaning", rank=71, title="Cleaning", question="What was taken out of the data, and why?"
)


@CAPABILITY.written_by
def write_section(
    cleaning_report: pd.DataFrame, cleaning_waterfall: go.Figure, parameters: ReportingParams
) -> Section:
    """Lay out every rule of cleaning, and how many rows it took out."""
    words = {"share": share, "description": text}
    return CAPABILITY.section(
        in_short(cleaning_report),
        [
            figure(
                "cleaning-waterfall",
                cleaning_waterfall,
                "Every row taken out is kept in the quarantine.",
            ),
            table(tabulate_all(cleaning_report, "Rules of cleaning", parameters.table_rows, words)),
        ],
    )


def in_short(cleaning_report: pd.DataFrame) -> str:
    """How many rows of the interactions were kept."""
    rows = cleaning_report[cleaning_report["table"] == Tables.INTERACTIONS]
    kept = rows.loc[rows[Columns.RULE] == KEPT, "rows"].sum()
    return f"{count(kept)} of {count(rows['rows'].sum())} rows of interactions were kept."
