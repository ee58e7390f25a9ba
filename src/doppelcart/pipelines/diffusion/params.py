"""Parameters of the diffusion pipeline; the protocol is that of evaluation."""

from collections.abc import Iterator, Mapping
from typing import Any

from doppelcart.config.agreement import unknown_slices
from doppelcart.experiment.families import least_resamples
from doppelcart.models.histories.hyperparameters import DiffusionNetwork, DiffusionTraining
from doppelcart.models.histories.preparation import TrainerParams
from doppelcart.pipelines.diffusion.arms import largest_family, own_arms

__all__ = ["DiffusionNetwork", "DiffusionTraining", "TrainerParams"]

TRAINER = "diffusion.trainer"


def disagreements(models: Mapping[str, Any]) -> Iterator[str]:
    """What does not fit the split's and the evaluation's parameters; see ``config.agreement``."""
    trainer, evaluation = models.get(TRAINER), models.get("evaluation")
    if trainer is None:
        return
    yield from unknown_slices(TRAINER, "selection_slice", models)
    if trainer.family != "diffusion":
        yield (
            f"{TRAINER}.family is {trainer.family}, which kedro run --pipelines gan trains; here "
            "it is diffusion"
        )
    if evaluation is None:
        return
    if not own_arms(evaluation):
        yield (
            "evaluation.arms holds no arm of the GAN, in whose place the diffusion model is "
            "tuned; add gan_completion or gan_new_users"
        )
    split = models.get("split")
    if split is not None:
        size = largest_family(evaluation, len(split.slices))
        least = least_resamples(size, evaluation.alpha)
        if evaluation.n_resamples < least:
            yield (
                f"evaluation.n_bootstrap: {evaluation.n_resamples} resamples of all seeds cannot "
                f"show anything of the diffusion model, whose families have up to {size} "
                f"comparisons; {least} or more can"
            )
