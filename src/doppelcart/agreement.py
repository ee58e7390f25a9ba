"""Parameters of different pipelines that must agree with one another.

Each is allowed by its own model, and only together do they make no sense; without a look at them
here, a run would find out after the training. The models are taken as they come: to import them
would bring every pipeline into each Kedro command.
"""

from collections.abc import Iterator, Mapping
from math import ceil
from typing import Any

from doppelcart.arms.definition import Kind, of_kind


def disagreements(models: Mapping[str, Any]) -> Iterator[str]:
    """What does not fit together.

    Args:
        models: Validated parameters by the name they are asked for, such as ``gan.game``; those
            that a project has not are not looked at.

    Yields:
        One line each, which begins with the name of the parameter to change.
    """
    evaluation, split = models.get("evaluation"), models.get("split")
    augmentation = models.get("augmentation")
    if evaluation and split:
        yield from _too_few_resamples(evaluation, len(split.slices))
        if _learning_alone(evaluation):
            yield from _unknown("evaluation", "synthetic_only_slices", evaluation, split)
    if evaluation and augmentation:
        yield from _too_few_users(evaluation, augmentation)
    trade_off = models.get("privacy.trade_off")
    if trade_off and split:
        yield from _unknown("privacy.trade_off", "slice", trade_off, split)
    experiment = models.get("targeting.experiment")
    if experiment and evaluation and split:
        yield from _nowhere(experiment, evaluation, split)
    for name, model in models.items():
        if split and hasattr(model, "selection_slice"):
            yield from _unknown(name, "selection_slice", model, split)


def _unknown(name: str, field: str, model: Any, split: Any) -> Iterator[str]:
    """A slice, or slices, that nobody makes."""
    value = getattr(model, field)
    for wanted in (value,) if isinstance(value, str) else value:
        if wanted not in split.slices:
            yield (
                f"{name}.{field}: {wanted!r} is none of the slices that split makes: "
                f"{', '.join(split.slices)}"
            )


def _learning_alone(evaluation: Any) -> list[str]:
    """Arms that learn from invented users alone, where any slice is to be measured so."""
    known = of_kind(Kind.SYNTHETIC_ONLY) if evaluation.synthetic_only_slices else ()
    return [arm for arm in evaluation.arms if arm in known]


def _too_few_users(evaluation: Any, augmentation: Any) -> Iterator[str]:
    """Held against what the arms that learn from invented users will ask for."""
    needed, why = max(evaluation.ratios), "of evaluation.ratios"
    if needed < 1 and (alone := _learning_alone(evaluation)):
        needed, why = 1.0, f"that {alone[0]} of evaluation.arms takes"
    if augmentation.ratio < needed:
        yield (
            f"augmentation.ratio: {augmentation.ratio:g} invented users a real one are fewer than "
            f"the {needed:g} {why}"
        )


def _too_few_resamples(evaluation: Any, n_slices: int) -> Iterator[str]:
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


def _nowhere(experiment: Any, evaluation: Any, split: Any) -> Iterator[str]:
    """Slices that nobody makes and recommenders without a grid."""
    asked = (
        ("slices", experiment.slices, split.slices, "that split makes"),
        ("recommenders", experiment.recommenders, evaluation.grids, "of evaluation.grids"),
    )
    for field, wanted, known, whose in asked:
        if unknown := [name for name in wanted if name not in known]:
            yield (
                f"targeting.experiment.{field}: {', '.join(unknown)} is none of the {field} "
                f"{whose}: {', '.join(known)}"
            )
