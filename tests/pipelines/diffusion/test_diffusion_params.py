"""What the diffusion model's parameters must agree on with those of others."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from doppelcart.models.histories.preparation import TrainerParams
from doppelcart.pipelines.diffusion.params import disagreements
from doppelcart.recommendation.protocol import EvaluationParams


def found(**changes: Any) -> list[str]:
    evaluation = {"grids": {"ease": {"l2": [1.0]}}} | changes.pop("evaluation", {})
    trainer = {"name": "diffusion", "family": "diffusion", "adversarial_weight": 0.0}
    given = trainer | {"state_folder": Path("x"), "selection_slice": "cold_5"} | changes
    models = {
        "diffusion.trainer": TrainerParams(**given),
        "evaluation": EvaluationParams(**evaluation),
        "split": SimpleNamespace(slices=("warm", "cold_5")),
    }
    return list(disagreements(models))


def test_what_fits_together_is_fine():
    assert found() == []
    assert list(disagreements({})) == []


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"selection_slice": "cold_9"}, "diffusion.trainer.selection_slice: 'cold_9' is none of"),
        ({"family": "vae"}, "diffusion.trainer.family is vae, which kedro run --pipelines gan"),
        ({"evaluation": {"arms": ("copies",)}}, "evaluation.arms holds no arm of the GAN"),
        (
            {"evaluation": {"n_bootstrap": 100, "n_seeds": 1}},
            "evaluation.n_bootstrap: 100 resamples of all seeds cannot show anything of the diffu",
        ),
    ],
    ids=["slice", "family", "arms", "resamples"],
)
def test_what_does_not_is_said(changes, told):
    (problem,) = found(**changes)
    assert problem.startswith(told)
