"""Every kind of wrong parameter is named, all at once, before anything is read or written."""

from pathlib import Path

import pytest
from running import kedro

WRONG = {
    "split.test_user_share=2": "split.test_user_share: Input should be less than",
    "gan.training.epochs=0": "gan.training.epochs: Input should be greater than or equal to 1",
    "gan.training.epoch=5": "gan.training.epoch: unknown; did you mean epochs?",
    "gan.network.hidden_units=many": "gan.network.hidden_units: Input should be a valid integer",
    "vae.trainer.adversarial_weight=-1": "vae.trainer.adversarial_weight: Input should be",
    "denoiser.trianer.name=x": "denoiser.trianer: unknown; did you mean denoiser.trainer?",
    "evaluation.n_bootstrap=often": "evaluation.n_bootstrap: Input should be a valid integer",
    "evaluation.grids.ease.l3=1": "evaluation.grids.ease.l3",
    "cleaning.support.min_user_per_item=3": "cleaning.support.min_user_per_item: unknown; did",
    "evalution.k=5": "evalution: unknown; did you mean evaluation?",
    "nothing_like_it=1": "nothing_like_it: unknown; known are augmentation, champion, cleaning",
}


def test_all_are_listed_together_and_nothing_runs(tmp_path: Path) -> None:
    done = kedro(tmp_path, "--params", ",".join(WRONG), DOPPELCART_TRACKING="off")
    assert done.returncode == 1
    for problem in WRONG.values():
        assert f"  - {problem}" in done.stdout
    assert f"{len(WRONG)} parameters cannot be used" in done.stdout
    assert "Traceback" not in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_those_that_disagree_are_listed_before_anything_runs(tmp_path: Path) -> None:
    changed = "evaluation.n_bootstrap=100,augmentation.ratio=0.5,gan.trainer.selection_slice=cold_9"
    done = kedro(tmp_path, "--params", changed, DOPPELCART_TRACKING="off")
    assert done.returncode == 1
    # too few resamples for the evaluation, and for the fusion that is compared with as many
    assert "4 parameters cannot be used" in done.stdout
    for name in ("evaluation.n_bootstrap", "augmentation.ratio", "gan.trainer.selection_slice"):
        assert f"  - {name}: " in done.stdout
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("pipeline", ["ingestion", "reporting"])
def test_they_stop_a_part_that_does_not_even_use_them(tmp_path: Path, pipeline: str) -> None:
    done = kedro(
        tmp_path,
        "--pipelines",
        pipeline,
        "--params",
        "gan.training.batch_size=1",
        DOPPELCART_TRACKING="off",
    )
    assert done.returncode == 1
    assert "1 parameter cannot be used" in done.stdout
    assert list(tmp_path.iterdir()) == []
