"""What the diffusion model's parameters must agree on with those of others."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from doppelcart.errors import ParameterError
from doppelcart.models.histories.preparation import TrainerParams
from doppelcart.pipelines.diffusion.params import check_evaluation, disagreements
from doppelcart.recommendation.protocol import EvaluationParams


def evaluated(**changes: Any) -> EvaluationParams:
    return EvaluationParams(**({"grids": {"ease": {"l2": [1.0]}}} | changes))


def found(**changes: Any) -> list[str]:
    trainer = {"name": "diffusion", "family": "diffusion", "adversarial_weight": 0.0}
    given = trainer | {"state_folder": Path("x"), "selection_slice": "cold_5"} | changes
    models = {
        "diffusion.trainer": TrainerParams(**given),
        "split": SimpleNamespace(slices=("warm", "cold_5")),
    }
    return list(disagreements(models))


def test_what_fits_together_is_fine():
    assert found() == []
    assert list(disagreements({})) == []
    check_evaluation(evaluated(), 2)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"selection_slice": "cold_9"}, "diffusion.trainer.selection_slice: 'cold_9' is none of"),
        ({"family": "vae"}, "diffusion.trainer.family is vae, which kedro run --pipelines gan"),
    ],
    ids=["slice", "family"],
)
def test_what_does_not_is_said(changes, told):
    (problem,) = found(**changes)
    assert problem.startswith(told)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"arms": ("copies",)}, "evaluation.arms holds no arm of the GAN"),
        (
            {"n_bootstrap": 100, "n_seeds": 1},
            "evaluation.n_bootstrap: 100 resamples of all seeds cannot show anything of the diffu",
        ),
    ],
    ids=["arms", "resamples"],
)
def test_what_it_cannot_be_judged_by_is_refused_before_it_is_trained(changes, told):
    with pytest.raises(ParameterError, match=told):
        check_evaluation(evaluated(**changes), 2)
