"""Sections on what the findings rest on: the data, the run, and how to read it all."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd
from plotly import graph_objects as go

from doppelcart.pipelines.reporting.labels import (
    slice_label,
)
from doppelcart.pipelines.reporting.report.blocks import (
    Block,
    Section,
    details,
    figure,
    paragraph,
    table,
)
from doppelcart.pipelines.reporting.tables import (
    flatten,
    share,
    tabulate_all,
    tabulate_mapping,
    text,
)
from doppelcart.pipelines.reporting.words import MEANINGS

HOW_TO_READ: Final = {
    "What was compared": (
        "Each recommender was run as it is, and again with generated data, on customers whose "
        "later purchases were kept out of training. Both were tuned on the same settings, on "
        "other customers than those the scores come from."
    ),
    "Controls": (
        "Cheap stand-ins for generated data: copies, mixtures, random draws by popularity, and "
        "the same generator without its adversary. If one of them does as well, the gain does "
        "not come from the GAN."
    ),
    "NDCG@20": (
        "How well the first 20 recommended items match what the customer really bought next, "
        "hits near the top counting more: 1 is perfect, 0 is no hit."
    ),
    "95 % interval": (
        "Were other customers of the same kind tested, the change would be expected in this "
        "range. A range that includes 0 is compatible with no change at all."
    ),
    "Corrected p": (
        "The probability of so large a difference by chance, corrected (Holm) for the number of "
        "comparisons made. Verdicts are by this figure: an interval alone, which is not "
        "corrected, may exclude 0 without being evidence."
    ),
    "Customers with known items": (
        "New customers were kept out of training altogether. Their first items are shown to the "
        "recommender in the order bought, and it must find the rest."
    ),
}


def data_section(
    source: Mapping[str, Any],
    split: Mapping[str, Any],
    cleaning: pd.DataFrame,
    drawn: go.Figure,
    limit: int,
) -> Section:
    """Where the data come from, what cleaning took out, and how they were split."""
    about = [str(source["description"])] if source.get("description") else []
    about += [f"Licence: {source['licence']}."] if source.get("licence") else []
    read = pd.DataFrame(source.get("files", [])).drop(columns="path", errors="ignore")
    blocks = [paragraph(words) for words in about]
    if warnings := list(source.get("warnings", [])):
        blocks.append(paragraph("What may be misunderstood in the files:"))
        blocks.append({"kind": "list", "entries": warnings})
    blocks.append(
        table(
            tabulate_mapping(
                {**source.get("tables", {}), **_prefixed(source.get("interactions", {}))},
                "Rows read",
                limit,
                "table",
            )
        )
    )
    if len(read):
        blocks.append(details("Files", [table(tabulate_all(read, "Files", limit))]))
    blocks += [
        {"kind": "heading", "text": "Cleaning"},
        figure("cleaning-waterfall", drawn, "Every row taken out is kept in the quarantine."),
        table(
            tabulate_all(
                cleaning, "Rules of cleaning", limit, {"share": share, "description": text}
            )
        ),
        {"kind": "heading", "text": "Split"},
        table(tabulate_mapping(_spelled(split), "Training, validation and test", limit)),
    ]
    return Section("data", "Data, cleaning and split", tuple(blocks))


def skipped_section(
    source: Mapping[str, Any], split: Mapping[str, Any], sections: Sequence[Section]
) -> Section:
    """Everything this run went without, in one place.

    Args:
        source: As ingestion writes it; ``skipped`` lists absent tables.
        split: As the split writes it; ``cases_without_users`` lists absent groups of customers.
        sections: The other sections, for what they say was skipped.
    """
    entries = [
        f"No {entry['table']} in the source: without {entry['disables']}."
        for entry in source.get("skipped", [])
    ]
    entries += [
        f"{slice_label(name)}: skipped in {part} because no customer has enough purchases."
        for part, names in split.get("cases_without_users", {}).items()
        for name in names
    ]
    entries += [
        block["text"]
        for section in sections
        for block in section.blocks
        if block["kind"] == "skipped"
    ]
    blocks: tuple[Block, ...] = (
        ({"kind": "list", "entries": entries},)
        if entries
        else (paragraph("Nothing: every part of the run was carried out."),)
    )
    return Section("skipped", "What was skipped, and why", blocks)


def reading_section() -> Section:
    """How to read the report."""
    signals = [(f"{signal.shape} {signal.word}", words) for signal, words in MEANINGS.items()]
    return Section(
        "reading",
        "How to read this report",
        ({"kind": "terms", "terms": [*signals, *HOW_TO_READ.items()]},),
    )


def run_section(run: Mapping[str, Any], parameters: Mapping[str, Any], limit: int) -> Section:
    """What is needed to make the same run again: commit, versions, parameters, seeds."""
    return Section(
        "run",
        "This run",
        (
            table(tabulate_mapping(run, "Code and machine", limit)),
            details(
                "All parameters and seeds",
                [table(tabulate_mapping(parameters, "Parameters", max(limit, 2_000), "parameter"))],
            ),
        ),
    )


def _prefixed(interactions: Mapping[str, Any]) -> dict[str, Any]:
    return {f"interactions: {name}": value for name, value in interactions.items()}


def _spelled(values: Mapping[str, Any]) -> dict[str, Any]:
    """Nested names as words: ``case_users.test.warm`` becomes ``case users, test, warm``."""
    return {
        name.replace("_", " ").replace(".", ", "): value
        for name, value in flatten(values).items()
        if value != []
    }
