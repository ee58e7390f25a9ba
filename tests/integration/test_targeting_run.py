"""The targeting pipeline, alone, over what a whole run left: measured, reported, and refused."""

import json
from pathlib import Path

import pandas as pd
import pytest
from running import kedro

from doppelcart.datasets.npz import HistorySetsDataset

pytestmark = pytest.mark.slow


def test_segments_are_found_served_and_reported(copy_of_run: Path) -> None:
    done = kedro(copy_of_run, "--pipelines", "targeting,reporting", DOPPELCART_TRACKING="off")
    assert done.returncode == 0, done.stdout[-3000:]
    data = copy_of_run / "data"
    segments = pd.read_csv(data / "08_reporting/targeting_segments.csv")
    assert segments["segment"].unique().tolist() == [
        "household: rare", "buyers of tail items", "elders", "market"
    ]  # fmt: skip
    assert (segments["train_users"] > 0).all()
    results = pd.read_csv(data / "08_reporting/targeting_results.csv")
    assert set(results["segment"]) == set(segments["segment"])
    assert set(results["outcome"]) <= {
        "helps", "harms", "no evidence", "undefined", "not used"
    }  # fmt: skip
    users = HistorySetsDataset(str(data / "06_models/synthetic_targeted.npz")).load()
    assert len({made.n_users for made in users.values()}) == 1
    assert json.loads((data / "08_reporting/targeting_forest.json").read_text())["data"]
    page = (data / "08_reporting/report.html").read_text()
    assert "against no added customers and every control" in page


@pytest.mark.parametrize(
    ("params", "told"),
    [
        (
            "targeting.segments.named.elders.values=[90+]",
            "targeting.segments.named.elders: no training user is in this segment",
        ),
        (
            "targeting.segments.named.elders.column=height",
            "the users have no column 'height'; there are household, age, store_id",
        ),
        (
            "targeting.experiment.slices=[cold_99]",
            "targeting.experiment.slices: cold_99 is none of the slices that split makes",
        ),
    ],
    ids=["nobody", "column", "slice"],
)
def test_a_segment_that_cannot_be_is_refused_in_words(
    copy_of_run: Path, params: str, told: str
) -> None:
    done = kedro(
        copy_of_run, "--pipelines", "targeting", "--params", params, DOPPELCART_TRACKING="off"
    )
    assert done.returncode != 0
    assert told in " ".join(done.stdout.split())
    assert "Traceback" not in done.stdout
