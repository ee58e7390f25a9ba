"""Whether what a generator makes is near enough to real series for its verdict to count."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from doppelcart.pipelines.stockouts.trials import GAN, NONE, SHOP


def floors(means: pd.DataFrame, multiple: float) -> pd.DataFrame:
    """Whether what the GAN makes is near enough to real series for its verdict to count.

    Real against real is how far the shop's own windows lie from those of all series.

    Args:
        means: As from ``summary``.
        multiple: Of that distance, up to which the GAN passes.

    Returns:
        One row per shop: ``real``, ``made`` (distances), ``times``, ``limit``, ``passed``; a
        distance that is unknown passes nothing.
    """
    of_arm = {arm: rows.set_index(SHOP)["unlike"] for arm, rows in means.groupby("arm")}
    shops = of_arm[NONE].index
    real, made = (of_arm[arm].loc[shops].to_numpy(float) for arm in (NONE, GAN))
    times = made / np.where(real > 0, real, np.nan)
    return pd.DataFrame(
        {
            SHOP: shops,
            "real": real,
            "made": made,
            "times": times,
            "limit": multiple,
            "passed": times <= multiple,
        }
    )


def floor_sentence(floor: Mapping[Any, Any]) -> str:
    """What a verdict says of the fidelity floor.

    Args:
        floor: A row of ``floors``.
    """
    open_end = "so that a better generator is not ruled out"
    if pd.isna(floor["times"]):
        return f"Whether the GAN passed its fidelity floor is unknown, {open_end}."
    said = (
        f"its windows lie {floor['times']:.2f} times as far from real ones as the shop's own do, "
        f"and {floor['limit']:g} is the limit"
    )
    if floor["passed"]:
        return f"The GAN passed its fidelity floor: {said}."
    return f"The GAN missed its fidelity floor: {said}, {open_end}."


def told_by_floor(verdict: pd.DataFrame, floors_of: pd.DataFrame) -> pd.DataFrame:
    """The verdicts, whose reasons say whether the GAN passed its floor.

    Args:
        verdict: As from ``experiment.verdict.judge``.
        floors_of: As from ``floors``.
    """
    said = {row[SHOP]: floor_sentence(row) for row in floors_of.to_dict("records")}
    reasons = [
        f"{reason} {said[shop]}"
        for reason, shop in zip(verdict["reason"], verdict[SHOP], strict=True)
    ]
    return verdict.assign(reason=reasons)
