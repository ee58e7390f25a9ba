"""Nodes of the greetings pipeline."""

from typing import Any

import numpy as np
import pandas as pd
from doppelcart.pipelines.greetings.params import GreetingsParams

from doppelcart.experiment.design import Arm, Baseline, Design, Role, Words


def measure_visits(params: GreetingsParams) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Measure every visit under every arm, and declare what is compared.

    Args:
        params: Parameters of the pipeline.

    Returns:
        One row per (arm, visit) with its ``value`` in minutes; and the design, ready for JSON.
    """
    rng = np.random.default_rng(params.seed)
    minutes = rng.gamma(4.0, size=params.n_visits)
    gains = {"silence": 0.0, "template": 0.0, "synthetic": params.gain}
    noise = {arm: rng.normal(0, 0.3, params.n_visits) for arm in gains}
    frames = [
        pd.DataFrame({"arm": arm, "visit": range(params.n_visits)}).assign(
            value=minutes + gain + noise[arm]
        )
        for arm, gain in gains.items()
    ]
    return pd.concat(frames, ignore_index=True), DESIGN.model_dump(mode="json")


DESIGN = Design(
    name="greetings",
    metric="minutes",
    unit="visit",
    arms=(
        Arm(name="silence", role=Role.BASELINE, phrase="no greeting"),
        Arm(name="template", role=Role.CONTROL, phrase="a greeting from a template"),
        Arm(name="synthetic", role=Role.TRIAL, phrase="a synthetic greeting"),
    ),
    best=(Baseline(group=(), arm="silence"),),
    words=Words(unit="visit", units="visits", trial="the generator", best="no greeting"),
)
