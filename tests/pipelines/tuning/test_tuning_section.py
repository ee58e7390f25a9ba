"""What the search of parameters tells the report and the claims."""

import numpy as np
import pandas as pd
import pytest
from plotly import graph_objects as go

from doppelcart.pipelines.tuning.section import evidence, write_section
from doppelcart.reporting.page import lay_out
from doppelcart.reporting.params import ReportingParams
from doppelcart.reporting.signals import LEVEL, NOT_PROVEN, UNDEFINED, WORSE


def confirmed(*differences: float) -> pd.DataFrame:
    seeds = range(1, len(differences) + 1)
    table = pd.DataFrame({"seed": seeds, "configured": 1.0, "difference": differences})
    return table.assign(best=table["configured"] + table["difference"])


@pytest.mark.parametrize(
    ("differences", "signal", "beaten"),
    [
        ((0.1, 0.11, 0.12), NOT_PROVEN, 1),
        ((-0.1, -0.11, -0.12), WORSE, 0),
        ((0.1, -0.1, 0.02), LEVEL, 0),
        ((0.1,), UNDEFINED, 0),
        ((0.1, np.nan), UNDEFINED, 0),
    ],
)
def test_a_claim_is_as_sure_as_its_seeds(differences, signal, beaten):
    found = evidence(confirmed(*differences))
    assert (found.signal, found.beaten, found.seeds) == (signal, beaten, len(differences))
    assert (found.effect is None) == (signal is UNDEFINED)


def test_the_interval_is_students():
    # Mean .11, standard error .01 / sqrt(3), t of 2 degrees of freedom 4.3027.
    found = evidence(confirmed(0.1, 0.11, 0.12))
    assert (found.low, found.high) == pytest.approx((0.0852, 0.1348), abs=1e-4)


def test_the_section_shows_the_best_trial_and_how_it_held():
    trials = pd.DataFrame({"number": [0, 1], "state": "complete", "value": [1.0, 1.2]})
    best = {"gan": {"training": {"learning_rate": 0.003}}}
    section = write_section(
        trials, best, confirmed(0.1, 0.11, 0.12), go.Figure(), go.Figure(), ReportingParams()
    )
    assert section.failure == ""
    assert section.answer.startswith(
        "With 3 seeds that did not choose it, the best trial is better"
    )
    html = lay_out(section).html
    assert "gan.training.learning_rate" in html
    assert "0.003" in html
