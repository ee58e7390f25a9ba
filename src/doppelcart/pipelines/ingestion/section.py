"""The section on the data that were read."""

from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

from doppelcart.reporting.blocks import Block, Skipped, bullets, details, paragraph, table
from doppelcart.reporting.params import ReportingParams
from doppelcart.reporting.section import SOURCE, Capability, Section
from doppelcart.reporting.tables import count, tabulate_all, tabulate_mapping

CAPABILITY: Final = Capability(
    name="ingestion", rank=70, title="Data", question="What was read, and from where?"
)


@CAPABILITY.written_by
def write_section(source_summary: dict[str, Any], parameters: ReportingParams) -> Section:
    """Lay out where the data come from, and what the source does not have."""
    limit = parameters.table_rows
    read = pd.DataFrame(source_summary.get("files", [])).drop(columns="path", errors="ignore")
    warnings = list(source_summary.get("warnings", []))
    interactions = source_summary.get("interactions", {})
    rows = {f"interactions: {name}": value for name, value in interactions.items()}
    blocks: list[Block] = [paragraph(words) for words in about(source_summary)]
    if warnings:
        blocks += [paragraph("What may be misunderstood in the files:"), bullets(warnings)]
    counted = {**source_summary.get("tables", {}), **rows}
    blocks.append(table(tabulate_mapping(counted, "Rows read", limit, "table")))
    if len(read):
        blocks.append(details("Files", [table(tabulate_all(read, "Files", limit))]))
    blocks += [
        Skipped(text=f"No {entry['table']} in the source: without {entry['disables']}.")
        for entry in source_summary.get("skipped", [])
    ]
    source = str(source_summary.get("source", "unknown source"))
    size = (
        f"{count(interactions.get('users'))} customers and {count(interactions.get('items'))} items"
    )
    return CAPABILITY.section(
        f"{source}: {size}, {interactions.get('first')} to {interactions.get('last')}.",
        blocks,
        facts={SOURCE: source, "read": size},
    )


def about(source: Mapping[str, Any]) -> list[str]:
    """What the source says of itself: description and licence, where it has them."""
    licence = f"Licence: {source['licence']}" if source.get("licence") else ""
    return [str(words) for words in (source.get("description"), licence) if words]
