"""The diffusion pipeline, alone, over what a whole run left: trained, judged, reported, refused."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from running import kedro

from doppelcart.datasets.npz import HistoriesDataset

pytestmark = pytest.mark.slow


def test_diffusion_is_trained_judged_and_reported(copy_of_run: Path) -> None:
    done = kedro(copy_of_run, "--pipelines", "diffusion,reporting", DOPPELCART_TRACKING="off")
    assert done.returncode == 0, done.stdout[-3000:]
    data = copy_of_run / "data"
    verdict = pd.read_csv(data / "08_reporting/diffusion_verdict.csv")
    assert set(verdict["arm"]) == {"diffusion_completion", "diffusion_new_users"}
    scores = pd.read_parquet(data / "07_model_output/diffusion_scores.parquet")
    known = pd.read_parquet(data / "07_model_output/evaluation_scores.parquet")
    assert set(scores["arm"]) - set(known["arm"]) == set(verdict["arm"])
    made = HistoriesDataset(filepath=str(data / "06_models/diffusion_users.npz")).load()
    assert np.char.startswith(made.user_ids, "synthetic-").all()
    page = (data / "08_reporting/report.html").read_text()
    assert "Diffusion in the place of the GAN" in page
    assert "beat the best without synthetic data in" in page


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ("diffusion.trainer.selection_slice=cold_99", "'cold_99' is none of the slices"),
        ("diffusion.trainer.family=gan", "diffusion.trainer.family is gan"),
        ("diffusion.network.diffusion_steps=1", "diffusion.network.diffusion_steps"),
        ("gan.trainer.family=diffusion", "kedro run --pipelines diffusion"),
    ],
    ids=["slice", "family", "steps", "elsewhere"],
)
def test_what_cannot_be_trained_is_refused_in_words(
    copy_of_run: Path, params: str, told: str
) -> None:
    name = params.partition(".")[0]
    done = kedro(copy_of_run, "--pipelines", name, "--params", params, DOPPELCART_TRACKING="off")
    assert done.returncode != 0
    assert told in " ".join(done.stdout.split())
    assert "Traceback" not in done.stdout
