"""Parameters of the evaluation pipeline: the protocol, and what it must agree with."""

from collections.abc import Iterator, Mapping
from math import ceil
from typing import Any

from doppelcart.config.agreement import unknown_slices
from doppelcart.data.histories import Histories
from doppelcart.recommendation import memory
from doppelcart.recommendation.arms import Kind, of_kind
from doppelcart.recommendation.protocol import EvaluationParams

__all__ = ["EvaluationParams", "disagreements"]


def disagreements(models: Mapping[str, Any]) -> Iterator[str]:
    """What does not fit the split's and the augmentation's parameters; see ``config.agreement``."""
    evaluation, split = models.get("evaluation"), models.get("split")
    augmentation = models.get("augmentation")
    if evaluation and split:
        yield from _too_few_resamples(evaluation, len(split.slices))
        if _learning_alone(evaluation):
            yield from unknown_slices("evaluation", "synthetic_only_slices", models)
    if evaluation and augmentation:
        yield from _too_few_users(evaluation, augmentation)


def check_memory(models: Mapping[str, Any], train: Histories, limit: float) -> None:
    """Refuse recommenders that would not fit into memory; see ``recommendation.memory``."""
    evaluation = models.get("evaluation")
    if evaluation is not None:
        ratio = max((*evaluation.ratios, 1.0 if _learning_alone(evaluation) else 0.0))
        memory.check_memory(train, evaluation.configs, ratio, evaluation.workers, limit)


def _learning_alone(evaluation: EvaluationParams) -> list[str]:
    """Arms that learn from synthetic users alone, where any slice is to be measured so."""
    known = of_kind(Kind.SYNTHETIC_ONLY) if evaluation.synthetic_only_slices else ()
    return [arm for arm in evaluation.arms if arm in known]


def _too_few_users(evaluation: EvaluationParams, augmentation: Any) -> Iterator[str]:
    """Held against what the arms that learn from synthetic users will ask for."""
    needed, why = max(evaluation.ratios), "of evaluation.ratios"
    if needed < 1 and (alone := _learning_alone(evaluation)):
        needed, why = 1.0, f"that {alone[0]} of evaluation.arms takes"
    if augmentation.ratio < needed:
        yield (
            f"augmentation.ratio: {augmentation.ratio:g} synthetic users per real one are fewer "
            f"than the {needed:g} {why}"
        )


def _too_few_resamples(evaluation: EvaluationParams, n_slices: int) -> Iterator[str]:
    """Held against the most comparisons that a family can have, whatever validation chooses."""
    least = evaluation.least_resamples(n_slices)
    if evaluation.n_resamples < least:
        yield (
            f"evaluation.n_bootstrap: {evaluation.n_bootstrap} resamples of each of "
            f"evaluation.n_seeds {evaluation.n_seeds} cannot show anything at evaluation.alpha "
            f"{evaluation.alpha:g} where a family (evaluation.family: {evaluation.family}) has up "
            f"to {evaluation.most_comparisons(n_slices)} comparisons; "
            f"{ceil(least / evaluation.n_seeds)} or more can"
        )
