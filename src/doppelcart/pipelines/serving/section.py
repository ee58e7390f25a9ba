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
    why = "the best without synthetic data, since nothing was promoted"
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
        f"Recommendations for {count(len(per_customer))} customers by "
        f"{recommender_label(chosen.recommender)}{given}, {why}.",
        [
            paragraph(
                f"recommendations.parquet holds up to {longest} items per customer, with titles "
                "and scores. The recommender is fitted on all that is known, as validation chose "
                f"for {Slice.of(chosen.group).phrase}."
            ),
            paragraph(
                f"synthetic_customers.parquet holds {count(made)} customers made by the GAN, with "
                "what they bought."
            ),
        ],
    )
