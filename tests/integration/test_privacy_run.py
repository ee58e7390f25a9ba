"""The privacy pipeline, alone, over what a whole run left."""

import json
from pathlib import Path

import pandas as pd
import pytest
from running import kedro

pytestmark = pytest.mark.slow


def test_the_audit_runs_from_what_is_saved_and_finds_the_copies(copy_of_run: Path) -> None:
    done = kedro(copy_of_run, "--pipelines", "privacy", DOPPELCART_TRACKING="off")
    assert done.returncode == 0, done.stdout[-3000:]
    reporting = copy_of_run / "data/08_reporting"
    sets = json.loads((reporting / "privacy_summary.json").read_text())["sets"]
    assert {"gan", "denoiser", "copies", "strangers", "gan_completion"} <= set(sets)
    assert sets["copies"]["auc"] > 0.9
    assert "near copies" in sets["copies"]["failed"]
    curve = pd.read_csv(reporting / "private_curve.csv")
    assert curve["budget"].tolist() == ["epsilon 8", "no noise"] * 2
    assert curve["epsilon"][0] <= 8


def test_a_budget_out_of_reach_names_the_least(copy_of_run: Path) -> None:
    done = kedro(
        copy_of_run,
        "--pipelines",
        "privacy",
        "--tags",
        "private",
        "--params",
        "private.training.max_noise=1.5,private.training.steps=20000",
        DOPPELCART_TRACKING="off",
    )
    assert done.returncode != 0
    assert "cannot be reached" in done.stdout
    assert "the least is" in done.stdout
    assert "Traceback" not in done.stdout
