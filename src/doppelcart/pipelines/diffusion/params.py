"""Parameters of the diffusion pipeline; the protocol is that of evaluation."""

from collections.abc import Iterator, Mapping
from typing import Any

from doppelcart.config.agreement import unknown_slices
from doppelcart.errors import ParameterError
from doppelcart.experiment.families import least_resamples
from doppelcart.models.histories.hyperparameters import DiffusionNetwork, DiffusionTraining
from doppelcart.models.histories.preparation import TrainerParams
from doppelcart.pipelines.diffusion.arms import largest_family, own_arms
from doppelcart.recommendation.protocol import EvaluationParams

__all__ = ["DiffusionNetwork", "DiffusionTraining", "TrainerParams"]

TRAINER = "diffusion.trainer"


def disagreements(models: Mapping[str, Any]) -> Iterator[str]:
    """What does not fit the split's parameters; see ``config.agreement``."""
    trainer = models.get(TRAINER)
    if trainer is None:
        return
    yield from unknown_slices(TRAINER, "selection_slice", models)
    if trainer.family != "diffusion":
        yield (
            f"{TRAINER}.family is {trainer.family}, which kedro run --pipelines gan trains; here "
            "it is diffusion"
        )


def check_evaluation(evaluation: EvaluationParams, n_slices: int) -> None:
    """Refuse what the diffusion model cannot be judged by, before it is trained.

    Other pipelines can do with such an evaluation, so that it is no disagreement of parameters.

    Args:
        evaluation: Parameters of evaluation.
        n_slices: Slices in all.

    Raises:
        ParameterError: No arm of the GAN is left, or the resamples are too few.
    """
    if not own_arms(evaluation):
        raise ParameterError(
            "evaluation.arms holds no arm of the GAN, in whose place the diffusion model is "
            "tuned; add gan_completion or gan_new_users"
        )
    size = largest_family(evaluation, n_slices)
    least = least_resamples(size, evaluation.alpha)
    if evaluation.n_resamples < least:
        raise ParameterError(
            f"evaluation.n_bootstrap: {evaluation.n_resamples} resamples of all seeds cannot "
            f"show anything of the diffusion model, whose families have up to {size} "
            f"comparisons; {least} or more can"
        )
