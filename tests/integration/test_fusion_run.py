"""The fusion pipeline, alone, over what a whole run left: measured, reported, and refused."""

from pathlib import Path

import pandas as pd
import pytest
from running import kedro

pytestmark = pytest.mark.slow


def test_recommenders_are_fused_and_reported(copy_of_run: Path) -> None:
    done = kedro(copy_of_run, "--pipelines", "fusion,reporting", DOPPELCART_TRACKING="off")
    assert done.returncode == 0, done.stdout[-3000:]
    data = copy_of_run / "data"
    scores = pd.read_parquet(data / "07_model_output/fusion_scores.parquet")
    weights = pd.read_csv(data / "07_model_output/fusion_weights.csv")
    assert set(scores["slice"]) == set(weights["slice"])
    verdict = pd.read_csv(data / "08_reporting/fusion_verdict.csv")
    assert set(verdict["arm"]) == {"gan_fusion"}
    trade_off = pd.read_csv(data / "08_reporting/fusion_trade_off.csv")
    assert trade_off.groupby("slice").size().eq(2).all()
    page = (data / "08_reporting/report.html").read_text()
    assert "The fusion of plain recommenders beats the best of them on" in page


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ("fusion.slices=[cold_99]", "fusion.slices: 'cold_99' is none of the slices"),
        ("fusion.rules.in_stock=shelf", "1 rules are about columns that the items do not have"),
        ("fusion.networks.ease.l2=[1.0]", "fusion.networks: ease is tuned in evaluation.grids"),
    ],
    ids=["slice", "column", "twice"],
)
def test_what_cannot_be_fused_is_refused_in_words(
    copy_of_run: Path, params: str, told: str
) -> None:
    done = kedro(
        copy_of_run, "--pipelines", "fusion", "--params", params, DOPPELCART_TRACKING="off"
    )
    assert done.returncode != 0
    assert told in " ".join(done.stdout.split())
    assert "Traceback" not in done.stdout
