"""The figure of an experiment."""

import numpy as np
import pandas as pd

from doppelcart.experiment.design import Arm, Design, Role
from doppelcart.reporting.experiments import forest

DESIGN = Design(
    name="shelves",
    metric="sales",
    unit="shop",
    arms=(
        Arm(name="plain", role=Role.BASELINE, phrase="no shelf"),
        Arm(name="long", role=Role.TRIAL, phrase="a long shelf"),
    ),
)


def drawn(low: float, high: float):
    found = {"arm": "long", "against": "plain", "tested": True, "relative": 0.1}
    ends = {"relative_low": low, "relative_high": high, "outcome": "helps"}
    return forest(pd.DataFrame([found | ends]), DESIGN)


def test_an_interval_is_a_whisker_and_is_told():
    figure = drawn(0.05, 0.2)
    assert np.allclose(figure.data[0].error_x.arrayminus, [5.0])
    assert "a long shelf +10.0 % (+5.0 to +20.0), helps." in figure.layout.meta["alt"]


def test_an_undefined_interval_is_none():
    figure = drawn(np.nan, np.nan)
    assert np.isnan(figure.data[0].error_x.array).all()
    assert "a long shelf +10.0 % (interval undefined), helps." in figure.layout.meta["alt"]
