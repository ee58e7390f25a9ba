"""The section on what can be used now."""

from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

from doppelcart.columns import Columns
from doppelcart.data.slices import Slice
from doppelcart.recommendation.labels import arm_label, recommender_label
from doppelcart.recommendation.listing import System
from doppelcart.reporting.blocks import paragraph
from doppelcart.reporting.section import Capability, Section
from doppelcart.reporting.tables import count

CAPABILITY: Final = Capability(
    name="serving",
    rank=15,
    title="What can be used now",
    question="What comes out of a run?",
)


@CAPABILITY.written_by
def write_section(
    system: Mapping[str, Any], recommendations: pd.DataFrame, synthetic_customers: pd.DataFrame
) -> Section:
    """Say what was made, how, and with how much of it; no customer is named.

    Args:
        system: What recommends.
        recommendations: One row per (customer, rank).
        synthetic_customers: One row per (customer, item).
    """
    chosen = System.model_validate(system)
    is_synthetic = chosen.promoted or chosen.admitted
    given = f" with {arm_label(chosen.arm).lower()}" if is_synthetic else ""
    customers = Slice.of(chosen.group).phrase
    why = f"the best without synthetic data, since nothing was promoted for {customers}"
    if is_synthetic:
        why = (
            "which the verdict promoted"
            if chosen.promoted
            else "which is shown to help, and the GAN is not shown to do better"
        )
    per_customer = recommendations.groupby(Columns.USER).size()
    made = synthetic_customers["customer"].nunique()
    longest = int(per_customer.max()) if len(per_customer) else 0
    return CAPABILITY.section(
        f"Recommendations for {_counted(len(per_customer), 'customer')} by "
        f"{recommender_label(chosen.recommender)}{given}, {why}.",
        [
            paragraph(
                f"recommendations.parquet holds up to {_counted(longest, 'item')} per customer, "
                "with titles and scores. The recommender is fitted on all that is known, as "
                f"validation chose for {customers}."
            ),
            paragraph(
                f"synthetic_customers.parquet holds {_counted(made, 'customer')} made by the GAN, "
                "with what they bought."
            ),
        ],
    )


def _counted(number: int, word: str) -> str:
    return f"{count(number)} {word}{'s' * (number != 1)}"
