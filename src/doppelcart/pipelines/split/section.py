"""The section on who was held out."""

from collections.abc import Mapping
from typing import Any, Final

from doppelcart.data.slices import slice_label
from doppelcart.reporting.blocks import Skipped, table
from doppelcart.reporting.params import ReportingParams
from doppelcart.reporting.section import Capability, Section
from doppelcart.reporting.tables import count, flatten, tabulate_mapping

CAPABILITY: Final = Capability(
    name="split",
    rank=72,
    title="Split",
    question="Who was kept out of training, to choose and to test?",
)


@CAPABILITY.written_by
def write_section(split_summary: dict[str, Any], parameters: ReportingParams) -> Section:
    """Lay out how the data were split, and which groups of customers have nobody."""
    users = [f"{part} {count(n)}" for part, n in split_summary.get("users", {}).items()]
    absent = [
        Skipped(
            text=f"{slice_label(name)}: skipped in {part} because no customer has enough purchases."
        )
        for part, names in split_summary.get("cases_without_users", {}).items()
        for name in names
    ]
    caption = "Training, validation and test"
    return CAPABILITY.section(
        f"Customers: {', '.join(users)}.",
        [table(tabulate_mapping(spelled(split_summary), caption, parameters.table_rows)), *absent],
    )


def spelled(values: Mapping[str, Any]) -> dict[str, Any]:
    """Nested names as words: ``case_users.test.warm`` becomes ``case users, test, warm``."""
    return {
        name.replace("_", " ").replace(".", ", "): value
        for name, value in flatten(values).items()
        if value != []
    }
